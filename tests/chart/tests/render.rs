//! What the values make, and that a real API server takes it.

use std::collections::BTreeSet;

use millstream_api::StreamJob;
use millstream_lifecycle::build::{Blueprint, Start, deployment, planner};
use millstream_lifecycle::observed::{ObjectFacts, OperatorSettings, Transport};
use millstream_lifecycle::time::Timestamp;
use millstream_test_chart::{Rendered, documented, render, render_as};
use millstream_test_kube::{ControlPlane, Namespace};
use serde_json::{Value, json};

use crate::settings::{SETTINGS, base};

fn pod(rendered: &Rendered) -> &Value {
    &rendered.one("Deployment")["spec"]["template"]["spec"]
}

fn args(rendered: &Rendered) -> Vec<&str> {
    let args = pod(rendered)["containers"][0]["args"].as_array().unwrap();
    args.iter().map(|arg| arg.as_str().unwrap()).collect()
}

#[test]
fn every_value_changes_what_is_rendered() {
    let described: BTreeSet<_> = documented().into_iter().map(|value| value.path).collect();
    let set: BTreeSet<_> = SETTINGS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(set, described, "each documented value has a line in settings.rs");
    for (path, values) in SETTINGS {
        let with = render(values).unwrap_or_else(|error| panic!("{path}: {error}"));
        let without = render(base(path)).unwrap();
        assert_ne!(with.objects, without.objects, "{path} changes nothing");
    }
}

/// A namespace in which no pod may be created that is not restricted.
fn restricted(name: &str) -> Namespace {
    let space = ControlPlane::shared().namespace(name);
    let label = "pod-security.kubernetes.io/enforce=restricted";
    space.run(["label", "namespace", space.namespace(), label]).succeeded();
    space
}

#[test]
fn the_api_server_takes_what_each_value_makes() {
    let space = restricted("values");
    let mut objects = Vec::new();
    for (path, values) in SETTINGS {
        let rendered = render_as(space.namespace(), values).unwrap_or_else(|e| panic!("{path}: {e}"));
        for object in rendered.objects {
            // Those of the Prometheus operator have been compared with its types; the CRDs are there already.
            let group = object["apiVersion"].as_str().unwrap();
            let is_taken =
                group != "monitoring.coreos.com/v1" && object["kind"] != "CustomResourceDefinition";
            if is_taken && !objects.contains(&object) {
                objects.push(object);
            }
        }
    }
    assert!(objects.len() > SETTINGS.len());
    // Not through `kubectl` in the namespace: some objects belong into others.
    let kubectl = ControlPlane::shared().kubectl();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let said = kubectl
        .run_with(&list, ["create", "--dry-run=server", "--validate=strict", "-o", "name", "-f", "-"])
        .succeeded();
    assert_eq!(said.lines().count(), objects.len(), "{said}");
    // A Deployment is taken whatever its pod is like: the pods themselves have to be asked for.
    let mut specs = Vec::new();
    for object in objects.iter().filter(|object| object["kind"] == "Deployment") {
        let mut spec = object["spec"]["template"]["spec"].clone();
        spec["serviceAccountName"] = "default".into();
        // Admission resolves the class, which this cluster may not have.
        spec.as_object_mut().unwrap().remove("priorityClassName");
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    assert!(specs.len() > 20, "{}", specs.len());
    let pod = |(index, spec): (usize, &Value)| {
        let metadata = json!({"name": format!("p{index}"), "namespace": space.namespace()});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    };
    let pods: Vec<_> = specs.iter().enumerate().map(pod).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": pods}).to_string();
    space.run_with(&list, ["create", "--dry-run=server", "--validate=strict", "-f", "-"]).succeeded();
}

/// Pods of jobs as the operator makes them, of a job that asks for what it must not have, too.
#[test]
fn pods_of_jobs_are_taken_where_only_restricted_pods_are() {
    let space = restricted("pods");
    let privileged = json!({"containers": [{"name": "worker", "securityContext": {"privileged": true}}]});
    let specs = [
        json!({"sql": "SELECT 1", "parallelism": 2, "state": {"storage": "s3://bucket/streams"}}),
        json!({"sql": "SELECT 1", "state": {"storage": "s3://bucket/streams"}, "secrets": [{"name": "kafka"}],
            "worker": {"podTemplate": {"spec": privileged}}}),
    ];
    let mut taken = 0;
    for (spec, tls) in specs.into_iter().zip([Transport::Plaintext, Transport::Tls]) {
        let job = StreamJob::new("orders", serde_json::from_value(spec).unwrap()).validate().unwrap();
        let object = ObjectFacts {
            name: "orders".into(),
            namespace: space.namespace().to_owned(),
            uid: "0d7c3d6e-0000-4000-8000-000000000000".into(),
            generation: 1,
            created: Timestamp::UNIX_EPOCH,
            deleted: None,
            has_finalizer: true,
            approved: None,
            skips_deletion_policy: false,
        };
        let operator = OperatorSettings {
            image: "ghcr.io/millstream/millstream:0.1.0".into(),
            pull_policy: Some("IfNotPresent".into()),
            service_account: None,
            tls,
            client_ca: String::new(),
        };
        let blueprint = Blueprint {
            object: &object,
            operator: &operator,
            job: &job,
            image: &operator.image,
            attempt: 1,
            plan: "p1-00000000",
            generation: 1,
            parallelism: 2,
            workers: 1,
            start: Start::Newest(None),
            restore: None,
            lost: Vec::new(),
            transport: tls,
            certificates: None,
        };
        for built in deployment(&blueprint).into_iter().chain(planner(&blueprint)) {
            let text = built.value.to_string();
            space.run_with(&text, ["create", "--dry-run=server", "--validate=strict", "-f", "-"]).succeeded();
            taken += 1;
        }
    }
    assert!(taken >= 14, "{taken}");
    let root = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let said = space.run_with(&root.to_string(), ["create", "--dry-run=server", "-f", "-"]).refused();
    assert!(said.contains("violates PodSecurity \"restricted"), "{said}");
}

#[test]
fn one_namespace_takes_nothing_of_the_cluster_but_the_crds() {
    let rendered = render("watch: {namespace: payments}").unwrap();
    for object in &rendered.objects {
        let kind = object["kind"].as_str().unwrap();
        assert!(!kind.starts_with("ClusterRole"), "{kind}");
        let has_namespace = object["metadata"]["namespace"].is_string();
        assert_eq!(has_namespace, kind != "CustomResourceDefinition", "{kind}");
    }
    let names = |kind: &str| -> Vec<(Value, Value)> {
        let metadata = rendered.of(kind).into_iter().map(|object| &object["metadata"]);
        metadata.map(|metadata| (metadata["namespace"].clone(), metadata["name"].clone())).collect()
    };
    let both = [
        (json!("millstream-system"), json!("millstream-operator-own")),
        (json!("payments"), json!("millstream-operator")),
    ];
    for kind in ["Role", "RoleBinding"] {
        let mut found = names(kind);
        found.sort_by_key(|(namespace, _)| namespace.to_string());
        assert_eq!(found, both, "{kind}");
    }
    assert!(args(&rendered).contains(&"--namespace=payments"));
}

#[test]
fn every_flag_of_the_operator_can_be_set() {
    let values =
        "{engine: {image: {pullPolicy: Never}}, jobs: {plaintext: true, serviceAccount: {name: streams}},
        watch: {namespace: payments, selector: shard=a}}";
    let rendered = render(values).unwrap();
    let set: BTreeSet<_> = args(&rendered)
        .into_iter()
        .map(|arg| arg.trim_start_matches("--").split('=').next().unwrap().to_owned())
        .collect();
    let help = std::process::Command::new(millstream_test_operator::program("millstream-operator"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags: BTreeSet<_> = help
        .lines()
        .filter_map(|line| {
            line.trim_start()
                .split_once("--")
                .filter(|(before, _)| before.is_empty() || before.ends_with(", "))
        })
        .map(|(_, flag)| flag.split([' ', '=']).next().unwrap().to_owned())
        .filter(|flag| !["help", "version"].contains(&flag.as_str()))
        .collect();
    assert_eq!(set, flags);
}

#[test]
fn a_release_can_be_installed_without_what_others_bring() {
    let values = "{rbac: {create: false}, serviceAccount: {create: false}, crds: {install: false},
        metrics: {service: {enabled: false}}, networkPolicy: {enabled: false}, podDisruptionBudget: {enabled: false}}";
    let rendered = render(values).unwrap();
    let kinds: Vec<_> = rendered.objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Deployment"]);
    assert_eq!(pod(&rendered)["serviceAccountName"], "default");
    assert!(rendered.notes.contains("The CRDs are not part of this release"), "{}", rendered.notes);
}

/// The network policies of jobs let pods with this label ask coordinators.
#[test]
fn pods_have_the_label_by_which_jobs_let_them_in() {
    for values in [
        "{}",
        "{nameOverride: streams, podLabels: {app.kubernetes.io/name: other}, commonLabels: {app.kubernetes.io/name: other}}",
    ] {
        let rendered = render(values).unwrap();
        let deployment = rendered.one("Deployment");
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/name"], "millstream-operator");
        let selector = deployment["spec"]["selector"]["matchLabels"].as_object().unwrap();
        assert!(selector.iter().all(|(key, value)| labels.get(key) == Some(value)));
    }
}

/// A disruption budget of one pod would block every drain.
#[test]
fn a_single_replica_has_no_disruption_budget() {
    assert!(render("replicas: 1").unwrap().of("PodDisruptionBudget").is_empty());
    assert_eq!(render("{}").unwrap().of("PodDisruptionBudget").len(), 1);
}
