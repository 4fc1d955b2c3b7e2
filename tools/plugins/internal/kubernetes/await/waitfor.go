package await

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/theory/jsonpath"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// expectation is one expression of the waitFor annotation.
type expectation struct {
	text string
	met  func(*unstructured.Unstructured) bool
}

// conditionPlan waits until every expression of a waitFor annotation holds. The annotation is one expression, or a
// JSON list of them.
func conditionPlan(annotation string) (*plan, error) {
	var texts []string
	if json.Unmarshal([]byte(annotation), &texts) != nil {
		texts = []string{annotation}
	}
	if len(texts) == 0 {
		return nil, errors.New("at least one condition must be specified")
	}
	expectations := make([]expectation, 0, len(texts))
	for _, text := range texts {
		parsed, err := parseExpectation(text)
		if err != nil {
			return nil, err
		}
		expectations = append(expectations, parsed)
	}
	return &plan{condition: true, judge: func(v *view) verdict {
		var open []string
		for _, wanted := range expectations {
			if v.gone || !wanted.met(v.object) {
				open = append(open, wanted.text)
			}
		}
		if len(open) == 0 {
			return verdict{ready: true}
		}
		met := len(expectations) - len(open)
		return verdict{
			status:  fmt.Sprintf("[%d/%d] waiting for %s", met+1, len(expectations), open[0]),
			reasons: missing("%s was not met", strings.Join(open, ", ")),
		}
	}}, nil
}

func parseExpectation(text string) (expectation, error) {
	if rest, ok := strings.CutPrefix(text, "jsonpath="); ok {
		return parsePath(text, rest)
	}
	if rest, ok := strings.CutPrefix(text, "condition="); ok {
		name, status, given := strings.Cut(rest, "=")
		if !given {
			status = "True"
		}
		return expectation{text: text, met: func(obj *unstructured.Unstructured) bool {
			return hasCondition(obj, name, status)
		}}, nil
	}
	return expectation{}, fmt.Errorf(`expected a "jsonpath=" or "condition=" prefix, got %q`, text)
}

// parsePath reads {.path} or {.path}=value. The path is an RFC 9535 one without its leading $.
func parsePath(text, rest string) (expectation, error) {
	inner, value, valued := strings.Cut(rest, "}=")
	if !valued {
		var closed bool
		if inner, closed = strings.CutSuffix(rest, "}"); !closed {
			return expectation{}, fmt.Errorf("expected {.path} or {.path}=value after jsonpath=, got %q", rest)
		}
	}
	inner, opened := strings.CutPrefix(inner, "{")
	if !opened {
		return expectation{}, fmt.Errorf("expected {.path} or {.path}=value after jsonpath=, got %q", rest)
	}
	path, err := jsonpath.Parse("$" + strings.TrimPrefix(inner, "$"))
	if err != nil {
		return expectation{}, fmt.Errorf("waitFor %q: %w", text, err)
	}
	return expectation{text: text, met: func(obj *unstructured.Unstructured) bool {
		if stale(obj) {
			return false
		}
		found := path.Select(obj.Object)
		return len(found) > 0 && (!valued || scalar(found[0]) == value)
	}}, nil
}

func hasCondition(obj *unstructured.Unstructured, name, status string) bool {
	if stale(obj) {
		return false
	}
	conditions, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, entry := range conditions {
		entry, _ := entry.(map[string]any)
		kind, _ := entry["type"].(string)
		value, _ := entry["status"].(string)
		if !strings.EqualFold(kind, name) {
			continue
		}
		if seen, has := entry["observedGeneration"].(int64); has && seen < obj.GetGeneration() {
			return false
		}
		return strings.EqualFold(value, status)
	}
	return false
}

// stale says that the status is about an older generation of the object.
func stale(obj *unstructured.Unstructured) bool {
	seen, found, _ := unstructured.NestedInt64(obj.Object, "status", "observedGeneration")
	return found && seen < obj.GetGeneration()
}

func scalar(value any) string {
	if number, ok := value.(float64); ok {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}
