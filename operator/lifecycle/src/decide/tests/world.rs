//! A small model of a cluster, an engine and a bucket, to carry decisions out in.
//!
//! It keeps the invariants of the bucket itself: who claims while somebody else could own an epoch, who starts below its floor and who
//! starts empty without being allowed to are failures of the test, wherever they happen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use millstream_api::StreamJob;
use millstream_api::conditions::ConditionType;
use millstream_api::status::{
    IntentCause, IntentStep, OperatorFate, OperatorVerdict, StartFrom, StopMethod, StreamJobStatus,
};
use millstream_api::streamjob::UpgradeMode;
use millstream_api::streamsnapshot::SnapshotPhase;
use serde_json::{Value, json};

use crate::action::Action;
use crate::build::{Built, read_deployed};
use crate::decide::{Decision, decide};
use crate::observed::{
    Answer, Call, CallKind, CallState, Child, ChildKind, Component, Engine, EnginePhase, Epoch, Exit,
    Judgement, ObjectFacts, Observed, OperatorSettings, Planner, PlannerState, Pod, PodState, Snapshot,
    SqlText, Transport, Trouble,
};
use crate::time::{Timestamp, after};

/// A coordinator's process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) phase: EnginePhase,
    pub(super) restarts: i32,
    pub(super) parallelism: i32,
    pub(super) restored_from: Option<i64>,
}

/// What is wrong with the world at the moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// New pods find no image.
    pub(super) no_image: bool,
    /// New pods find no node.
    pub(super) no_room: bool,
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
    /// The engine cannot rescale in place.
    pub(super) no_rescale: bool,
    /// It says that it did, and goes on as before.
    pub(super) rescale_unseen: bool,
}

pub(super) struct World {
    pub(super) spec: Value,
    pub(super) object: ObjectFacts,
    pub(super) status: StreamJobStatus,
    pub(super) sql: SqlText,
    pub(super) children: Vec<Child>,
    pub(super) processes: BTreeMap<i64, Process>,
    pub(super) calls: Vec<Call>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) faults: Faults,
    pub(super) now: Timestamp,
    /// The newest epoch that the job owns, and since when.
    pub(super) epoch: Option<i64>,
    pub(super) epoch_at: Timestamp,
    /// What the planner says about the next plan.
    pub(super) verdict: PlannerState,
    /// When the newest planner was made.
    planner_since: Timestamp,
    silent_since: Option<Timestamp>,
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
            snapshots: Vec::new(),
            faults: Faults::default(),
            now: start(),
            epoch: None,
            epoch_at: start(),
            verdict: PlannerState::Judged(Judgement::default()),
            planner_since: start(),
            silent_since: None,
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
                image: "millstream:1".into(),
                pull_policy: None,
                service_account: None,
                tls: Transport::Tls,
            },
            children: self.children.clone(),
            engines: self.engines(),
            calls: self.calls.clone(),
            planner,
            snapshots: self.snapshots.clone(),
        }
    }

    /// The planner reads the newest epoch in the bucket.
    fn judged(&self) -> PlannerState {
        match &self.verdict {
            PlannerState::Judged(judgement) => {
                let newest = self.epoch_in(self.spec["state"]["storage"].as_str());
                let newest = newest.map(|number| self.epoch_of(number));
                PlannerState::Judged(Judgement { newest, ..judgement.clone() })
            }
            PlannerState::Failed { message, .. } => {
                PlannerState::Failed { message: message.clone(), at: self.planner_since }
            }
            other => other.clone(),
        }
    }

    /// From now on, planners fail for this reason.
    pub(super) fn fail_planners(&mut self, message: &str) {
        self.verdict = PlannerState::Failed { message: message.to_owned(), at: self.now };
    }

    fn epoch_of(&self, number: i64) -> Epoch {
        let uri = format!("{}/epoch/{number}", self.storage.as_deref().unwrap_or_default());
        Epoch { number, uri, completed: self.epoch_at, bytes: None, duration: None }
    }

    fn epoch_in(&self, storage: Option<&str>) -> Option<i64> {
        match storage {
            storage if self.storage.is_none() || storage == self.storage.as_deref() => self.epoch,
            storage => self.left.get(storage?).copied(),
        }
    }

    fn engines(&self) -> BTreeMap<i64, Engine> {
        // Each looks where its own manifest says.
        let newest = |attempt: i64| {
            let config = self.children.iter().find(|c| c.attempt == attempt && c.deployed.is_some());
            let storage = config.and_then(|c| c.deployed.as_ref()?.job.storage.clone());
            self.epoch_in(storage.as_deref()).map(|number| self.epoch_of(number))
        };
        let engine = |attempt: i64, process: &Process| match self.silent_since {
            Some(since) => Engine::Silent { since },
            None => Engine::Answered(Box::new(Answer {
                phase: process.phase,
                newest: newest(attempt),
                savepoint: None,
                restored_from: process.restored_from,
                restarts: process.restarts,
                failed_checkpoints: u32::from(self.faults.no_checkpoints),
                parallelism: process.parallelism,
                error: None,
            })),
        };
        self.processes.iter().map(|(attempt, process)| (*attempt, engine(*attempt, process))).collect()
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
                self.calls.clear();
                return decision;
            }
            left -= 1;
            self.note(&decision, action);
            self.perform(action);
        }
        if let Some(status) = &decision.status {
            if left == 0 {
                self.calls.clear();
                return decision;
            }
            self.status = (**status).clone();
            self.writes += 1;
        }
        decision
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
            Action::TriggerSavepoint { name, .. } => {
                let named = self.snapshots.iter_mut().filter(|snapshot| snapshot.name == *name);
                named.for_each(|snapshot| snapshot.phase = SnapshotPhase::InProgress);
            }
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

    /// Server-side apply: makes what is not there; of a pod that is there only its metadata changes.
    fn apply(&mut self, built: &Built) {
        let label =
            |name: &str| built.value["metadata"]["labels"][name].as_str().unwrap_or_default().to_owned();
        let attempt: i64 = label("millstream.dev/attempt").parse().unwrap();
        let deployed = if attempt > 0 { read_deployed(&built.value).map(Box::new) } else { None };
        if let Some(child) = self.children.iter_mut().find(|c| c.kind == built.kind && c.name == built.name) {
            assert_eq!(child.owner, self.object.uid, "{} belongs to somebody else", child.name);
            child.applied.clone_from(&built.applied);
            if deployed.is_some() {
                child.deployed = deployed;
            }
            return;
        }
        let component = match label("millstream.dev/component").as_str() {
            "coordinator" => Component::Coordinator,
            "planner" => Component::Planner,
            _ => Component::Worker(built.name.rsplit('-').next().unwrap().parse().unwrap_or(0)),
        };
        if built.kind == ChildKind::Pod && component == Component::Coordinator {
            self.coordinators.insert(attempt, built.value.clone());
        }
        if component == Component::Planner {
            self.planner_since = self.now;
        }
        self.uids += 1;
        self.children.push(Child {
            kind: built.kind,
            name: built.name.clone(),
            uid: format!("child-{}", self.uids),
            owner: self.object.uid.clone(),
            attempt,
            plan: label("millstream.dev/plan"),
            generation: label("millstream.dev/generation").parse().unwrap(),
            applied: built.applied.clone(),
            is_terminating: false,
            pod: (built.kind == ChildKind::Pod).then_some(Pod { component, state: PodState::Starting }),
            deployed,
        });
    }

    fn delete(&mut self, uid: &str) {
        let Some(index) = self.children.iter().position(|child| child.uid == uid) else { return };
        let is_pod = self.children[index].pod.is_some();
        if is_pod && self.children[index].owner == self.object.uid {
            self.children[index].is_terminating = true;
        } else {
            self.children.remove(index);
        }
    }

    /// Takes a pod away, as a drain does.
    pub(super) fn evict(&mut self, name: &str) {
        let child = self.children.iter().find(|child| child.kind == ChildKind::Pod && child.name == name);
        if let Some(uid) = child.map(|child| child.uid.clone()) {
            self.delete(&uid);
        }
    }

    /// Ends a coordinator's process.
    pub(super) fn end(&mut self, attempt: i64, exit: Exit) {
        self.processes.remove(&attempt);
        let at = self.now;
        for pod in
            self.children.iter_mut().filter(|child| child.attempt == attempt).filter_map(|c| c.pod.as_mut())
        {
            if pod.component == Component::Coordinator && matches!(pod.state, PodState::Running { .. }) {
                pod.state = PodState::Ended { exit: exit.clone(), at };
            }
        }
    }

    /// Lets this much time pass, in which everybody does what they do.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.now = after(self.now, Duration::from_secs(seconds));
        self.silent_since = match (self.faults.silent, self.silent_since) {
            (true, since) => since.or(Some(self.now)),
            (false, _) => None,
        };
        self.let_pods_go();
        self.answer_calls();
        self.let_pods_come();
        self.let_processes_work();
        for snapshot in &mut self.snapshots {
            if snapshot.phase == SnapshotPhase::InProgress {
                snapshot.phase = SnapshotPhase::Completed;
            }
        }
    }

    fn let_pods_go(&mut self) {
        for child in self.children.iter().filter(|child| child.is_terminating) {
            if child.pod.as_ref().is_some_and(|pod| pod.component == Component::Coordinator) {
                self.processes.remove(&child.attempt);
            }
        }
        self.children.retain(|child| !child.is_terminating);
    }

    fn let_pods_come(&mut self) {
        let (no_image, no_room) = (self.faults.no_image, self.faults.no_room);
        for child in &mut self.children {
            let Some(pod) = &mut child.pod else { continue };
            let stuck = |trouble, message: &str| PodState::Stuck { trouble, message: message.to_owned() };
            let is_new = matches!(pod.state, PodState::Starting | PodState::Stuck { .. });
            match () {
                () if !is_new => {}
                () if pod.component == Component::Planner => pod.state = PodState::Running { ready: true },
                () if no_image => pod.state = stuck(Trouble::Image, "ErrImagePull"),
                () if no_room => pod.state = stuck(Trouble::Unschedulable, "0/3 nodes"),
                () => {
                    pod.state = PodState::Running { ready: true };
                    if pod.component == Component::Coordinator {
                        let phase = if self.coordinators[&child.attempt].to_string().contains("\"--standby\"")
                        {
                            EnginePhase::Standby
                        } else {
                            EnginePhase::TakingOver
                        };
                        let process = Process { phase, restarts: 0, parallelism: 0, restored_from: None };
                        self.processes.insert(child.attempt, process);
                    }
                }
            }
        }
    }

    fn let_processes_work(&mut self) {
        for attempt in self.processes.keys().copied().collect::<Vec<_>>() {
            match self.processes[&attempt].phase {
                EnginePhase::TakingOver => self.claim(attempt),
                EnginePhase::WaitingForSlots if self.has_slots(attempt) => {
                    self.processes.get_mut(&attempt).unwrap().phase = EnginePhase::Running;
                }
                EnginePhase::Running if !self.faults.no_checkpoints => {
                    let next = self.epoch.unwrap_or(0) + 1;
                    self.own(next);
                }
                EnginePhase::Stopped => self.end(attempt, Exit::Stopped),
                _ => {}
            }
        }
    }

    /// From here on, the epochs are those in this place.
    fn move_to(&mut self, storage: String) {
        let old = self.storage.replace(storage.clone());
        if old.as_ref().is_some_and(|old| *old != storage) {
            let here = self.left.remove(&storage);
            if let (Some(old), Some(epoch)) = (old, std::mem::replace(&mut self.epoch, here)) {
                self.left.insert(old, epoch);
            }
        }
    }

    fn own(&mut self, epoch: i64) {
        assert!(self.epoch < Some(epoch), "epochs grow");
        self.epoch = Some(epoch);
        self.epoch_at = self.now;
    }

    fn has_slots(&self, attempt: i64) -> bool {
        let workers = self.children.iter().filter(|child| child.attempt == attempt && !child.is_terminating);
        let ready = workers
            .filter_map(|c| c.pod.as_ref())
            .filter(|pod| matches!(pod.component, Component::Worker(_)) && pod.is_ready());
        i32::try_from(ready.count() * 2).unwrap() >= self.processes[&attempt].parallelism
    }

    /// A coordinator claims a generation: from here on it owns the job.
    fn claim(&mut self, attempt: i64) {
        for (other, process) in &self.processes {
            let could_own = !matches!(
                process.phase,
                EnginePhase::Standby | EnginePhase::TakingOver | EnginePhase::Stopped | EnginePhase::Finished
            );
            assert!(
                *other == attempt || !could_own,
                "attempt {attempt} claims while {other} owns: {:#?}",
                self.log
            );
        }
        let config = self.children.iter().find(|c| c.attempt == attempt && c.deployed.is_some());
        let Some(deployed) = config.and_then(|child| child.deployed.clone()) else { return };
        let text = self.coordinators[&attempt].to_string();
        let upgrade = deployed.job.cluster.upgrade;
        let is_new = self.epoch.is_none() && self.left.is_empty();
        self.may_start_empty |= upgrade.allow_state_loss || is_new;
        self.may_start_empty &= upgrade.mode == UpgradeMode::Stateless;
        if text.contains("\"--fresh\"") {
            let may = self.begun_empty.contains(&attempt);
            assert!(may, "state is given up without a permission: {:#?}", self.log);
        }
        self.move_to(deployed.job.storage.clone().unwrap());
        if text.contains("--from-savepoint=") || self.epoch.is_none() && deployed.job.restore.is_some() {
            // What is brought in is the next epoch of the place.
            self.own(self.epoch.unwrap_or(0) + 1);
            self.restored = self.restoring;
        }
        assert!(
            self.epoch.is_some() || is_new || upgrade.allow_state_loss,
            "state is left behind without a permission: {:#?}",
            self.log
        );
        let env = self.coordinators[&attempt]["spec"]["containers"][0]["env"].as_array().unwrap().clone();
        let floor = env.iter().find(|variable| variable["name"] == "MILLSTREAM_AT_LEAST_EPOCH");
        let floor = floor.map(|variable| variable["value"].as_str().unwrap().parse::<i64>().unwrap());
        assert!(
            self.epoch >= floor,
            "the floor {floor:?} is above the newest epoch {:?}: {:#?}",
            self.epoch,
            self.log
        );
        if let Some((sql, exit)) = self.faults.poison.clone()
            && deployed.job.sql.inline() == Some(&sql)
        {
            return self.end(attempt, exit);
        }
        let process = self.processes.get_mut(&attempt).unwrap();
        process.phase = EnginePhase::WaitingForSlots;
        process.restored_from = self.epoch;
        process.parallelism = i32::try_from(deployed.job.parallelism).unwrap();
    }

    fn answer_calls(&mut self) {
        let (fails, late) = (self.faults.calls_fail, self.faults.calls_succeed_late);
        let open = |call: &Call| matches!(call.state, CallState::Running { .. });
        for index in 0..self.calls.len() {
            if !open(&self.calls[index]) || self.faults.silent {
                continue;
            }
            let call = self.calls[index].clone();
            let done = if fails && !late { None } else { self.carry_out(&call) };
            let failed = |message: &str| CallState::Failed { message: message.to_owned(), at: self.now };
            self.calls[index].state = match done {
                _ if fails || late => failed("deadline exceeded"),
                Some(epoch) => CallState::Done { epoch, at: self.now },
                None => failed("refused"),
            };
        }
    }

    /// `None` when the engine refuses.
    fn carry_out(&mut self, call: &Call) -> Option<Option<i64>> {
        let process = self.processes.get_mut(&call.attempt)?;
        match call.kind {
            CallKind::Stop(StopMethod::Cancel) => {
                process.phase = EnginePhase::Stopped;
                Some(self.epoch)
            }
            CallKind::Stop(_) if process.phase == EnginePhase::Running => {
                if self.faults.no_checkpoints {
                    return None;
                }
                process.phase = EnginePhase::Stopped;
                self.own(self.epoch.unwrap_or(0) + 1);
                Some(self.epoch)
            }
            CallKind::Rescale(parallelism)
                if process.phase == EnginePhase::Running && !self.faults.no_rescale =>
            {
                if !self.faults.rescale_unseen {
                    process.parallelism = parallelism;
                }
                Some(None)
            }
            CallKind::Activate if process.phase == EnginePhase::Standby => {
                process.phase = EnginePhase::TakingOver;
                Some(None)
            }
            CallKind::Activate => Some(None),
            _ => None,
        }
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

    pub(super) fn reason(&self, kind: ConditionType) -> String {
        let found = self.status.conditions.iter().find(|c| c.type_ == kind.as_str());
        found.map_or("absent".into(), |c| c.reason.clone())
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

    pub(super) fn lose(&mut self, operator: &str) {
        let operators = vec![OperatorVerdict {
            uid: operator.into(),
            name: operator.into(),
            verdict: OperatorFate::Lost,
        }];
        self.verdict = PlannerState::Judged(Judgement { operators, ..Judgement::default() });
    }
}
