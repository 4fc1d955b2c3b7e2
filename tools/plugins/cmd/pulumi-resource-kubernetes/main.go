// Command pulumi-resource-kubernetes stands in for Pulumi's Kubernetes plugin where that cannot be installed. It works
// with API servers on this machine only.
package main

import (
	"context"
	"fmt"
	"os"

	sdk "github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/provider"
	"kubefate-pulumi/tools/plugins/internal/process"
)

// version is that of the installed SDK; the build sets it.
var version = "0.0.0-dev"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(provider.StandIn, version)
		return
	}
	err := process.Serve("kubernetes", func(
		ctx context.Context, host *sdk.HostClient,
	) (pulumirpc.ResourceProviderServer, error) {
		return provider.New(ctx, host, version), nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
