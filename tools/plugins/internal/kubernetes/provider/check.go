package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Check completes the inputs of a resource: its name, its namespace, and one way to write each value.
func (s *Server) Check(ctx context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	urn := resource.URN(request.GetUrn())
	if err := refusedType(urn); err != nil {
		return nil, err
	}
	kind, err := object.KindOf(urn)
	if err != nil {
		return nil, err
	}
	if s.unreachable != "" && s.settings.SkipUpdateUnreachable {
		s.log(ctx, diag.Warning, urn, "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...")
		return &pulumirpc.CheckResponse{Inputs: request.GetOlds()}, nil
	}
	if isList(kind) {
		return nil, errors.New("list resources exist for compatibility with YAML manifests and Helm charts, " +
			"and cannot be created directly. Use the underlying resource type instead")
	}
	olds, err := object.Unmarshal(request.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := object.Unmarshal(request.GetNews())
	if err != nil {
		return nil, fmt.Errorf("check failed because malformed resource inputs: %w", err)
	}
	inputs := object.Normalize(object.FromProperties(news))
	if err := s.checkPatch(urn, inputs); err != nil {
		return nil, err
	}
	if err := s.name(request, urn, inputs, object.FromProperties(olds)); err != nil {
		return nil, err
	}
	s.place(inputs, kind)
	if err := s.checkKnown(inputs); err != nil {
		return nil, err
	}
	if object.IsCRD(inputs) && s.client != nil {
		s.client.Define(inputs)
	}
	checked := object.ToProperties(inputs)
	object.MarkSecrets(checked, news)
	fields, err := object.Marshal(checked, s.secrets)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CheckResponse{Inputs: fields}, nil
}

func isList(kind schema.GroupVersionKind) bool {
	return strings.HasSuffix(kind.Kind, "List") && scheme.Scheme.Recognizes(kind)
}

func (s *Server) checkPatch(urn resource.URN, inputs *unstructured.Unstructured) error {
	if !object.IsPatch(urn, inputs) {
		return nil
	}
	if !s.settings.ServerSideApply {
		return errors.New("patch resources require Server-Side Apply mode, which is enabled using the " +
			"`enableServerSideApply` Provider config")
	}
	if inputs.GetName() == "" && !object.HasUnknown(inputs) {
		return errors.New("patch resources require the `.metadata.name` field to be set")
	}
	return nil
}

// name gives the object its name, and the label of client-side apply where that is used.
func (s *Server) name(
	request *pulumirpc.CheckRequest, urn resource.URN, inputs, olds *unstructured.Unstructured,
) error {
	isNew := len(olds.Object) == 0
	if isNew {
		err := object.AssignName(inputs, urn, request.GetRandomSeed(), request.GetAutonaming())
		if err != nil {
			return err
		}
	} else {
		object.KeepName(inputs, olds)
	}
	if isNew && !s.settings.ServerSideApply || object.HasManagedByLabel(olds) {
		object.SetManagedByLabel(inputs)
	}
	if s.settings.ServerSideApply && inputs.GetName() == "" && inputs.GetGenerateName() != "" {
		return errors.New("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
	}
	return nil
}

// place puts a namespaced object without a namespace into the provider's.
func (s *Server) place(inputs *unstructured.Unstructured, kind schema.GroupVersionKind) {
	metadata, _ := inputs.Object["metadata"].(map[string]any)
	if _, set := metadata["namespace"]; set || s.settings.Namespace == "" {
		return
	}
	if s.namespaced(inputs, kind) {
		inputs.SetNamespace(s.settings.Namespace)
	}
}

// namespaced asks with the object's own kind: that of a Patch type's token is not served.
func (s *Server) namespaced(inputs *unstructured.Unstructured, kind schema.GroupVersionKind) bool {
	if own := object.Kind(inputs); own.Kind != "" {
		kind = own
	}
	return s.client.Namespaced(kind)
}

// checkKnown refuses kinds that the server does not serve, where the stack's configuration asks for that.
func (s *Server) checkKnown(inputs *unstructured.Unstructured) error {
	if !s.settings.RejectUnknown || s.client == nil || s.client.Serves(object.Kind(inputs)) {
		return nil
	}
	return fmt.Errorf("unable to fetch schema for resource type %s/%s", inputs.GetAPIVersion(), inputs.GetKind())
}
