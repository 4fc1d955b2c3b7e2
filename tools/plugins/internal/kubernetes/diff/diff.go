package diff

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Compare returns what differs between an old object, already pruned to the shape of what was asked for then, and the
// new inputs. Changes at or below an ignored path are left out.
func Compare(old, wanted *unstructured.Unstructured, rules Rules, ignored []string) (Changes, error) {
	c := &comparison{forced: rules.fields(wanted), changes: Changes{}}
	c.maps(nil, old.Object, wanted.Object)
	return c.changes, c.changes.ignore(ignored)
}

func (c Changes) ignore(ignored []string) error {
	for _, text := range ignored {
		path, err := resource.ParsePropertyPath(text)
		if err != nil {
			return fmt.Errorf("ignoreChanges path %q: %w", text, err)
		}
		for key := range c {
			changed, err := resource.ParsePropertyPath(key)
			if err != nil {
				return fmt.Errorf("changed path %q: %w", key, err)
			}
			if path.Contains(changed) {
				delete(c, key)
			}
		}
	}
	return nil
}

// Replaces lists the changed paths that cannot be changed in place.
func (c Changes) Replaces() []string {
	var paths []string
	for path, change := range c {
		switch change.Kind {
		case pulumirpc.PropertyDiff_ADD_REPLACE, pulumirpc.PropertyDiff_DELETE_REPLACE,
			pulumirpc.PropertyDiff_UPDATE_REPLACE:
			paths = append(paths, path)
		case pulumirpc.PropertyDiff_DELETE:
			// An object that loses its metadata loses its name.
			if path == "metadata" {
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return paths
}
