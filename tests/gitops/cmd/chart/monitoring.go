package main

import (
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

// Compares an object of the Prometheus operator with its types: an API server without its CRDs cannot. Others pass.
func checkMonitoring(text string) error {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := yaml.Unmarshal([]byte(text), &head); err != nil || head.APIVersion != "monitoring.coreos.com/v1" {
		return err
	}
	types := map[string]any{
		"ServiceMonitor": &monitoring.ServiceMonitor{},
		"PodMonitor":     &monitoring.PodMonitor{},
		"PrometheusRule": &monitoring.PrometheusRule{},
	}
	return yaml.UnmarshalStrict([]byte(text), types[head.Kind])
}
