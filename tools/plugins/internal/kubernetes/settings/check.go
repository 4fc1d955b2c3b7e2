package settings

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Check returns what is wrong with a provider's arguments.
func Check(urn resource.URN, arguments resource.PropertyMap) []*pulumirpc.CheckFailure {
	if failures := checkStrict(urn, arguments); failures != nil {
		return failures
	}
	if !isSet(arguments["renderYamlToDirectory"]) {
		return nil
	}
	var failures []*pulumirpc.CheckFailure
	for _, name := range []resource.PropertyKey{"cluster", "context", "kubeconfig"} {
		if isSet(arguments[name]) {
			failures = append(failures, &pulumirpc.CheckFailure{
				Property: string(name),
				Reason:   `"` + string(name) + `" arg is not compatible with "renderYamlToDirectory" arg`,
			})
		}
	}
	return failures
}

func checkStrict(urn resource.URN, arguments resource.PropertyMap) []*pulumirpc.CheckFailure {
	if !isStrict(arguments) {
		return nil
	}
	var failures []*pulumirpc.CheckFailure
	if strings.HasPrefix(urn.Name(), "default") {
		failures = append(failures, &pulumirpc.CheckFailure{Reason: "strict mode prohibits default provider"})
	}
	for _, name := range []resource.PropertyKey{"kubeconfig", "context"} {
		if !isSet(arguments[name]) && !arguments[name].IsComputed() {
			failures = append(failures, &pulumirpc.CheckFailure{
				Property: string(name),
				Reason:   `strict mode requires Provider "` + string(name) + `" argument`,
			})
		}
	}
	return failures
}

// isStrict reads strictMode from the stack's configuration, which the engine passes in the environment.
func isStrict(arguments resource.PropertyMap) bool {
	if value := arguments["strictMode"]; value.IsString() {
		return value.StringValue() == "true"
	}
	var config map[string]any
	if json.Unmarshal([]byte(os.Getenv("PULUMI_CONFIG")), &config) != nil {
		return false
	}
	return config["strictMode"] == "true"
}

func isSet(value resource.PropertyValue) bool {
	return value.IsString() && value.StringValue() != "" || value.IsBool() && value.BoolValue()
}
