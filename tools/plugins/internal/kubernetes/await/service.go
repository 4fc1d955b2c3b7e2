package await

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// settle is how long the endpoints of a Service must stay as they are.
const settle = 10 * time.Second

const noAddress = "Service was not allocated an IP address; does your cloud provider support this?"

// servicePlan waits for the load balancer's address, and until the endpoints have settled. How many pods are ready
// does not matter, as long as none is about to be.
func servicePlan(obj *unstructured.Unstructured) *plan {
	wanted := &plan{judge: judgeService}
	if hasEndpoints(obj) {
		wanted.sources = []source{{resource: endpoints, name: obj.GetName()}}
	}
	return wanted
}

func judgeService(v *view) verdict {
	balanced := text(v.object, "spec", "type") != "LoadBalancer" || hasAddress(v.object)
	if hasEndpoints(v.object) {
		if found, settled := judgeEndpoints(v); !settled {
			found.passes = found.passes && balanced
			if !balanced {
				found.reasons = append(found.reasons, noAddress)
			}
			return found
		}
	}
	if !balanced || v.gone {
		return verdict{status: "[2/2] waiting for load balancer address", reasons: missing(noAddress)}
	}
	return verdict{ready: true}
}

func judgeEndpoints(v *view) (verdict, bool) {
	found := verdict{
		status: "[1/2] Finding Pods to direct traffic to",
		reasons: missing("Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' " +
			"may not match labels on any Pods"),
	}
	seen, has := v.others[endpoints][v.object.GetName()]
	if !has {
		// Where nobody makes Endpoints objects there is nothing to wait for, but only the time can tell.
		found.passes = true
		return found, v.snapshot
	}
	if hasUnready(seen) {
		return found, false
	}
	rest := settle - time.Since(v.changed[endpoints])
	if v.snapshot || rest <= 0 {
		return verdict{}, true
	}
	found.again = rest
	return found, false
}

// hasEndpoints says whether a controller fills the endpoints of this Service.
func hasEndpoints(obj *unstructured.Unstructured) bool {
	selector, _, _ := unstructured.NestedMap(obj.Object, "spec", "selector")
	return len(selector) > 0 && text(obj, "spec", "type") != "ExternalName" && text(obj, "spec", "clusterIP") != "None"
}

func hasUnready(obj *unstructured.Unstructured) bool {
	subsets, _, _ := unstructured.NestedSlice(obj.Object, "subsets")
	for _, subset := range subsets {
		subset, _ := subset.(map[string]any)
		if addresses, _ := subset["notReadyAddresses"].([]any); len(addresses) > 0 {
			return true
		}
	}
	return false
}

func hasAddress(obj *unstructured.Unstructured) bool {
	addresses, _, _ := unstructured.NestedSlice(obj.Object, "status", "loadBalancer", "ingress")
	return len(addresses) > 0
}
