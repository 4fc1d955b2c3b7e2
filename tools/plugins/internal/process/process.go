// Package process runs a plugin's gRPC server for as long as the engine that started it lives.
package process

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const (
	parentPoll = time.Second
	// grace is what running calls get to end after the plugin was told to stop.
	grace = 3 * time.Second
)

// Serve prints the plugin's port and answers calls until the engine ends, or SIGINT or SIGTERM arrives.
// The SDK asks the engine for its health every five minutes only, so an engine that was killed would leave the plugin
// behind for that long; the parent's process id tells at once.
func Serve(name string, build func(context.Context, *provider.HostClient) (pulumirpc.ResourceProviderServer, error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go cancelWithParent(ctx, cancel)
	go exitAfterGrace(ctx)
	return provider.MainContext(ctx, name, func(host *provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		return build(ctx, host)
	})
}

func cancelWithParent(ctx context.Context, cancel context.CancelFunc) {
	parent := os.Getppid()
	tick := time.NewTicker(parentPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}
}

// exitAfterGrace ends the process when a call does not return after a stop.
func exitAfterGrace(ctx context.Context) {
	<-ctx.Done()
	time.Sleep(grace)
	os.Exit(1)
}
