//! The CustomResourceDefinition itself: accepted whole, established, and within the API server's bounds.

use std::fs;

use millstream_test_kube::{ControlPlane, checkout};
use serde_json::Value;

const FILE: &str = "crds/streamjobs.millstream.dev.yaml";

fn text() -> String {
    fs::read_to_string(checkout().join(FILE)).unwrap()
}

#[test]
fn it_is_accepted_without_a_warning_and_established() {
    let kubectl = ControlPlane::shared().kubectl();
    let answer = kubectl.run(["apply", "--server-side", "--dry-run=server", "-f", FILE]);
    assert_eq!(answer.errors, "");
    assert_eq!(
        answer.output,
        "customresourcedefinition.apiextensions.k8s.io/streamjobs.millstream.dev serverside-applied (server dry run)\n"
    );
    let crd = kubectl.get("crd", "streamjobs.millstream.dev");
    let conditions: Vec<_> = crd["status"]["conditions"].as_array().unwrap().iter().collect();
    let status =
        |kind: &str| conditions.iter().find(|c| c["type"] == kind).map(|c| c["status"].as_str().unwrap());
    assert_eq!(status("Established"), Some("True"));
    assert_eq!(status("NamesAccepted"), Some("True"));
    // Written when a schema is not structural: the API server would then prune nothing and default nothing.
    assert_eq!(status("NonStructuralSchema"), None, "{conditions:?}");
    assert_eq!(status("Terminating"), None);
}

/// `kubectl apply` without `--server-side` keeps the whole object in an annotation of at most 256 KiB.
#[test]
fn it_can_be_applied_as_people_apply_things() {
    let text = text();
    assert!(text.len() < 200_000, "{} bytes", text.len());
    let kubectl = ControlPlane::shared().kubectl();
    let other = text.replace("millstream.dev", "client-side.example");
    let answer = kubectl.run_with(&other, ["apply", "--dry-run=server", "-f", "-"]);
    assert_eq!(answer.errors, "");
    assert!(
        answer.output.ends_with("streamjobs.client-side.example created (server dry run)\n"),
        "{}",
        answer.output
    );
}

/// What the API server estimates for a rule is bounded by the lengths that the schema states. Ours pass (above); without a bound
/// they would not, so this server does count.
#[test]
fn the_server_counts_what_rules_cost() {
    let unbounded = text()
        .replace("millstream.dev", "unbounded.example")
        .replace("maxProperties: 256", "minProperties: 0")
        .replace(
            "rule: has(self.sql) != has(self.sqlFrom)",
            "rule: self.variables.all(k, self.config.all(l, k != l))",
        );
    let refusal = ControlPlane::shared()
        .kubectl()
        .run_with(&unbounded, ["create", "--dry-run=server", "-f", "-"])
        .refused();
    assert!(refusal.contains("estimated rule cost exceeds budget by factor of"), "{refusal}");
}

#[test]
fn it_is_found_by_short_name_and_by_category() {
    let kubectl = ControlPlane::shared().kubectl();
    let listed = kubectl.run(["api-resources", "--api-group=millstream.dev", "-o", "wide"]).succeeded();
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            &["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", "VERBS", "CATEGORIES"][..],
            &[
                "streamjobs",
                "sj",
                "millstream.dev/v1alpha1",
                "true",
                "StreamJob",
                "delete,deletecollection,get,list,patch,create,update,watch",
                "all"
            ],
        ]
    );
}

/// `kubectl explain` shows the doc comments of the types.
#[test]
fn explain_tells_what_a_field_means() {
    let kubectl = ControlPlane::shared().kubectl();
    let explain = |path: &str| kubectl.run(["explain", path]).succeeded();
    assert_eq!(
        explain("sj.spec.checkpoint.interval"),
        "GROUP:      millstream.dev\nKIND:       StreamJob\nVERSION:    v1alpha1\n\nFIELD: interval <string>\n\n\nDESCRIPTION:\n    Time between the starts of two checkpoints; exactly-once output becomes\n    visible at this pace. At least 10ms.\n    Default 10s.\n    \n\n"
    );
    assert!(explain("sj.spec.upgrade.mode").contains("ENUM:\n    Savepoint\n    LastState\n    Stateless\n"));
    assert!(explain("streamjob").contains("A StreamJob is a stream or batch job written in SQL"));
}

/// Every field that a user can write has words, all the way down.
#[test]
fn explain_knows_every_field() {
    let kubectl = ControlPlane::shared().kubectl();
    let listed = kubectl.run(["explain", "sj.spec", "--recursive"]).succeeded();
    let crd = kubectl.get("crd", "streamjobs.millstream.dev");
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut names = Vec::new();
    collect(schema, &mut names);
    assert!(names.len() > 60, "{names:?}");
    for name in names {
        assert!(
            listed.lines().any(|line| line.trim_start().starts_with(&format!("{name}\t"))),
            "{name}:\n{listed}"
        );
    }
}

fn collect(schema: &Value, names: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        names.push(name.clone());
        collect(field, names);
        collect(&field["items"], names);
    }
}
