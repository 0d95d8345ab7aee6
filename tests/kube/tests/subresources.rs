//! Defaults, ownership of fields, and the subresources `status` and `scale`.

use millstream_test_kube::ControlPlane;
use serde_json::{Value, json};

fn manifest(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

/// Only what something else reads or writes is defaulted in the object: the scale subresource needs parallelism, CEL compares
/// with maxParallelism. Other defaults are the engine's and would be frozen here.
#[test]
fn few_defaults_are_written_into_the_object() {
    let space = ControlPlane::shared().namespace("defaults");
    space.apply(&manifest("plain", "sql: SELECT 1")).succeeded();
    let job = space.get("sj", "plain");
    assert_eq!(
        job["spec"],
        json!({"sql": "SELECT 1", "desiredState": "Running", "parallelism": 1, "maxParallelism": 256})
    );
    assert_eq!(job["metadata"]["generation"], 1);

    // A null asks for the default, and is not stored where there is none.
    space.apply(&manifest("nulls", "sql: SELECT 1, parallelism: null, checkpoint: null")).succeeded();
    let job = space.get("sj", "nulls");
    assert_eq!(job["spec"]["parallelism"], 1);
}

#[test]
fn pod_templates_keep_what_the_schema_does_not_know() {
    let space = ControlPlane::shared().namespace("templates");
    let spec = "sql: SELECT 1, worker: {podTemplate: {spec: {nodeSelector: {disk: ssd}, priority: 7}}}";
    space.apply(&manifest("overlaid", spec)).succeeded();
    let template = &space.get("sj", "overlaid")["spec"]["worker"]["podTemplate"];
    assert_eq!(*template, json!({"spec": {"nodeSelector": {"disk": "ssd"}, "priority": 7}}));
}

#[test]
fn fields_have_owners() {
    let space = ControlPlane::shared().namespace("owners");
    let apply = |spec: &str, manager: &str, more: &[&str]| {
        let manager = format!("--field-manager={manager}");
        let arguments = ["apply", "--server-side", "-f", "-", &manager];
        space.run_with(&manifest("owned", spec), arguments.into_iter().chain(more.iter().copied()))
    };
    apply("sql: SELECT 1, parallelism: 4, secrets: [{name: kafka}]", "git", &[]).succeeded();
    // Another owner of other fields, and of another item of the same list.
    apply("sql: SELECT 1, worker: {slots: 4}, secrets: [{name: s3}]", "platform", &[]).succeeded();
    let spec = space.get("sj", "owned")["spec"].clone();
    assert_eq!(spec["worker"]["slots"], 4);
    assert_eq!(spec["secrets"], json!([{"name": "kafka"}, {"name": "s3"}]));
    let refusal = apply("sql: SELECT 1, parallelism: 8", "platform", &[]).refused();
    assert!(
        refusal
            .starts_with("error: Apply failed with 1 conflict: conflict with \"git\": .spec.parallelism\n"),
        "{refusal}"
    );
    apply("sql: SELECT 1, parallelism: 8", "platform", &["--force-conflicts"]).succeeded();
    assert_eq!(space.get("sj", "owned")["spec"]["parallelism"], 8);
    // Who leaves a field out gives it up: it goes if nobody else has it.
    apply("sql: SELECT 1", "platform", &[]).succeeded();
    let spec = space.get("sj", "owned")["spec"].clone();
    assert_eq!((spec.get("worker"), &spec["secrets"]), (None, &json!([{"name": "kafka"}])));
    assert_eq!(spec["parallelism"], 1, "given up by both, it is the default again");
}

/// The operator writes status, the user writes spec, and neither reaches the other's part.
#[test]
fn status_and_spec_are_written_apart() {
    let space = ControlPlane::shared().namespace("status");
    let with_status = manifest("apart", "sql: SELECT 1") + "status: {phase: Running, attempt: 9}\n";
    space.apply(&with_status).succeeded();
    assert_eq!(space.get("sj", "apart").get("status"), None, "a user's status is dropped");

    let patch = json!({"status": {"phase": "Running", "attempt": 1}, "spec": {"parallelism": 7}}).to_string();
    space
        .run(["patch", "sj", "apart", "--subresource=status", "--type=merge", "--patch", &patch])
        .succeeded();
    let job = space.get("sj", "apart");
    assert_eq!(job["status"], json!({"phase": "Running", "attempt": 1}));
    assert_eq!(job["spec"]["parallelism"], 1, "the operator cannot write the spec through status");
    assert_eq!(job["metadata"]["generation"], 1, "a status is not a new generation");

    space
        .run(["patch", "sj", "apart", "--type=merge", "--patch", r#"{"spec":{"parallelism":2}}"#])
        .succeeded();
    let job = space.get("sj", "apart");
    assert_eq!(job["metadata"]["generation"], 2);
    assert_eq!(job["status"]["phase"], "Running");
}

/// What the operator writes is checked, too: a mistake there is found at the first test and not by a dashboard.
#[test]
fn a_status_that_breaks_the_schema_is_refused() {
    let space = ControlPlane::shared().namespace("bad-status");
    space.apply(&manifest("strict", "sql: SELECT 1")).succeeded();
    let refusal = |status: Value| {
        let patch = json!({ "status": status }).to_string();
        space
            .run(["patch", "sj", "strict", "--subresource=status", "--type=merge", "--patch", &patch])
            .refused()
    };
    // Behind these words, the server says that it has not looked at the rest.
    let expect = |status: Value, words: &str| {
        let refusal = refusal(status);
        let whole = refusal.starts_with("The StreamJob \"strict\" is invalid: ") && refusal.contains(words);
        assert!(whole, "{refusal}");
    };
    expect(
        json!({"phase": "Happy"}),
        "status.phase: Unsupported value: \"Happy\": supported values: \"Deploying\", \"Restoring\", \"Running\", \"Upgrading\", \"Rescaling\", \"Restarting\", \"Suspended\", \"Finished\", \"Failed\", \"Deleting\"\n",
    );
    let condition = json!({"type": "Ready", "status": "True", "reason": "Running", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    expect(
        json!({"conditions": [condition, condition]}),
        "status.conditions[1]: Duplicate value: {\"type\":\"Ready\"}\n",
    );
    let checkpoint =
        json!({"epoch": 1, "uri": "s3://b", "completedAt": "2026-01-01T00:00:00Z", "duration": "long"});
    expect(
        json!({"lastCheckpoint": checkpoint}),
        "status.lastCheckpoint.duration: Invalid value: \"long\": lastCheckpoint.duration in body should match ",
    );
    let entry = json!({"time": "2026-01-01T00:00:00Z", "action": "Upgrade", "reason": "sql"});
    expect(json!({"history": vec![entry; 11]}), "status.history: Too many: 11: must have at most 10 items\n");
}

#[test]
fn scale_reads_and_writes_parallelism() {
    let space = ControlPlane::shared().namespace("scale");
    space.apply(&manifest("scaled", "sql: SELECT 1, parallelism: 2, maxParallelism: 16")).succeeded();
    space.patch_status(
        "scaled",
        &json!({"parallelism": {"desired": 2, "current": 2}, "selector": "millstream.dev/job=scaled"}),
    );
    let path =
        format!("/apis/millstream.dev/v1alpha1/namespaces/{}/streamjobs/scaled/scale", space.namespace());
    let scale =
        || -> Value { serde_json::from_str(&space.run(["get", "--raw", &path]).succeeded()).unwrap() };
    assert_eq!(scale()["spec"], json!({"replicas": 2}));
    assert_eq!(scale()["status"], json!({"replicas": 2, "selector": "millstream.dev/job=scaled"}));

    let scaled = space.run(["scale", "sj", "scaled", "--replicas=8"]).succeeded();
    assert_eq!(scaled, "streamjob.millstream.dev/scaled scaled\n");
    let job = space.get("sj", "scaled");
    assert_eq!((&job["spec"]["parallelism"], &job["metadata"]["generation"]), (&json!(8), &json!(2)));
    // The status says what runs, which is still two.
    assert_eq!(scale()["status"]["replicas"], 2);
    space.run(["scale", "sj", "scaled", "--replicas=8", "--current-replicas=3"]).refused();
}

/// The rules hold on this way in, too.
#[test]
fn scale_is_refused_beyond_the_bounds() {
    let space = ControlPlane::shared().namespace("scale-bounds");
    space.apply(&manifest("bounded", "sql: SELECT 1, maxParallelism: 16")).succeeded();
    let refusal = |replicas: &str| space.run(["scale", "sj", "bounded", replicas]).refused();
    assert_eq!(
        refusal("--replicas=17"),
        "The StreamJob \"bounded\" is invalid: spec.parallelism: Invalid value: \"object\": parallelism must not be larger than maxParallelism\n"
    );
    assert_eq!(
        refusal("--replicas=0"),
        "The StreamJob \"bounded\" is invalid: spec.parallelism: Invalid value: 0: spec.parallelism in body should be greater than or equal to 1\n"
    );
    assert_eq!(space.get("sj", "bounded")["spec"]["parallelism"], 1);
}
