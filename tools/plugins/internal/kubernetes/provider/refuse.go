package provider

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refused is the answer to what only the official plugin does.
func refused(what string) error {
	return status.Error(codes.Unimplemented, fmt.Sprintf("%s does not implement %s. %s", StandIn, what, getOfficial))
}

// Construct refuses the component resources of the official plugin: Helm charts, YAML files, Kustomize directories.
func (s *Server) Construct(
	_ context.Context, request *pulumirpc.ConstructRequest,
) (*pulumirpc.ConstructResponse, error) {
	return nil, refused("the component " + request.GetType())
}

// Invoke refuses the functions of the official plugin.
func (s *Server) Invoke(_ context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, refused("the function " + request.GetTok())
}

// Call refuses methods of components.
func (s *Server) Call(_ context.Context, request *pulumirpc.CallRequest) (*pulumirpc.CallResponse, error) {
	return nil, refused("the method " + request.GetTok())
}

// GetSchema refuses to describe the package: programs have its SDK.
func (s *Server) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return nil, refused("the package schema")
}

// Parameterize refuses to make a package of custom resource definitions.
func (s *Server) Parameterize(
	context.Context, *pulumirpc.ParameterizeRequest,
) (*pulumirpc.ParameterizeResponse, error) {
	return nil, refused("parameterization by custom resource definitions")
}

// List refuses to list resources.
func (s *Server) List(*pulumirpc.ListRequest, grpc.ServerStreamingServer[pulumirpc.ListResponse]) error {
	return refused("listing resources")
}

// refusedType returns an error for resource types that are more than one Kubernetes object.
func refusedType(urn resource.URN) error {
	if urn.Type() == "kubernetes:helm.sh/v3:Release" {
		return refused("the resource type " + string(urn.Type()))
	}
	return nil
}
