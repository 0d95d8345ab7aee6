//! A world with one snapshot: what was decided is done, and time passes.

use std::time::Duration;

use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millstream_api::status::Phase;
use millstream_api::streamsnapshot::{AccessStatus, SnapshotPhase, StreamSnapshotStatus};
use serde_json::{Value, json};

use crate::observed::{Answer, Engine, EnginePhase, Epoch};
use crate::snapshot::{
    JobOfSnapshot, JobSeen, SavepointCall, SavepointOutcome, SnapshotAction, SnapshotDecision, SnapshotFacts,
    SnapshotObserved, ToolPod, ToolState, Written, decide_snapshot,
};
use crate::time::{Timestamp, after};

pub(super) struct World {
    pub(super) spec: Value,
    pub(super) object: SnapshotFacts,
    pub(super) status: StreamSnapshotStatus,
    pub(super) job: JobSeen,
    pub(super) call: Option<SavepointCall>,
    pub(super) pods: Vec<ToolPod>,
    pub(super) needed_by: Option<String>,
    pub(super) now: Timestamp,
    pub(super) log: Vec<String>,
    pub(super) is_gone: bool,
    pub(super) access: Option<AccessStatus>,
    /// What the next pods come to; `Running` never end.
    pub(super) finds: ToolState,
}

impl World {
    /// A snapshot that was made just now, of a job that runs.
    pub(super) fn new(fields: Value) -> Self {
        let mut spec = json!({"jobRef": {"name": "orders"}});
        fields.as_object().unwrap().iter().for_each(|(key, value)| spec[key] = value.clone());
        Self {
            spec,
            object: SnapshotFacts {
                name: "nightly".into(),
                namespace: "shop".into(),
                uid: "0d7c3d6e-1f2a".into(),
                generation: 1,
                deleted: None,
                has_finalizer: false,
                skips_deletion_policy: false,
            },
            status: StreamSnapshotStatus::default(),
            job: JobSeen::There(Box::new(job())),
            call: None,
            pods: Vec::new(),
            needed_by: None,
            now: "2026-03-01T00:00:00Z".parse().unwrap(),
            log: Vec::new(),
            is_gone: false,
            access: None,
            finds: ToolState::Running,
        }
    }

    pub(super) fn job(&mut self) -> &mut JobOfSnapshot {
        match &mut self.job {
            JobSeen::There(job) => job,
            JobSeen::Absent => panic!("there is no job"),
        }
    }

    pub(super) fn answer(&mut self) -> &mut Answer {
        match &mut self.job().engine {
            Engine::Answered(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn decide(&self) -> SnapshotDecision {
        let observed = SnapshotObserved {
            object: self.object.clone(),
            spec: serde_json::from_value(self.spec.clone()).map_err(|e| e.to_string()),
            status: self.status.clone(),
            job: self.job.clone(),
            call: self.call.clone(),
            pods: self.pods.clone(),
            needed_by: self.needed_by.clone(),
        };
        let decision = decide_snapshot(&observed, self.now);
        if let Some(status) = &decision.status {
            check(status);
        }
        decision
    }

    /// Decides once and does it.
    pub(super) fn step(&mut self) -> String {
        let decision = self.decide();
        let line = decision.to_string();
        for action in &decision.actions {
            self.carry_out(action);
        }
        if let Some(status) = decision.status {
            self.status = *status;
            self.status.access = None;
        }
        if self.log.last() != Some(&line) {
            self.log.push(line.clone());
        }
        line
    }

    /// Decides until nothing is to be done at once; time does not pass.
    pub(super) fn settle(&mut self) {
        for _ in 0..20 {
            let before = (self.status.clone(), self.pods.clone(), self.call.clone(), self.object.clone());
            self.step();
            let after = (self.status.clone(), self.pods.clone(), self.call.clone(), self.object.clone());
            if before == after {
                return;
            }
        }
        panic!("it never settles: {:#?}", self.log);
    }

    /// The same, with time that passes in between, and pods that work.
    pub(super) fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.pass(1);
            self.step();
        }
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now = after(self.now, Duration::from_secs(seconds));
        self.pods.retain(|pod| !pod.is_terminating);
        for pod in &mut self.pods {
            if matches!(pod.state, ToolState::Starting { .. }) {
                pod.state = self.finds.clone();
            }
        }
    }

    fn carry_out(&mut self, action: &SnapshotAction) {
        match action {
            SnapshotAction::AddFinalizer => self.object.has_finalizer = true,
            SnapshotAction::RemoveFinalizer => {
                self.object.has_finalizer = false;
                self.is_gone = self.object.deleted.is_some();
            }
            SnapshotAction::WriteIntent(status) => {
                check(status);
                self.access = status.access.clone().or(self.access.take());
                self.status = StreamSnapshotStatus { access: None, ..(**status).clone() };
            }
            SnapshotAction::Trigger { attempt, name, since } => {
                let taking = self.status.taking.as_ref().expect("an intent");
                assert_eq!((taking.attempt, &taking.name, &taking.since), (*attempt, name, since));
                self.call = Some(SavepointCall { since: since.clone(), outcome: SavepointOutcome::Running });
            }
            SnapshotAction::StartPod { task, uri } => {
                assert!(self.access.is_some(), "how to reach {uri} is not known");
                assert!(self.pods.iter().all(|pod| pod.task != *task));
                self.pods.push(ToolPod {
                    task: *task,
                    name: format!("{task:?}"),
                    uid: "p".into(),
                    is_terminating: false,
                    state: ToolState::Starting { since: self.now, trouble: None },
                });
            }
            SnapshotAction::DeletePod { name, .. } => {
                self.pods
                    .iter_mut()
                    .filter(|pod| pod.name == *name)
                    .for_each(|pod| pod.is_terminating = true);
            }
        }
    }

    /// The engine has written what it was asked for.
    pub(super) fn write(&mut self) -> Written {
        let uri = self.status.taking.as_ref().unwrap().uri.clone();
        let written = Written { uri, epoch: 41, bytes: Some(4_096), at: self.now };
        self.outcome(SavepointOutcome::Done(written.clone()));
        written
    }

    pub(super) fn outcome(&mut self, outcome: SavepointOutcome) {
        self.call.as_mut().expect("a call").outcome = outcome;
    }

    /// Forgets what only the process knew.
    pub(super) fn restart_operator(&mut self) {
        self.call = None;
    }

    pub(super) fn assert_phase(&self, phase: SnapshotPhase, reason: &str) {
        let ready = &self.status.conditions[0];
        assert_eq!((self.status.phase, ready.reason.as_str()), (Some(phase), reason), "{:#?}", self.log);
    }
}

/// What must be true of every status.
fn check(status: &StreamSnapshotStatus) {
    let is = |kind: &str| status.conditions.iter().any(|c| c.type_ == kind && c.status == "True");
    let pictures = ["Ready", "Reconciling", "Stalled"].map(is);
    assert_eq!(pictures.iter().filter(|picture| **picture).count(), 1, "{:?}", status.conditions);
    assert!(status.observed_generation.is_some());
    let is_complete = status.phase == Some(SnapshotPhase::Completed);
    assert!(!is_complete || status.uri.is_some(), "{status:?}");
}

pub(super) fn failed(message: &str, is_unclear: bool) -> SavepointOutcome {
    SavepointOutcome::Failed { message: message.to_owned(), is_unclear }
}

pub(super) fn savepoint(uri: &str, at: &Time) -> Epoch {
    Epoch { number: 41, uri: uri.to_owned(), completed: at.0, bytes: Some(4_096), duration: None }
}

fn job() -> JobOfSnapshot {
    JobOfSnapshot {
        uid: "u-1".into(),
        is_deleted: false,
        phase: Some(Phase::Running),
        is_under_way: false,
        attempt: Some(3),
        engine: Engine::Answered(Box::new(Answer {
            phase: EnginePhase::Running,
            newest: None,
            savepoint: None,
            savepoints_under_way: 0,
            restored_from: None,
            restarts: 0,
            failed_checkpoints: 0,
            parallelism: 1,
            error: None,
        })),
        savepoints: Some("s3://b/p/savepoints/shop.orders".into()),
        access: Some(AccessStatus { secrets: vec!["kafka".into()], pod_template: None }),
    }
}
