package apply

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Update changes the live object to what the inputs say. It returns the object before and after.
func (w Writer) Update(
	ctx context.Context, obj, old *unstructured.Unstructured, name string, ignored []string,
) (before, after *unstructured.Unstructured, err error) {
	client, err := w.Client.For(obj)
	if err != nil {
		return nil, nil, err
	}
	before, err = client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, nil, err
	}
	switch {
	case object.IsCRD(obj):
		after, err = w.replace(ctx, client, obj, before)
	case w.ServerSide:
		after, err = w.applyTo(ctx, client, obj, before, ignored)
	default:
		after, err = w.merge(ctx, client, obj, old, before, ignored)
	}
	return before, after, err
}

// replace writes a definition as a whole. Objects of its kind stay.
func (w Writer) replace(
	ctx context.Context, client dynamic.ResourceInterface, obj, live *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	sent := obj.DeepCopy()
	sent.SetResourceVersion(live.GetResourceVersion())
	return client.Update(ctx, sent, metav1.UpdateOptions{FieldManager: CreateManager, DryRun: w.dryRun()})
}

func (w Writer) applyTo(
	ctx context.Context, client dynamic.ResourceInterface, obj, live *unstructured.Unstructured, ignored []string,
) (*unstructured.Unstructured, error) {
	live, err := w.adopt(ctx, client, live)
	if err != nil {
		return nil, err
	}
	sent := obj.DeepCopy()
	if err := w.leaveOut(sent, live, ignored); err != nil {
		return nil, err
	}
	return w.send(ctx, client, sent, w.forced(sent, live))
}

// merge sends the difference between the last inputs and the new ones: client-side apply.
func (w Writer) merge(
	ctx context.Context, client dynamic.ResourceInterface, obj, old, live *unstructured.Unstructured, ignored []string,
) (*unstructured.Unstructured, error) {
	sent := obj.DeepCopy()
	if err := w.leaveOut(sent, live, ignored); err != nil {
		return nil, err
	}
	documents := make([][]byte, 3)
	for i, document := range []*unstructured.Unstructured{old, sent, live} {
		body, err := json.Marshal(document.Object)
		if err != nil {
			return nil, err
		}
		documents[i] = body
	}
	kind, body, err := threeWay(documents[0], documents[1], documents[2], obj)
	if err != nil {
		return nil, err
	}
	return client.Patch(ctx, live.GetName(), kind, body, metav1.PatchOptions{
		FieldManager: CreateManager, DryRun: w.dryRun(),
	})
}

// threeWay prefers the strategic form, which merges lists by their keys. Only built-in kinds have it.
func threeWay(old, wanted, live []byte, obj *unstructured.Unstructured) (types.PatchType, []byte, error) {
	typed, err := scheme.Scheme.New(object.Kind(obj))
	if err != nil {
		body, err := jsonmergepatch.CreateThreeWayJSONMergePatch(old, wanted, live)
		return types.MergePatchType, body, err
	}
	shape, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return "", nil, err
	}
	body, err := strategicpatch.CreateThreeWayMergePatch(old, wanted, live, shape, true)
	return types.StrategicMergePatchType, body, err
}
