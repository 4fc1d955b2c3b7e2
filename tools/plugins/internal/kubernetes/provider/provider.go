// Package provider answers the engine's calls as pulumi-resource-kubernetes does, for servers on this machine.
package provider

import (
	"context"
	"fmt"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	sdk "github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/cluster"
	"kubefate-pulumi/tools/plugins/internal/kubernetes/settings"
)

// StandIn is how the plugin names itself.
const StandIn = "kubefate stand-in for pulumi-resource-kubernetes"

// Server implements the resource provider protocol. It speaks the wire format itself: the SDK's wrapper loses
// detailed differences and partial failures.
type Server struct {
	pulumirpc.UnimplementedResourceProviderServer

	version string
	// running ends when the engine cancels, or the process is told to stop.
	running context.Context
	cancel  context.CancelFunc

	mu   sync.RWMutex
	host *sdk.HostClient

	// Set once by Configure, which the engine calls before any other call on resources.
	settings    settings.Settings
	secrets     bool
	client      *cluster.Client
	unreachable string // why the cluster cannot be reached, "" when it can
}

// New makes a server that tells the engine the given version. Waits end with the context.
func New(ctx context.Context, host *sdk.HostClient, version string) *Server {
	running, cancel := context.WithCancel(ctx)
	return &Server{version: version, running: running, cancel: cancel, host: host}
}

// GetPluginInfo returns the version, which must be that of the SDK the program uses.
func (s *Server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: s.version}, nil
}

// Attach connects a plugin that was started by hand to an engine.
func (s *Server) Attach(_ context.Context, request *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	host, err := sdk.NewHostClient(request.GetAddress())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host = host
	return &emptypb.Empty{}, nil
}

// Cancel ends all waits.
func (s *Server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	s.cancel()
	return &emptypb.Empty{}, nil
}

// bound returns a context that ends with the call and with Cancel.
func (s *Server) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.running, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

func (s *Server) log(ctx context.Context, severity diag.Severity, urn resource.URN, message string, args ...any) {
	if host := s.engine(); host != nil {
		_ = host.Log(context.WithoutCancel(ctx), severity, urn, fmt.Sprintf(message, args...))
	}
}

func (s *Server) engine() *sdk.HostClient {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.host
}

// reporter shows what a resource waits for. The same message is sent once.
func (s *Server) reporter(ctx context.Context, urn resource.URN) func(diag.Severity, string) {
	last := ""
	return func(severity diag.Severity, message string) {
		host := s.engine()
		if message == last || host == nil {
			return
		}
		last = message
		if severity == "" {
			severity = diag.Info
		}
		_ = host.LogStatus(context.WithoutCancel(ctx), severity, urn, message)
	}
}
