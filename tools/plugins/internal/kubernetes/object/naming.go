package object

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// suffixLength is the number of hexadecimal digits that an automatic name ends with.
const suffixLength = 8

// AssignName gives a new object without a name an automatic one, and marks it. An object whose name is not known yet
// has one.
func AssignName(
	obj *unstructured.Unstructured, urn resource.URN, seed []byte, options *pulumirpc.CheckRequest_AutonamingOptions,
) error {
	if hasName(obj) || obj.GetGenerateName() != "" {
		return nil
	}
	name, err := automaticName(urn, seed, options)
	if err != nil {
		return err
	}
	obj.SetName(name)
	SetAnnotation(obj, Autonamed, "true")
	return nil
}

func automaticName(
	urn resource.URN, seed []byte, options *pulumirpc.CheckRequest_AutonamingOptions,
) (string, error) {
	if options != nil {
		if options.GetMode() == pulumirpc.CheckRequest_AutonamingOptions_DISABLE {
			return "", fmt.Errorf(
				"autonaming is disabled, resource %q requires the `.metadata.name` field to be set", urn.Name())
		}
		return options.GetProposedName(), nil
	}
	return resource.NewUniqueName(seed, urn.Name()+"-", suffixLength, 0, nil)
}

// KeepName gives an object without a name the automatic name that it had before.
func KeepName(obj, old *unstructured.Unstructured) {
	if !hasName(obj) && HasAnnotation(old, Autonamed) {
		obj.SetName(old.GetName())
		SetAnnotation(obj, Autonamed, "true")
	}
}

// IsNamed says whether the object has a name that is known.
func IsNamed(obj *unstructured.Unstructured) bool { return obj.GetName() != "" }

func hasName(obj *unstructured.Unstructured) bool {
	if _, unknown := obj.Object["metadata"].(resource.Computed); unknown {
		return true
	}
	metadata, _ := obj.Object["metadata"].(map[string]any)
	_, unknown := metadata["name"].(resource.Computed)
	return unknown || obj.GetName() != ""
}
