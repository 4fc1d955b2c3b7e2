package settings

import (
	"reflect"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const clusterIdentifier = "clusterIdentifier"

// clusterKeys are the arguments that say which cluster the provider talks to.
var clusterKeys = []resource.PropertyKey{"kubeconfig", "context", "cluster"}

// Diff says what a change of a provider's arguments means. Another cluster replaces the provider and all that it
// manages; other credentials for the same one do not. An equal clusterIdentifier says that the cluster is the same
// whatever else changed.
func Diff(olds, news resource.PropertyMap) (*pulumirpc.DiffResponse, error) {
	difference := olds.Diff(news)
	if difference == nil {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME}
	for _, key := range difference.ChangedKeys() {
		response.Diffs = append(response.Diffs, string(key))
	}
	if difference.Same(clusterIdentifier) && news.HasValue(clusterIdentifier) {
		return response, nil
	}
	replaces, err := replaces(olds, news, response.Diffs)
	if difference.Updated(clusterIdentifier) {
		replaces = append(replaces, clusterIdentifier)
	}
	response.Replaces = replaces
	return response, err
}

func replaces(olds, news resource.PropertyMap, changed []string) ([]string, error) {
	var result []string
	// An unknown argument may name another cluster.
	for _, key := range clusterKeys {
		if news[key].IsComputed() {
			return []string{string(key)}, nil
		}
	}
	if slices.Contains(changed, "renderYamlToDirectory") {
		result = append(result, "renderYamlToDirectory")
	}
	oldConfig, err := kubeconfigProperty(olds["kubeconfig"])
	if err != nil {
		return nil, err
	}
	newConfig, err := kubeconfigProperty(news["kubeconfig"])
	if err != nil {
		return nil, err
	}
	before, after := activeCluster(oldConfig, olds), activeCluster(newConfig, news)
	if before == nil || after == nil || reflect.DeepEqual(before, after) {
		return result, nil
	}
	for _, key := range clusterKeys {
		if slices.Contains(changed, string(key)) {
			result = append(result, string(key))
		}
	}
	return result, nil
}
