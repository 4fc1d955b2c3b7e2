package provider

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/await"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/diff"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Diff compares the live object, as it was last seen, with the new inputs. It asks no server.
func (s *Server) Diff(ctx context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	urn := resource.URN(request.GetUrn())
	if err := refusedType(urn); err != nil {
		return nil, err
	}
	olds, err := object.Unmarshal(request.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := object.Unmarshal(request.GetNews())
	if err != nil {
		return nil, fmt.Errorf("diff failed because malformed resource inputs: %w", err)
	}
	state := object.ParseState(olds)
	wanted := object.Normalize(object.FromProperties(news))
	old := object.Prune(state.Live, object.Normalize(state.Inputs))
	s.align(old, state.Live, wanted)

	changes, err := diff.Compare(old, wanted, diff.Rules{
		ConfigMapMutable: s.settings.ConfigMapMutable, SecretMutable: s.settings.SecretMutable,
		Patch: object.IsPatch(urn, wanted),
	}, request.GetIgnoreChanges())
	if err != nil {
		return nil, fmt.Errorf("failed to check for changes in resource %q: %w", urn, err)
	}
	response := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, Replaces: changes.Replaces(),
		DetailedDiff: changes, HasDetailedDiff: true,
	}
	if s.mustRedo(ctx, urn, wanted, state.Live) {
		response.Replaces = append(response.Replaces, `.metadata.annotations["`+object.ReplaceUnready+`"]`)
	}
	if len(changes) > 0 || len(response.Replaces) > 0 {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
	}
	response.DeleteBeforeReplace = len(response.Replaces) > 0 && sameIdentity(wanted, state.Live)
	return response, nil
}

// align takes out differences that mean nothing: how the default namespace is written, and a name that the server
// chose.
func (s *Server) align(old, live, wanted *unstructured.Unstructured) {
	kind := object.Kind(wanted)
	for _, obj := range []*unstructured.Unstructured{old, wanted} {
		switch {
		case !s.client.Namespaced(kind):
			unstructured.RemoveNestedField(obj.Object, "metadata", "namespace")
		case isUnset(obj, "namespace"):
			obj.SetNamespace("default")
		}
	}
	if old.GroupVersionKind().Empty() {
		old.SetGroupVersionKind(kind)
	}
	if s.settings.ServerSideApply {
		unstructured.RemoveNestedField(old.Object, "metadata", "resourceVersion")
	}
	if object.IsNamed(wanted) {
		old.SetName(live.GetName())
	}
}

// isUnset says whether a metadata field has no value, known or not.
func isUnset(obj *unstructured.Unstructured, field string) bool {
	metadata, isMap := obj.Object["metadata"].(map[string]any)
	if !isMap {
		return obj.Object["metadata"] == nil
	}
	return metadata[field] == nil || metadata[field] == ""
}

// sameIdentity says that the new object would have the old one's name, so that the old one has to go first.
func sameIdentity(wanted, live *unstructured.Unstructured) bool {
	return object.IsNamed(wanted) && !object.HasAnnotation(wanted, object.Autonamed) &&
		wanted.GetName() == live.GetName() && wanted.GetNamespace() == live.GetNamespace()
}

// mustRedo says whether a Job that asks for it has to be made again because it is not complete.
func (s *Server) mustRedo(ctx context.Context, urn resource.URN, wanted, live *unstructured.Unstructured) bool {
	if !object.HasAnnotation(wanted, object.ReplaceUnready) {
		return false
	}
	if s.unreachable != "" {
		s.log(ctx, diag.Warning, urn, "Cluster is unreachable, skipping replaceUnready check")
		return false
	}
	if wanted.GetKind() != "Job" {
		s.log(ctx, diag.Warning, urn, "replaceUnready annotation is not supported for this resource")
		return false
	}
	ctx, done := s.bound(ctx)
	defer done()
	client, err := s.client.For(live)
	if err != nil {
		return false
	}
	job, err := client.Get(ctx, live.GetName(), metav1.GetOptions{})
	return err == nil && !await.JobComplete(job)
}
