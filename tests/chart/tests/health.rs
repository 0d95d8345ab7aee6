//! What kstatus, Argo CD and Flux make of a job in each situation of the design's table, and of a snapshot.
//!
//! The statuses are those that `operator/lifecycle` writes: its tests record those of jobs, and those of snapshots are decided here.

use std::collections::BTreeMap;
use std::fs;

use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millstream_api::names::{API_VERSION, SNAPSHOT_FINALIZER, SNAPSHOT_KIND};
use millstream_api::status::Phase;
use millstream_api::streamsnapshot::{AccessStatus, StreamSnapshotStatus};
use millstream_lifecycle::observed::{Answer, Engine, EnginePhase};
use millstream_lifecycle::snapshot::{
    JobOfSnapshot, JobSeen, SavepointCall, SavepointOutcome, SnapshotFacts, SnapshotObserved, Written,
};
use millstream_lifecycle::time::Timestamp;
use millstream_lifecycle::{SnapshotAction, decide_snapshot};
use millstream_test_chart::judge;
use millstream_test_kube::checkout;
use serde_json::{Value, json};

/// Situation, and what kstatus, Argo CD and Flux have to say.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// Of jobs.
const EXPECTED: &[Row] = &[
    ("created", "InProgress", "Progressing", "InProgress"),
    ("deploying", "InProgress", "Progressing", "InProgress"),
    ("running", "Current", "Healthy", "Current"),
    ("edited and not looked at yet", "InProgress", "Progressing", "InProgress"),
    ("upgrading", "InProgress", "Progressing", "InProgress"),
    ("on trial", "InProgress", "Progressing", "InProgress"),
    ("upgraded", "Current", "Healthy", "Current"),
    ("a plan waits for its approval", "InProgress", "Suspended", "InProgress"),
    ("rescaling", "InProgress", "Progressing", "InProgress"),
    ("restoring", "InProgress", "Progressing", "InProgress"),
    ("restarting", "InProgress", "Progressing", "InProgress"),
    ("finished", "Current", "Healthy", "Current"),
    ("suspended", "Current", "Healthy", "Current"),
    ("created suspended", "Current", "Healthy", "Current"),
    ("checkpoints fail", "Current", "Healthy", "Current"),
    ("restarts exhausted", "Failed", "Degraded", "Failed"),
    ("bad spec", "Failed", "Degraded", "Failed"),
    ("bad spec over a running job", "Failed", "Degraded", "Failed"),
    ("bad SQL over a running job", "Failed", "Degraded", "Failed"),
    ("config map with the SQL missing", "Failed", "Degraded", "Failed"),
    ("nothing to restore", "Failed", "Degraded", "Failed"),
    ("image missing", "InProgress", "Progressing", "InProgress"),
    ("rolled back", "Failed", "Degraded", "Failed"),
    ("being deleted", "Terminating", "Progressing", "InProgress"),
];

/// Of snapshots.
const EXPECTED_OF_SNAPSHOTS: &[Row] = &[
    ("waits for its job", "InProgress", "Progressing", "InProgress"),
    ("being taken", "InProgress", "Progressing", "InProgress"),
    ("tried again", "InProgress", "Progressing", "InProgress"),
    ("complete", "Current", "Healthy", "Current"),
    ("edited and not looked at yet", "InProgress", "Progressing", "InProgress"),
    ("failed", "Failed", "Degraded", "Failed"),
    ("refused", "Failed", "Degraded", "Failed"),
    ("abandoned", "Failed", "Degraded", "Failed"),
    ("being deleted", "Terminating", "Progressing", "InProgress"),
];

/// Jobs by their situation.
fn recorded() -> BTreeMap<String, Value> {
    let text = fs::read_to_string(checkout().join("operator/lifecycle/tests/statuses.jsonl")).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["situation"].as_str().unwrap().to_owned(), line["object"].clone())
    };
    text.lines().map(line).collect()
}

#[test]
fn every_situation_is_judged_as_the_design_says() {
    let jobs = recorded();
    assert_eq!(jobs.len(), EXPECTED.len(), "{:?}", jobs.keys());
    assert_judged(EXPECTED, &jobs);
}

#[test]
fn every_situation_of_a_snapshot_is_judged_as_that_of_a_job() {
    let snapshots = decided();
    assert_eq!(snapshots.len(), EXPECTED_OF_SNAPSHOTS.len(), "{:?}", snapshots.keys());
    assert_judged(EXPECTED_OF_SNAPSHOTS, &snapshots);
}

#[track_caller]
fn assert_judged(expected: &[Row], objects: &BTreeMap<String, Value>) {
    let listed: Vec<_> = expected.iter().map(|(situation, ..)| objects[*situation].clone()).collect();
    let mut wrong = Vec::new();
    for ((situation, kstatus, argocd, flux), said) in expected.iter().zip(judge(&listed)) {
        let found = (said.kstatus.status.as_str(), said.argocd.status.as_str(), said.flux.status.as_str());
        if found != (kstatus, argocd, flux) {
            wrong.push(format!("{situation}: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Snapshots by their situation, as the operator's table leads to it.
fn decided() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut record = |situation: &str, snapshot: &Snapshot| {
        found.insert(situation.to_owned(), snapshot.object());
    };
    let mut early = Snapshot::new(json!({}));
    early.observed.job = JobSeen::Absent;
    record("waits for its job", early.step());

    let mut taken = Snapshot::new(json!({"deletionPolicy": "Delete"}));
    record("being taken", taken.step());
    let uri = "s3://b/savepoints/shop.orders/nightly".to_owned();
    taken.answer(SavepointOutcome::Done(Written { uri, epoch: 41, bytes: Some(4_096), at: now() }));
    record("complete", taken.step());
    taken.observed.object.generation = 2;
    record("edited and not looked at yet", &taken);
    taken.observed.object.deleted = Some(now());
    record("being deleted", taken.step());

    let fails = || SavepointOutcome::Failed { message: "the bucket is full".into(), is_unclear: false };
    for (situation, retries) in [("tried again", 3), ("failed", 0)] {
        let mut failing = Snapshot::new(json!({"retries": retries}));
        failing.step().answer(fails());
        record(situation, failing.step());
    }
    record("refused", Snapshot::new(json!({"type": "Checkpoint"})).step());

    let mut late = Snapshot::new(json!({}));
    late.observed.job = JobSeen::There(Box::new(JobOfSnapshot { phase: Some(Phase::Finished), ..job() }));
    record("abandoned", late.step());
    found
}

/// A snapshot, and what is known of it.
struct Snapshot {
    spec: Value,
    observed: SnapshotObserved,
}

impl Snapshot {
    /// One that was made just now, of a job that runs.
    fn new(fields: Value) -> Self {
        let mut spec = json!({"jobRef": {"name": "orders"}});
        fields.as_object().unwrap().iter().for_each(|(key, value)| spec[key] = value.clone());
        let observed = SnapshotObserved {
            object: SnapshotFacts {
                name: "nightly".into(),
                namespace: "shop".into(),
                uid: "0d7c3d6e-1f2a".into(),
                generation: 1,
                deleted: None,
                has_finalizer: spec["deletionPolicy"] == "Delete",
                skips_deletion_policy: false,
            },
            spec: serde_json::from_value(spec.clone()).map_err(|error| error.to_string()),
            status: StreamSnapshotStatus::default(),
            job: JobSeen::There(Box::new(job())),
            call: None,
            pods: Vec::new(),
            needed_by: None,
        };
        Self { spec, observed }
    }

    /// Decides once; the status is what is written then.
    fn step(&mut self) -> &mut Self {
        let decision = decide_snapshot(&self.observed, now());
        let intent = decision.actions.iter().find_map(|action| match action {
            SnapshotAction::WriteIntent(status) => Some(status),
            _ => None,
        });
        let written = intent.or(decision.status.as_ref()).unwrap_or_else(|| panic!("no status: {decision}"));
        self.observed.status = (**written).clone();
        self
    }

    /// What the engine says to the order that the status tells of.
    fn answer(&mut self, outcome: SavepointOutcome) {
        let since: Time = self.observed.status.taking.as_ref().unwrap().since.clone();
        self.observed.call = Some(SavepointCall { since, outcome });
    }

    /// It, as a client of the API server sees it.
    fn object(&self) -> Value {
        let SnapshotFacts { name, namespace, generation, deleted, has_finalizer, .. } = &self.observed.object;
        let mut metadata = json!({"name": name, "namespace": namespace, "generation": generation});
        if *has_finalizer {
            metadata["finalizers"] = json!([SNAPSHOT_FINALIZER]);
        }
        if let Some(deleted) = deleted {
            metadata["deletionTimestamp"] = deleted.to_string().into();
        }
        json!({
            "apiVersion": API_VERSION, "kind": SNAPSHOT_KIND, "metadata": metadata, "spec": self.spec,
            "status": self.observed.status,
        })
    }
}

fn now() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn job() -> JobOfSnapshot {
    let answer = Answer {
        phase: EnginePhase::Running,
        newest: None,
        savepoint: None,
        savepoints_under_way: 0,
        restored_from: None,
        restarts: 0,
        failed_checkpoints: 0,
        parallelism: 1,
        error: None,
    };
    JobOfSnapshot {
        uid: "u-1".into(),
        is_deleted: false,
        phase: Some(Phase::Running),
        is_under_way: false,
        attempt: Some(3),
        engine: Engine::Answered(Box::new(answer)),
        savepoints: Some("s3://b/savepoints/shop.orders".into()),
        access: Some(AccessStatus::default()),
    }
}

/// Argo CD shows the message of a check to people.
#[test]
fn argo_cd_says_why() {
    let jobs = recorded();
    let of = |situation: &str| judge(std::slice::from_ref(&jobs[situation]))[0].argocd.message.clone();
    assert_eq!(of("suspended"), format!("Suspended: {}", message(&jobs["suspended"])));
    assert!(of("bad SQL over a running job").contains("line 1: no table `t`"));
    assert_eq!(of("edited and not looked at yet"), "the operator has not looked at the newest spec yet");
}

fn message(job: &Value) -> &str {
    let conditions = job["status"]["conditions"].as_array().unwrap();
    conditions.iter().find(|c| c["type"] == "Ready").unwrap()["message"].as_str().unwrap()
}

/// Nothing is taken for done that nobody has looked at, of either kind.
#[test]
fn an_object_without_a_status_is_not_ready() {
    for kind in ["StreamJob", "StreamSnapshot"] {
        let metadata = json!({"name": "new", "namespace": "n", "generation": 1});
        let new =
            json!({"apiVersion": "millstream.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": {}});
        let mut empty = new.clone();
        empty["status"] = json!({});
        for said in judge(&[new, empty]) {
            assert_eq!(said.argocd.status, "Progressing");
            assert!(["Unknown", "InProgress"].contains(&said.flux.status.as_str()), "{said:?}");
        }
    }
}
