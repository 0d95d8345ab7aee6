//! What `kubectl get` shows.

use millstream_test_kube::{ControlPlane, Kubectl};
use serde_json::json;

/// The cells of each line. Columns are two blanks apart at least.
fn table(kubectl: &Kubectl, arguments: &[&str]) -> Vec<Vec<String>> {
    let printed = kubectl.run(arguments.iter().copied()).succeeded();
    let starts: Vec<usize> = column_starts(printed.lines().next().unwrap());
    let cells = |line: &str| {
        let ends = starts.iter().copied().skip(1).chain([line.len()]);
        let cell = |(start, end): (&usize, usize)| {
            line.get(*start..end.min(line.len())).unwrap_or_default().trim().to_owned()
        };
        starts.iter().zip(ends).map(cell).collect()
    };
    printed.lines().map(cells).collect()
}

/// Where the words of a heading begin.
fn column_starts(heading: &str) -> Vec<usize> {
    let bytes = heading.as_bytes();
    (0..bytes.len()).filter(|&at| bytes[at] != b' ' && (at == 0 || bytes[at - 1] == b' ')).collect()
}

fn manifest(name: &str) -> String {
    format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nmetadata: {{name: {name}}}\nspec: {{sql: SELECT 1}}\n"
    )
}

/// An age is given in the one or two largest units.
fn is_age(cell: &str) -> bool {
    !cell.is_empty()
        && cell.chars().all(|c| c.is_ascii_digit() || "smhdy".contains(c))
        && !cell.ends_with(|c: char| c.is_ascii_digit())
}

#[test]
fn the_list_shows_what_matters_and_more_when_asked() {
    let space = ControlPlane::shared().namespace("columns");
    space.apply(&manifest("delays")).succeeded();
    space.apply(&manifest("untouched")).succeeded();
    let condition = |kind: &str, status: &str, message: &str| json!({"type": kind, "status": status, "reason": "Running", "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let snapshot =
        json!({"epoch": 41, "uri": "s3://bucket/streams/delays/41", "completedAt": "2020-01-01T00:00:00Z"});
    space.patch_status(
        "delays",
        &json!({
            "phase": "Running",
            "conditions": [
                condition("Reconciling", "False", "settled"),
                condition("Ready", "True", "2 of 2 workers run"),
                condition("CheckpointHealthy", "True", ""),
            ],
            "parallelism": {"desired": 4, "current": 2},
            "lastCheckpoint": snapshot,
            "lastSavepoint": snapshot,
            "restarts": 3,
            "currentRevision": "5f9c",
        }),
    );
    let rows = table(&space, &["get", "sj"]);
    assert_eq!(rows[0], ["NAME", "PHASE", "READY", "PARALLELISM", "CHECKPOINTS", "RESTARTS", "AGE"]);
    assert_eq!(rows[1][..5], ["delays", "Running", "True", "2", "Running"]);
    assert_eq!(rows[1][5], "3");
    assert!(is_age(&rows[1][6]), "{rows:?}");
    // Nobody has acted on this one.
    assert_eq!(rows[2][..6], ["untouched", "", "", "", "", ""]);
    assert!(is_age(&rows[2][6]), "{rows:?}");

    let rows = table(&space, &["get", "streamjobs", "-o", "wide"]);
    assert_eq!(rows[0][7..], ["REVISION", "SAVEPOINT", "MESSAGE"]);
    assert_eq!(rows[1][7], "5f9c");
    assert!(is_age(&rows[1][8]) && rows[1][8].contains('y'), "{rows:?}");
    assert_eq!(rows[1][9], "2 of 2 workers run");
}

#[test]
fn get_all_shows_jobs() {
    let space = ControlPlane::shared().namespace("category");
    space.apply(&manifest("one-of-all")).succeeded();
    let all = space.run(["get", "all"]).succeeded();
    assert!(all.contains("streamjob.millstream.dev/one-of-all"), "{all}");
}

/// Who is called at night reads this.
#[test]
fn describe_tells_what_happened() {
    let space = ControlPlane::shared().namespace("describe");
    space.apply(&manifest("described")).succeeded();
    space.patch_status(
        "described",
        &json!({
            "phase": "Failed",
            "error": "the restart budget is spent: 20 attempts in 2m",
            "restoredFrom": {"epoch": 40, "uri": "s3://bucket/streams/described/40", "age": "3m"},
            "history": [{"time": "2026-01-01T00:00:00Z", "action": "Restart", "reason": "worker lost", "result": "gave up"}],
        }),
    );
    let described = space.run(["describe", "sj", "described"]).succeeded();
    for words in
        ["the restart budget is spent: 20 attempts in 2m", "s3://bucket/streams/described/40", "worker lost"]
    {
        assert!(described.contains(words), "{words}:\n{described}");
    }
}
