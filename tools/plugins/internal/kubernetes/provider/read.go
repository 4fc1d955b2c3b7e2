package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/await"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Read returns an object as it is now: for a refresh, where the engine sends what it knew, and for an import, where it
// sends only an id.
func (s *Server) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	urn := resource.URN(request.GetUrn())
	if err := refusedType(urn); err != nil {
		return nil, err
	}
	if s.unreachable != "" {
		return s.readUnreachable(ctx, urn, request)
	}
	properties, err := object.Unmarshal(request.GetProperties())
	if err != nil {
		return nil, err
	}
	program, err := object.Unmarshal(request.GetInputs())
	if err != nil {
		return nil, err
	}
	old := object.ParseState(properties)
	inputs, importing, err := subject(urn, request.GetId(), object.Normalize(object.FromProperties(program)), old.Live)
	if err != nil {
		return nil, err
	}
	ctx, done := s.bound(ctx)
	defer done()
	live, err := s.find(ctx, inputs, request.GetId())
	if err != nil || live == nil {
		return &pulumirpc.ReadResponse{}, err
	}
	var unready error
	if !importing {
		unready = await.Check(ctx, await.Wait{
			Client: s.client, Inputs: inputs, Object: live, Report: s.reporter(ctx, urn),
		})
	}
	return s.answer(request.GetId(), inputs, live, old, program, importing, unready)
}

// subject returns what to look for. Without inputs and state the resource's type and id say it.
func subject(
	urn resource.URN, id string, inputs, live *unstructured.Unstructured,
) (*unstructured.Unstructured, bool, error) {
	namespace, name := object.ParseID(id)
	if name == "" {
		return nil, false, fmt.Errorf("resource id %q has no name", id)
	}
	if !inputs.GroupVersionKind().Empty() {
		return inputs, false, nil
	}
	importing := live.GroupVersionKind().Empty()
	kind := live.GroupVersionKind()
	if importing {
		var err error
		if kind, err = object.KindOf(urn); err != nil {
			return nil, false, err
		}
	}
	inputs.SetGroupVersionKind(kind)
	if inputs.GetName() == "" {
		inputs.SetName(name)
	}
	if inputs.GetNamespace() == "" && namespace != "" {
		inputs.SetNamespace(namespace)
	}
	return inputs, importing, nil
}

// find returns the live object, or nil when it or its kind is gone.
func (s *Server) find(
	ctx context.Context, inputs *unstructured.Unstructured, id string,
) (*unstructured.Unstructured, error) {
	client, err := s.client.For(inputs)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, name := object.ParseID(id)
	live, err := client.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

func (s *Server) answer(
	id string, inputs, live *unstructured.Unstructured, old object.State, program resource.PropertyMap,
	importing bool, unready error,
) (*pulumirpc.ReadResponse, error) {
	seen := object.Prune(live, inputs)
	if importing {
		seen = object.InputsOf(live)
	}
	version := old.InitialAPIVersion
	if version == "" {
		version = inputs.GetAPIVersion()
	}
	state, err := object.Marshal(object.State{
		Inputs: seen, Live: live, InitialAPIVersion: version, FieldManager: s.manager(inputs, old.FieldManager),
	}.Properties(program), s.secrets)
	if err != nil {
		return nil, err
	}
	found := object.ToProperties(seen)
	object.MarkSecrets(found, program)
	fields, err := object.Marshal(found, s.secrets)
	if err != nil {
		return nil, err
	}
	if unready != nil {
		return nil, partial(id, unready, state, fields)
	}
	return &pulumirpc.ReadResponse{Id: id, Properties: state, Inputs: fields}, nil
}

func (s *Server) readUnreachable(
	ctx context.Context, urn resource.URN, request *pulumirpc.ReadRequest,
) (*pulumirpc.ReadResponse, error) {
	s.log(ctx, diag.Warning, urn, "configured Kubernetes cluster is unreachable: %s", s.unreachable)
	switch {
	case s.settings.DeleteUnreachable:
		s.log(ctx, diag.Info, urn, "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is "+
			"enabled. Deleting the unreachable resource from Pulumi state")
		return &pulumirpc.ReadResponse{}, nil
	case s.settings.SkipUpdateUnreachable:
		s.log(ctx, diag.Info, urn, "configured Kubernetes cluster is unreachable and the `skipUpdateUnreachable` option "+
			"is enabled. Returned data could not reflect the actual cluster configuration.")
		return &pulumirpc.ReadResponse{
			Id: request.GetId(), Properties: request.GetProperties(), Inputs: request.GetInputs(),
		}, nil
	}
	return nil, errors.New("failed to read resource state due to unreachable cluster. If the cluster was deleted, " +
		"you can remove this resource from Pulumi state by rerunning the operation with the " +
		"PULUMI_K8S_DELETE_UNREACHABLE environment variable set to \"true\"")
}
