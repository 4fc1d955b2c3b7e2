package await

import (
	"context"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

var (
	claims      = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	endpoints   = schema.GroupVersionResource{Version: "v1", Resource: "endpoints"}
	pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	replicaSets = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
	classes     = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}
)

// plan picks what to wait for: what the user asks for, else what the kind asks for. Nil means nothing.
func (w Wait) plan(ctx context.Context) (*plan, error) {
	if wanted := object.Annotation(w.Object, object.WaitFor); wanted != "" {
		return conditionPlan(wanted)
	}
	if plan := builtIn(w); plan != nil {
		return plan, nil
	}
	kind := object.Kind(w.Object)
	if kind.Group == "" {
		switch kind.Kind {
		case "PersistentVolumeClaim":
			return claimPlan(w.waitsForConsumer(ctx)), nil
		case "PersistentVolume":
			return volumePlan(), nil
		case "ResourceQuota":
			return quotaPlan(), nil
		}
	}
	if os.Getenv("PULUMI_K8S_AWAIT_ALL") == "true" {
		return statusPlan(nil), nil
	}
	return nil, nil
}

// builtIn returns the plan of a kind whose readiness counts on reads too.
func builtIn(w Wait) *plan {
	switch kind := object.Kind(w.Object); kind.Group + "/" + kind.Kind {
	case "/Pod":
		return podPlan()
	case "/Service":
		return servicePlan(w.Object)
	case "apps/DaemonSet":
		return statusPlan(selectorOf(w.Object))
	case "apps/Deployment":
		return deploymentPlan(w.Object)
	case "apps/StatefulSet":
		return statefulSetPlan(w.Object)
	case "batch/Job":
		return jobPlan(w.Object)
	case "networking.k8s.io/Ingress":
		return ingressPlan(w.Object)
	}
	return nil
}

// statusPlan waits until kstatus, which knows the usual shapes of a status, calls the object current.
func statusPlan(sources []source) *plan {
	return &plan{sources: sources, judge: func(v *view) verdict {
		result, err := status.Compute(v.object)
		if err != nil {
			return verdict{reasons: []string{err.Error()}}
		}
		if result.Status == status.CurrentStatus {
			return verdict{ready: true}
		}
		reasons := append(missing("%s is not ready: %s", v.object.GetKind(), result.Message), troubles(v)...)
		return verdict{status: result.Message, reasons: reasons}
	}}
}

// selectorOf returns the pods that a workload's selector picks, as a source.
func selectorOf(obj *unstructured.Unstructured) []source {
	selector, found := labelSelector(obj)
	if !found {
		return nil
	}
	return []source{{resource: pods, labels: selector}}
}
