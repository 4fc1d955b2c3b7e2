// Package settings reads what a provider resource is configured with.
package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	defaultQPS   = 50
	defaultBurst = 120
	namespace    = "kubernetes:config:"
)

// Settings is the configuration of one provider resource. An argument wins over an environment variable.
type Settings struct {
	Kubeconfig, Context, Cluster, Namespace string
	RenderDirectory                         string

	ServerSideApply       bool
	PatchForce            bool
	Upsert                bool
	ConfigMapMutable      bool
	SecretMutable         bool
	DeleteUnreachable     bool
	SkipUpdateUnreachable bool
	RejectUnknown         bool

	QPS     float64
	Burst   int
	Timeout time.Duration
}

type clientSettings struct {
	Burst   *int     `json:"burst"`
	QPS     *float64 `json:"qps"`
	Timeout *int     `json:"timeout"`
}

// Parse reads the variables that the engine sends at Configure: text, or JSON text for everything that is not text.
func Parse(variables map[string]string) (Settings, error) {
	flag := func(name, environment string, byDefault bool) bool {
		if value, set := variables[namespace+name]; set && value != "" {
			return value == "true"
		}
		if value, set := os.LookupEnv("PULUMI_K8S_" + environment); set {
			return value == "true"
		}
		return byDefault
	}
	s := Settings{
		Kubeconfig:      variables[namespace+"kubeconfig"],
		Context:         variables[namespace+"context"],
		Cluster:         variables[namespace+"cluster"],
		Namespace:       variables[namespace+"namespace"],
		RenderDirectory: variables[namespace+"renderYamlToDirectory"],

		ServerSideApply:       flag("enableServerSideApply", "ENABLE_SERVER_SIDE_APPLY", true),
		PatchForce:            flag("enablePatchForce", "ENABLE_PATCH_FORCE", false),
		Upsert:                flag("upsertExistingObjects", "UPSERT_EXISTING_OBJECTS", false),
		ConfigMapMutable:      flag("enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE", false),
		SecretMutable:         flag("enableSecretMutable", "ENABLE_SECRET_MUTABLE", false),
		DeleteUnreachable:     flag("deleteUnreachable", "DELETE_UNREACHABLE", false),
		SkipUpdateUnreachable: flag("skipUpdateUnreachable", "SKIP_UPDATE_UNREACHABLE", false),
		RejectUnknown:         variables[namespace+"rejectUnknownResources"] == "true",
	}
	return s, s.parseClient(variables[namespace+"kubeClientSettings"])
}

func (s *Settings) parseClient(text string) error {
	var client clientSettings
	if text != "" {
		if err := json.Unmarshal([]byte(text), &client); err != nil {
			return fmt.Errorf("kubeClientSettings is not of the form {burst, qps, timeout}: %w", err)
		}
	}
	s.QPS, s.Burst = defaultQPS, defaultBurst
	if err := number(client.Burst, "PULUMI_K8S_CLIENT_BURST", strconv.Atoi, &s.Burst); err != nil {
		return err
	}
	float := func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
	if err := number(client.QPS, "PULUMI_K8S_CLIENT_QPS", float, &s.QPS); err != nil {
		return err
	}
	var seconds int
	if err := number(client.Timeout, "PULUMI_K8S_CLIENT_TIMEOUT", strconv.Atoi, &seconds); err != nil {
		return err
	}
	s.Timeout = time.Duration(seconds) * time.Second
	return nil
}

func number[T any](argument *T, environment string, parse func(string) (T, error), target *T) error {
	if argument != nil {
		*target = *argument
		return nil
	}
	text := os.Getenv(environment)
	if text == "" {
		return nil
	}
	value, err := parse(text)
	if err != nil {
		return fmt.Errorf("invalid value specified for %s: %q is not a number", environment, text)
	}
	*target = value
	return nil
}
