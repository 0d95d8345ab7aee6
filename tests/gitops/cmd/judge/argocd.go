package main

import (
	"context"
	"fmt"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Argo CD ends a script after a second.
const patience = time.Second

// What the table `hs` of a script may say.
var healths = map[string]bool{"Healthy": true, "Progressing": true, "Degraded": true, "Suspended": true, "Missing": true, "Unknown": true}

// Health checks, by the key that they have in Argo CD's config map.
type argocd map[string]string

func readArgocd(path string) (argocd, error) {
	var config struct {
		Data map[string]string `json:"data"`
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, &struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Data       any            `json:"data"`
	}{}); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config.Data, nil
}

// Runs the script of the object's kind as Argo CD does: with the object as the global `obj`, without modules that reach out of it.
func (a argocd) judge(object *unstructured.Unstructured) (verdict, error) {
	kind := object.GroupVersionKind()
	key := fmt.Sprintf("resource.customizations.health.%s_%s", kind.Group, kind.Kind)
	script, ok := a[key]
	if !ok {
		return verdict{}, fmt.Errorf("there is no %s", key)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return verdict{}, err
		}
	}
	for _, name := range []string{"dofile", "loadfile", "load", "loadstring", "require", "module", "print"} {
		state.SetGlobal(name, lua.LNil)
	}
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	state.SetContext(limited)
	state.SetGlobal("obj", asLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return verdict{}, fmt.Errorf("%s: %w", key, err)
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return verdict{}, fmt.Errorf("%s returns no table", key)
	}
	said := verdict{Status: lua.LVAsString(answer.RawGetString("status")), Message: lua.LVAsString(answer.RawGetString("message"))}
	if !healths[said.Status] {
		return verdict{}, fmt.Errorf("%s says %q, which is no health", key, said.Status)
	}
	return said, nil
}

func asLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, one := range value {
			table.Append(asLua(state, one))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, one := range value {
			table.RawSetString(key, asLua(state, one))
		}
		return table
	default:
		return lua.LNil
	}
}
