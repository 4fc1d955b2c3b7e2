package await

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// claimPlan waits until a claim is bound. A claim that binds when its first pod comes may stay pending.
func claimPlan(pendingIsEnough bool) *plan {
	return phasePlan(func(phase string) bool {
		return phase == "Bound" || pendingIsEnough && phase == "Pending"
	})
}

func volumePlan() *plan {
	return phasePlan(func(phase string) bool { return phase == "Available" || phase == "Bound" })
}

func phasePlan(enough func(string) bool) *plan {
	return &plan{judge: func(v *view) verdict {
		phase := text(v.object, "status", "phase")
		if enough(phase) && !v.gone {
			return verdict{ready: true}
		}
		return verdict{
			status:  "Waiting for " + v.object.GetKind() + " in phase " + phase,
			reasons: missing("%s %q is in phase %q", v.object.GetKind(), v.object.GetName(), phase),
		}
	}}
}

// quotaPlan waits until the quota's controller counts with the limits asked for.
func quotaPlan() *plan {
	return &plan{judge: func(v *view) verdict {
		if equality.Semantic.DeepEqual(quantities(v.object, "spec"), quantities(v.object, "status")) {
			return verdict{ready: true}
		}
		return verdict{
			status: "Waiting for ResourceQuota", reasons: missing(".status.hard of the ResourceQuota is not .spec.hard"),
		}
	}}
}

func quantities(obj *unstructured.Unstructured, part string) map[string]resource.Quantity {
	limits, _, _ := unstructured.NestedStringMap(obj.Object, part, "hard")
	parsed := map[string]resource.Quantity{}
	for name, limit := range limits {
		if quantity, err := resource.ParseQuantity(limit); err == nil {
			parsed[name] = quantity
		}
	}
	return parsed
}

// waitsForConsumer says whether the class of a new claim binds volumes only when a pod uses them.
func (w Wait) waitsForConsumer(ctx context.Context) bool {
	name := text(w.Object, "spec", "storageClassName")
	if w.Old != nil || name == "" {
		return false
	}
	class, err := w.Client.Resource(classes, "").Get(ctx, name, metav1.GetOptions{})
	return err == nil && class.Object["volumeBindingMode"] == "WaitForFirstConsumer"
}
