package provider

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/apply"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

func (s *Server) writer(
	ctx context.Context, urn resource.URN, inputs *unstructured.Unstructured, manager string, preview bool,
) apply.Writer {
	return apply.Writer{
		Client: s.client, Manager: manager, ServerSide: s.settings.ServerSideApply,
		Patch: object.IsPatch(urn, inputs), Force: s.settings.PatchForce,
		Upsert:  s.settings.Upsert && s.settings.ServerSideApply,
		Preview: preview, Report: s.reporter(ctx, urn),
	}
}

// manager returns the field manager of a resource: the one that its annotation names, else the one it had, else a new
// one. Each resource has its own, so that two of them with the same object see each other's fields.
func (s *Server) manager(inputs *unstructured.Unstructured, had string) string {
	if !s.settings.ServerSideApply {
		return apply.CreateManager
	}
	if named := object.Annotation(inputs, object.PatchFieldManager); named != "" {
		return named
	}
	if had != "" {
		return had
	}
	name, err := resource.NewUniqueHex(apply.CreateManager+"-", 8, 0)
	if err != nil {
		return apply.CreateManager
	}
	return name
}
