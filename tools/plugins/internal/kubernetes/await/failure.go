package await

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Failure says that an object is there but not what was waited for.
type Failure struct {
	Message string
	// Reasons name what was missing, one sentence each.
	Reasons []string
	// Object is the object as last seen.
	Object *unstructured.Unstructured
}

func (f *Failure) Error() string {
	if len(f.Reasons) == 0 {
		return f.Message
	}
	return f.Message + ":\n\t* " + strings.Join(f.Reasons, "\n\t* ")
}

func timedOut(obj *unstructured.Unstructured, reasons []string) *Failure {
	return &Failure{
		Message: fmt.Sprintf("'%s' timed out waiting to be Ready", obj.GetName()), Reasons: reasons, Object: obj,
	}
}

func cancelled(obj *unstructured.Unstructured, reasons []string) *Failure {
	return &Failure{
		Message: fmt.Sprintf("Resource operation was cancelled for '%s'", obj.GetName()),
		Reasons: reasons, Object: obj,
	}
}

func failedToInitialize(obj *unstructured.Unstructured, reasons []string) *Failure {
	return &Failure{
		Message: fmt.Sprintf("Resource '%s' was created but failed to initialize", obj.GetName()),
		Reasons: reasons, Object: obj,
	}
}
