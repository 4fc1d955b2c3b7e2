package object

import (
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
)

// InputsOf returns what a program would have to say to get the live object: its input fields without what servers
// set. For a custom resource nobody knows which fields are inputs; it gets only those that identify it.
func InputsOf(live *unstructured.Unstructured) *unstructured.Unstructured {
	inputs := &unstructured.Unstructured{Object: map[string]any{}}
	fields := inputFields(live)
	if fields == nil {
		inputs.SetAPIVersion(live.GetAPIVersion())
		inputs.SetKind(live.GetKind())
		inputs.SetName(live.GetName())
		inputs.SetNamespace(live.GetNamespace())
		return inputs
	}
	for _, field := range fields {
		if value, has := live.Object[field]; has {
			inputs.Object[field] = value
		}
	}
	inputs = inputs.DeepCopy()
	metadata, _ := inputs.Object["metadata"].(map[string]any)
	for _, field := range readOnlyMetadata {
		delete(metadata, field)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	delete(annotations, revisionNote)
	delete(annotations, LastApplied)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return inputs
}

// inputFields lists the top-level fields of a kind but its status, or nil for a kind that is not built in.
func inputFields(obj *unstructured.Unstructured) []string {
	if IsCRD(obj) {
		return []string{"apiVersion", "kind", "metadata", "spec"}
	}
	typed, err := scheme.Scheme.New(Kind(obj))
	if err != nil {
		return nil
	}
	fields := []string{"apiVersion", "kind", "metadata"}
	shape := reflect.TypeOf(typed).Elem()
	for i := range shape.NumField() {
		name, _, _ := strings.Cut(shape.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" && name != "status" && name != "metadata" {
			fields = append(fields, name)
		}
	}
	return fields
}
