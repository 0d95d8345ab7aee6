//! The tasks of the world's workers: what they do with messages of the job master, read, store and report.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use millstream_model::control::{BarrierKind, FromWorker, ToWorker, WorkerId};
use millstream_model::snapshot::SplitState;
use millstream_model::{Attempt, CheckpointId, SplitId, SubtaskId};

use super::super::bench;
use super::{PARALLELISM, STEPS, World};
use crate::Event;
use crate::fixture::{graph, snapshot_of};

/// What runs on the workers of the newest attempt.
#[derive(Default)]
pub(super) struct Tasks {
    pub(super) attempt: Attempt,
    pub(super) worker: BTreeMap<SubtaskId, WorkerId>,
    pub(super) is_started: bool,
    pub(super) splits: BTreeMap<SubtaskId, Vec<SplitState>>,
    pub(super) no_more: BTreeSet<SubtaskId>,
    pub(super) finished: BTreeSet<SubtaskId>,
    /// The first checkpoint behind a split's end.
    pub(super) ends_in: BTreeMap<SplitId, CheckpointId>,
    /// Barriers that reached a source but not all of them yet.
    pub(super) passed: BTreeMap<CheckpointId, BTreeSet<SubtaskId>>,
}

impl World {
    pub(super) fn worker_step(&mut self, choice: usize) {
        let busy: Vec<_> = self.to_worker.iter().filter(|(_, q)| !q.is_empty()).map(|(w, _)| *w).collect();
        let Some(worker) = busy.get(choice % busy.len().max(1)).copied() else { return };
        let message = self.to_worker.get_mut(&worker).and_then(VecDeque::pop_front).unwrap();
        match message {
            ToWorker::Deploy { attempt, subtask, .. } => {
                if attempt > self.tasks.attempt {
                    assert!(self.tasks.worker.is_empty(), "two attempts at once\n{}", self.trace.join("\n"));
                    self.tasks = Tasks { attempt, ..Tasks::default() };
                }
                self.tasks.worker.insert(subtask, worker);
                self.say(FromWorker::SubtaskRunning { attempt, subtask });
            }
            ToWorker::Start { .. } => self.tasks.is_started = true,
            ToWorker::Cancel { attempt } => {
                self.tasks.worker.retain(|_, w| *w != worker);
                self.say(FromWorker::Cancelled { attempt, worker });
            }
            ToWorker::AssignSplits { subtask, splits, no_more, .. } => {
                self.tasks.splits.entry(subtask).or_default().extend(splits);
                if no_more {
                    self.tasks.no_more.insert(subtask);
                }
                self.finish_if_done(subtask);
            }
            ToWorker::TriggerBarrier { subtask, barrier, .. } => {
                if barrier.kind == BarrierKind::Drain {
                    self.finish(subtask);
                }
                self.barrier(subtask, barrier.checkpoint);
            }
            ToWorker::EpochOwned { checkpoint, .. } => {
                let Tasks { worker: places, splits, ends_in, .. } = &mut self.tasks;
                for (_, splits) in splits.iter_mut().filter(|(s, _)| places.get(*s) == Some(&worker)) {
                    splits.retain(|s| ends_in.get(&s.split).is_none_or(|end| *end > checkpoint));
                }
            }
            ToWorker::Prepare { attempt, parallelism, .. } => {
                self.widths.insert(attempt, parallelism.unwrap_or(PARALLELISM[0]));
            }
            ToWorker::CheckpointAborted { .. } | ToWorker::Shutdown { .. } => {}
        }
    }

    /// Subtasks of the source in the newest attempt.
    fn width(&self) -> u32 {
        self.widths[&self.tasks.attempt]
    }

    pub(super) fn say(&mut self, message: FromWorker) {
        self.to_master.push_back(Event::FromWorker(message));
    }

    fn barrier(&mut self, subtask: SubtaskId, checkpoint: CheckpointId) {
        self.store(subtask, checkpoint);
        let width = self.width();
        let passed = self.tasks.passed.entry(checkpoint).or_default();
        passed.insert(subtask);
        if passed.len() == width as usize {
            self.store(bench::subtask(1, 0), checkpoint);
        }
    }

    fn store(&mut self, subtask: SubtaskId, checkpoint: CheckpointId) {
        let is_finished = self.tasks.finished.contains(&subtask);
        let mut snapshot =
            snapshot_of(&graph(&[self.width(), 1]), subtask.chain.0, subtask.index, is_finished);
        snapshot.splits = self.tasks.splits.get(&subtask).cloned().unwrap_or_default();
        for split in snapshot.splits.iter().filter(|s| s.is_finished).map(|s| s.split.clone()) {
            self.tasks.ends_in.entry(split.clone()).or_insert(checkpoint);
            self.read.entry(checkpoint).or_default().insert(split);
        }
        self.say(FromWorker::SnapshotStored { attempt: self.tasks.attempt, checkpoint, snapshot });
    }

    /// A source subtask reads one step of one split.
    pub(super) fn read(&mut self, choice: usize) {
        let attempt = self.tasks.attempt;
        let sources: Vec<_> = self.tasks.splits.keys().copied().collect();
        let Some(subtask) = sources.get(choice % sources.len().max(1)).copied() else { return };
        let alive = self.tasks.is_started && self.tasks.worker.contains_key(&subtask);
        let splits = self.tasks.splits.entry(subtask).or_default();
        let alive = alive && !self.tasks.finished.contains(&subtask);
        let Some(split) = splits.iter_mut().find(|s| alive && !s.is_finished) else { return };
        let position = split.position.first().copied().unwrap_or(0) + 1;
        split.position = vec![position];
        if position == STEPS {
            split.is_finished = true;
            let (source, splits) = (millstream_model::OperatorUid("src".into()), vec![split.split.clone()]);
            self.say(FromWorker::SplitsFinished { attempt, subtask, source, splits });
        }
        self.finish_if_done(subtask);
    }

    fn finish_if_done(&mut self, subtask: SubtaskId) {
        let is_read = self.tasks.splits.get(&subtask).is_none_or(|s| s.iter().all(|s| s.is_finished));
        if self.tasks.no_more.contains(&subtask) && is_read {
            self.finish(subtask);
        }
    }

    fn finish(&mut self, subtask: SubtaskId) {
        let attempt = self.tasks.attempt;
        if !self.tasks.finished.insert(subtask) {
            return;
        }
        self.say(FromWorker::SubtaskFinished { attempt, subtask });
        let sources = self.tasks.finished.iter().filter(|s| s.chain.0 == 0).count();
        if sources == self.width() as usize {
            let sink = bench::subtask(1, 0);
            self.tasks.finished.insert(sink);
            self.say(FromWorker::SubtaskFinished { attempt, subtask: sink });
        }
    }
}
