// Package diff compares what is known of an object with what the program asks for.
package diff

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

// Rules say which changes cannot be made in place.
type Rules struct {
	ConfigMapMutable, SecretMutable bool
	// Patch is set for resources that own some fields only: everything but their identity changes in place.
	Patch bool
}

var (
	identity = []string{"metadata.name", "metadata.namespace"}
	binding  = []string{"roleRef"}

	// Fields that the API refuses to change, by group and kind.
	forced = map[string][]string{
		"apps/DaemonSet":  {"spec.selector"},
		"apps/Deployment": {"spec.selector"},
		"apps/StatefulSet": under("spec", "podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName",
			"volumeClaimTemplates"),
		"batch/Job": under("spec", "completions", "parallelism", "selector", "template"),
		"/PersistentVolume": under("spec", "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi",
			"fc", "flexVolume", "flocker", "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs",
			"photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
		"/PersistentVolumeClaim": under("spec", "accessModes", "selector", "storageClassName", "volumeName"),
		"/Pod":                   pod,
		"/ResourceQuota":         {"spec.scopes"},
		"/Secret":                {"type"},
		"/Service":               {"spec.clusterIP"},
		"rbac.authorization.k8s.io/ClusterRoleBinding": binding,
		"rbac.authorization.k8s.io/RoleBinding":        binding,
		"storage.k8s.io/StorageClass":                  {"parameters", "provisioner"},
	}

	// Of a Pod almost everything. An asterisk stands for every index.
	pod = append(append(
		under("spec", "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks",
			"hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName",
			"nodeSelector", "overhead", "preemptionPolicy", "priority", "priorityClassName", "readinessGates",
			"restartPolicy", "runtimeClassName", "schedulerName", "securityContext", "serviceAccount",
			"serviceAccountName", "shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds", "volumes"),
		under("spec.containers.*", container...)...),
		under("spec.initContainers.*", container...)...)

	container = []string{
		"args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports", "readinessProbe",
		"resources", "securityContext", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy",
		"tty", "volumeDevices", "volumeMounts", "workingDir",
	}
)

// fields returns the paths whose change replaces the object.
func (r Rules) fields(obj *unstructured.Unstructured) []string {
	if r.Patch {
		return identity
	}
	kind := object.Kind(obj)
	result := append([]string{}, identity...)
	immutable := object.IsImmutable(obj)
	switch {
	case object.IsConfigMap(obj) && (!r.ConfigMapMutable || immutable):
		return append(result, "data", "binaryData")
	case object.IsSecret(obj) && (!r.SecretMutable || immutable):
		return append(result, "type", "stringData", "data")
	case kind.Group == "policy" && kind.Version == "v1beta1" && kind.Kind == "PodDisruptionBudget":
		return append(result, "spec")
	}
	return append(result, forced[kind.Group+"/"+kind.Kind]...)
}

func under(prefix string, names ...string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = prefix + "." + name
	}
	return paths
}

// forces says whether a change at a path, to a value, touches one of the fields: at the field, below it, or above it
// with the field in the new value.
func forces(fields []string, path []any, value any) bool {
	for _, field := range fields {
		if matches(strings.Split(field, "."), path, value) {
			return true
		}
	}
	return false
}

func matches(field []string, path []any, value any) bool {
	for i, element := range field {
		if i >= len(path) {
			return contains(value, field[i:])
		}
		switch key := path[i].(type) {
		case string:
			if key != element {
				return false
			}
		case int:
			if element != "*" {
				return false
			}
		}
	}
	return true
}

func contains(value any, field []string) bool {
	if len(field) == 0 {
		return true
	}
	switch value := value.(type) {
	case map[string]any:
		inner, has := value[field[0]]
		return has && contains(inner, field[1:])
	case []any:
		for _, inner := range value {
			if field[0] == "*" && contains(inner, field[1:]) {
				return true
			}
		}
	}
	return false
}
