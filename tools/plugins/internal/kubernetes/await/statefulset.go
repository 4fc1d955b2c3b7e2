package await

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// statefulSetPlan waits until every replica is ready at the latest revision. Under OnDelete a new revision waits for
// somebody to delete pods, so only the replicas count.
func statefulSetPlan(obj *unstructured.Unstructured) *plan {
	return &plan{sources: selectorOf(obj), judge: judgeStatefulSet}
}

func judgeStatefulSet(v *view) verdict {
	if v.gone || !observed(v.object) {
		return verdict{
			status: "waiting for the StatefulSet controller", reasons: missing("StatefulSet was not observed by its controller"),
		}
	}
	wanted, ready := integer(v.object, "spec", "replicas"), integer(v.object, "status", "readyReplicas")
	current, update := text(v.object, "status", "currentRevision"), text(v.object, "status", "updateRevision")
	onDelete := v.object.GetGeneration() > 1 && text(v.object, "spec", "updateStrategy", "type") == "OnDelete"

	var reasons []string
	if wanted != integer(v.object, "status", "replicas") || wanted != ready ||
		!onDelete && wanted != integer(v.object, "status", "currentReplicas") {
		reasons = append(reasons, fmt.Sprintf("%d out of %d replicas succeeded readiness checks", ready, wanted))
	}
	if !onDelete && (current == "" || current != update) {
		reasons = append(reasons, fmt.Sprintf(
			"StatefulSet controller failed to advance from revision %q to revision %q", current, update))
	}
	if len(reasons) == 0 {
		return verdict{ready: true}
	}
	found := verdict{
		status:  fmt.Sprintf("Waiting for StatefulSet to be available (%d/%d Pods ready)", ready, wanted),
		reasons: reasons,
	}
	found.explain(troubles(v))
	return found
}
