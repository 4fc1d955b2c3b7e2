package object

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ID returns the resource id: "namespace/name", or "name" for a cluster-scoped object.
func ID(obj *unstructured.Unstructured) string {
	if namespace := obj.GetNamespace(); namespace != "" {
		return namespace + "/" + obj.GetName()
	}
	return obj.GetName()
}

// ParseID splits a resource id. The namespace is "" when the id has none.
func ParseID(id string) (namespace, name string) {
	before, after, found := strings.Cut(id, "/")
	if !found {
		return "", before
	}
	return before, after
}

// KindOf returns the API kind that a resource's type token names.
func KindOf(urn resource.URN) (schema.GroupVersionKind, error) {
	module := string(urn.Type().Module().Name())
	group, version, found := strings.Cut(module, "/")
	if urn.Type().Package() != "kubernetes" || !found {
		return schema.GroupVersionKind{}, fmt.Errorf(
			"resource type %q is not of the form kubernetes:<group>/<version>:<Kind>", urn.Type())
	}
	if group == "core" {
		group = ""
	}
	return schema.GroupVersionKind{Group: group, Version: version, Kind: string(urn.Type().Name())}, nil
}

// Kind returns the API kind of an object. The group "core" is the empty one.
func Kind(obj *unstructured.Unstructured) schema.GroupVersionKind {
	kind := obj.GroupVersionKind()
	if kind.Group == "core" {
		kind.Group = ""
	}
	return kind
}

// IsPatch says whether the resource is one of the Patch types, which own some fields of somebody else's object.
func IsPatch(urn resource.URN, obj *unstructured.Unstructured) bool {
	name := string(urn.Type().Name())
	return strings.HasSuffix(name, "Patch") && !strings.HasSuffix(obj.GetKind(), "Patch")
}

// IsCRD says whether the object defines a custom resource.
func IsCRD(obj *unstructured.Unstructured) bool {
	return obj.GroupVersionKind().GroupKind() == schema.GroupKind{
		Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition",
	}
}

// IsSecret says whether the object is a core Secret.
func IsSecret(obj *unstructured.Unstructured) bool {
	return obj.GetAPIVersion() == "v1" && obj.GetKind() == "Secret"
}

// IsConfigMap says whether the object is a core ConfigMap.
func IsConfigMap(obj *unstructured.Unstructured) bool {
	return obj.GetAPIVersion() == "v1" && obj.GetKind() == "ConfigMap"
}

// IsImmutable says whether a ConfigMap or Secret forbids changes of its data.
func IsImmutable(obj *unstructured.Unstructured) bool {
	return obj.Object["immutable"] == true
}
