// Package object converts between Pulumi's property maps and Kubernetes objects, without asking any server.
package object

import (
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Annotations that change what the plugin does with an object.
const (
	Autonamed           = "pulumi.com/autonamed"
	DeletionPropagation = "pulumi.com/deletionPropagationPolicy"
	PatchFieldManager   = "pulumi.com/patchFieldManager"
	PatchForce          = "pulumi.com/patchForce"
	ReplaceUnready      = "pulumi.com/replaceUnready"
	SkipAwait           = "pulumi.com/skipAwait"
	TimeoutSeconds      = "pulumi.com/timeoutSeconds"
	WaitFor             = "pulumi.com/waitFor"

	LastApplied  = "kubectl.kubernetes.io/last-applied-configuration"
	managedBy    = "app.kubernetes.io/managed-by"
	managedByUs  = "pulumi"
	revisionNote = "deployment.kubernetes.io/revision"
)

// Annotation returns the text of an annotation, or "" when it is not set or not known yet. Unlike
// unstructured.GetAnnotations it still works while another annotation is unknown.
func Annotation(obj *unstructured.Unstructured, key string) string {
	text, _ := nested(obj, "annotations")[key].(string)
	return text
}

// HasAnnotation says whether the annotation is "true".
func HasAnnotation(obj *unstructured.Unstructured, key string) bool {
	return Annotation(obj, key) == "true"
}

// SetAnnotation sets an annotation. Unknown annotations beside it stay.
func SetAnnotation(obj *unstructured.Unstructured, key, value string) {
	setMetadata(obj, "annotations", key, value)
}

// HasManagedByLabel says whether the object carries the label that client-side apply sets.
func HasManagedByLabel(obj *unstructured.Unstructured) bool {
	return nested(obj, "labels")[managedBy] == managedByUs
}

// SetManagedByLabel marks an object as managed by Pulumi.
func SetManagedByLabel(obj *unstructured.Unstructured) {
	setMetadata(obj, "labels", managedBy, managedByUs)
}

// Timeout returns how long to wait for an object: the resource option (seconds, 0 when unset), else the annotation,
// else the default.
func Timeout(option float64, obj *unstructured.Unstructured, byDefault time.Duration) time.Duration {
	if option != 0 {
		return time.Duration(option * float64(time.Second))
	}
	if seconds, err := strconv.Atoi(Annotation(obj, TimeoutSeconds)); err == nil {
		return time.Duration(seconds) * time.Second
	}
	return byDefault
}

// Propagation returns how dependents are deleted.
func Propagation(obj *unstructured.Unstructured) metav1.DeletionPropagation {
	switch strings.ToLower(Annotation(obj, DeletionPropagation)) {
	case "orphan":
		return metav1.DeletePropagationOrphan
	case "background":
		return metav1.DeletePropagationBackground
	default:
		return metav1.DeletePropagationForeground
	}
}

func nested(obj *unstructured.Unstructured, field string) map[string]any {
	metadata, _ := obj.Object["metadata"].(map[string]any)
	values, _ := metadata[field].(map[string]any)
	return values
}

// setMetadata does nothing where the metadata, or the map in it, is unknown.
func setMetadata(obj *unstructured.Unstructured, field, key, value string) {
	if obj.Object["metadata"] == nil {
		obj.Object["metadata"] = map[string]any{}
	}
	metadata, ok := obj.Object["metadata"].(map[string]any)
	if !ok {
		return
	}
	if metadata[field] == nil {
		metadata[field] = map[string]any{}
	}
	if values, ok := metadata[field].(map[string]any); ok {
		values[key] = value
	}
}
