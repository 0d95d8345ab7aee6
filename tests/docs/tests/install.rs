//! Every way of installing, and away again, as docs/install.md says.

use millstream_test_docs::{Shell, Walk};

#[test]
fn every_way_of_installing_brings_an_operator_and_takes_it_away_again() {
    let shell = Shell::start();
    let mut walk = Walk::begin("docs/install.md", &shell, &[]);
    walk.sections(&["With Helm"]);
    shell.run("kubectl create namespace payments").unwrap();
    walk.sections(&["What it may do", "Away again"]);
    shell.run("kubectl delete namespace payments millstream-system").unwrap();
    shell.assert_empty();

    walk.sections(&["With a manifest"]);
    shell.assert_empty();
    walk.sections(&["With kustomize"]);
    shell.assert_empty();

    // The namespace is there, and enforces what install.md says that it can.
    shell.run("kubectl create namespace payments").unwrap();
    shell.run("kubectl label namespace payments pod-security.kubernetes.io/enforce=restricted").unwrap();
    walk.sections(&["One namespace only"]);
    let allowed = shell.run("kubectl get clusterroles -o name | grep millstream || true").unwrap();
    assert_eq!(allowed, "", "it has rights in the whole cluster");
    walk.end();
}

/// The values that the page shows are values of the chart: its schema refuses others.
#[test]
fn the_values_that_are_shown_are_taken_by_the_chart() {
    let page = millstream_test_docs::Page::read("docs/install.md");
    let values: Vec<_> =
        page.blocks.iter().filter(|b| b.language == "yaml" && b.section == "With Helm").collect();
    assert_eq!(values.len(), 1);
    let rendered = millstream_test_chart::render(&values[0].text).unwrap();
    for kind in ["ServiceMonitor", "PodMonitor", "PrometheusRule"] {
        assert_eq!(rendered.of(kind).len(), 1, "{kind}");
    }
}
