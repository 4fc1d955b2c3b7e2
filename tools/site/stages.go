package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/yaml"
)

// podAnnotation holds a pod back or breaks it; stages/pod.yaml says how.
const podAnnotation = `.metadata.annotations["simulator.kubefate/pod"]`

//go:embed stages/*.yaml
var ownStages embed.FS

// stage is as much of a kwok Stage as is changed here; all else is carried along.
type stage = map[string]any

// printStages writes kwok's configuration: its own stages, changed so that they leave pods under a drill alone,
// and the site's.
func printStages(out io.Writer, arguments []string) error {
	flags := flag.NewFlagSet("stages", flag.ContinueOnError)
	prefix := flags.String("address-prefix", "", "the first two octets of a Service's public address")
	ingress := flags.String("ingress-address", "", "the public address of every Ingress")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *prefix == "" || *ingress == "" {
		return errors.New("stages needs -address-prefix and -ingress-address")
	}
	documents := []string{nodefast.DefaultNodeInit, podfast.DefaultPodDelete}
	changed, err := podStages()
	if err != nil {
		return err
	}
	documents = append(documents, changed...)
	for _, name := range []string{"pod", "volume", "address"} {
		text, err := ownStages.ReadFile("stages/" + name + ".yaml")
		if err != nil {
			return err
		}
		documents = append(documents, string(text))
	}
	all := strings.Join(documents, "\n---\n")
	_, err = io.WriteString(out, strings.NewReplacer("@PREFIX@", *prefix, "@INGRESS@", *ingress).Replace(all))
	return err
}

// podStages changes the two stages of kwok that move a pod forward, and derives the late one.
func podStages() ([]string, error) {
	ready, err := parse(podfast.DefaultPodReady)
	if err != nil {
		return nil, err
	}
	exclude(ready, "pending", "crash", "slow")
	// A pod that crashed and is relieved of its annotation is running already, and must become ready again.
	if err := widenPhase(ready, "Running"); err != nil {
		return nil, err
	}
	if err := keepAddress(ready); err != nil {
		return nil, err
	}

	complete, err := parse(podfast.DefaultPodComplete)
	if err != nil {
		return nil, err
	}
	exclude(complete, "pending", "crash")

	slow, err := parse(podfast.DefaultPodReady)
	if err != nil {
		return nil, err
	}
	slow["metadata"] = map[string]any{"name": "pod-slow-ready"}
	require(slow, podAnnotation, "In", "slow")
	require(slow, ".status.containerStatuses", "Exists")
	slow["spec"].(map[string]any)["delay"] = map[string]any{
		"durationMilliseconds": 30000,
		"durationFrom": map[string]any{
			"expressionFrom": `.metadata.annotations["simulator.kubefate/ready-after"]`,
		},
	}

	var texts []string
	for _, each := range []stage{ready, complete, slow} {
		text, err := yaml.Marshal(each)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

func parse(text string) (stage, error) {
	var parsed stage
	err := yaml.Unmarshal([]byte(text), &parsed)
	return parsed, err
}

func exclude(s stage, drills ...string) {
	require(s, podAnnotation, "NotIn", drills...)
}

func selector(s stage) map[string]any {
	return s["spec"].(map[string]any)["selector"].(map[string]any)
}

func require(s stage, key, operator string, values ...string) {
	expression := map[string]any{"key": key, "operator": operator}
	if len(values) > 0 {
		expression["values"] = values
	}
	found := selector(s)
	found["matchExpressions"] = append(found["matchExpressions"].([]any), expression)
}

func widenPhase(s stage, phase string) error {
	for _, each := range selector(s)["matchExpressions"].([]any) {
		expression := each.(map[string]any)
		if expression["key"] == ".status.phase" {
			expression["values"] = append(expression["values"].([]any), phase)
			return nil
		}
	}
	return fmt.Errorf("kwok's stage %v does not ask for a phase", s["metadata"])
}

// keepAddress lets a pod that has an address keep it: the list of addresses is merged, and may not hold two.
func keepAddress(s stage) error {
	const use = "{{ with $podIPs }}"
	next := s["spec"].(map[string]any)["next"].(map[string]any)
	template, _ := next["statusTemplate"].(string)
	if strings.Count(template, use) != 1 {
		return fmt.Errorf("kwok's stage %v does not set the pod's addresses as expected", s["metadata"])
	}
	next["statusTemplate"] = strings.Replace(template, use, "{{ if .status.podIP }}{{ $podIPs = list }}{{ end }}"+use, 1)
	return nil
}
