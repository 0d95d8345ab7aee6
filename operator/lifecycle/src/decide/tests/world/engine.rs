//! Coordinators, workers and the bucket of the model: what they answer, and the invariants that no claim may break.

use std::collections::{BTreeMap, BTreeSet};

use millstream_api::status::{OperatorFate, OperatorVerdict, StopMethod};
use millstream_api::streamjob::UpgradeMode;

use super::{Process, World};
use crate::observed::{
    Answer, Call, CallKind, CallState, Component, Engine, EnginePhase, Epoch, Exit, Judgement, PlannerState,
    Pod, PodState,
};

impl World {
    /// The planner reads the newest epoch in the bucket.
    pub(super) fn judged(&self) -> PlannerState {
        match &self.verdict {
            PlannerState::Judged(judgement) => {
                let newest = self.epoch_in(self.spec["state"]["storage"].as_str());
                let newest = newest.map(|number| self.epoch_of(number));
                // A manifest is of the job that wrote it, which need not be the one that runs.
                let is_saved = self.saved_sql.as_deref() == self.spec["sql"].as_str();
                let is_same_plan = judgement.is_same_plan || is_saved && newest.is_some();
                let own = self.operators_of(self.spec["sql"].as_str());
                let verdict =
                    |uid: &String, verdict| OperatorVerdict { uid: uid.clone(), name: uid.clone(), verdict };
                let lost = self.saved.difference(&own).map(|uid| verdict(uid, OperatorFate::Lost));
                let new = own.difference(&self.saved).map(|uid| verdict(uid, OperatorFate::New));
                let operators = judgement.operators.iter().cloned().chain(lost).chain(new).collect();
                let (omitted, refused) = (judgement.omitted, judgement.refused.clone());
                PlannerState::Judged(Judgement { newest, is_same_plan, operators, omitted, refused })
            }
            PlannerState::Failed { message, .. } => {
                PlannerState::Failed { message: message.clone(), at: self.planner_since }
            }
            other => other.clone(),
        }
    }

    /// From now on, planners fail for this reason.
    pub(in super::super) fn fail_planners(&mut self, message: &str) {
        self.verdict = PlannerState::Failed { message: message.to_owned(), at: self.now };
    }

    pub(super) fn epoch_of(&self, number: i64) -> Epoch {
        let uri = format!("{}/epoch/{number}", self.storage.as_deref().unwrap_or_default());
        Epoch { number, uri, completed: self.epoch_at, bytes: None, duration: None }
    }

    pub(super) fn epoch_in(&self, storage: Option<&str>) -> Option<i64> {
        match storage {
            storage if self.storage.is_none() || storage == self.storage.as_deref() => self.epoch,
            storage => self.left.get(storage?).copied(),
        }
    }

    pub(super) fn engines(&self) -> BTreeMap<i64, Engine> {
        // Each looks where its own manifest says.
        let newest = |attempt: i64| {
            let config = self.children.iter().find(|c| c.attempt == attempt && c.deployed.is_some());
            let storage = config.and_then(|c| c.deployed.as_ref()?.job.storage.clone());
            self.epoch_in(storage.as_deref()).map(|number| self.epoch_of(number))
        };
        let engine = |attempt: i64, process: &Process| match self.silent_since {
            _ if self.now < self.unasked_until => Engine::Unknown,
            Some(since) => Engine::Silent { since },
            None => Engine::Answered(Box::new(Answer {
                phase: process.phase,
                newest: newest(attempt),
                savepoint: None,
                savepoints_under_way: 0,
                restored_from: process.restored_from,
                restarts: process.restarts,
                failed_checkpoints: u32::from(self.faults.no_checkpoints),
                parallelism: process.parallelism,
                error: None,
            })),
        };
        let mut engines: BTreeMap<i64, Engine> = self.hung_coordinators().collect();
        engines.extend(self.processes.iter().map(|(attempt, process)| (*attempt, engine(*attempt, process))));
        engines
    }

    /// Those whose container runs and that have no process that could answer.
    fn hung_coordinators(&self) -> impl Iterator<Item = (i64, Engine)> {
        let hangs = |pod: &Pod| {
            pod.component == Component::Coordinator && matches!(pod.state, PodState::Running { .. })
        };
        let hung = self.children.iter().filter(move |child| child.pod.as_ref().is_some_and(hangs));
        hung.map(|child| (child.attempt, Engine::Silent { since: self.epoch_at }))
    }

    pub(super) fn let_processes_work(&mut self) {
        for attempt in self.processes.keys().copied().collect::<Vec<_>>() {
            match self.processes[&attempt].phase {
                EnginePhase::TakingOver => self.claim(attempt),
                EnginePhase::WaitingForSlots if self.has_slots(attempt) => {
                    self.processes.get_mut(&attempt).unwrap().phase = EnginePhase::Running;
                }
                EnginePhase::Running if !self.faults.no_checkpoints => {
                    let next = self.highest + 1;
                    self.own(attempt, next);
                }
                EnginePhase::Stopped if !self.faults.ends_unseen => self.end(attempt, Exit::Stopped),
                _ => {}
            }
        }
    }

    /// From here on, the epochs are those in this place.
    pub(super) fn move_to(&mut self, storage: String) {
        let old = self.storage.replace(storage.clone());
        if old.as_ref().is_some_and(|old| *old != storage) {
            let here = self.left.remove(&storage);
            self.highest = here.unwrap_or(0);
            if let (Some(old), Some(epoch)) = (old, std::mem::replace(&mut self.epoch, here)) {
                self.left.insert(old, epoch);
            }
        }
    }

    pub(super) fn own(&mut self, attempt: i64, epoch: i64) {
        assert!(self.highest < epoch && self.epoch < Some(epoch), "epochs grow");
        self.epoch = Some(epoch);
        self.highest = epoch;
        self.owner = Some(attempt);
        self.epoch_at = self.now;
        self.saved_sql = self.sql_of(attempt);
        self.saved = self.operators_of(self.saved_sql.as_deref());
    }

    fn operators_of(&self, sql: Option<&str>) -> BTreeSet<String> {
        sql.and_then(|sql| self.operators.get(sql)).cloned().unwrap_or_default()
    }

    /// What a deployment runs.
    pub(in super::super) fn sql_of(&self, attempt: i64) -> Option<String> {
        if let Some(sql) = self.processes.get(&attempt).and_then(|process| process.sql.clone()) {
            return Some(sql);
        }
        let config = self.children.iter().find(|c| c.attempt == attempt && c.deployed.is_some())?;
        config.deployed.as_ref()?.job.sql.inline().map(str::to_owned)
    }

    pub(super) fn has_slots(&self, attempt: i64) -> bool {
        let workers =
            self.children.iter().filter(|child| child.attempt == attempt && !child.is_terminating());
        let ready = workers
            .filter_map(|c| c.pod.as_ref())
            .filter(|pod| matches!(pod.component, Component::Worker(_)) && pod.is_ready());
        i32::try_from(ready.count() * 2).unwrap() >= self.processes[&attempt].parallelism
    }

    /// A coordinator claims a generation: from here on it owns the job.
    pub(super) fn claim(&mut self, attempt: i64) {
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
        let may = self.begun_empty.contains(&attempt);
        let is_fresh = text.contains("\"--fresh\"");
        assert!(may || !is_fresh, "state is given up without a permission: {:#?}", self.log);
        assert!(
            !is_fresh || self.owner != Some(attempt),
            "{attempt} gives up its own epochs: {:#?}",
            self.log
        );
        self.move_to(deployed.job.storage.clone().unwrap());
        // The record of the start has a number, too.
        self.highest += 1;
        self.epoch = self.epoch.filter(|_| !is_fresh);
        if let Some((_, rest)) = text.split_once("\"--from-epoch=") {
            self.epoch = rest.split('"').next().unwrap().parse().ok();
        }
        if text.contains("--from-savepoint=") || self.epoch.is_none() && deployed.job.restore.is_some() {
            // What is brought in is the next epoch of the place.
            self.own(attempt, self.highest + 1);
            self.restored = self.restoring;
        }
        assert!(
            self.epoch.is_some() || is_new || may || upgrade.allow_state_loss,
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
        let own = self.operators_of(deployed.job.sql.inline());
        let allowed =
            text.split_once("--allow-state-loss=").map_or("", |(_, rest)| rest.split('"').next().unwrap());
        let is_allowed = |name: &String| allowed.split(',').any(|allowed| allowed == name);
        if self.epoch.is_some() && !self.saved.difference(&own).all(is_allowed) {
            return self.end(attempt, Exit::Refused("state would be lost".into()));
        }
        let process = self.processes.get_mut(&attempt).unwrap();
        process.phase = EnginePhase::WaitingForSlots;
        process.restored_from = self.epoch;
        process.parallelism = i32::try_from(deployed.job.parallelism).unwrap();
        process.sql = deployed.job.sql.inline().map(str::to_owned);
    }

    pub(super) fn answer_calls(&mut self) {
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
    pub(super) fn carry_out(&mut self, call: &Call) -> Option<Option<i64>> {
        let process = self.processes.get_mut(&call.attempt)?;
        match call.kind {
            CallKind::Stop(StopMethod::Cancel) => {
                process.phase = EnginePhase::Stopped;
                Some(None)
            }
            CallKind::Stop(method) if process.phase == EnginePhase::Running => {
                if self.faults.no_checkpoints {
                    return None;
                }
                process.phase = EnginePhase::Stopped;
                self.own(call.attempt, self.highest + 1);
                // Only a savepoint's answer names its epoch.
                Some(self.epoch.filter(|_| method != StopMethod::Checkpoint))
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
}
