package object

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// MarkSecrets marks in outs what is secret: the data of a Secret always, and everything at the path of a secret in
// ins. A list that holds a secret is secret as a whole, because a server may change the order of a list.
func MarkSecrets(outs, ins resource.PropertyMap) {
	if outs == nil {
		return
	}
	if kind := outs["kind"]; kind.IsString() && kind.StringValue() == "Secret" {
		markKindSecret(outs)
		return
	}
	for key, in := range ins {
		out, has := outs[key]
		if !has {
			continue
		}
		if out.IsObject() && in.IsObject() {
			MarkSecrets(out.ObjectValue(), in.ObjectValue())
		} else if !out.IsSecret() && in.ContainsSecrets() {
			outs[key] = resource.MakeSecret(out)
		}
	}
}

func markKindSecret(outs resource.PropertyMap) {
	for _, key := range []resource.PropertyKey{"data", "stringData"} {
		if value, has := outs[key]; has && !value.IsSecret() {
			outs[key] = resource.MakeSecret(value)
		}
	}
	// kubectl keeps a copy of the whole Secret in this annotation.
	metadata := outs["metadata"]
	if !metadata.IsObject() || !metadata.ObjectValue()["annotations"].IsObject() {
		return
	}
	annotations := metadata.ObjectValue()["annotations"].ObjectValue()
	if value, has := annotations[LastApplied]; has && !value.IsSecret() {
		annotations[LastApplied] = resource.MakeSecret(value)
	}
}
