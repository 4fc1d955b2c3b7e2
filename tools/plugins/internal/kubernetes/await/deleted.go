package await

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// lookAgain is how often a wait for a deletion asks the server although it watches: an object that was gone before
// the watch began sends no event.
const lookAgain = 2 * time.Second

// unawaited are the kinds for which skipAwait also skips the wait for a deletion.
var unawaited = map[string]bool{
	"/Namespace": true, "/Pod": true, "/ReplicationController": true, "apps/DaemonSet": true, "apps/Deployment": true,
	"apps/StatefulSet": true, "batch/Job": true,
}

// Gone waits until a deleted object has left the server.
func Gone(ctx context.Context, w Wait, getter dynamic.ResourceInterface) error {
	kind := object.Kind(w.Object)
	if object.HasAnnotation(w.Inputs, object.SkipAwait) && unawaited[kind.Group+"/"+kind.Kind] {
		return nil
	}
	resource, err := w.Client.ResourceOf(kind)
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan event)
	wanted := source{resource: resource, name: w.Object.GetName()}
	if err := follow(watching, w.Client.Dynamic(), w.Object.GetNamespace(), wanted, events); err != nil {
		return err
	}
	uid, last := w.Object.GetUID(), w.Object
	timeout := time.NewTimer(object.Timeout(w.Timeout, w.Inputs, tenMinutes))
	defer timeout.Stop()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		live, gone, err := present(ctx, getter, last)
		if gone || err == nil && uid != "" && live.GetUID() != uid {
			return nil
		}
		if err == nil {
			last = live
			w.Report(diag.Info, describe(live))
		}
		select {
		case <-ctx.Done():
			return cancelled(last, nil)
		case <-timeout.C:
			return w.stuck(last)
		case <-look.C:
		case <-events:
		}
	}
}

func present(
	ctx context.Context, getter dynamic.ResourceInterface, obj *unstructured.Unstructured,
) (live *unstructured.Unstructured, gone bool, err error) {
	live, err = getter.Get(ctx, obj.GetName(), metav1.GetOptions{})
	return live, apierrors.IsNotFound(err), err
}

func (w Wait) stuck(last *unstructured.Unstructured) error {
	message := "timed out waiting for the condition"
	if finalizers := last.GetFinalizers(); len(finalizers) > 0 {
		reason := fmt.Sprintf("finalizers might be preventing deletion (%s)", strings.Join(finalizers, ", "))
		return &Failure{Message: message, Reasons: []string{reason}, Object: last}
	}
	return &Failure{Message: message, Reasons: missing("'%s' still exists", last.GetName()), Object: last}
}

func describe(obj *unstructured.Unstructured) string {
	if result, err := status.Compute(obj); err == nil && result.Message != "" {
		return result.Message
	}
	return "waiting for deletion"
}
