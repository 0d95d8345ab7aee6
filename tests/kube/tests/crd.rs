//! The CustomResourceDefinitions themselves: accepted whole, established, and within the API server's bounds.

use std::fs;

use millstream_test_kube::{ControlPlane, checkout};
use serde_json::Value;

/// The plural names, as in `crds/NAME.millstream.dev.yaml`.
const NAMES: [&str; 2] = ["streamjobs", "streamsnapshots"];

fn file(name: &str) -> String {
    format!("crds/{name}.millstream.dev.yaml")
}

fn text(name: &str) -> String {
    fs::read_to_string(checkout().join(file(name))).unwrap()
}

#[test]
fn they_are_all_there_are() {
    let mut found: Vec<_> = fs::read_dir(checkout().join("crds"))
        .unwrap()
        .map(|entry| format!("crds/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    found.sort();
    assert_eq!(found, NAMES.map(file));
}

#[test]
fn they_are_accepted_without_a_warning_and_established() {
    let kubectl = ControlPlane::shared().kubectl();
    for name in NAMES {
        let answer = kubectl.run(["apply", "--server-side", "--dry-run=server", "-f", &file(name)]);
        assert_eq!(answer.errors, "");
        assert_eq!(
            answer.output,
            format!(
                "customresourcedefinition.apiextensions.k8s.io/{name}.millstream.dev serverside-applied (server dry run)\n"
            )
        );
        let crd = kubectl.get("crd", &format!("{name}.millstream.dev"));
        let conditions: Vec<_> = crd["status"]["conditions"].as_array().unwrap().iter().collect();
        let status =
            |kind: &str| conditions.iter().find(|c| c["type"] == kind).map(|c| c["status"].as_str().unwrap());
        assert_eq!(status("Established"), Some("True"));
        assert_eq!(status("NamesAccepted"), Some("True"));
        // Written when a schema is not structural: the API server would then prune nothing and default nothing.
        assert_eq!(status("NonStructuralSchema"), None, "{conditions:?}");
        assert_eq!(status("Terminating"), None);
    }
}

/// `kubectl apply` without `--server-side` keeps the whole object in an annotation of at most 256 KiB.
#[test]
fn they_can_be_applied_as_people_apply_things() {
    let kubectl = ControlPlane::shared().kubectl();
    for name in NAMES {
        let text = text(name);
        assert!(text.len() < 200_000, "{name}: {} bytes", text.len());
        let other = text.replace("millstream.dev", "client-side.example");
        let answer = kubectl.run_with(&other, ["apply", "--dry-run=server", "-f", "-"]);
        assert_eq!(answer.errors, "");
        assert!(
            answer.output.ends_with(&format!("{name}.client-side.example created (server dry run)\n")),
            "{}",
            answer.output
        );
    }
}

/// What the API server estimates for a rule is bounded by the lengths that the schema states. Ours pass (above); without a bound
/// they would not, so this server does count.
#[test]
fn the_server_counts_what_rules_cost() {
    let unbounded = text("streamjobs")
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
fn they_are_found_by_short_name_and_by_category() {
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
            &[
                "streamsnapshots",
                "ssnap",
                "millstream.dev/v1alpha1",
                "true",
                "StreamSnapshot",
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
    assert!(explain("ssnap.spec.type").contains("ENUM:\n    Savepoint\n    Checkpoint\n"));
    assert!(
        explain("streamsnapshot").contains("A StreamSnapshot is a savepoint or checkpoint of a StreamJob")
    );
}

/// Every field that a user can write has words, all the way down.
#[test]
fn explain_knows_every_field() {
    let kubectl = ControlPlane::shared().kubectl();
    for (name, fewest) in NAMES.into_iter().zip([60, 5]) {
        let listed = kubectl.run(["explain", &format!("{name}.spec"), "--recursive"]).succeeded();
        let crd = kubectl.get("crd", &format!("{name}.millstream.dev"));
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let mut fields = Vec::new();
        collect(schema, &mut fields);
        assert!(fields.len() > fewest, "{fields:?}");
        for field in fields {
            let is_listed = |line: &str| line.trim_start().starts_with(&format!("{field}\t"));
            assert!(listed.lines().any(is_listed), "{field}:\n{listed}");
        }
    }
}

fn collect(schema: &Value, names: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        names.push(name.clone());
        collect(field, names);
        collect(&field["items"], names);
    }
}
