package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/apply"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Update changes an object in place and waits until it is ready again.
func (s *Server) Update(ctx context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	urn := resource.URN(request.GetUrn())
	if err := refusedType(urn); err != nil {
		return nil, err
	}
	preview := request.GetPreview()
	if err := s.reach(); err != nil && !preview {
		return nil, err
	}
	olds, err := object.Unmarshal(request.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := object.Unmarshal(request.GetNews())
	if err != nil {
		return nil, fmt.Errorf("update failed because malformed resource inputs: %w", err)
	}
	inputs := object.Normalize(object.FromProperties(news))
	echo := &pulumirpc.UpdateResponse{Properties: request.GetNews()}
	if preview && !s.canAsk(inputs) {
		return echo, nil
	}
	ctx, done := s.bound(ctx)
	defer done()
	old := object.ParseState(olds)
	writer := s.writer(ctx, urn, inputs, s.manager(inputs, old.FieldManager), preview)
	live, failed := s.change(ctx, writer, inputs, old, request)
	if failed != nil {
		if preview && apierrors.IsForbidden(failed) {
			return echo, nil
		}
		if meta.IsNoMatchError(failed) {
			return nil, fmt.Errorf("update of resource %q failed because the Kubernetes API server reported that the "+
				"apiVersion for this resource does not exist. Verify that any required CRDs have been created: %w",
				urn, failed)
		}
		// Whatever failed, the object is there: what the program asked for now has to be saved, so that the next
		// operation tries again.
		if live, err = s.read(ctx, old.Live); err != nil {
			return nil, errors.Join(fmt.Errorf("update of resource %q failed: %w", urn, failed),
				fmt.Errorf("unable to get cluster state: %w", err))
		}
		failed = fmt.Errorf("the Kubernetes API server reported that %q failed to fully initialize or become live: %w",
			object.ID(live), failed)
	}
	fields, err := object.Marshal(object.State{
		Inputs: inputs, Live: live, FieldManager: writer.Manager, InitialAPIVersion: initialVersion(old),
	}.Properties(news), s.secrets)
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, partial(object.ID(live), failed, fields, nil)
	}
	return &pulumirpc.UpdateResponse{Properties: fields}, nil
}

// change writes the new inputs, waits, and gives up the fields of a manager that the resource no longer goes by.
func (s *Server) change(
	ctx context.Context, writer apply.Writer, inputs *unstructured.Unstructured, old object.State,
	request *pulumirpc.UpdateRequest,
) (*unstructured.Unstructured, error) {
	before, live, err := writer.Update(ctx, inputs, old.Inputs, old.Live.GetName(), request.GetIgnoreChanges())
	if err != nil || writer.Preview {
		return live, err
	}
	if object.IsCRD(inputs) {
		s.client.Forget()
	}
	if live, err = s.settle(ctx, writer, inputs, live, before, request.GetTimeout()); err != nil {
		return live, err
	}
	if had := s.manager(old.Inputs, old.FieldManager); writer.ServerSide && had != writer.Manager {
		client, err := s.client.For(live)
		if err != nil {
			return live, err
		}
		return live, apply.Relinquish(ctx, client, live, had)
	}
	return live, nil
}

// read gets the object as it is, also while the operation is being cancelled.
func (s *Server) read(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := s.client.For(obj)
	if err != nil {
		return nil, err
	}
	return client.Get(context.WithoutCancel(ctx), obj.GetName(), metav1.GetOptions{})
}

func initialVersion(old object.State) string {
	if old.InitialAPIVersion != "" {
		return old.InitialAPIVersion
	}
	return old.Inputs.GetAPIVersion()
}
