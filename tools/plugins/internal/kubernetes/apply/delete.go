package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Delete asks the server to delete the object. Gone is true when there is nothing to wait for: the object, or its
// kind, is not there any more, or the resource only gave up its fields.
func (w Writer) Delete(
	ctx context.Context, obj *unstructured.Unstructured, name string,
) (client dynamic.ResourceInterface, gone bool, err error) {
	client, err = w.Client.For(obj)
	if err != nil {
		if meta.IsNoMatchError(err) {
			return nil, true, nil
		}
		return nil, false, err
	}
	if w.Patch {
		return client, true, Relinquish(ctx, client, obj, w.Manager)
	}
	policy := object.Propagation(obj)
	err = client.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy})
	if apierrors.IsNotFound(err) {
		return client, true, nil
	}
	return client, false, err
}
