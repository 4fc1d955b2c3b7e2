package provider

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/apply"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/await"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Create makes an object and waits until it is ready. A preview asks the server what it would make of the object.
func (s *Server) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	urn := resource.URN(request.GetUrn())
	if err := refusedType(urn); err != nil {
		return nil, err
	}
	preview := request.GetPreview()
	if err := s.reach(); err != nil && !preview {
		return nil, err
	}
	news, err := object.Unmarshal(request.GetProperties())
	if err != nil {
		return nil, fmt.Errorf("create failed because malformed resource inputs: %w", err)
	}
	inputs := object.FromProperties(news)
	echo := &pulumirpc.CreateResponse{Properties: request.GetProperties()}
	if preview && !s.canDryRun(urn, inputs) {
		return echo, nil
	}
	ctx, done := s.bound(ctx)
	defer done()
	writer := s.writer(ctx, urn, inputs, s.manager(inputs, ""), preview)
	live, err := writer.Create(ctx, inputs)
	if err != nil {
		if preview && tolerable(err) {
			return echo, nil
		}
		return nil, createError(urn, inputs, err)
	}
	var waited error
	if preview {
		// What is known of the status before there is an object is not true of the object.
		unstructured.RemoveNestedField(live.Object, "status")
	} else if live, waited = s.settle(ctx, writer, inputs, live, nil, request.GetTimeout()); waited != nil {
		if _, ok := await.AsFailure(waited); !ok {
			return nil, createError(urn, inputs, waited)
		}
		waited = fmt.Errorf("resource %q was successfully created, but the Kubernetes API server reported that it "+
			"failed to fully initialize or become live: %w", urn, waited)
	}
	fields, err := object.Marshal(object.State{
		Inputs: inputs, Live: live, InitialAPIVersion: inputs.GetAPIVersion(), FieldManager: writer.Manager,
	}.Properties(news), s.secrets)
	if err != nil {
		return nil, err
	}
	if waited != nil {
		return nil, partial(object.ID(live), waited, fields, nil)
	}
	if preview {
		return &pulumirpc.CreateResponse{Properties: fields}, nil
	}
	if object.IsCRD(inputs) {
		s.client.Forget()
	}
	return &pulumirpc.CreateResponse{Id: object.ID(live), Properties: fields}, nil
}

// canDryRun says whether a server can be asked what it would make of new inputs.
func (s *Server) canDryRun(urn resource.URN, inputs *unstructured.Unstructured) bool {
	return s.settings.ServerSideApply && !object.IsPatch(urn, inputs) && s.canAsk(inputs)
}

// canAsk says whether a server can be asked about an object: it is there, and serves the kind, and all is known.
func (s *Server) canAsk(inputs *unstructured.Unstructured) bool {
	return s.unreachable == "" && !object.HasUnknown(inputs) && s.client.Serves(object.Kind(inputs))
}

// tolerable says whether a failed dry run tells nothing about the create to come: the namespace may be made before,
// an object of that name may be deleted before, and a preview may run with fewer rights.
func tolerable(err error) bool {
	return apply.IsNamespaceMissing(err) || apierrors.IsAlreadyExists(err) || apierrors.IsForbidden(err)
}

func createError(urn resource.URN, inputs *unstructured.Unstructured, err error) error {
	if meta.IsNoMatchError(err) {
		return fmt.Errorf("creation of resource %q with kind %s/%s failed because the Kubernetes API server reported "+
			"that the apiVersion for this resource does not exist. Verify that any required CRDs have been created: %w",
			urn, inputs.GetAPIVersion(), inputs.GetKind(), err)
	}
	return fmt.Errorf("resource %q was not successfully created by the Kubernetes API server: %w", urn, err)
}

// settle waits until an object is ready and returns it as it is then.
func (s *Server) settle(
	ctx context.Context, writer apply.Writer, inputs, live, before *unstructured.Unstructured, timeout float64,
) (*unstructured.Unstructured, error) {
	err := await.Ready(ctx, await.Wait{
		Client: s.client, Inputs: inputs, Object: live, Old: before, Timeout: timeout, Report: writer.Report,
	})
	if failure, ok := await.AsFailure(err); ok && failure.Object != nil {
		live = failure.Object
	}
	client, clientErr := s.client.For(live)
	if clientErr != nil {
		return live, err
	}
	// The object is there: a read that fails must not hide that. A cancelled operation still has to save its state.
	latest, readErr := client.Get(context.WithoutCancel(ctx), live.GetName(), metav1.GetOptions{})
	if readErr != nil {
		return live, err
	}
	return latest, err
}
