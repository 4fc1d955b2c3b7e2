package provider

import (
	"context"
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/await"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Delete deletes an object and waits until it is gone.
func (s *Server) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	urn := resource.URN(request.GetUrn())
	if err := refusedType(urn); err != nil {
		return nil, err
	}
	if s.unreachable != "" {
		return s.deleteUnreachable(ctx, urn)
	}
	properties, err := object.Unmarshal(request.GetProperties())
	if err != nil {
		return nil, err
	}
	old := object.ParseState(properties)
	_, name := object.ParseID(request.GetId())
	if len(old.Inputs.Object) == 0 {
		old.Inputs = old.Live
	}
	ctx, done := s.bound(ctx)
	defer done()
	writer := s.writer(ctx, urn, old.Inputs, s.manager(old.Inputs, old.FieldManager), false)
	client, gone, err := writer.Delete(ctx, old.Inputs, name)
	if err != nil || gone {
		return &emptypb.Empty{}, err
	}
	err = await.Gone(ctx, await.Wait{
		Client: s.client, Inputs: old.Inputs, Object: old.Live, Timeout: request.GetTimeout(), Report: writer.Report,
	}, client)
	failure, failed := await.AsFailure(err)
	if !failed {
		return &emptypb.Empty{}, err
	}
	old.Live = failure.Object
	fields, marshalErr := object.Marshal(old.Properties(properties), s.secrets)
	if marshalErr != nil {
		return nil, marshalErr
	}
	return nil, partial(request.GetId(), err, fields, nil)
}

func (s *Server) deleteUnreachable(ctx context.Context, urn resource.URN) (*emptypb.Empty, error) {
	s.log(ctx, diag.Warning, urn, "configured Kubernetes cluster is unreachable: %s", s.unreachable)
	if s.settings.DeleteUnreachable {
		s.log(ctx, diag.Info, urn, "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is "+
			"enabled. Deleting the unreachable resource from Pulumi state")
		return &emptypb.Empty{}, nil
	}
	return nil, errors.New("configured Kubernetes cluster is unreachable. If the cluster was deleted, you can remove " +
		"this resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE " +
		"environment variable set to \"true\"")
}
