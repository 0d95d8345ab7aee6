//! `StreamSnapshot`: what can be asked for, what stays as it was asked for, and what `kubectl get` shows.

use std::fmt::Write as _;

use millstream_test_kube::ControlPlane;
use serde_json::json;

const JOB: &str = "jobRef cannot be changed: make another StreamSnapshot";
const TYPE: &str = "type cannot be changed: make another StreamSnapshot";
const URI: &str = "existingUri cannot be changed: make another StreamSnapshot";
const IS_SAVEPOINT: &str = "existingUri names a savepoint: leave type out or set it to Savepoint";

/// The `spec` before and after; then the field and the words of the refusal, both empty when the change is accepted.
const CHANGES: &[(&str, &str, &str, &str)] = &[
    ("jobRef: {name: a}", "jobRef: {name: a}, deletionPolicy: Delete, retries: 0", "", ""),
    ("jobRef: {name: a}", "jobRef: {name: b}", "jobRef", JOB),
    ("jobRef: {name: a}", "jobRef: {name: a}, type: Savepoint", "type", TYPE),
    ("jobRef: {name: a}, type: Savepoint", "jobRef: {name: a}, type: Checkpoint", "type", TYPE),
    ("jobRef: {name: a}", "jobRef: {name: a}, existingUri: \"s3://b/s\"", "existingUri", URI),
    (
        "jobRef: {name: a}, existingUri: \"s3://b/s\"",
        "jobRef: {name: a}, existingUri: \"s3://b/t\"",
        "existingUri",
        URI,
    ),
];

fn manifest(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamSnapshot\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

#[test]
fn what_was_asked_for_is_fixed() {
    let space = ControlPlane::shared().namespace("snapshot-changes");
    let mut wrong = String::new();
    for (number, (before, after, field, words)) in CHANGES.iter().enumerate() {
        let name = format!("snapshot-{number}");
        space.apply(&manifest(&name, before)).succeeded();
        let answer = space.apply(&manifest(&name, after));
        let found = format!("{}{}", answer.output, answer.errors);
        let expected = match *words {
            "" => format!("streamsnapshot.millstream.dev/{name} configured\n"),
            words => format!(
                "The StreamSnapshot \"{name}\" is invalid: spec.{field}: Invalid value: \"object\": {words}\n"
            ),
        };
        if found != expected {
            writeln!(wrong, "{{{before}}} -> {{{after}}}:\n  {found}  instead of\n  {expected}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_savepoint_that_is_there_is_no_checkpoint() {
    let space = ControlPlane::shared().namespace("snapshot-existing");
    let refusal = |spec: &str| space.apply(&manifest("existing", spec)).refused();
    assert_eq!(
        refusal("jobRef: {name: a}, existingUri: \"s3://b/s\", type: Checkpoint"),
        format!(
            "The StreamSnapshot \"existing\" is invalid: spec.existingUri: Invalid value: \"object\": {IS_SAVEPOINT}\n"
        )
    );
    assert!(refusal("jobRef: {}").contains("spec.jobRef.name: Required value"));
    space.apply(&manifest("existing", "jobRef: {name: a}, existingUri: \"s3://b/s\"")).succeeded();
}

#[test]
fn the_list_shows_what_became_of_it() {
    let space = ControlPlane::shared().namespace("snapshot-columns");
    space.apply(&manifest("nightly", "jobRef: {name: delays}")).succeeded();
    let patch = json!({"status": {
        "phase": "Completed", "uri": "s3://b/savepoint/nightly", "epoch": 41, "sizeBytes": 4096, "verified": true,
    }});
    space
        .run([
            "patch",
            "ssnap",
            "nightly",
            "--subresource=status",
            "--type=merge",
            "--patch",
            &patch.to_string(),
        ])
        .succeeded();
    let words = |arguments: &[&str]| -> Vec<Vec<String>> {
        let printed = space.run(arguments.iter().copied()).succeeded();
        printed.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let rows = words(&["get", "ssnap"]);
    assert_eq!(rows[0], ["NAME", "JOB", "PHASE", "SIZE", "VERIFIED", "AGE"]);
    assert_eq!(rows[1][..5], ["nightly", "delays", "Completed", "4096", "true"]);
    let rows = words(&["get", "streamsnapshots", "-o", "wide"]);
    assert_eq!(rows[0][6..], ["TYPE", "EPOCH", "URI"]);
    // Its type is the default, which is not written into the object.
    assert_eq!(rows[1][6..], ["41", "s3://b/savepoint/nightly"]);
    let all = space.run(["get", "all"]).succeeded();
    assert!(all.contains("streamsnapshot.millstream.dev/nightly"), "{all}");
}
