package main

import (
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Expressions of a Flux Kustomization, by apiVersion and kind.
//
// Flux' own evaluator sits in a package that brings half of Kubernetes' clients with it; these are the same rules on the same library: an
// observed generation that is not the object's is InProgress, then inProgress, failed and current are asked in this order, and what none of
// them is true of is InProgress.
type flux map[string][]question

type question struct {
	program cel.Program
	text    string
	status  status.Status
}

type check struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	InProgress string `json:"inProgress"`
	Failed     string `json:"failed"`
	Current    string `json:"current"`
}

func readFlux(path string) (flux, error) {
	var kustomization struct {
		Spec struct {
			HealthCheckExprs []check `json:"healthCheckExprs"`
		} `json:"spec"`
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &kustomization); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	env, err := cel.NewEnv(cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Sets(), ext.Encoders())
	if err != nil {
		return nil, err
	}
	questions := flux{}
	for _, check := range kustomization.Spec.HealthCheckExprs {
		key := check.APIVersion + "/" + check.Kind
		if check.Current == "" {
			return nil, fmt.Errorf("%s: %s has no current", path, key)
		}
		for _, one := range []question{
			{text: check.InProgress, status: status.InProgressStatus},
			{text: check.Failed, status: status.FailedStatus},
			{text: check.Current, status: status.CurrentStatus},
		} {
			if one.text == "" {
				continue
			}
			// Parsed and not compiled: what fields an object has is not known before it is there.
			parsed, issues := env.Parse(one.text)
			if issues.Err() != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, key, issues.Err())
			}
			if one.program, err = env.Program(parsed); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, key, err)
			}
			questions[key] = append(questions[key], one)
		}
	}
	return questions, nil
}

// An expression that fails leaves Flux waiting, with the error for a reason.
func (f flux) judge(object *unstructured.Unstructured) (verdict, error) {
	key := object.GetAPIVersion() + "/" + object.GetKind()
	questions, ok := f[key]
	if !ok {
		return verdict{}, fmt.Errorf("Flux has no expressions for %s", key)
	}
	seen, ok, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if err != nil {
		return verdict{}, err
	}
	if ok && seen != object.GetGeneration() {
		return verdict{Status: string(status.InProgressStatus)}, nil
	}
	for _, one := range questions {
		answer, _, err := one.program.Eval(object.Object)
		if err != nil {
			return verdict{Status: string(status.UnknownStatus), Message: err.Error()}, nil
		}
		is, ok := answer.(types.Bool)
		if !ok {
			return verdict{}, fmt.Errorf("%s: %q is not a truth value", key, one.text)
		}
		if is {
			return verdict{Status: string(one.status)}, nil
		}
	}
	return verdict{Status: string(status.InProgressStatus)}, nil
}
