package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/cluster"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/settings"
)

// CheckConfig checks a provider resource's arguments.
func (s *Server) CheckConfig(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	arguments, err := object.Unmarshal(request.GetNews())
	if err != nil {
		return nil, fmt.Errorf("CheckConfig failed because of malformed resource inputs: %w", err)
	}
	failures := settings.Check(resource.URN(request.GetUrn()), open(arguments))
	return &pulumirpc.CheckResponse{Inputs: request.GetNews(), Failures: failures}, nil
}

// DiffConfig says what a change of a provider resource's arguments means.
func (s *Server) DiffConfig(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := object.Unmarshal(request.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := object.Unmarshal(request.GetNews())
	if err != nil {
		return nil, fmt.Errorf("DiffConfig failed because of malformed resource inputs: %w", err)
	}
	return settings.Diff(open(olds), open(news))
}

// open takes the secret marks off a provider's arguments.
func open(arguments resource.PropertyMap) resource.PropertyMap {
	opened := resource.PropertyMap{}
	for key, value := range arguments {
		for value.IsSecret() {
			value = value.SecretValue().Element
		}
		opened[key] = value
	}
	return opened
}

// Configure connects to the server. A server that cannot be reached is no error yet: a preview can do without, and
// the operations that cannot say so.
func (s *Server) Configure(
	ctx context.Context, request *pulumirpc.ConfigureRequest,
) (*pulumirpc.ConfigureResponse, error) {
	parsed, err := settings.Parse(request.GetVariables())
	if err != nil {
		return nil, err
	}
	if parsed.RenderDirectory != "" {
		return nil, fmt.Errorf("%s: `renderYamlToDirectory` is not implemented. %s", StandIn, getOfficial)
	}
	s.secrets = request.GetAcceptSecrets()
	if err := s.connect(ctx, resource.URN(request.GetUrn()), parsed); err != nil {
		return nil, err
	}
	return &pulumirpc.ConfigureResponse{
		AcceptSecrets: true, SupportsPreview: true, SupportsAutonamingConfiguration: true,
	}, nil
}

const getOfficial = "Install the official plugin with `pulumi plugin install resource kubernetes`, " +
	"or name its directory in KUBEFATE_PLUGIN_DIR."

// connect says to the user, once for each provider resource, that this is not the official plugin.
func (s *Server) connect(ctx context.Context, urn resource.URN, parsed settings.Settings) error {
	ctx, done := s.bound(ctx)
	defer done()
	target, err := cluster.Locate(parsed)
	parsed.Namespace = target.Namespace
	s.settings = parsed
	if err != nil {
		s.unreachable = err.Error()
		return nil
	}
	if err := cluster.CheckLocal(target.Config); err != nil {
		return fmt.Errorf("%s: it works with API servers on this machine only, and %w. %s", StandIn, err, getOfficial)
	}
	s.log(ctx, diag.Info, urn, "%s %s, for the API server %s", StandIn, s.version, target.Config.Host)
	client, err := cluster.Connect(ctx, target.Config)
	var old *cluster.TooOldError
	switch {
	case errors.As(err, &old):
		return err
	case err != nil:
		s.unreachable = err.Error()
	default:
		s.client = client
	}
	return nil
}

// reach returns an error when the cluster cannot be reached.
func (s *Server) reach() error {
	if s.unreachable == "" {
		return nil
	}
	return fmt.Errorf("configured Kubernetes cluster is unreachable: %s", s.unreachable)
}
