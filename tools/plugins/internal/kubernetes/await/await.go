// Package await waits until objects are what their kind calls ready, or what the user asks for.
package await

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/cluster"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Wait is one wait for one object.
type Wait struct {
	Client *cluster.Client
	// Inputs are what the program asked for. Their skipAwait and timeoutSeconds count.
	Inputs *unstructured.Unstructured
	// Object is the object as the server answered the create or update. Its waitFor counts.
	Object *unstructured.Unstructured
	// Old is the object before an update, nil for a create.
	Old *unstructured.Unstructured
	// Timeout is the resource option in seconds, 0 when it is not set.
	Timeout float64
	// Report shows progress.
	Report func(diag.Severity, string)
}

// Ready waits until the object is ready. It returns a Failure when it is not, and another error when it cannot be
// told what to wait for.
func Ready(ctx context.Context, w Wait) error {
	if object.HasAnnotation(w.Inputs, object.SkipAwait) {
		return nil
	}
	plan, err := w.plan(ctx)
	if err != nil || plan == nil {
		return err
	}
	resource, err := w.Client.ResourceOf(object.Kind(w.Object))
	if err != nil {
		return err
	}
	err = w.run(ctx, resource, *plan)
	w.Report(diag.Info, "")
	return err
}

// Check looks once whether the object is ready, by its kind's own rules.
func Check(ctx context.Context, w Wait) error {
	if object.HasAnnotation(w.Inputs, object.SkipAwait) {
		return nil
	}
	kind := object.Kind(w.Object)
	if !checkedOnRead[kind.Kind] {
		return nil
	}
	plan := builtIn(w)
	if plan == nil {
		return nil
	}
	seen := newView(w.Object, nil)
	seen.snapshot = true
	for _, wanted := range plan.sources {
		options := metav1.ListOptions{LabelSelector: wanted.labels}
		list, err := w.Client.Resource(wanted.resource, w.Object.GetNamespace()).List(ctx, options)
		if err != nil {
			continue // What cannot be listed counts as missing.
		}
		for i := range list.Items {
			if wanted.name == "" || wanted.name == list.Items[i].GetName() {
				seen.put(wanted.resource, &list.Items[i])
			}
		}
	}
	if found := plan.judge(seen); !found.ready {
		return failedToInitialize(w.Object, found.reasons)
	}
	return nil
}

var checkedOnRead = map[string]bool{
	"DaemonSet": true, "Deployment": true, "Ingress": true, "Job": true, "Pod": true, "Service": true,
	"StatefulSet": true,
}

func (w Wait) run(ctx context.Context, own schema.GroupVersionResource, plan plan) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan event)
	sources := append([]source{{resource: own, name: w.Object.GetName()}}, plan.sources...)
	for _, wanted := range sources {
		err := follow(watching, w.Client.Dynamic(), w.Object.GetNamespace(), wanted, events)
		if err != nil {
			return err
		}
	}
	limit := object.Timeout(w.Timeout, w.Inputs, defaultTimeout(w.Object))
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	seen := newView(w.Object, w.Old)
	status := ""
	for {
		found := plan.judge(seen)
		if found.ready {
			return nil
		}
		if found.failed {
			return failedToInitialize(seen.object, found.reasons)
		}
		if found.status != status {
			status = found.status
			w.Report(found.severity, status)
		}
		select {
		case <-ctx.Done():
			return cancelled(seen.object, found.reasons)
		case <-timeout.C:
			return plan.expire(seen, found)
		case <-timer(found.again):
		case change := <-events:
			seen.apply(own, change)
			if plan.restarts {
				timeout.Reset(limit)
			}
		}
	}
}

func (p plan) expire(seen *view, found verdict) error {
	if found.passes {
		return nil
	}
	if p.condition {
		return &Failure{
			Message: "timed out waiting for the condition", Reasons: found.reasons, Object: seen.object,
		}
	}
	return timedOut(seen.object, found.reasons)
}

// AsFailure returns the Failure in an error.
func AsFailure(err error) (*Failure, bool) {
	var failure *Failure
	return failure, errors.As(err, &failure)
}

const tenMinutes = 10 * time.Minute

func defaultTimeout(obj *unstructured.Unstructured) time.Duration {
	switch obj.GetKind() {
	case "PersistentVolume", "PersistentVolumeClaim":
		return 5 * time.Minute
	case "ResourceQuota":
		return time.Minute
	}
	return tenMinutes
}

func missing(what string, args ...any) []string { return []string{fmt.Sprintf(what, args...)} }
