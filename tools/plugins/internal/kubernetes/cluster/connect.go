package cluster

import (
	"fmt"
	"net/http"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/settings"
	"kubefate-pulumi/tools/plugins/internal/loopback"
)

// Target is where a provider's settings point: a server and its default namespace.
type Target struct {
	Config    *rest.Config
	Namespace string
}

// Locate reads the kubeconfig that the settings name, else the one that kubectl would take.
func Locate(s settings.Settings) (Target, error) {
	overrides := &clientcmd.ConfigOverrides{
		Context:        clientapi.Context{Cluster: s.Cluster, Namespace: s.Namespace},
		CurrentContext: s.Context,
	}
	var loader clientcmd.ClientConfig
	if s.Kubeconfig != "" {
		config, err := settings.ParseKubeconfig(s.Kubeconfig)
		if err != nil {
			return Target{Namespace: s.Namespace}, fmt.Errorf(
				"failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- %w", err)
		}
		loader = clientcmd.NewDefaultClientConfig(*config, overrides)
	} else {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.DefaultClientConfig = &clientcmd.DefaultClientConfig
		loader = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	}
	target := Target{Namespace: s.Namespace}
	if namespace, _, err := loader.Namespace(); err == nil {
		target.Namespace = namespace
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return target, fmt.Errorf("unable to load Kubernetes client configuration from kubeconfig file: %w", err)
	}
	config.QPS, config.Burst, config.Timeout = float32(s.QPS), s.Burst, s.Timeout
	config.WarningHandler = rest.NoWarnings{}
	config.UserAgent = "kubefate-stand-in-pulumi-kubernetes"
	target.Config = config
	return target, nil
}

// CheckLocal refuses every server but those of the machine itself, also one behind a proxy.
func CheckLocal(config *rest.Config) error {
	if err := loopback.Check(config.Host); err != nil {
		return err
	}
	if config.Proxy == nil {
		return nil
	}
	request, err := http.NewRequest(http.MethodGet, config.Host, nil)
	if err != nil {
		return err
	}
	proxy, err := config.Proxy(request)
	if err != nil || proxy == nil {
		return err
	}
	return loopback.Check(proxy.Host)
}
