//! The truth about a running job, as one value that displays, `/status` and `/metrics` are made from.
//!
//! Figures of tasks come from heartbeats and are for display only: no decision reads them. A subtask's figures count from
//! its restore on or include what was restored, as its worker says; they go back when an attempt does.

use std::collections::BTreeMap;

use millstream_jobmaster::{CheckpointReport, EpochReport, JobPhase, SavepointReport, StatusReport};
use millstream_model::graph::{JobGraph, OperatorNode};
use millstream_model::snapshot::{SubtaskProgress, SubtaskSnapshot};
use millstream_model::{Attempt, ChainId, Epoch, EventTime, Generation, SubtaskId};
use serde::Serialize;

use crate::history::ExceptionReport;

/// A job at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobStatus {
    /// `<namespace>.<name>.<uid>`.
    pub job: String,
    /// Where it stands.
    pub phase: JobPhase,
    /// Whether its coordinator claims nothing before it is activated.
    pub is_standby: bool,
    /// The coordinator.
    pub generation: Generation,
    /// The deployment under way.
    pub attempt: Attempt,
    /// Restarts since the coordinator began.
    pub restarts: u32,
    /// Subtasks of each operator, but of those that have a limit of their own.
    pub parallelism: u32,
    /// The newest owned checkpoint's epoch.
    pub epoch: Option<Epoch>,
    /// The same epoch, and where it is.
    pub newest_epoch: Option<NewestEpoch>,
    /// The epoch that the newest attempt was restored from.
    pub restored_from: Option<Epoch>,
    /// Owned epochs whose output is not visible yet.
    pub unpublished: usize,
    /// The newest checkpoint of this coordinator.
    pub last_checkpoint: Option<LastCheckpoint>,
    /// Milliseconds from one checkpoint to the next at least; `None` if none is taken by the clock.
    pub checkpoint_interval_ms: Option<u64>,
    /// Checkpoints that were aborted.
    pub failed_checkpoints: u64,
    /// Those of them behind the last one that was owned.
    pub failed_checkpoints_in_a_row: u64,
    /// The newest savepoint that this coordinator wrote.
    pub last_savepoint: Option<SavepointReport>,
    /// Savepoints that were asked for and are not complete.
    pub savepoints_under_way: usize,
    /// Rows read by all sources.
    pub rows_in: u64,
    /// Rows taken by all sinks.
    pub rows_out: u64,
    /// Late rows dropped.
    pub late_dropped: u64,
    /// Malformed records skipped.
    pub skipped: u64,
    /// Bytes or rows of bounded input: read, and all of what is assigned. `None` if no source is bounded.
    pub position: Option<(u64, u64)>,
    /// Each chain, in the order of the graph.
    pub chains: Vec<ChainStatus>,
    /// The last ten checkpoints of this coordinator, oldest first.
    pub checkpoints: Vec<CheckpointReport>,
    /// The last sixteen failures, oldest first.
    pub exceptions: Vec<ExceptionReport>,
    /// The newest failure, in one line.
    pub last_error: Option<String>,
    /// What happens next, in one line, where the phase does not say it.
    pub next: Option<String>,
    /// When the coordinator began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// When this was true.
    pub updated_at_ms: u64,
}

/// An epoch that the job owns, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewestEpoch {
    /// Its place in the log.
    pub epoch: Epoch,
    /// Address of its manifest.
    pub manifest: String,
    /// Bytes of everything that it refers to.
    pub bytes: u64,
    /// When it was owned, in milliseconds since 1970; of one that another coordinator wrote, when its manifest was made.
    pub at_ms: u64,
    /// From its trigger until it was owned; `None` of one that another coordinator wrote.
    pub duration_ms: Option<u64>,
}

/// A completed checkpoint, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LastCheckpoint {
    /// The epoch that it became.
    pub epoch: Epoch,
    /// Bytes of everything that it refers to.
    pub bytes: u64,
    /// Bytes of what was uploaded for it: what the checkpoint before it did not refer to.
    pub new_bytes: u64,
    /// From its trigger until it was owned.
    pub duration_ms: u64,
    /// The longest time for which it held a subtask up, in microseconds.
    pub freeze_us: u64,
    /// How long ago it was owned.
    pub age_ms: u64,
}

/// A chain's figures, over all its subtasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChainStatus {
    /// Its place in the graph.
    pub chain: ChainId,
    /// Its operators.
    pub name: String,
    /// Number of its subtasks.
    pub parallelism: u32,
    /// Rows in.
    pub rows_in: u64,
    /// Rows out.
    pub rows_out: u64,
    /// Late rows dropped.
    pub late_dropped: u64,
    /// Malformed records skipped.
    pub skipped: u64,
    /// The lowest watermark of its subtasks, of those that have one.
    pub watermark: Option<EventTime>,
    /// Bytes of state in memory, by estimate.
    pub state_bytes: u64,
    /// Bytes of state on the workers' disks.
    pub spilled_bytes: u64,
    /// Microseconds of work, of waiting for room downstream, of waiting for input.
    pub busy_us: u64,
    /// See `busy_us`.
    pub backpressured_us: u64,
    /// See `busy_us`.
    pub idle_us: u64,
}

/// The newest figures of each subtask of the newest attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    attempt: Attempt,
    of: BTreeMap<SubtaskId, SubtaskProgress>,
}

impl Progress {
    /// Takes a heartbeat's figures. Those of a newer attempt replace everything, those of an older one are dropped.
    pub fn update(&mut self, attempt: Attempt, figures: Vec<(SubtaskId, SubtaskProgress)>) {
        if attempt < self.attempt {
            return;
        }
        if attempt > self.attempt {
            self.attempt = attempt;
            self.of.clear();
        }
        self.of.extend(figures);
    }

    /// Takes what a subtask counted up to a barrier: the figures of the last one are the job's, heartbeats may lag behind.
    pub fn stored(&mut self, attempt: Attempt, snapshot: &SubtaskSnapshot, graph: &JobGraph) {
        if attempt != self.attempt {
            return;
        }
        let chain = graph.chain(snapshot.subtask.chain);
        let counters = |node: Option<&OperatorNode>| {
            let facts = snapshot.facts.iter().find(|facts| node.is_some_and(|n| n.uid == facts.operator));
            facts.map(|facts| facts.counters)
        };
        let figures = self.of.entry(snapshot.subtask).or_default();
        if let Some(source) = counters(chain.and_then(|c| c.source())) {
            figures.rows_in = figures.rows_in.max(source.rows_in);
            figures.skipped = figures.skipped.max(source.skipped);
        }
        if let Some(sink) = counters(chain.and_then(|c| c.sink())) {
            figures.rows_out = figures.rows_out.max(sink.rows_in);
        }
        let late = snapshot.facts.iter().map(|facts| facts.counters.late_dropped).sum();
        figures.late_dropped = figures.late_dropped.max(late);
        if snapshot.is_finished {
            figures.position = figures.position.map(|(_, all)| (all, all));
        }
    }

    fn chain(&self, graph: &JobGraph, id: ChainId) -> ChainStatus {
        let chain = graph.chain(id);
        let mut status = ChainStatus {
            chain: id,
            name: chain.map(|c| c.name.clone()).unwrap_or_default(),
            parallelism: chain.map_or(0, |c| c.parallelism),
            ..ChainStatus::default()
        };
        for (_, figures) in self.of.iter().filter(|(subtask, _)| subtask.chain == id) {
            status.rows_in += figures.rows_in;
            status.rows_out += figures.rows_out;
            status.late_dropped += figures.late_dropped;
            status.skipped += figures.skipped;
            status.state_bytes += figures.state_bytes;
            status.spilled_bytes += figures.spilled_bytes;
            status.busy_us += figures.busy_us;
            status.backpressured_us += figures.backpressured_us;
            status.idle_us += figures.idle_us;
            status.watermark = match (status.watermark, figures.watermark) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        status
    }

    fn position(&self) -> Option<(u64, u64)> {
        let known = self.of.values().filter_map(|figures| figures.position);
        known.reduce(|(read, all), (more_read, more)| (read + more_read, all + more))
    }
}

impl JobStatus {
    /// The status of a job that nobody has taken over.
    #[must_use]
    pub fn before_the_job(
        job: &str,
        (graph, parallelism): (&JobGraph, u32),
        phase: JobPhase,
        now_ms: u64,
    ) -> Self {
        let report = StatusReport { phase, parallelism, ..StatusReport::default() };
        Self::of((job, ""), graph, &report, &Progress::default(), now_ms)
    }

    /// The status at `now_ms`, from what the job master reports and what the tasks counted. `folder` is where the job's
    /// objects are.
    #[must_use]
    pub fn of(
        (job, folder): (&str, &str),
        graph: &JobGraph,
        report: &StatusReport,
        progress: &Progress,
        now_ms: u64,
    ) -> Self {
        let chains: Vec<_> = graph.chains.iter().map(|c| progress.chain(graph, c.id)).collect();
        let sum = |is: fn(&millstream_model::graph::Chain) -> bool, of: fn(&ChainStatus) -> u64| {
            graph
                .chains
                .iter()
                .zip(&chains)
                .filter(|(chain, _)| is(chain))
                .map(|(_, status)| of(status))
                .sum()
        };
        Self {
            job: job.into(),
            phase: report.phase,
            is_standby: false,
            generation: report.generation,
            attempt: report.attempt,
            restarts: report.restarts,
            parallelism: report.parallelism,
            epoch: report.epoch,
            newest_epoch: report.newest.as_ref().map(|newest| NewestEpoch::of(newest, folder)),
            restored_from: report.restored_from,
            unpublished: report.unpublished,
            last_checkpoint: report.last_checkpoint.map(|last| LastCheckpoint::of(last, now_ms)),
            checkpoint_interval_ms: report.checkpoint_interval_ms,
            failed_checkpoints: report.failed_checkpoints,
            failed_checkpoints_in_a_row: report.failed_checkpoints_in_a_row,
            last_savepoint: report.last_savepoint.clone(),
            savepoints_under_way: report.savepoints_under_way,
            rows_in: sum(|c| c.source().is_some(), |s| s.rows_in),
            rows_out: sum(|c| c.sink().is_some(), |s| s.rows_out),
            late_dropped: chains.iter().map(|c| c.late_dropped).sum(),
            skipped: chains.iter().map(|c| c.skipped).sum(),
            position: progress.position(),
            chains,
            checkpoints: Vec::new(),
            exceptions: Vec::new(),
            last_error: report.last_error.as_deref().map(one_line),
            next: report.next.clone(),
            started_at_ms: now_ms,
            updated_at_ms: now_ms,
        }
    }

    /// Whether records flow, or everything is done.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(
            self.phase,
            JobPhase::Running
                | JobPhase::Stopping
                | JobPhase::Publishing
                | JobPhase::Finished
                | JobPhase::Stopped
        )
    }
}

/// What others wrote, such as a store or a target, may have several.
pub(crate) fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

impl NewestEpoch {
    fn of(report: &EpochReport, folder: &str) -> Self {
        Self {
            epoch: report.epoch,
            manifest: format!("{folder}/{}", report.manifest),
            bytes: report.bytes,
            at_ms: report.at_ms,
            duration_ms: report.duration_ms,
        }
    }
}

impl LastCheckpoint {
    const fn of(report: CheckpointReport, now_ms: u64) -> Self {
        Self {
            epoch: report.epoch,
            bytes: report.bytes,
            new_bytes: report.new_bytes,
            duration_ms: report.duration_ms,
            freeze_us: report.freeze_us,
            age_ms: now_ms.saturating_sub(report.at_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::graph;
    use millstream_model::CheckpointId;

    const JOB: (&str, &str) = ("default.job.local", "s3://bucket/default.job.local");

    fn figures(rows_in: u64, rows_out: u64, watermark: Option<i64>) -> SubtaskProgress {
        SubtaskProgress {
            rows_in,
            rows_out,
            late_dropped: 1,
            watermark,
            position: Some((rows_in, 100)),
            ..SubtaskProgress::default()
        }
    }

    fn subtask(chain: u32, index: u32) -> SubtaskId {
        SubtaskId { chain: ChainId(chain), index }
    }

    #[test]
    fn sources_count_what_comes_in_and_sinks_what_goes_out() {
        let mut progress = Progress::default();
        progress.update(
            Attempt(1),
            vec![
                (subtask(0, 0), figures(10, 9, Some(50))),
                (subtask(0, 1), figures(20, 18, None)),
                (subtask(1, 0), figures(27, 5, Some(40))),
            ],
        );
        let report = StatusReport {
            last_checkpoint: Some(CheckpointReport {
                epoch: Epoch(7),
                checkpoint: CheckpointId(6),
                bytes: 11,
                new_bytes: 10,
                duration_ms: 12,
                freeze_us: 13,
                at_ms: 900,
            }),
            ..StatusReport::default()
        };
        let status = JobStatus::of(JOB, &graph(&[2, 1]), &report, &progress, 1_000);
        assert_eq!((status.rows_in, status.rows_out, status.late_dropped), (30, 5, 3));
        assert_eq!(status.position, Some((57, 300)));
        let watermarks: Vec<_> = status.chains.iter().map(|c| c.watermark).collect();
        assert_eq!(watermarks, [Some(50), Some(40)]);
        assert_eq!(status.last_checkpoint.unwrap().age_ms, 100);
        assert_eq!(status.chains[0].parallelism, 2);
    }

    #[test]
    fn what_the_job_master_reports_is_shown() {
        let report = StatusReport {
            parallelism: 4,
            epoch: Some(Epoch(7)),
            newest: Some(EpochReport {
                epoch: Epoch(7),
                manifest: "checkpoint/0000000006.3/manifest".into(),
                bytes: 11,
                at_ms: 900,
                duration_ms: Some(12),
            }),
            restored_from: Some(Epoch(5)),
            restarts: 2,
            checkpoint_interval_ms: Some(10_000),
            failed_checkpoints: 3,
            failed_checkpoints_in_a_row: 1,
            last_savepoint: Some(SavepointReport {
                location: "s3://bucket/default.job.local/savepoint/nightly".into(),
                epoch: Epoch(6),
                rows: 10,
                bytes: 500,
                at_ms: 800,
            }),
            last_error: Some("checkpoint 5 failed: no answer:\n  503\n".into()),
            ..StatusReport::default()
        };
        let status = JobStatus::of(JOB, &graph(&[2, 1]), &report, &Progress::default(), 1_000);
        let shown = serde_json::to_value(&status).unwrap();
        let expected = serde_json::json!({
            "is_standby": false, "parallelism": 4, "epoch": 7, "restored_from": 5, "restarts": 2,
            "checkpoint_interval_ms": 10_000, "failed_checkpoints": 3, "failed_checkpoints_in_a_row": 1, "last_error": "checkpoint 5 failed: no answer: 503",
            "newest_epoch": {
                "epoch": 7, "manifest": "s3://bucket/default.job.local/checkpoint/0000000006.3/manifest", "bytes": 11,
                "at_ms": 900, "duration_ms": 12,
            },
            "last_savepoint": {
                "location": "s3://bucket/default.job.local/savepoint/nightly", "epoch": 6, "rows": 10, "bytes": 500,
                "at_ms": 800,
            },
        });
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&shown[key], value, "{key}");
        }
    }

    #[test]
    fn a_newer_attempt_starts_from_nothing_and_an_older_one_is_dropped() {
        let mut progress = Progress::default();
        progress.update(Attempt(2), vec![(subtask(0, 0), figures(10, 9, None))]);
        progress.update(Attempt(1), vec![(subtask(0, 1), figures(99, 99, None))]);
        assert_eq!(progress.chain(&graph(&[2]), ChainId(0)).rows_in, 10);
        progress.update(Attempt(3), vec![(subtask(0, 1), figures(1, 1, None))]);
        assert_eq!(progress.chain(&graph(&[2]), ChainId(0)).rows_in, 1);
    }

    #[test]
    fn ready_means_that_records_flow_or_flowed() {
        let ready = |phase| JobStatus { phase, ..JobStatus::default() }.is_ready();
        assert!(ready(JobPhase::Running) && ready(JobPhase::Finished));
        assert!(!ready(JobPhase::TakingOver) && !ready(JobPhase::Backoff) && !ready(JobPhase::Failed));
    }
}
