package await

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// quiet is how long an Ingress waits for the first Endpoints object of its namespace.
const quiet = time.Minute

// ingressPlan waits for the Ingress's address, and for the endpoints of every backend or until they have settled.
func ingressPlan(obj *unstructured.Unstructured) *plan {
	return &plan{sources: []source{{resource: endpoints}}, judge: judgeIngress}
}

func judgeIngress(v *view) verdict {
	found := verdict{status: "[1/2] Finding Services to direct traffic to"}
	for _, backend := range backends(v.object) {
		if _, has := v.others[endpoints][backend]; !has {
			found.reasons = append(found.reasons, fmt.Sprintf(
				"Ingress has a rule for Service %q, which has no endpoints", backend))
		}
	}
	if rest := settleIngress(v); len(found.reasons) > 0 && rest > 0 {
		found.again = rest
		return found
	}
	if !hasAddress(v.object) || v.gone {
		return verdict{
			status:  "[2/2] Waiting for update of .status.loadBalancer with hostname/IP",
			reasons: append(found.reasons, "Ingress .status.loadBalancer field was not updated with a hostname/IP address"),
		}
	}
	return verdict{ready: true}
}

func settleIngress(v *view) time.Duration {
	if v.snapshot {
		return 0
	}
	if last, seen := v.changed[endpoints]; seen {
		return settle - time.Since(last)
	}
	return quiet - time.Since(v.start)
}

// backends lists the Services that the rules of an Ingress name.
func backends(obj *unstructured.Unstructured) []string {
	var names []string
	add := func(backend map[string]any) {
		service, _ := backend["service"].(map[string]any)
		if name, _ := service["name"].(string); name != "" {
			names = append(names, name)
		}
	}
	fallback, _, _ := unstructured.NestedMap(obj.Object, "spec", "defaultBackend")
	add(fallback)
	rules, _, _ := unstructured.NestedSlice(obj.Object, "spec", "rules")
	for _, rule := range rules {
		rule, _ := rule.(map[string]any)
		paths, _, _ := unstructured.NestedSlice(rule, "http", "paths")
		for _, path := range paths {
			path, _ := path.(map[string]any)
			backend, _ := path["backend"].(map[string]any)
			add(backend)
		}
	}
	return names
}
