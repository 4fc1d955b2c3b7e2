package object

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Schema extensions of a CustomResourceDefinition are written with dashes, which no language has in its names.
var dashed = map[string]string{
	"x_kubernetes_embedded_resource":       "x-kubernetes-embedded-resource",
	"x_kubernetes_int_or_string":           "x-kubernetes-int-or-string",
	"x_kubernetes_list_map_keys":           "x-kubernetes-list-map-keys",
	"x_kubernetes_list_type":               "x-kubernetes-list-type",
	"x_kubernetes_map_type":                "x-kubernetes-map-type",
	"x_kubernetes_preserve_unknown_fields": "x-kubernetes-preserve-unknown-fields",
	"x_kubernetes_validations":             "x-kubernetes-validations",
}

var underscored = func() map[string]resource.PropertyKey {
	keys := make(map[string]resource.PropertyKey, len(dashed))
	for under, dash := range dashed {
		keys[dash] = resource.PropertyKey(under)
	}
	return keys
}()

// Unmarshal reads properties from the wire. Unknown and secret values keep their marks.
func Unmarshal(fields *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(fields, plugin.MarshalOptions{
		KeepUnknowns: true, SkipNulls: true, KeepSecrets: true,
	})
}

// Marshal writes properties to the wire. An engine that does not take secrets gets plain values.
func Marshal(properties resource.PropertyMap, keepSecrets bool) (*structpb.Struct, error) {
	return plugin.MarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, SkipNulls: true, KeepSecrets: keepSecrets,
	})
}

// FromProperties makes an object of properties. Secrets are opened; an unknown value stays a resource.Computed, so
// such an object must not be deep-copied or sent.
func FromProperties(properties resource.PropertyMap) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: properties.MapRepl(toDashes, openSecrets)}
}

// ToProperties is the inverse of FromProperties, without the secret marks.
func ToProperties(obj *unstructured.Unstructured) resource.PropertyMap {
	return resource.NewPropertyMapFromMapRepl(obj.Object, toUnderscores, nil)
}

// HasUnknown says whether a value, or anything in it, is not known yet.
func HasUnknown(value any) bool {
	switch value := value.(type) {
	case resource.Computed, resource.Output:
		return true
	case *unstructured.Unstructured:
		return HasUnknown(value.Object)
	case map[string]any:
		for _, inner := range value {
			if HasUnknown(inner) {
				return true
			}
		}
	case []any:
		for _, inner := range value {
			if HasUnknown(inner) {
				return true
			}
		}
	}
	return false
}

func toDashes(key string) (string, bool) {
	dash, ok := dashed[key]
	return dash, ok
}

func toUnderscores(key string) (resource.PropertyKey, bool) {
	under, ok := underscored[key]
	return under, ok
}

func openSecrets(value resource.PropertyValue) (any, bool) {
	if value.IsSecret() {
		return value.SecretValue().Element.MapRepl(toDashes, openSecrets), true
	}
	return nil, false
}
