package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// adopted are the managers, by the beginning of their names, whose fields become the resource's own at an update:
// those of this plugin's creates, and those of kubectl. Without that a field that the program drops would stay.
var adopted = []struct {
	prefix    string
	operation metav1.ManagedFieldsOperationType
}{
	{"kubectl", metav1.ManagedFieldsOperationApply},
	{"kubectl", metav1.ManagedFieldsOperationUpdate},
	{"before-first-apply", metav1.ManagedFieldsOperationUpdate},
	{CreateManager, metav1.ManagedFieldsOperationUpdate},
	{"pulumi-resource-kubernetes", metav1.ManagedFieldsOperationUpdate},
}

// adoptTries is how often an adoption is tried when others write the object at the same time.
const adoptTries = 5

// adopt hands the fields of the adopted managers to the resource's manager.
func (w Writer) adopt(
	ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	if w.Patch || w.Preview || len(live.GetManagedFields()) == 0 {
		return live, nil
	}
	for try := 1; ; try++ {
		entries, err := handOver(live, w.Manager)
		if err != nil || reflect.DeepEqual(entries, live.GetManagedFields()) {
			return live, err
		}
		body, err := json.Marshal([]map[string]any{
			{"op": "replace", "path": "/metadata/managedFields", "value": entries},
			{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()},
		})
		if err != nil {
			return nil, err
		}
		patched, err := client.Patch(ctx, live.GetName(), types.JSONPatchType, body, metav1.PatchOptions{
			FieldManager: CreateManager,
		})
		if !apierrors.IsConflict(err) || try == adoptTries {
			return patched, err
		}
		if live, err = client.Get(ctx, live.GetName(), metav1.GetOptions{}); err != nil {
			return nil, err
		}
	}
}

// handOver returns the managed fields of an object after the adopted managers' entries were merged into the manager's.
func handOver(live *unstructured.Unstructured, manager string) ([]metav1.ManagedFieldsEntry, error) {
	own := fieldpath.NewSet()
	var others, old []metav1.ManagedFieldsEntry
	found := false
	for _, entry := range live.GetManagedFields() {
		ours := entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply
		if entry.Subresource != "" || !ours && !isAdopted(entry) {
			others = append(others, entry)
			continue
		}
		found = found || !ours
		old = append(old, entry)
		fields, err := fieldSet(entry)
		if err != nil {
			return nil, err
		}
		own = own.Union(fields)
	}
	if !found {
		return live.GetManagedFields(), nil
	}
	raw, err := own.ToJSON()
	if err != nil {
		return nil, err
	}
	return append(others, metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: live.GetAPIVersion(),
		Time: old[len(old)-1].Time, FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{Raw: raw},
	}), nil
}

func isAdopted(entry metav1.ManagedFieldsEntry) bool {
	for _, candidate := range adopted {
		if entry.Operation == candidate.operation && strings.HasPrefix(entry.Manager, candidate.prefix) {
			return true
		}
	}
	return false
}

// createdByUs says whether an object still has fields of a plain create.
func createdByUs(entries []metav1.ManagedFieldsEntry) bool {
	for _, entry := range entries {
		if entry.Operation == metav1.ManagedFieldsOperationUpdate &&
			(entry.Manager == CreateManager || entry.Manager == "pulumi-resource-kubernetes") {
			return true
		}
	}
	return false
}

func fieldSet(entry metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	fields := fieldpath.NewSet()
	if entry.FieldsV1 == nil {
		return fields, nil
	}
	return fields, fields.FromJSON(bytes.NewReader(entry.FieldsV1.Raw))
}
