package await

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// harmless are reasons that every pod goes through.
var harmless = map[string]bool{"": true, "ContainerCreating": true, "PodInitializing": true}

// troubles says what is wrong with the pods that belong to the object, one sentence for each pod.
func troubles(v *view) []string {
	var found []string
	for _, pod := range v.others[pods] {
		if !belongs(pod, v) {
			continue
		}
		if reasons := podTroubles(pod); len(reasons) > 0 {
			found = append(found, fmt.Sprintf("[Pod %s/%s]: %s", pod.GetNamespace(), pod.GetName(),
				strings.Join(reasons, "; ")))
		}
	}
	slices.Sort(found)
	return found
}

// belongs says whether a pod is the object's own, or that of a ReplicaSet of the object's current revision.
func belongs(pod *unstructured.Unstructured, v *view) bool {
	if ownedBy(pod, v.object) {
		return true
	}
	current := v.object.GetAnnotations()[revision]
	for _, set := range v.others[replicaSets] {
		if ownedBy(pod, set) && ownedBy(set, v.object) && set.GetAnnotations()[revision] == current {
			return true
		}
	}
	return false
}

// podTroubles says why a pod does not get ready: it found no node, or a container waits or has died.
func podTroubles(obj *unstructured.Unstructured) []string {
	var pod corev1.Pod
	if runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, &pod) != nil {
		return nil
	}
	var reasons []string
	for _, entry := range pod.Status.Conditions {
		if entry.Type == corev1.PodScheduled && entry.Status == corev1.ConditionFalse {
			reasons = append(reasons, fmt.Sprintf("[%s] %s", entry.Reason, entry.Message))
		}
	}
	if pod.Status.Phase == corev1.PodFailed {
		reasons = append(reasons, fmt.Sprintf("[%s] %s", orElse(pod.Status.Reason, "Failed"), pod.Status.Message))
	}
	for _, container := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		if reason := containerTrouble(container); reason != "" {
			reasons = append(reasons, fmt.Sprintf("containers with unready status: [%s] -- %s", container.Name, reason))
		}
	}
	return reasons
}

func containerTrouble(container corev1.ContainerStatus) string {
	if waiting := container.State.Waiting; waiting != nil && !harmless[waiting.Reason] {
		reason := fmt.Sprintf("[%s] %s", waiting.Reason, waiting.Message)
		if last := container.LastTerminationState.Terminated; last != nil {
			reason += fmt.Sprintf(" (last exit code %d: %s)", last.ExitCode, orElse(last.Message, last.Reason))
		}
		return reason
	}
	if ended := container.State.Terminated; ended != nil && ended.ExitCode != 0 {
		return fmt.Sprintf("[%s] exit code %d: %s", ended.Reason, ended.ExitCode, orElse(ended.Message, "no message"))
	}
	return ""
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// podPlan waits until a pod is ready or has done its work.
func podPlan() *plan {
	return &plan{restarts: true, judge: func(v *view) verdict {
		if text(v.object, "status", "phase") == string(corev1.PodSucceeded) {
			return verdict{ready: true}
		}
		var open []string
		for _, name := range []string{"PodScheduled", "Initialized", "Ready"} {
			if entry := condition(v.object, name); entry["status"] != "True" {
				open = append(open, name)
			}
		}
		if len(open) == 0 && !v.gone {
			return verdict{ready: true}
		}
		found := verdict{
			status:  "Waiting for Pod to be " + strings.Join(open, ", "),
			reasons: missing("Pod is not %s", strings.Join(open, ", ")),
		}
		found.explain(podTroubles(v.object))
		return found
	}}
}
