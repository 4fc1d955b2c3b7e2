package await

import (
	"context"
	"io"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

func init() {
	// Watches that break are started again by themselves; what client-go says about it would end up in the engine's
	// output.
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	klog.SetLogger(logr.Discard())
}

// event is a change of one object.
type event struct {
	resource schema.GroupVersionResource
	object   *unstructured.Unstructured
	gone     bool
}

// follow sends the present objects of a source, then every change, until the context ends.
func follow(
	ctx context.Context, client dynamic.Interface, namespace string, wanted source, events chan<- event,
) error {
	informer := dynamicinformer.NewFilteredDynamicInformer(
		client, wanted.resource, namespace, 0, cache.Indexers{}, func(options *metav1.ListOptions) {
			options.LabelSelector = wanted.labels
			if wanted.name != "" {
				options.FieldSelector = fields.OneTermEqualSelector("metadata.name", wanted.name).String()
			}
		},
	).Informer()
	send := func(value any, gone bool) {
		if last, ok := value.(cache.DeletedFinalStateUnknown); ok {
			value = last.Obj
		}
		obj, ok := value.(*unstructured.Unstructured)
		if !ok {
			return
		}
		select {
		case events <- event{resource: wanted.resource, object: obj, gone: gone}:
		case <-ctx.Done():
		}
	}
	if err := informer.SetWatchErrorHandlerWithContext(
		func(context.Context, *cache.Reflector, error) {},
	); err != nil {
		return err
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { send(obj, false) },
		UpdateFunc: func(_, obj any) { send(obj, false) },
		DeleteFunc: func(obj any) { send(obj, true) },
	})
	if err != nil {
		return err
	}
	go informer.RunWithContext(ctx)
	return nil
}

// apply brings an event into the view, and says whether it was about the object that is waited for.
func (v *view) apply(own schema.GroupVersionResource, change event) {
	if change.resource == own && change.object.GetName() == v.object.GetName() {
		v.gone = change.gone
		if !change.gone {
			v.object = change.object
		}
		return
	}
	if change.gone {
		v.drop(change.resource, change.object)
		return
	}
	v.put(change.resource, change.object)
}

// timer returns a channel that fires after the time, or one that never does for 0.
func timer(after time.Duration) <-chan time.Time {
	if after <= 0 {
		return nil
	}
	return time.After(after)
}
