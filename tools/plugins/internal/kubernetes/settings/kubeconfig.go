package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

// ParseKubeconfig reads a kubeconfig from the file that the text names, else from the text itself.
func ParseKubeconfig(pathOrText string) (*clientapi.Config, error) {
	if pathOrText == "" {
		return clientapi.NewConfig(), nil
	}
	path := pathOrText
	if home, err := os.UserHomeDir(); err == nil && (path == "~" || strings.HasPrefix(path, "~/")) {
		path = filepath.Join(home, strings.TrimPrefix(path, "~"))
	}
	if _, err := os.Stat(path); err == nil {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return load(text)
	}
	return load([]byte(pathOrText))
}

// load hides the parser's message: it quotes the text, and that has credentials.
func load(text []byte) (*clientapi.Config, error) {
	config, err := clientcmd.Load(text)
	if err != nil {
		return nil, errors.New("it is neither the path of a file nor the text of a kubeconfig")
	}
	return config, nil
}

func kubeconfigProperty(value resource.PropertyValue) (*clientapi.Config, error) {
	text := ""
	switch {
	case value.IsNull():
	case value.IsString():
		text = value.StringValue()
	case value.IsObject():
		raw, err := json.Marshal(value.ObjectValue().Mappable())
		if err != nil {
			return nil, errors.New("kubeconfig is not JSON")
		}
		text = string(raw)
	default:
		return nil, fmt.Errorf("unexpected kubeconfig format, type: %v", value.TypeString())
	}
	config, err := ParseKubeconfig(text)
	if err != nil {
		return nil, fmt.Errorf("failed to parse kubeconfig: %w", err)
	}
	return config, nil
}

// activeCluster returns the cluster entry that a kubeconfig and the provider's arguments select.
func activeCluster(config *clientapi.Config, arguments resource.PropertyMap) *clientapi.Cluster {
	current := config.CurrentContext
	if value := arguments["context"]; value.IsString() {
		current = value.StringValue()
	}
	active := config.Contexts[current]
	if active == nil {
		return nil
	}
	if value := arguments["cluster"]; value.IsString() {
		return config.Clusters[value.StringValue()]
	}
	return config.Clusters[active.Cluster]
}
