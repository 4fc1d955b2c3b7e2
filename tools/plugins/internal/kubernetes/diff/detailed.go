package diff

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Changes maps the path of every property that differs to what happens to it.
type Changes map[string]*pulumirpc.PropertyDiff

// comparison collects the differences between an old and a new value.
type comparison struct {
	forced  []string
	changes Changes
}

func (c *comparison) maps(path []any, old, wanted map[string]any) {
	for key, after := range wanted {
		before, had := old[key]
		c.values(below(path, key), before, had, after, true)
	}
	for key, before := range old {
		if _, has := wanted[key]; !has {
			c.values(below(path, key), before, true, nil, false)
		}
	}
}

func (c *comparison) lists(path []any, old, wanted []any) {
	for i := range max(len(old), len(wanted)) {
		var before, after any
		if i < len(old) {
			before = old[i]
		}
		if i < len(wanted) {
			after = wanted[i]
		}
		c.values(below(path, i), before, i < len(old), after, i < len(wanted))
	}
}

// values compares two values; had and has say whether they are there at all.
func (c *comparison) values(path []any, before any, had bool, after any, has bool) {
	switch {
	case !has || after == nil:
		// A null in the inputs means that the field must not be there.
		if had && before == nil && has {
			return
		}
		c.record(path, pulumirpc.PropertyDiff_DELETE, nil)
	case !had:
		c.record(path, pulumirpc.PropertyDiff_ADD, after)
	case isMap(before) && isMap(after):
		c.maps(path, before.(map[string]any), after.(map[string]any))
	case isList(before) && isList(after):
		c.lists(path, before.([]any), after.([]any))
	case unknown(after) || !equal(before, after):
		c.record(path, pulumirpc.PropertyDiff_UPDATE, after)
	}
}

func (c *comparison) record(path []any, kind pulumirpc.PropertyDiff_Kind, value any) {
	change := &pulumirpc.PropertyDiff{Kind: kind, InputDiff: kind == pulumirpc.PropertyDiff_DELETE}
	if forces(c.forced, path, value) {
		switch kind {
		case pulumirpc.PropertyDiff_ADD:
			change.Kind = pulumirpc.PropertyDiff_ADD_REPLACE
		case pulumirpc.PropertyDiff_DELETE:
			change.Kind = pulumirpc.PropertyDiff_DELETE_REPLACE
		case pulumirpc.PropertyDiff_UPDATE:
			change.Kind = pulumirpc.PropertyDiff_UPDATE_REPLACE
		}
	}
	c.changes[text(path)] = change
}

// below copies the path: two children must not share one array.
func below(path []any, element any) []any {
	return append(path[:len(path):len(path)], element)
}

func isMap(value any) bool { _, ok := value.(map[string]any); return ok }

func isList(value any) bool { _, ok := value.([]any); return ok }

func unknown(value any) bool { _, ok := value.(resource.Computed); return ok }

// equal compares scalars. State holds every number as a float, a normalized object has integers.
func equal(a, b any) bool {
	left, isLeft := number(a)
	right, isRight := number(b)
	if isLeft && isRight {
		return left == right
	}
	return reflect.DeepEqual(a, b)
}

func number(value any) (float64, bool) {
	switch value := value.(type) {
	case int64:
		return float64(value), true
	case float64:
		return value, true
	}
	return 0, false
}

// text writes a path the way the engine reads it: a.b[0]["c.d"].
func text(path []any) string {
	var out strings.Builder
	for _, element := range path {
		switch element := element.(type) {
		case int:
			fmt.Fprintf(&out, "[%d]", element)
		case string:
			switch {
			case strings.ContainsAny(element, `."[]`):
				fmt.Fprintf(&out, `["%s"]`, strings.ReplaceAll(element, `"`, `\"`))
			case out.Len() > 0:
				out.WriteString("." + element)
			default:
				out.WriteString(element)
			}
		}
	}
	return out.String()
}
