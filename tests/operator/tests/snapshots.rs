//! StreamSnapshots: taken, restored from, scheduled, deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use millstream_test_kube::Kubectl;
use serde_json::{Value, json};

use crate::job::{Manifest, World, condition};

const LIMIT: Duration = Duration::from_secs(120);

fn apply(world: &World, name: &str, spec: &str) {
    let manifest = format!(
        "apiVersion: millstream.dev/v1alpha1\nkind: StreamSnapshot\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    );
    world.kubectl().apply(&manifest).succeeded();
}

/// Waits until a snapshot is as asked.
#[track_caller]
fn wait(world: &World, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let snapshot = world.kubectl().get("streamsnapshot", name);
        assert_truth(&snapshot);
        if is_so(&snapshot) {
            return snapshot;
        }
        if began.elapsed() > LIMIT {
            panic!("{name} is not {what}: {snapshot:#}\n{}", world.report("orders"));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn is(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |snapshot| snapshot["status"]["phase"] == phase
}

/// What must be true of every status at every moment.
fn assert_truth(snapshot: &Value) {
    if snapshot["status"]["phase"].is_null() {
        return;
    }
    let pictures = ["Ready", "Reconciling", "Stalled"].map(|kind| condition(snapshot, kind) == Some("True"));
    assert_eq!(pictures.iter().filter(|picture| **picture).count(), 1, "{snapshot}");
}

fn names(kubectl: &Kubectl, kind: &str) -> Vec<String> {
    let printed = kubectl.run(["get", kind, "-o", "name"]).succeeded();
    printed.lines().map(str::to_owned).collect()
}

#[track_caller]
fn wait_until_gone(world: &World, name: &str) {
    let began = Instant::now();
    let suffix = format!("/{name}");
    while names(world.kubectl(), "streamsnapshots").iter().any(|found| found.ends_with(&suffix)) {
        assert!(began.elapsed() < LIMIT, "{name} is still there\n{}", world.log());
        thread::sleep(Duration::from_millis(100));
    }
}

/// The folder of a snapshot that is complete.
fn folder(snapshot: &Value) -> PathBuf {
    PathBuf::from(snapshot["status"]["uri"].as_str().unwrap().strip_prefix("file://").unwrap())
}

fn is_savepoint(folder: &Path) -> bool {
    folder.join("claim").exists()
}

fn delete(world: &World, name: &str) {
    world.kubectl().run(["delete", "streamsnapshot", name, "--wait=false"]).succeeded();
}

pub(crate) fn a_snapshot_is_taken_and_another_job_goes_on_from_it() {
    let world = World::new("snapshot");
    let first = Manifest::default();
    // It is asked for before there is a job, as in Git.
    apply(&world, "before", "jobRef: {name: orders}");
    let early = wait(&world, "before", "waiting", is("Pending"));
    assert!(
        early["status"]["conditions"][0]["message"]
            .as_str()
            .unwrap()
            .contains("there is no StreamJob orders")
    );
    world.apply(&first);
    world.wait_until_ready("orders");
    let snapshot = wait(&world, "before", "complete", is("Completed"));
    assert_eq!(condition(&snapshot, "Ready"), Some("True"));
    let status = &snapshot["status"];
    assert!(status["epoch"].as_i64().unwrap() > 0 && status["sizeBytes"].as_i64().unwrap() > 0, "{status}");
    // What was written before the job was asked is where it is: the engine and the operator mean the same folder.
    assert_eq!(status["taking"]["uri"], status["uri"]);
    assert!(is_savepoint(&folder(&snapshot)));
    let waited = ["wait", "--for=condition=Ready", "--timeout=10s", "streamsnapshot/before"];
    world.kubectl().run(waited).succeeded();

    // The job goes on meanwhile; a copy begins where the snapshot is.
    let uri = status["uri"].as_str().unwrap();
    let copy =
        Manifest { name: "copy", out: "copied", spec: format!("  restore: {{from: '{uri}'}}\n"), ..first };
    world.apply(&copy);
    let job = world.wait_until_ready("copy");
    assert_eq!(job["status"]["nonces"]["restored"], *uri);
    world.wait("copy", "writing", |_| world.written("copied").len() > 1_000);
    let copied = world.written("copied");
    let (from, to) = (*copied.keys().next().unwrap(), *copied.keys().next_back().unwrap());
    assert!(from > 1, "it began anew");
    assert!(copied.values().all(|count| *count == 1), "rows were written more than once");
    assert_eq!(copied.len() as u64, to - from + 1, "rows are missing between {from} and {to}");
    world.assert_each_row_once();

    // Files that stay, though the object goes.
    delete(&world, "before");
    wait_until_gone(&world, "before");
    assert!(is_savepoint(&folder(&snapshot)), "deletionPolicy is Retain");
}

pub(crate) fn a_suspended_job_is_waited_for_and_an_operator_that_is_killed_takes_it_once() {
    let mut world = World::new("snapshot-suspended");
    let job = Manifest::default();
    let asleep = Manifest { spec: "  desiredState: Suspended\n".into(), ..job.clone() };
    world.apply(&asleep);
    world.wait("orders", "suspended", |job| job["status"]["phase"] == "Suspended");
    apply(&world, "later", "jobRef: {name: orders}");
    let waiting = wait(&world, "later", "waiting", is("Pending"));
    assert_eq!(waiting["status"]["conditions"][0]["reason"], "JobSuspended");
    world.apply(&job);
    wait(&world, "later", "begun", |s| {
        s["status"]["phase"] == "InProgress" || s["status"]["phase"] == "Completed"
    });
    world.restart_operator();
    let snapshot = wait(&world, "later", "complete", is("Completed"));
    let savepoints = fs::read_dir(folder(&snapshot).parent().unwrap()).unwrap().count();
    assert_eq!(savepoints, 1, "it was taken once");
    assert_eq!(snapshot["status"]["failures"], Value::Null);
    // Again and again, in every moment.
    for (number, pause) in [0, 40, 90, 200, 400].into_iter().enumerate() {
        let name = format!("killed-{number}");
        apply(&world, &name, "jobRef: {name: orders}");
        thread::sleep(Duration::from_millis(pause));
        world.restart_operator();
        wait(&world, &name, "complete", is("Completed"));
    }
    let savepoints = fs::read_dir(folder(&snapshot).parent().unwrap()).unwrap().count();
    assert_eq!(savepoints, 6, "each was taken once");
    assert!(world.assert_each_row_once() > 0);
}

pub(crate) fn files_go_with_their_snapshot_when_that_was_asked_for_though_the_job_is_gone() {
    let world = World::new("snapshot-delete");
    world.apply(&Manifest::default());
    world.wait_until_ready("orders");
    apply(&world, "mine", "jobRef: {name: orders}, deletionPolicy: Delete");
    let snapshot = wait(&world, "mine", "complete", is("Completed"));
    let folder = folder(&snapshot);
    assert_eq!(snapshot["metadata"]["finalizers"], json!(["millstream.dev/snapshot"]));
    // A second object for the same files, which are read for it.
    let uri = snapshot["status"]["uri"].as_str().unwrap();
    apply(&world, "adopted", &format!("jobRef: {{name: orders}}, existingUri: '{uri}'"));
    let adopted = wait(&world, "adopted", "complete", is("Completed"));
    assert_eq!(
        (adopted["status"]["verified"].as_bool(), &adopted["status"]["uri"]),
        (Some(true), &json!(uri))
    );
    apply(&world, "nothing", &format!("jobRef: {{name: orders}}, existingUri: '{uri}-not'"));
    let nothing = wait(&world, "nothing", "refused", is("Failed"));
    assert_eq!(nothing["status"]["conditions"][0]["reason"], "NoSavepoint");
    assert!(nothing["status"]["error"].as_str().unwrap().contains("there is no savepoint"), "{nothing}");
    apply(&world, "pinned", "jobRef: {name: orders}, type: Checkpoint");
    let pinned = wait(&world, "pinned", "refused", is("Failed"));
    assert_eq!(condition(&pinned, "Stalled"), Some("True"));

    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.wait_until_nothing_is_left();
    assert!(is_savepoint(&folder), "it outlives its job");
    delete(&world, "adopted");
    wait_until_gone(&world, "adopted");
    assert!(is_savepoint(&folder));
    delete(&world, "mine");
    wait_until_gone(&world, "mine");
    assert!(!is_savepoint(&folder), "the files are gone");
    world.wait_until_no_pods_are_left();
}

pub(crate) fn a_schedule_takes_snapshots_and_keeps_so_many() {
    let world = World::new("snapshot-schedule");
    let schedule = "  snapshots: {schedule: '* * * * *', retention: {count: 1}}\n";
    world.apply(&Manifest { spec: schedule.into(), ..Manifest::default() });
    let job = world.wait_until_ready("orders");
    let scheduled = || -> Vec<Value> {
        let printed = world.kubectl().run(["get", "ssnap", "-l", "millstream.dev/scheduled", "-o", "json"]);
        let list: Value = serde_json::from_str(&printed.succeeded()).unwrap();
        list["items"].as_array().unwrap().clone()
    };
    let began = Instant::now();
    let first = loop {
        let complete = scheduled().into_iter().find(|snapshot| is("Completed")(snapshot));
        match complete {
            Some(snapshot) => break snapshot,
            None => assert!(began.elapsed() < LIMIT, "nothing was taken\n{}", world.log()),
        }
        thread::sleep(Duration::from_millis(200));
    };
    let owner = &first["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["uid"]), (&json!("StreamJob"), &job["metadata"]["uid"]));
    let name = first["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("orders-scheduled-"), "{name}");
    apply(&world, "mine", "jobRef: {name: orders}");
    // The next one takes its place, and its files with it.
    wait_until_gone(&world, name);
    assert!(!is_savepoint(&folder(&first)));
    wait(&world, "mine", "complete", is("Completed"));
    // What the schedule made goes with the job, and its files stay, as all state does.
    world
        .kubectl()
        .run(["patch", "streamjob", "orders", "--type=merge", "-p", r#"{"spec":{"snapshots":null}}"#])
        .succeeded();
    let complete =
        |snapshot: &Value| is("Completed")(snapshot) && snapshot["metadata"]["deletionTimestamp"].is_null();
    let mut left: Vec<Value> = scheduled().into_iter().filter(complete).collect();
    left.sort_by_key(|snapshot| snapshot["metadata"]["name"].as_str().map(str::to_owned));
    let last = folder(left.last().expect("the newest that is complete stays"));
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.wait_until_nothing_is_left();
    for snapshot in scheduled() {
        wait_until_gone(&world, snapshot["metadata"]["name"].as_str().unwrap());
    }
    assert!(is_savepoint(&last));
    assert_eq!(names(world.kubectl(), "streamsnapshots").len(), 1, "what a person made outlives the job");
}
