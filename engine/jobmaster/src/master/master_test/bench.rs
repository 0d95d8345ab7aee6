//! A job master under test, and short names for events.

use std::collections::BTreeSet;

use millstream_checkpoint::{Manifest, Outcome};
use millstream_model::control::{FromWorker, HeldSlots};
use millstream_model::graph::JobGraph;
use millstream_model::snapshot::{SplitState, SubtaskSnapshot};
use millstream_model::{
    Attempt, ChainId, CheckpointId, Epoch, ErrorKind, Generation, JobError, OperatorUid, SplitId, SubtaskId,
};

use crate::fixture::{graph, job, owned, snapshot_of, split};
use crate::{
    CheckpointSettings, Command, Event, JobMaster, JobSpec, PublishSettings, RescaleId, RestartStrategy,
    Settings, StatusReport, Takeover,
};

/// A job master and the commands of its last step as lines; status reports are left out.
pub(super) struct Bench {
    pub(super) master: JobMaster,
    pub(super) parallelism: Vec<u32>,
}

/// Short times, so that the tables are easy to read: interval 1,000 ms, timeout 5,000 ms, one tolerated failure, two
/// restarts after 100 ms each.
pub(super) fn settings() -> Settings {
    Settings {
        checkpoint: CheckpointSettings {
            interval_ms: Some(1_000),
            timeout_ms: 5_000,
            min_pause_ms: 0,
            tolerable_failures: 1,
            max_unpublished: 2,
        },
        restart: RestartStrategy::FixedDelay { attempts: 2, delay_ms: 100, reset_after_ms: u64::MAX },
        publish: PublishSettings { attempts: 2, initial_backoff_ms: 50, max_backoff_ms: 50 },
        cancel_timeout_ms: 700,
        deploy_timeout_ms: 900,
        sweep_interval_ms: 0,
        ..Settings::default()
    }
}

/// A job of these chains with these settings.
pub(super) fn spec(parallelism: &[u32], settings: Settings) -> JobSpec {
    JobSpec {
        job: job(),
        graph: graph(parallelism),
        parallelism: parallelism.iter().copied().max().unwrap_or(1),
        sql: "SELECT 1".into(),
        engine_version: "0.1.0".into(),
        droppable: BTreeSet::new(),
        settings,
    }
}

impl Bench {
    pub(super) fn new(parallelism: &[u32], settings: Settings) -> Self {
        let master = JobMaster::new(spec(parallelism, settings));
        Self { master, parallelism: parallelism.into() }
    }

    /// One source subtask and nothing else, on worker 1, taken over from nothing and running since 0 with the first
    /// checkpoint due at 1,000.
    pub(super) fn running(settings: Settings) -> Self {
        let mut bench = Self::new(&[1], settings);
        bench.send(0, took_over(None, &[]));
        bench.send(0, registered(1, 1));
        bench.send(0, runs(1, 0, 0));
        bench
    }

    /// The commands that an event leads to, without status reports.
    pub(super) fn commands(&mut self, now_ms: u64, event: Event) -> Vec<Command> {
        let mut commands = self.master.handle(event, now_ms);
        commands.retain(|c| !matches!(c, Command::ReportStatus(_)));
        commands
    }

    /// The lines of [`Self::commands`].
    pub(super) fn send(&mut self, now_ms: u64, event: Event) -> Vec<String> {
        self.commands(now_ms, event).iter().map(ToString::to_string).collect()
    }

    /// Sends an event and compares all lines.
    #[track_caller]
    pub(super) fn expect(&mut self, now_ms: u64, event: Event, expected: &[&str]) {
        let what = event.to_string();
        assert_eq!(self.send(now_ms, event), expected, "at {now_ms}: {what}");
    }

    /// Every subtask of the job stores its part; the lines of the last one.
    pub(super) fn all_stored(
        &mut self,
        now_ms: u64,
        attempt: u32,
        checkpoint: u64,
        is_finished: bool,
    ) -> Vec<String> {
        let mut last = Vec::new();
        for chain in 0..self.parallelism.len() {
            for index in 0..self.parallelism[chain] {
                let part = snapshot_of(&graph(&self.parallelism), chain as u32, index, is_finished);
                last = self.send(now_ms, stored(attempt, checkpoint, part));
            }
        }
        last
    }

    /// Takes the checkpoint that is under way to its epoch.
    pub(super) fn own(&mut self, now_ms: u64, attempt: u32, checkpoint: u64, epoch: u64) -> Vec<String> {
        self.all_stored(now_ms, attempt, checkpoint, false);
        self.send(now_ms, written(checkpoint));
        self.send(now_ms, is_epoch(checkpoint, epoch))
    }

    pub(super) fn status(&self) -> StatusReport {
        self.master.status()
    }
}

pub(super) fn took_over(restored: Option<Manifest>, unpublished: &[u64]) -> Event {
    let newest = unpublished.last().copied().unwrap_or(20);
    Event::TookOver(Box::new(Takeover {
        generation: Generation(1),
        start: Epoch(newest + 1),
        next_checkpoint: CheckpointId(1),
        restored: restored.map(|manifest| crate::OwnedEpoch { epoch: Epoch(newest), manifest }),
        unpublished: unpublished.iter().map(|e| owned(*e)).collect(),
        discarded: std::collections::BTreeSet::new(),
    }))
}

/// The manifest of a job of these chains, with nothing in its tables.
pub(super) fn manifest_of(parallelism: &[u32], outcome: Outcome) -> Manifest {
    let settings = Settings { checkpoint: CheckpointSettings::default(), ..settings() };
    let mut bench = Bench::new(parallelism, settings);
    bench.send(0, took_over(None, &[]));
    bench.send(0, registered(1, 16));
    let subtasks: Vec<_> = graph(parallelism).subtasks().collect();
    for s in &subtasks {
        bench.send(0, runs(1, s.chain.0, s.index));
    }
    bench.send(10_000, Event::TimerFired(crate::Timer::Checkpoint(Attempt(1))));
    let last = subtasks.len() - 1;
    for (i, s) in subtasks.iter().enumerate() {
        let part = snapshot_of(&graph(parallelism), s.chain.0, s.index, false);
        for command in bench.commands(10_000, stored(1, 1, part)) {
            if let Command::WriteManifest { mut manifest } = command {
                assert_eq!(i, last);
                manifest.outcome = outcome;
                manifest.sources[0].enumerator = b"memory".to_vec();
                return *manifest;
            }
        }
    }
    panic!("no manifest");
}

pub(super) fn registered(worker: u32, slots: u32) -> Event {
    registered_with(worker, slots, HeldSlots::default())
}

pub(super) fn registered_with(worker: u32, slots: u32, held: HeldSlots) -> Event {
    Event::FromWorker(FromWorker::Registered { worker, slots, fingerprint: "f1".into(), address: None, held })
}

/// The order of another parallelism, with that as its number, and the chains that it gives.
pub(super) fn rescale(parallelism: u32, chains: &[u32]) -> Event {
    // Workers register with that of the job's text, which is at 2 or at 1.
    let fingerprint = format!("f-{chains:?}");
    let graph = Box::new(JobGraph { fingerprint, ..graph(chains) });
    Event::RescaleRequested { id: RescaleId(u64::from(parallelism)), parallelism, graph }
}

pub(super) fn lost(worker: u32) -> Event {
    Event::WorkerLost { worker, reason: "channel closed".into() }
}

pub(super) fn subtask(chain: u32, index: u32) -> SubtaskId {
    SubtaskId { chain: ChainId(chain), index }
}

pub(super) fn runs(attempt: u32, chain: u32, index: u32) -> Event {
    let subtask = subtask(chain, index);
    Event::FromWorker(FromWorker::SubtaskRunning { attempt: Attempt(attempt), subtask })
}

pub(super) fn failed(attempt: u32, chain: u32, index: u32, kind: ErrorKind) -> Event {
    let (attempt, subtask) = (Attempt(attempt), subtask(chain, index));
    Event::FromWorker(FromWorker::SubtaskFailed { attempt, subtask, error: error(kind) })
}

pub(super) fn finished(attempt: u32, chain: u32, index: u32) -> Event {
    let subtask = subtask(chain, index);
    Event::FromWorker(FromWorker::SubtaskFinished { attempt: Attempt(attempt), subtask })
}

pub(super) fn cancelled(attempt: u32, worker: u32) -> Event {
    Event::FromWorker(FromWorker::Cancelled { attempt: Attempt(attempt), worker })
}

pub(super) fn stored(attempt: u32, checkpoint: u64, snapshot: SubtaskSnapshot) -> Event {
    let checkpoint = CheckpointId(checkpoint);
    Event::FromWorker(FromWorker::SnapshotStored { attempt: Attempt(attempt), checkpoint, snapshot })
}

pub(super) fn not_stored(attempt: u32, checkpoint: u64, kind: ErrorKind) -> Event {
    Event::FromWorker(FromWorker::SnapshotFailed {
        attempt: Attempt(attempt),
        checkpoint: CheckpointId(checkpoint),
        subtask: subtask(0, 0),
        error: error(kind),
    })
}

pub(super) fn found(attempt: u32, names: &str, no_more: bool) -> Event {
    Event::SplitsDiscovered {
        attempt: Attempt(attempt),
        source: OperatorUid("src".into()),
        splits: names.split_whitespace().map(split).collect::<Vec<SplitState>>(),
        enumerator: names.as_bytes().to_vec(),
        no_more,
    }
}

pub(super) fn read_to_end(attempt: u32, index: u32, names: &str) -> Event {
    Event::FromWorker(FromWorker::SplitsFinished {
        attempt: Attempt(attempt),
        subtask: subtask(0, index),
        source: OperatorUid("src".into()),
        splits: names.split_whitespace().map(|n| SplitId(n.into())).collect(),
    })
}

pub(super) fn written(checkpoint: u64) -> Event {
    Event::ManifestWritten { checkpoint: CheckpointId(checkpoint) }
}

pub(super) fn is_epoch(checkpoint: u64, epoch: u64) -> Event {
    Event::EpochOwned { checkpoint: CheckpointId(checkpoint), epoch: Epoch(epoch) }
}

pub(super) fn published(epoch: u64) -> Event {
    Event::Published { epoch: Epoch(epoch) }
}

pub(super) fn marked(epoch: u64) -> Event {
    Event::Marked { epoch: Epoch(epoch) }
}

pub(super) fn fenced() -> Event {
    Event::Fenced { by: Generation(2), reason: "generation/2 exists".into() }
}

pub(super) fn error(kind: ErrorKind) -> JobError {
    JobError::new(kind, "boom")
}

/// The timer for the next checkpoint of an attempt.
pub(super) fn tick(attempt: u32) -> Event {
    Event::TimerFired(crate::Timer::Checkpoint(Attempt(attempt)))
}
