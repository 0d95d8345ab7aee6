//! A small model of a cluster, an engine and a bucket, to carry decisions out in.
//!
//! It keeps the invariants of the bucket itself: who claims while somebody else could own an epoch, who starts below its floor and who
//! starts empty without being allowed to are failures of the test, wherever they happen.

mod cluster;
mod engine;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use millstream_api::StreamJob;
use millstream_api::conditions::ConditionType;
use millstream_api::status::{
    IntentCause, IntentStep, OperatorFate, OperatorVerdict, StartFrom, StopMethod, StreamJobStatus,
};
use millstream_api::streamsnapshot::SnapshotPhase;
use serde_json::{Value, json};

use crate::action::Action;
use crate::decide::{Decision, decide};
use crate::observed::{
    Call, CallKind, CallState, Child, Component, Denial, EnginePhase, Exit, Judgement, ObjectFacts, Observed,
    OperatorSettings, Planner, PlannerState, PodState, Snapshot, SqlText, Transport, Trouble,
};
use crate::time::{Timestamp, after};

/// A coordinator's process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) phase: EnginePhase,
    pub(super) restarts: i32,
    pub(super) parallelism: i32,
    pub(super) restored_from: Option<i64>,
    /// What it read when it took the job over, whatever its config map says since.
    pub(super) sql: Option<String>,
}

/// What is wrong with the world at the moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// New pods find no image.
    pub(super) no_image: bool,
    /// New pods of a job take their time, and nothing says why.
    pub(super) slow: bool,
    /// Planners take their time.
    pub(super) slow_planner: bool,
    /// New pods find no node.
    pub(super) no_room: bool,
    /// The API server does not take new pods of this deployment, for this reason.
    pub(super) denied: Option<(i64, Trouble)>,
    /// There is room for so many workers.
    pub(super) worker_room: Option<usize>,
    /// Coordinators do not answer.
    pub(super) silent: bool,
    /// Coordinators' processes of this SQL end in this way instead of running.
    pub(super) poison: Option<(String, Exit)>,
    /// Calls fail.
    pub(super) calls_fail: bool,
    /// Calls fail, and what they asked for happens nevertheless.
    pub(super) calls_succeed_late: bool,
    /// Checkpoints do not complete.
    pub(super) no_checkpoints: bool,
    /// Savepoints that the schedule asks for come to nothing.
    pub(super) savepoints_fail: bool,
    /// The engine cannot rescale in place.
    pub(super) no_rescale: bool,
    /// It says that it did, and goes on as before.
    pub(super) rescale_unseen: bool,
    /// Processes end, and no kubelet has noticed it yet.
    pub(super) ends_unseen: bool,
}

pub(super) struct World {
    pub(super) spec: Value,
    pub(super) object: ObjectFacts,
    pub(super) status: StreamJobStatus,
    pub(super) sql: SqlText,
    pub(super) children: Vec<Child>,
    pub(super) processes: BTreeMap<i64, Process>,
    pub(super) calls: Vec<Call>,
    pub(super) denials: BTreeMap<i64, Denial>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) faults: Faults,
    pub(super) now: Timestamp,
    /// The newest epoch that the job owns, and since when.
    pub(super) epoch: Option<i64>,
    /// The highest number that an epoch ever had there, and the deployment that wrote it.
    highest: i64,
    owner: Option<i64>,
    /// Stateful operators by SQL, and those that the newest epoch has.
    pub(super) operators: BTreeMap<String, BTreeSet<String>>,
    saved: BTreeSet<String>,
    /// The SQL that the manifest of that epoch has.
    saved_sql: Option<String>,
    pub(super) epoch_at: Timestamp,
    /// What the planner says about the next plan.
    pub(super) verdict: PlannerState,
    /// When the newest planner was made.
    planner_since: Timestamp,
    silent_since: Option<Timestamp>,
    /// Until when the operator, which was started again, has asked nobody.
    pub(super) unasked_until: Timestamp,
    /// Specs of coordinators by attempt, as they were created.
    coordinators: BTreeMap<i64, Value>,
    pub(super) log: Vec<String>,
    uids: u64,
    pub(super) is_gone: bool,
    /// Whether the job has had the permission to start empty: it was stateless from the start, or was allowed to become so.
    may_start_empty: bool,
    /// Deployments that were begun empty while that was allowed. A spec that is edited later takes the permission from later ones only.
    begun_empty: BTreeSet<i64>,
    /// Where `epoch` is, once there is one.
    storage: Option<String>,
    /// The newest epochs in places that the job has left.
    left: BTreeMap<String, i64>,
    /// The nonce of the restore that is being started, and of the one that a coordinator has carried out last.
    restoring: Option<i64>,
    pub(super) restored: Option<i64>,
    /// Writes of the status.
    pub(super) writes: usize,
    /// The engine that the operator gives to new deployments.
    pub(super) image: &'static str,
    /// How the operator lets new deployments talk, and the CA of its own certificate.
    pub(super) transport: Transport,
    pub(super) client_ca: String,
}

pub(super) fn start() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

/// A spec with state in a bucket and these fields.
pub(super) fn spec(fields: Value) -> Value {
    let mut spec = json!({"sql": "SELECT 1", "parallelism": 2, "state": {"storage": "s3://b/p"}});
    fields.as_object().unwrap().iter().for_each(|(key, value)| spec[key] = value.clone());
    spec
}

impl World {
    pub(super) fn new(fields: Value) -> Self {
        Self {
            spec: spec(fields),
            object: ObjectFacts {
                name: "j".into(),
                namespace: "ns".into(),
                uid: "uid-1".into(),
                generation: 1,
                created: start(),
                deleted: None,
                has_finalizer: false,
                approved: None,
                skips_deletion_policy: false,
            },
            status: StreamJobStatus::default(),
            sql: SqlText::Inline,
            children: Vec::new(),
            processes: BTreeMap::new(),
            calls: Vec::new(),
            denials: BTreeMap::new(),
            snapshots: Vec::new(),
            faults: Faults::default(),
            now: start(),
            epoch: None,
            highest: 0,
            owner: None,
            operators: BTreeMap::new(),
            saved: BTreeSet::new(),
            saved_sql: None,
            epoch_at: start(),
            verdict: PlannerState::Judged(Judgement::default()),
            planner_since: start(),
            silent_since: None,
            unasked_until: start(),
            coordinators: BTreeMap::new(),
            log: Vec::new(),
            uids: 0,
            is_gone: false,
            may_start_empty: false,
            begun_empty: BTreeSet::new(),
            storage: None,
            left: BTreeMap::new(),
            restoring: None,
            restored: None,
            writes: 0,
            transport: Transport::Tls,
            image: "millstream:1",
            client_ca: "operator\n".into(),
        }
    }

    /// A world in which the job runs and is stable.
    pub(super) fn running(fields: Value) -> Self {
        let mut world = Self::new(fields);
        world.settle();
        assert_eq!(world.condition(ConditionType::Ready), "True", "{:#?}", world.log);
        world.log.clear();
        world
    }

    pub(super) fn edit(&mut self, fields: Value) {
        fields.as_object().unwrap().iter().for_each(|(key, value)| self.spec[key] = value.clone());
        self.spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.object.generation += 1;
    }

    pub(super) fn observe(&self) -> Observed {
        let planner = self.children.iter().find_map(|child| {
            let pod = child.pod.as_ref().filter(|pod| pod.component == Component::Planner)?;
            let state = match pod.state {
                PodState::Starting => PlannerState::Pending { since: self.planner_since },
                _ => self.judged(),
            };
            Some(Planner { plan: child.plan.clone(), state })
        });
        Observed {
            object: self.object.clone(),
            status: self.status.clone(),
            sql: self.sql.clone(),
            operator: OperatorSettings {
                image: self.image.into(),
                pull_policy: None,
                service_account: None,
                tls: self.transport,
                client_ca: self.client_ca.clone(),
            },
            children: self.children.clone(),
            engines: self.engines(),
            calls: self.calls.clone(),
            planner,
            denials: self.denials.clone(),
            snapshots: self.snapshots.clone(),
        }
    }

    pub(super) fn decide(&self) -> Decision {
        let job = StreamJob::new("j", serde_json::from_value(self.spec.clone()).unwrap()).validate();
        let decision = decide(job.as_ref().map_err(Vec::as_slice), &self.observe(), self.now);
        self.check(&decision);
        decision
    }

    /// What must hold for every decision.
    fn check(&self, decision: &Decision) {
        let is = |kind: ConditionType| {
            decision.conditions.iter().any(|c| c.type_ == kind.as_str() && c.status == "True")
        };
        let pictures = [ConditionType::Ready, ConditionType::Reconciling, ConditionType::Stalled].map(is);
        assert_eq!(pictures.iter().filter(|p| **p).count(), 1, "{decision}: {pictures:?}");
        let intents = decision.actions.iter().filter(|a| matches!(a, Action::WriteIntent(_))).count();
        assert!(intents == 0 || decision.actions.len() == 1, "an intent is written alone: {decision}");
        for action in decision.actions.iter().filter(|action| action.is_irreversible()) {
            let intent = self.status.intent.as_ref().unwrap_or_else(|| panic!("no intent for {action}"));
            let plan = match action {
                Action::StopWithSavepoint { plan, .. }
                | Action::CancelJob { plan, .. }
                | Action::Rescale { plan, .. }
                | Action::Activate { plan, .. } => plan,
                other => panic!("{other}"),
            };
            assert_eq!(*plan, intent.plan, "the intent is of another plan: {decision}");
        }
        assert!(
            decision.requeue <= Duration::from_secs(600),
            "{decision} is looked at again after {:?}",
            decision.requeue
        );
    }

    /// Decides and does all of it.
    pub(super) fn step(&mut self) -> Decision {
        self.step_until_crash(usize::MAX)
    }

    /// Decides and does this many of the actions, the write of the status counting as the last; a crash forgets calls.
    pub(super) fn step_until_crash(&mut self, survives: usize) -> Decision {
        let decision = self.decide();
        let mut left = survives;
        for action in &decision.actions {
            if left == 0 {
                self.restart_operator();
                return decision;
            }
            left -= 1;
            self.note(&decision, action);
            self.perform(action);
        }
        if let Some(status) = &decision.status {
            if left == 0 {
                self.restart_operator();
                return decision;
            }
            self.status = (**status).clone();
            self.writes += 1;
        }
        decision
    }

    /// It forgets its calls, and what coordinators said.
    pub(super) fn restart_operator(&mut self) {
        self.calls.clear();
        self.unasked_until = after(self.now, Duration::from_secs(4));
    }

    fn note(&mut self, decision: &Decision, action: &Action) {
        let line = format!("{}: {action}", decision.situation);
        if !matches!(action, Action::Wait(_)) && self.log.last() != Some(&line) {
            self.log.push(line);
        }
    }

    fn perform(&mut self, action: &Action) {
        let call = |attempt: &i64, plan: &String, kind| Call {
            attempt: *attempt,
            plan: plan.clone(),
            kind,
            state: CallState::Running { since: self.now },
        };
        match action {
            Action::AddFinalizer => self.object.has_finalizer = true,
            Action::RemoveFinalizer => {
                self.object.has_finalizer = false;
                self.is_gone = self.object.deleted.is_some();
            }
            Action::WriteIntent(status) => {
                self.status = (**status).clone();
                self.writes += 1;
                self.note_start();
            }
            Action::EnsureObjects(built) | Action::StartPlanner(built) => {
                built.iter().for_each(|built| self.apply(built));
            }
            Action::IssueCertificates(order) => self.certify(order, true),
            Action::RenewCertificates(order) => self.certify(order, false),
            Action::DeleteOrphans(orphans) => {
                for orphan in orphans {
                    self.delete(&orphan.uid);
                }
            }
            Action::StopWithSavepoint { attempt, plan, method } => {
                let call = call(attempt, plan, CallKind::Stop(*method));
                self.ask(call);
            }
            Action::CancelJob { attempt, plan } => {
                let call = call(attempt, plan, CallKind::Stop(StopMethod::Cancel));
                self.ask(call);
            }
            Action::Rescale { attempt, plan, parallelism } => {
                let call = call(attempt, plan, CallKind::Rescale(*parallelism));
                self.ask(call);
            }
            Action::Activate { attempt, plan } => {
                let call = call(attempt, plan, CallKind::Activate);
                self.ask(call);
            }
            Action::CreateSnapshot { name } => self.snapshots.push(Snapshot {
                name: name.clone(),
                is_scheduled: true,
                created: self.now,
                phase: SnapshotPhase::Pending,
            }),
            Action::DeleteSnapshot { name } => self.snapshots.retain(|snapshot| snapshot.name != *name),
            Action::Wait(_) => {}
        }
    }

    /// What the spec says at the moment in which a start is begun counts for it.
    fn note_start(&mut self) {
        let Some(intent) = self.status.intent.as_ref().filter(|i| i.step == IntentStep::Start) else {
            return;
        };
        if matches!(intent.cause, IntentCause::Restore | IntentCause::Create) {
            self.restoring = self.spec["restore"]["nonce"].as_i64();
        }
        let upgrade = &self.spec["upgrade"];
        let is_new = self.epoch.is_none() && self.left.is_empty();
        let may = upgrade["allowStateLoss"] == true || self.may_start_empty || is_new;
        if intent.from == StartFrom::Empty && upgrade["mode"] == "Stateless" && may {
            self.begun_empty.insert(intent.attempt);
        }
    }

    fn ask(&mut self, call: Call) {
        self.calls.retain(|old| old.plan != call.plan || old.kind != call.kind);
        self.calls.push(call);
    }

    /// Decides, does and waits until nothing has been to be done for a while; the count of steps is a limit.
    pub(super) fn settle(&mut self) {
        let mut quiet_s = 0;
        for _ in 0..400 {
            let decision = self.step();
            if self.is_gone {
                return;
            }
            let rests = decision.actions.is_empty() && decision.status.is_none();
            // Nothing is to happen by itself any more, so it is enough to look when the decision says.
            let pause_s = if rests { decision.requeue.as_secs().max(2) } else { 2 };
            quiet_s = if rests { quiet_s + pause_s } else { 0 };
            if quiet_s > 90 {
                return;
            }
            self.pass(pause_s);
        }
        panic!("it does not settle: {} {:#?}", self.decide(), self.log);
    }

    /// Decides, does and waits for so many rounds of two seconds.
    pub(super) fn run(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.step();
            self.pass(2);
        }
    }

    /// Runs until the table takes this row, and does not do what it says.
    pub(super) fn run_to(&mut self, situation: &str) -> Decision {
        for _ in 0..400 {
            let decision = self.decide();
            if decision.situation == situation {
                return decision;
            }
            self.step();
            self.pass(2);
        }
        panic!("{situation} never came: {} {:#?}", self.decide(), self.log);
    }

    pub(super) fn condition(&self, kind: ConditionType) -> String {
        let found = self.status.conditions.iter().find(|c| c.type_ == kind.as_str());
        found.map_or("absent".into(), |c| c.status.clone())
    }

    /// This deployment is the one that runs, and it is well.
    #[track_caller]
    pub(super) fn assert_ready(&self, attempt: i64) {
        let found = (self.condition(ConditionType::Ready), self.status.attempt);
        assert_eq!(found, ("True".to_owned(), Some(attempt)), "{:#?}", self.log);
    }

    pub(super) fn reason(&self, kind: ConditionType) -> String {
        let found = self.status.conditions.iter().find(|c| c.type_ == kind.as_str());
        found.map_or("absent".into(), |c| c.reason.clone())
    }

    pub(super) fn message(&self, kind: ConditionType) -> String {
        let found = self.status.conditions.iter().find(|c| c.type_ == kind.as_str());
        found.map_or("absent".into(), |c| c.message.clone())
    }

    pub(super) fn pods(&self) -> Vec<String> {
        let pods = self.children.iter().filter(|child| child.pod.is_some() && child.attempt > 0);
        pods.map(|child| child.name.clone()).collect()
    }

    /// The irreversible part of the log, and the intents.
    pub(super) fn story(&self) -> Vec<String> {
        let words = [
            "write intent",
            "stop attempt",
            "cancel attempt",
            "rescale attempt",
            "activate",
            "remove finalizer",
        ];
        let action =
            |line: &String| words.iter().find_map(|word| line.find(word)).map(|at| line[at..].to_owned());
        self.log.iter().filter_map(action).collect()
    }

    /// This SQL has these stateful operators.
    pub(super) fn with_operators(mut self, sql: &str, operators: &[&str]) -> Self {
        self.operators.insert(sql.to_owned(), operators.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    pub(super) fn lose(&mut self, operator: &str) {
        let operators = vec![OperatorVerdict {
            uid: operator.into(),
            name: operator.into(),
            verdict: OperatorFate::Lost,
        }];
        self.verdict = PlannerState::Judged(Judgement { operators, ..Judgement::default() });
    }
}
