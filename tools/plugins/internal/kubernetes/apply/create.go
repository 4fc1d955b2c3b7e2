package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	createTries = 6
	firstPause  = time.Second
	// answerWithin is the API server's own limit for one request.
	answerWithin = time.Minute
)

// Create makes the object. A namespace or a definition that is not there yet may be made by another resource of the
// same program, so these two failures are tried again.
func (w Writer) Create(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	pause := firstPause
	for try := 1; ; try++ {
		live, err := w.createOnce(ctx, obj)
		if err == nil {
			w.Report(diag.Info, "")
			return live, nil
		}
		if !mayCome(err) || w.Preview || try == createTries {
			return nil, err
		}
		w.Report(diag.Info, fmt.Sprintf("Retry #%d; creation failed: %v", try, err))
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("Resource operation was cancelled for '%s': %w", obj.GetName(), err)
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func (w Writer) createOnce(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := w.Client.For(obj)
	if err != nil {
		return nil, err
	}
	if w.Upsert || w.Patch {
		return w.send(ctx, client, obj, w.forced(obj, nil))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Once it is sent, the answer is waited for: an object that is there and that nobody recorded would stop the next
	// update with "already exists".
	answered, stop := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer stop()
	return client.Create(answered, obj, metav1.CreateOptions{FieldManager: CreateManager, DryRun: w.dryRun()})
}

func mayCome(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }

// IsNamespaceMissing says whether an error means that the object's namespace is not there.
func IsNamespaceMissing(err error) bool {
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "namespaces ")
}
