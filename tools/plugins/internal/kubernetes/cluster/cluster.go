// Package cluster is the plugin's client of one API server.
package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/object"
)

const (
	oldestMinor  = 13
	probeTimeout = 15 * time.Second
	// mapperAge is how old the list of served kinds may be when a kind is not in it. A definition that somebody else
	// has just made must be found, and many unknown kinds must not ask the server each time.
	mapperAge = time.Second
)

// Client talks to one API server. What the server serves is asked once.
type Client struct {
	dynamic   dynamic.Interface
	discovery discovery.DiscoveryInterface
	mapper    *restmapper.DeferredDiscoveryRESTMapper

	mu      sync.Mutex
	refresh time.Time
	defined map[schema.GroupKind]bool // custom kinds that this run defines: is it namespaced?
}

// Connect makes a client and asks the server whether it can be worked with.
func Connect(ctx context.Context, config *rest.Config) (*Client, error) {
	web, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfigAndClient(config, web)
	if err != nil {
		return nil, err
	}
	asked, err := discovery.NewDiscoveryClientForConfigAndClient(config, web)
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(asked)
	client := &Client{
		dynamic: objects, discovery: asked, mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached),
		defined: map[schema.GroupKind]bool{},
	}
	return client, client.probe(ctx, cached)
}

func (c *Client) probe(ctx context.Context, cached discovery.DiscoveryInterface) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	// A server that does not say its version is taken for one that is new enough.
	if err := c.discovery.RESTClient().Get().AbsPath("/version").Do(ctx).Error(); err != nil && ctx.Err() != nil {
		return fmt.Errorf("unable to load schema information from the API server: %w", err)
	}
	if version, err := c.discovery.ServerVersion(); err == nil {
		minor, err := strconv.Atoi(strings.TrimRight(version.Minor, "+"))
		if err == nil && version.Major == "1" && minor < oldestMinor {
			return &TooOldError{Version: version.Major + "." + version.Minor}
		}
	}
	if _, err := cached.ServerGroups(); err != nil {
		return fmt.Errorf("unable to load schema information from the API server: %w", err)
	}
	return nil
}

// TooOldError says that the API server's version is not supported.
type TooOldError struct{ Version string }

func (e *TooOldError) Error() string {
	return fmt.Sprintf("minimum supported cluster version is v1.%d. found v%s", oldestMinor, e.Version)
}

// For returns the client for an object's kind and namespace. A namespaced object without one is in "default".
func (c *Client) For(obj *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapping(object.Kind(obj))
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.dynamic.Resource(mapping.Resource), nil
	}
	namespace := obj.GetNamespace()
	if namespace == "" {
		namespace = "default"
	}
	return c.dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

// Resource returns the client for a resource of a namespace.
func (c *Client) Resource(resource schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return c.dynamic.Resource(resource)
	}
	return c.dynamic.Resource(resource).Namespace(namespace)
}

// Dynamic returns the client that watches are made with.
func (c *Client) Dynamic() dynamic.Interface { return c.dynamic }

// ResourceOf returns the resource that objects of a kind are served as.
func (c *Client) ResourceOf(kind schema.GroupVersionKind) (schema.GroupVersionResource, error) {
	mapping, err := c.mapping(kind)
	if err != nil {
		return schema.GroupVersionResource{}, err
	}
	return mapping.Resource, nil
}

// Serves says whether the server knows a kind.
func (c *Client) Serves(kind schema.GroupVersionKind) bool {
	_, err := c.mapping(kind)
	return err == nil
}

func (c *Client) mapping(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if !meta.IsNoMatchError(err) || !c.stale() {
		return mapping, err
	}
	c.mapper.Reset()
	return c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
}

func (c *Client) stale() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.refresh) < mapperAge {
		return false
	}
	c.refresh = time.Now()
	return true
}

// Forget drops what is known of the served kinds. Call it when a definition was made or changed.
func (c *Client) Forget() { c.mapper.Reset() }

// Define remembers the scope of the kind that a CustomResourceDefinition of this run defines.
func (c *Client) Define(definition *unstructured.Unstructured) {
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	scope, _, _ := unstructured.NestedString(definition.Object, "spec", "scope")
	if kind == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.defined[schema.GroupKind{Group: group, Kind: kind}] = scope != "Cluster"
}

// Namespaced says whether objects of a kind live in namespaces. A kind that nobody knows yet is taken for namespaced.
// A nil client knows the built-in kinds.
func (c *Client) Namespaced(kind schema.GroupVersionKind) bool {
	if namespaced, known := builtInScope(kind); known || c == nil {
		return namespaced
	}
	c.mu.Lock()
	namespaced, known := c.defined[kind.GroupKind()]
	c.mu.Unlock()
	if known {
		return namespaced
	}
	mapping, err := c.mapping(kind)
	return err != nil || mapping.Scope.Name() == meta.RESTScopeNameNamespace
}
