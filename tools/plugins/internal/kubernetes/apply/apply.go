// Package apply writes objects to an API server: creates, updates and deletes.
package apply

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/cluster"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// CreateManager is the field manager of plain creates and of client-side updates.
const CreateManager = "pulumi-kubernetes"

// Writer writes on behalf of one resource.
type Writer struct {
	Client *cluster.Client
	// Manager is the field manager of server-side applies.
	Manager string
	// ServerSide is off where the provider is told to send patches that it computes itself.
	ServerSide bool
	// Patch is set for resources that own some fields of somebody else's object.
	Patch bool
	// Force takes fields over from other managers.
	Force bool
	// Upsert adopts an object that exists already.
	Upsert  bool
	Preview bool
	Report  func(diag.Severity, string)
}

func (w Writer) dryRun() []string {
	if w.Preview {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// send applies the object's fields as the resource's manager.
func (w Writer) send(
	ctx context.Context, client dynamic.ResourceInterface, obj *unstructured.Unstructured, force bool,
) (*unstructured.Unstructured, error) {
	// JSON is YAML too.
	body, err := json.Marshal(obj.Object)
	if err != nil {
		return nil, err
	}
	live, err := client.Patch(ctx, obj.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: w.Manager, Force: &force, DryRun: w.dryRun(),
	})
	if apierrors.IsConflict(err) {
		return nil, w.conflict(obj, err)
	}
	return live, err
}

func (w Writer) conflict(obj *unstructured.Unstructured, err error) error {
	return fmt.Errorf("server-side apply field conflict detected, another manager owns a field that manager %q sets. "+
		"Take the field out of the program, or set the annotation %s: \"true\" to take it over: "+
		"the API server reported that %q had an apply conflict: %w", w.Manager, object.PatchForce, object.ID(obj), err)
}

// forced says whether an apply takes fields over. A preview does where an update would have adopted the fields first,
// so that it does not report conflicts that will not be.
func (w Writer) forced(obj, live *unstructured.Unstructured) bool {
	if w.Force || object.HasAnnotation(obj, object.PatchForce) {
		return true
	}
	if live == nil {
		return w.Preview
	}
	if len(live.GetManagedFields()) == 0 {
		return true
	}
	return w.Preview && createdByUs(live.GetManagedFields())
}

// Relinquish gives up all fields that a manager owns. The object stays.
func Relinquish(
	ctx context.Context, client dynamic.ResourceInterface, obj *unstructured.Unstructured, manager string,
) error {
	empty := &unstructured.Unstructured{Object: map[string]any{}}
	empty.SetGroupVersionKind(object.Kind(obj))
	empty.SetName(obj.GetName())
	if obj.GetNamespace() != "" {
		empty.SetNamespace(obj.GetNamespace())
	}
	body, err := json.Marshal(empty.Object)
	if err != nil {
		return err
	}
	force := true
	_, err = client.Patch(ctx, obj.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: manager, Force: &force,
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
