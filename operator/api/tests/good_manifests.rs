//! Manifests that must be accepted, and what they mean.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use millstream_api::{
    DesiredState, Manifest, RestartPolicy, Restore, RestorePolicy, StateBackend, ValidatedJob, read_manifest,
    streamjob_crd,
};

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good").join(name)).unwrap()
}

fn validated(text: &str) -> ValidatedJob {
    match read_manifest(text, "job.yaml") {
        Ok(job) => job.validate().unwrap(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_field_is_read() {
    let job = validated(&text("every-field.yaml"));
    assert_eq!((job.name.as_deref(), job.namespace.as_str()), (Some("fraud-alerts"), "payments"));
    assert!(job.sql.inline().unwrap().starts_with("CREATE TABLE card_events"));
    assert_eq!(job.variables["BROKERS"], "kafka:9092");
    assert_eq!(job.secrets, ["kafka-credentials", "s3.credentials"]);
    assert_eq!(job.desired_state, DesiredState::Suspended);
    assert_eq!((job.parallelism, job.max_parallelism), (4, 128));
    assert_eq!(job.state_backend, StateBackend::RocksDB);
    assert_eq!(job.storage.as_deref(), Some("s3://bucket/streams"));
    assert_eq!(job.checkpoint.interval, Duration::from_secs(30));
    assert_eq!(job.checkpoint.timeout, Duration::from_secs(300));
    assert_eq!(job.checkpoint.min_pause, Duration::from_secs(1));
    assert_eq!((job.checkpoint.retained, job.checkpoint.tolerable_failures), (5, 0));
    let delay = Duration::from_secs(5);
    let reset_after = Duration::from_secs(3_600);
    assert_eq!(job.restart, RestartPolicy::FixedDelay { delay, attempts: 7, reset_after });
    let from = Some("s3://bucket/savepoints/41".to_owned());
    assert_eq!(job.restore, Some(Restore { from, nonce: Some(9), policy: RestorePolicy::IfPresent }));
    assert_eq!(job.config["table.local-time-zone"], "Europe/Berlin");
    assert_eq!(job.ignored_locally.len(), 8);
}

/// A field that is added to the types and forgotten here is noticed.
#[test]
fn the_example_of_every_field_has_every_field() {
    let job = read_manifest(&text("every-field.yaml"), "job.yaml").unwrap();
    let spec = serde_json::to_value(&job.spec).unwrap();
    let crd = serde_json::to_value(streamjob_crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut missing = Vec::new();
    collect_missing(schema, &spec, "spec", &mut missing);
    // One or the other.
    assert_eq!(missing, ["spec.coordinator.resources.limits", "spec.sqlFrom"]);
}

fn collect_missing(
    schema: &serde_json::Value,
    value: &serde_json::Value,
    path: &str,
    missing: &mut Vec<String>,
) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match value.get(name) {
            Some(value) => collect_missing(field, value, &path, missing),
            None => missing.push(path),
        }
    }
}

#[test]
fn what_comes_from_a_cluster_is_accepted() {
    let job = read_manifest(&text("from-cluster.yaml"), "job.yaml").unwrap();
    assert_eq!(job.status, None, "its status is not a wish");
    assert_eq!(job.metadata.resource_version, None);
    assert_eq!(job.validate().unwrap().parallelism, 2);
}

#[test]
fn yaml_as_people_write_it() {
    let job = read_manifest(&text("anchors-and-nulls.yaml"), "job.yaml").unwrap();
    let worker = job.spec.worker.clone().unwrap().resources.unwrap();
    assert_eq!(worker.requests["cpu"].0, "250m", "merged from the coordinator's");
    assert_eq!(worker.limits["memory"].0, "1Gi");
    let valid = job.validate().unwrap();
    assert_eq!(valid.parallelism, 1);
    assert_eq!(valid.checkpoint.retained, 3);
}

#[test]
fn other_forms_of_the_same_text() {
    let yaml = text("every-field.yaml");
    let plain = validated(&yaml);
    assert_eq!(validated(&yaml.replace('\n', "\r\n")), plain, "line ends of Windows");
    assert_eq!(validated(&format!("\u{feff}{yaml}")), plain, "a byte order mark");
    let json = serde_json::to_string_pretty(&read_manifest(&yaml, "job.yaml").unwrap()).unwrap();
    assert_eq!(validated(&json), plain, "JSON");
}

#[test]
fn a_laptop_needs_neither_name_nor_metadata() {
    let manifest = Manifest::read(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nspec: {sql: SELECT 1}\n",
        "job.yaml",
    )
    .unwrap();
    let job = manifest.job.validate().unwrap();
    assert_eq!(job.name, None);
    assert!(job.is_in_default_namespace());
}
