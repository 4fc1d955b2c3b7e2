package object

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

var readOnlyMetadata = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
	"resourceVersion", "uid",
}

// Normalize returns the object in the form that a server would give it back, so that two ways of writing the same
// thing ("0.5" and "500m" of cpu) make no difference. Objects with unknown values and custom resources have no form
// to compare with; they only lose the metadata that servers set.
func Normalize(obj *unstructured.Unstructured) *unstructured.Unstructured {
	if !HasUnknown(obj) {
		obj = canonical(obj)
	}
	if metadata, ok := obj.Object["metadata"].(map[string]any); ok {
		for _, field := range readOnlyMetadata {
			delete(metadata, field)
		}
	}
	return obj
}

func canonical(obj *unstructured.Unstructured) *unstructured.Unstructured {
	switch {
	case IsCRD(obj):
		return canonicalCRD(obj)
	case IsSecret(obj):
		return canonicalSecret(obj)
	}
	typed, err := scheme.Scheme.New(Kind(obj))
	if err != nil {
		return obj
	}
	// A value of the wrong type is for the server to refuse, with its own words.
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, typed); err != nil {
		return obj
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return obj
	}
	// The typed form has fields that nobody asked for, like an empty status.
	return Prune(&unstructured.Unstructured{Object: fields}, obj)
}

// canonicalCRD leaves out what a server drops from a CustomResourceDefinition.
func canonicalCRD(obj *unstructured.Unstructured) *unstructured.Unstructured {
	delete(obj.Object, "status")
	if spec, ok := obj.Object["spec"].(map[string]any); ok && spec["preserveUnknownFields"] == false {
		delete(spec, "preserveUnknownFields")
	}
	return obj
}

// canonicalSecret merges stringData into data, as a server does, and encodes data the way a server does.
func canonicalSecret(obj *unstructured.Unstructured) *unstructured.Unstructured {
	data, _ := obj.Object["data"].(map[string]any)
	merged := make(map[string]any, len(data))
	for key, value := range data {
		merged[key] = value
		text, _ := value.(string)
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			merged[key] = base64.StdEncoding.EncodeToString(raw)
		}
	}
	plain, _, err := unstructured.NestedStringMap(obj.Object, "stringData")
	if err != nil {
		return obj
	}
	for key, value := range plain {
		merged[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	if len(plain) > 0 {
		delete(obj.Object, "stringData")
	}
	if len(merged) > 0 {
		obj.Object["data"] = merged
	}
	return obj
}
