package object

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Prune returns of an object what has a counterpart in shape: the same key in a map, the same index in a list. It
// leaves out what servers and other controllers add.
func Prune(obj, shape *unstructured.Unstructured) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: pruneMap(obj.Object, shape.Object)}
}

func pruneMap(source, shape map[string]any) map[string]any {
	result := map[string]any{}
	for key, value := range source {
		if wanted, has := shape[key]; has {
			result[key] = pruneValue(value, wanted)
		}
	}
	return result
}

func pruneList(source, shape []any) []any {
	result := make([]any, 0, len(shape))
	if len(source) == 0 || len(shape) == 0 {
		return result
	}
	// Lists of another kind of element cannot be matched: keep all, so that the difference shows.
	if reflect.TypeOf(source[0]) != reflect.TypeOf(shape[0]) {
		return append(result, source...)
	}
	for i := range min(len(source), len(shape)) {
		result = append(result, pruneValue(source[i], shape[i]))
	}
	return result
}

func pruneValue(value, shape any) any {
	switch value := value.(type) {
	case map[string]any:
		if wanted, ok := shape.(map[string]any); ok {
			return pruneMap(value, wanted)
		}
	case []any:
		if wanted, ok := shape.([]any); ok {
			return pruneList(value, wanted)
		}
	}
	return value
}
