package await

import (
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// plan is how to find out whether one object is ready.
type plan struct {
	// sources are the objects to watch beside the object itself.
	sources []source
	judge   func(*view) verdict
	// restarts is set where each event starts the time to wait anew.
	restarts bool
	// condition is set where the user named what to wait for.
	condition bool
}

// source names objects of one kind in the namespace of the object that is waited for.
type source struct {
	resource schema.GroupVersionResource
	name     string // "" for every name
	labels   string
}

// verdict is what a look at the objects tells.
type verdict struct {
	ready bool
	// failed is set when waiting longer is no use.
	failed bool
	// again asks for another look after this time although nothing changed.
	again time.Duration
	// passes is set when the object counts as ready once the time is up.
	passes   bool
	status   string
	severity diag.Severity
	reasons  []string
}

// view holds the objects as last seen.
type view struct {
	object  *unstructured.Unstructured
	old     *unstructured.Unstructured // before an update, nil for a create
	gone    bool
	others  map[schema.GroupVersionResource]map[string]*unstructured.Unstructured
	changed map[schema.GroupVersionResource]time.Time
	start   time.Time
	// snapshot is set for a single look at a settled cluster.
	snapshot bool
}

func newView(obj, old *unstructured.Unstructured) *view {
	return &view{
		object: obj, old: old, start: time.Now(),
		others:  map[schema.GroupVersionResource]map[string]*unstructured.Unstructured{},
		changed: map[schema.GroupVersionResource]time.Time{},
	}
}

func (v *view) put(resource schema.GroupVersionResource, obj *unstructured.Unstructured) {
	if v.others[resource] == nil {
		v.others[resource] = map[string]*unstructured.Unstructured{}
	}
	v.others[resource][obj.GetName()] = obj
	v.changed[resource] = time.Now()
}

func (v *view) drop(resource schema.GroupVersionResource, obj *unstructured.Unstructured) {
	delete(v.others[resource], obj.GetName())
	v.changed[resource] = time.Now()
}

// observed says whether the object's controller has seen the object's latest generation.
func observed(obj *unstructured.Unstructured) bool {
	seen, found, _ := unstructured.NestedInt64(obj.Object, "status", "observedGeneration")
	return found && seen >= obj.GetGeneration()
}

func integer(obj *unstructured.Unstructured, path ...string) int64 {
	value, _, _ := unstructured.NestedInt64(obj.Object, path...)
	return value
}

func text(obj *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(obj.Object, path...)
	return value
}

// condition returns an entry of status.conditions, or nil.
func condition(obj *unstructured.Unstructured, name string) map[string]any {
	conditions, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, entry := range conditions {
		if entry, ok := entry.(map[string]any); ok && entry["type"] == name {
			return entry
		}
	}
	return nil
}

func ownedBy(obj, owner *unstructured.Unstructured) bool {
	for _, reference := range obj.GetOwnerReferences() {
		if reference.UID == owner.GetUID() {
			return true
		}
	}
	return false
}
