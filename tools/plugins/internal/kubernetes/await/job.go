package await

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// jobPlan waits until a Job is complete, and gives up at once when the Job does.
func jobPlan(obj *unstructured.Unstructured) *plan {
	return &plan{sources: selectorOf(obj), restarts: true, judge: judgeJob}
}

func judgeJob(v *view) verdict {
	if failed := condition(v.object, "Failed"); failed["status"] == "True" {
		reasons := append(missing("Job failed"), conditionText(failed)...)
		return verdict{failed: true, reasons: append(reasons, troubles(v)...)}
	}
	if complete := condition(v.object, "Complete"); complete["status"] == "True" && !v.gone {
		return verdict{ready: true}
	}
	found := verdict{status: "Waiting for Job to complete", reasons: missing("Job is not complete")}
	if text(v.object, "status", "startTime") == "" {
		found = verdict{status: "Waiting for Job to start", reasons: missing("Job was not started")}
	}
	found.explain(troubles(v))
	return found
}

// JobComplete says whether a Job has done its work.
func JobComplete(obj *unstructured.Unstructured) bool {
	return judgeJob(newView(obj, nil)).ready
}
