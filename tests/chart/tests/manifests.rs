//! Plain manifests and kustomize bases: the chart for those who do not use Helm.

use millstream_test_chart::{Rendered, recorded, render_as};
use millstream_test_kube::ControlPlane;

const NAMESPACE: &str = "millstream-system";
const HEAD: &str = "# Made of charts/millstream-operator by `make manifests`. Do not edit.\n";

/// What Helm says about itself does not belong to what it did not install.
fn plain(text: &str) -> String {
    let of_helm = ["helm.sh/chart: ", "app.kubernetes.io/managed-by: Helm"];
    let lines = text.lines().filter(|line| !of_helm.iter().any(|words| line.trim_start().starts_with(words)));
    lines
        .map(|line| {
            format!(
                "{}\n",
                line.replace("# Source: millstream-operator/", "# From charts/millstream-operator/")
            )
        })
        .collect()
}

fn chart(values: &str) -> Rendered {
    render_as(NAMESPACE, values).unwrap()
}

fn namespace() -> String {
    format!(
        "---
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"
    )
}

/// All files with their content.
fn files() -> Vec<(&'static str, String)> {
    let only = |text: &str, kind: &str, is_wanted: bool| -> String {
        let documents = text.split("---\n").filter(|document| !document.trim().is_empty());
        let wanted =
            documents.filter(|document| document.contains(&format!("\nkind: {kind}\n")) == is_wanted);
        wanted.map(|document| format!("---\n{document}")).collect()
    };
    let crds = "CustomResourceDefinition";
    let cluster = plain(&chart("crds: {keep: false}").text);
    let one = plain(&chart(&format!("{{crds: {{install: false}}, watch: {{namespace: {NAMESPACE}}}}}")).text);
    let watched =
        "{crds: {install: false}, metrics: {serviceMonitor: {enabled: true}, podMonitor: {enabled: true},
        rules: {enabled: true}, dashboards: {enabled: true}}}";
    let unwatched = plain(&chart("crds: {install: false}").text);
    let monitoring: String = plain(&chart(watched).text)
        .split("---\n")
        .filter(|document| !document.trim().is_empty() && !unwatched.contains(*document))
        .map(|document| format!("---\n{document}"))
        .collect();
    let kustomization = |kind: &str, resources: &[&str]| {
        let version = if kind == "Component" { "v1alpha1" } else { "v1beta1" };
        let lines: String = resources.iter().map(|name| format!("  - {name}\n")).collect();
        format!("{HEAD}apiVersion: kustomize.config.k8s.io/{version}\nkind: {kind}\nresources:\n{lines}")
    };
    let file = |text: String| format!("{HEAD}{text}");
    vec![
        ("deploy/install.yaml", file(namespace() + &cluster)),
        ("deploy/kustomize/crds/crds.yaml", file(only(&cluster, crds, true))),
        ("deploy/kustomize/crds/kustomization.yaml", kustomization("Kustomization", &["crds.yaml"])),
        ("deploy/kustomize/cluster/operator.yaml", file(only(&cluster, crds, false))),
        ("deploy/kustomize/cluster/namespace.yaml", file(namespace())),
        (
            "deploy/kustomize/cluster/kustomization.yaml",
            kustomization("Kustomization", &["../crds", "namespace.yaml", "operator.yaml"]),
        ),
        ("deploy/kustomize/namespace/operator.yaml", file(one)),
        ("deploy/kustomize/namespace/kustomization.yaml", kustomization("Kustomization", &["operator.yaml"])),
        ("deploy/kustomize/monitoring/monitoring.yaml", file(monitoring)),
        ("deploy/kustomize/monitoring/kustomization.yaml", kustomization("Component", &["monitoring.yaml"])),
    ]
}

#[test]
fn files_are_what_the_chart_renders() {
    for (path, text) in files() {
        recorded(path, &text);
    }
}

#[test]
fn the_api_server_takes_them() {
    let kubectl = ControlPlane::shared().kubectl();
    // What lies in the namespace can only be tried when it is there.
    let space = ["create", "namespace", NAMESPACE];
    kubectl.run(space);
    let dry = |arguments: &[&str]| {
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "--validate=strict",
            "-o",
            "name",
        ];
        kubectl.run(apply.iter().copied().chain(arguments.iter().copied())).succeeded()
    };
    let plain = dry(&["-f", "deploy/install.yaml"]);
    let mut plain: Vec<_> = plain.lines().collect();
    let cluster = dry(&["-k", "deploy/kustomize/cluster"]);
    let mut cluster: Vec<_> = cluster.lines().collect();
    plain.sort_unstable();
    cluster.sort_unstable();
    assert_eq!(plain, cluster, "both install the same");
    assert!(plain.contains(&"deployment.apps/millstream-operator"), "{plain:?}");
    let one = dry(&["-k", "deploy/kustomize/namespace"]);
    assert!(!one.contains("cluster"), "{one}");
    let built = kubectl.run(["kustomize", "deploy/kustomize/monitoring"]).succeeded();
    for kind in ["ServiceMonitor", "PodMonitor", "PrometheusRule", "ConfigMap"] {
        assert!(built.contains(&format!("kind: {kind}\n")), "{kind} is missing");
    }
}
