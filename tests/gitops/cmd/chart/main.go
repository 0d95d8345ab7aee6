// Command chart renders a chart as `helm install` does: values over defaults, the schema, the templates, the order of installation. It
// is made of Helm's own packages and leaves out everything that talks to a cluster, which is most of Helm and of the time to build it.
//
//	chart FOLDER RELEASE NAMESPACE < VALUES.yaml
//
// It prints {"objects": [{"file", "text", "object"}], "notes"} and ends with 1 and a reason where Helm refuses.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

const notes = "NOTES.txt"

type object struct {
	File   string         `json:"file"`
	Text   string         `json:"text"`
	Object map[string]any `json:"object"`
}

type rendered struct {
	Objects []object `json:"objects"`
	Notes   string   `json:"notes"`
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: chart FOLDER RELEASE NAMESPACE < VALUES.yaml")
	}
	text, err := io.ReadAll(os.Stdin)
	check(err)
	values, err := chartutil.ReadValues(text)
	check(err)
	loaded, err := loader.Load(os.Args[1])
	check(err)
	answer, err := render(loaded, values, os.Args[2], os.Args[3])
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(answer))
}

func render(loaded *chart.Chart, values chartutil.Values, release, namespace string) (*rendered, error) {
	capabilities := chartutil.DefaultCapabilities.Copy()
	if err := setVersion(capabilities); err != nil {
		return nil, err
	}
	if wanted := loaded.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, capabilities.KubeVersion.Version) {
		return nil, fmt.Errorf("the chart wants Kubernetes %s, and this is %s", wanted, capabilities.KubeVersion.Version)
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	merged, err := chartutil.ToRenderValues(loaded, values, options, capabilities)
	if err != nil {
		return nil, err
	}
	// Strict: a value that is not there fails, instead of rendering as nothing.
	files, err := engine.Engine{Strict: true}.Render(loaded, merged)
	if err != nil {
		return nil, err
	}
	answer := &rendered{Objects: []object{}}
	for name, text := range files {
		if strings.HasSuffix(name, notes) {
			answer.Notes = text
			delete(files, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, capabilities.APIVersions, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	if len(hooks) > 0 {
		return nil, fmt.Errorf("%s is a hook, which no plain manifest can have", hooks[0].Path)
	}
	for _, manifest := range manifests {
		one := object{File: manifest.Name, Text: manifest.Content}
		// A key that stands twice is an error, which an API server would say and Helm would not.
		if err := yaml.UnmarshalStrict([]byte(manifest.Content), &one.Object); err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.Name, err)
		}
		if err := checkMonitoring(manifest.Content); err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.Name, err)
		}
		answer.Objects = append(answer.Objects, one)
	}
	return answer, nil
}

// Without a cluster to ask, Kubernetes is as old as the types that this is built with: v0.34.4 of k8s.io/api belongs to v1.34.4.
func setVersion(capabilities *chartutil.Capabilities) error {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "k8s.io/api" {
			version, err := chartutil.ParseKubeVersion(strings.Replace(module.Version, "v0.", "v1.", 1))
			if err != nil {
				return err
			}
			capabilities.KubeVersion = *version
			return nil
		}
	}
	return fmt.Errorf("this was built without k8s.io/api")
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(reason string) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
