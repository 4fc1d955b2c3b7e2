package apply

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// leaveOut changes the inputs so that an apply does not touch the ignored paths: a field that only others own is
// dropped, every other one is sent as it is on the server.
func (w Writer) leaveOut(obj, live *unstructured.Unstructured, ignored []string) error {
	if len(ignored) == 0 {
		return nil
	}
	ours, theirs := fieldpath.NewSet(), fieldpath.NewSet()
	for _, entry := range live.GetManagedFields() {
		fields, err := fieldSet(entry)
		if err != nil {
			return err
		}
		if entry.Manager == w.Manager {
			ours = ours.Union(fields)
		} else {
			theirs = theirs.Union(fields)
		}
	}
	for _, text := range ignored {
		path, err := resource.ParsePropertyPath(text)
		if err != nil {
			return fmt.Errorf("ignoreChanges path %q: %w", text, err)
		}
		if keys, ok := mapPath(path); ok && w.ServerSide {
			field, err := fieldpath.MakePath(keys...)
			if err != nil {
				return fmt.Errorf("ignoreChanges path %q: %w", text, err)
			}
			if theirs.Has(field) && !ours.Has(field) {
				remove(obj.Object, path)
				continue
			}
		}
		if value, found := get(live.Object, path); found {
			set(obj.Object, path, value)
		}
	}
	return nil
}

// mapPath returns the path in the form that managed fields have. Elements of lists have no such form.
func mapPath(path resource.PropertyPath) ([]any, bool) {
	keys := make([]any, len(path))
	for i, element := range path {
		key, ok := element.(string)
		if !ok {
			return nil, false
		}
		keys[i] = key
	}
	return keys, true
}

func get(value any, path resource.PropertyPath) (any, bool) {
	for _, element := range path {
		switch element := element.(type) {
		case string:
			fields, _ := value.(map[string]any)
			inner, found := fields[element]
			if !found {
				return nil, false
			}
			value = inner
		case int:
			items, _ := value.([]any)
			if element < 0 || element >= len(items) {
				return nil, false
			}
			value = items[element]
		}
	}
	return value, true
}

// set puts a value where the maps and lists above it are there already.
func set(root map[string]any, path resource.PropertyPath, value any) {
	last := len(path) - 1
	parent, found := get(root, path[:last])
	if !found {
		return
	}
	switch element := path[last].(type) {
	case string:
		if fields, ok := parent.(map[string]any); ok {
			fields[element] = value
		}
	case int:
		if items, ok := parent.([]any); ok && element < len(items) {
			items[element] = value
		}
	}
}

func remove(root map[string]any, path resource.PropertyPath) {
	parent, _ := get(root, path[:len(path)-1])
	fields, isMap := parent.(map[string]any)
	key, isKey := path[len(path)-1].(string)
	if isMap && isKey {
		delete(fields, key)
	}
}
