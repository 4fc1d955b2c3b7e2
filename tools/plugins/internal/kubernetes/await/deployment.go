package await

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

const revision = "deployment.kubernetes.io/revision"

// deploymentPlan waits for the ReplicaSet of the current revision, not for the Deployment's own count of pods: that
// one still counts the old revision's.
func deploymentPlan(obj *unstructured.Unstructured) *plan {
	sources := selectorOf(obj)
	for _, wanted := range sources {
		wanted.resource = replicaSets
		sources = append(sources, wanted)
		break
	}
	for _, claim := range mountedClaims(obj) {
		sources = append(sources, source{resource: claims, name: claim})
	}
	return &plan{sources: sources, judge: judgeDeployment}
}

func judgeDeployment(v *view) verdict {
	if v.gone || !observed(v.object) {
		return verdict{
			status: "waiting for the Deployment controller", reasons: missing("Deployment was not observed by its controller"),
		}
	}
	current := v.object.GetAnnotations()[revision]
	ready, wanted, rolled := currentReplicas(v, current)
	found := verdict{
		severity: diag.Info,
		status:   fmt.Sprintf("Waiting for app ReplicaSet to be available (%d/%d Pods available)", ready, wanted),
	}
	available := condition(v.object, "Available")
	if available["status"] != "True" {
		found.reasons = append(found.reasons, conditionText(available)...)
		found.reasons = append(found.reasons, "Minimum number of live Pods was not attained")
	}
	if progress := condition(v.object, "Progressing"); progress["status"] == "False" {
		found.reasons = append(found.reasons, conditionText(progress)...)
		found.severity = diag.Warning
	} else if current != "1" && progress["reason"] != "NewReplicaSetAvailable" {
		found.reasons = append(found.reasons, "Attempted to roll forward to new ReplicaSet, but minimum number of Pods "+
			"did not become live")
	}
	if !rolled || ready < wanted {
		found.reasons = append(found.reasons, fmt.Sprintf(
			"%d out of %d Pods of the current ReplicaSet are ready", ready, wanted))
	}
	for _, claim := range mountedClaims(v.object) {
		if phase, seen := claimPhase(v, claim); seen && phase != "Bound" {
			found.reasons = append(found.reasons, fmt.Sprintf(
				"Failed to bind PersistentVolumeClaim(s): %q (%s)", claim, phase))
		}
	}
	if len(found.reasons) == 0 {
		return verdict{ready: true}
	}
	found.explain(troubles(v))
	return found
}

// currentReplicas returns how many pods of the current revision are ready, how many are wanted, and whether that
// revision's ReplicaSet is there.
func currentReplicas(v *view, current string) (ready, wanted int64, found bool) {
	for _, set := range v.others[replicaSets] {
		if current != "" && ownedBy(set, v.object) && set.GetAnnotations()[revision] == current {
			wanted, has, _ := unstructured.NestedInt64(set.Object, "spec", "replicas")
			if !has {
				wanted = 1
			}
			return integer(set, "status", "readyReplicas"), wanted, true
		}
	}
	return 0, integer(v.object, "spec", "replicas"), false
}

func mountedClaims(obj *unstructured.Unstructured) []string {
	volumes, _, _ := unstructured.NestedSlice(obj.Object, "spec", "template", "spec", "volumes")
	var names []string
	for _, volume := range volumes {
		volume, _ := volume.(map[string]any)
		claim, _ := volume["persistentVolumeClaim"].(map[string]any)
		if name, _ := claim["claimName"].(string); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func claimPhase(v *view, name string) (string, bool) {
	claim, seen := v.others[claims][name]
	if !seen {
		return "", false
	}
	return text(claim, "status", "phase"), true
}

// conditionText returns why a condition does not hold, as "[Reason] message".
func conditionText(entry map[string]any) []string {
	reason, _ := entry["reason"].(string)
	message, _ := entry["message"].(string)
	if reason == "" && message == "" {
		return nil
	}
	return missing("[%s] %s", reason, message)
}

func labelSelector(obj *unstructured.Unstructured) (string, bool) {
	raw, found, _ := unstructured.NestedMap(obj.Object, "spec", "selector")
	if !found {
		return "", false
	}
	var selector metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &selector) != nil {
		return "", false
	}
	parsed, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil || parsed.Empty() {
		return "", false
	}
	return parsed.String(), true
}

// explain adds what is wrong with the pods, and shows it: it is what a user can act on.
func (found *verdict) explain(reasons []string) {
	if len(reasons) == 0 {
		return
	}
	found.reasons = append(found.reasons, reasons...)
	found.status = strings.Join(append([]string{found.status}, reasons...), "; ")
	found.severity = diag.Warning
}
