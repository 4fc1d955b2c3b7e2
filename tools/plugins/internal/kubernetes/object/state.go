package object

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	inputsKey            = "__inputs"
	initialAPIVersionKey = "__initialApiVersion"
	// FieldManagerKey is where a resource's state holds the name that its server-side applies go by.
	FieldManagerKey = "__fieldManager"
)

// State is what the plugin keeps of a resource: the whole live object and, beside its fields, what the program asked
// for.
type State struct {
	Inputs, Live      *unstructured.Unstructured
	InitialAPIVersion string
	FieldManager      string
}

// Properties returns the state as properties, with secrets marked as they are in the given program inputs.
func (s State) Properties(program resource.PropertyMap) resource.PropertyMap {
	properties, inputs := ToProperties(s.Live), ToProperties(s.Inputs)
	MarkSecrets(properties, program)
	MarkSecrets(inputs, program)
	properties[inputsKey] = resource.NewProperty(inputs)
	properties[initialAPIVersionKey] = resource.NewProperty(s.InitialAPIVersion)
	properties[FieldManagerKey] = resource.NewProperty(s.FieldManager)
	return properties
}

// ParseState reads a state back.
func ParseState(properties resource.PropertyMap) State {
	live := FromProperties(properties)
	inputs, _ := live.Object[inputsKey].(map[string]any)
	if inputs == nil {
		inputs = map[string]any{}
	}
	state := State{Inputs: &unstructured.Unstructured{Object: inputs}, Live: live}
	state.InitialAPIVersion, _ = live.Object[initialAPIVersionKey].(string)
	state.FieldManager, _ = live.Object[FieldManagerKey].(string)
	for _, key := range []string{inputsKey, initialAPIVersionKey, FieldManagerKey} {
		delete(live.Object, key)
	}
	return state
}
