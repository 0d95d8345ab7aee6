//! Prometheus metrics, made from the status at the moment of the scrape.
//!
//! Nothing is counted twice and nothing can disagree with `/status`: each scrape fills a registry of its own. Names start
//! with `millstream_`, carry their unit, and counters end in `_total`. They count from the coordinator's start or from the
//! restored checkpoint, and may go back when tasks are restarted, which Prometheus reads as a reset.

use millstream_jobmaster::JobPhase;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, GaugeVec, IntCounterVec, Opts, Registry, TextEncoder};

use crate::status::{ChainStatus, JobStatus};

/// Media type of [`render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of a job in Prometheus' text format.
///
/// # Errors
/// Only if two metrics had the same name, which a test rules out.
pub fn render(status: &JobStatus) -> Result<String, prometheus::Error> {
    let page = Page { registry: Registry::new(), job: &status.job };
    page.job(status)?;
    page.checkpoints(status)?;
    page.chains(&status.chains)?;
    page.registry.register(Box::new(ProcessCollector::for_self()))?;
    let mut text = Vec::new();
    TextEncoder::new().encode(&page.registry.gather(), &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

struct Page<'a> {
    registry: Registry,
    job: &'a str,
}

impl Page<'_> {
    fn job(&self, status: &JobStatus) -> Result<(), prometheus::Error> {
        let phases =
            self.gauges("millstream_job_phase", "1 for the phase that the job is in.", &["phase"])?;
        for phase in PHASES {
            let is_current = phase == status.phase;
            phases.with_label_values(&[self.job, &phase.to_string()]).set(f64::from(u8::from(is_current)));
        }
        self.gauge("millstream_job_attempt", "Number of the deployment.", f64::from(status.attempt.0))?;
        self.gauge("millstream_job_generation", "Number of the coordinator.", to_f64(status.generation.0))?;
        self.counter(
            "millstream_job_restarts_total",
            "Restarts of the tasks since the coordinator began.",
            u64::from(status.restarts),
        )?;
        self.counter("millstream_source_rows_total", "Rows read by all sources.", status.rows_in)?;
        self.counter("millstream_sink_rows_total", "Rows taken by all sinks.", status.rows_out)?;
        self.counter("millstream_late_rows_dropped_total", "Late rows dropped.", status.late_dropped)?;
        self.counter("millstream_records_skipped_total", "Malformed records skipped.", status.skipped)
    }

    fn checkpoints(&self, status: &JobStatus) -> Result<(), prometheus::Error> {
        if let Some(epoch) = status.epoch {
            self.gauge("millstream_checkpoint_epoch", "Newest owned epoch.", to_f64(epoch.0))?;
        }
        self.counter(
            "millstream_checkpoint_failures_total",
            "Checkpoints aborted since the coordinator began.",
            status.failed_checkpoints,
        )?;
        self.gauge(
            "millstream_unpublished_epochs",
            "Owned epochs whose output is not visible yet.",
            status.unpublished as f64,
        )?;
        let seconds = |ms: u64| to_f64(ms) / 1_000.0;
        if let Some(interval_ms) = status.checkpoint_interval_ms {
            let help = "Least time from one checkpoint to the next.";
            self.gauge("millstream_checkpoint_interval_seconds", help, seconds(interval_ms))?;
        }
        if let Some(newest) = &status.newest_epoch {
            let age_ms = status.updated_at_ms.saturating_sub(newest.at_ms);
            let help = "Age of the newest checkpoint, also of one that another coordinator completed.";
            self.gauge("millstream_checkpoint_age_seconds", help, seconds(age_ms))?;
        }
        let Some(last) = status.last_checkpoint else { return Ok(()) };
        self.gauge(
            "millstream_checkpoint_duration_seconds",
            "Duration of the last checkpoint.",
            seconds(last.duration_ms),
        )?;
        self.gauge(
            "millstream_checkpoint_freeze_seconds",
            "Longest time for which the last checkpoint held a subtask up.",
            to_f64(last.freeze_us) / 1e6,
        )?;
        self.gauge("millstream_checkpoint_bytes", "Size of the last checkpoint.", to_f64(last.bytes))?;
        self.gauge(
            "millstream_checkpoint_new_bytes",
            "What was uploaded for the last checkpoint.",
            to_f64(last.new_bytes),
        )
    }

    fn chains(&self, chains: &[ChainStatus]) -> Result<(), prometheus::Error> {
        type Figure = fn(&ChainStatus) -> u64;
        let counters: [(&str, &str, Figure); 4] = [
            ("millstream_chain_rows_in_total", "Rows that a chain took.", |c| c.rows_in),
            ("millstream_chain_rows_out_total", "Rows that a chain emitted.", |c| c.rows_out),
            ("millstream_chain_late_rows_dropped_total", "Late rows that a chain dropped.", |c| {
                c.late_dropped
            }),
            ("millstream_chain_records_skipped_total", "Malformed records that a chain skipped.", |c| {
                c.skipped
            }),
        ];
        for (name, help, figure) in counters {
            let vec = self.counters(name, help, &["chain", "name"])?;
            for chain in chains {
                vec.with_label_values(&[self.job, &chain.chain.to_string(), &chain.name])
                    .inc_by(figure(chain));
            }
        }
        let time = self.gauges(
            "millstream_chain_time_seconds",
            "What the threads of a chain did: busy, backpressured, idle.",
            &["chain", "name", "state"],
        )?;
        let state = self.gauges(
            "millstream_chain_state_bytes",
            "Estimated size of a chain's state in memory.",
            &["chain", "name"],
        )?;
        let spilled = self.gauges(
            "millstream_chain_spilled_bytes",
            "Size of a chain's state on the workers' disks.",
            &["chain", "name"],
        )?;
        let watermark = self.gauges(
            "millstream_chain_watermark_seconds",
            "Event time up to which a chain's input is complete, in seconds since 1970.",
            &["chain", "name"],
        )?;
        for chain in chains {
            let id = chain.chain.to_string();
            for (what, us) in
                [("busy", chain.busy_us), ("backpressured", chain.backpressured_us), ("idle", chain.idle_us)]
            {
                time.with_label_values(&[self.job, &id, &chain.name, what]).set(to_f64(us) / 1e6);
            }
            state.with_label_values(&[self.job, &id, &chain.name]).set(to_f64(chain.state_bytes));
            spilled.with_label_values(&[self.job, &id, &chain.name]).set(to_f64(chain.spilled_bytes));
            if let Some(at) = chain.watermark.filter(|at| *at != i64::MIN && *at != i64::MAX) {
                watermark.with_label_values(&[self.job, &id, &chain.name]).set(at as f64 / 1e6);
            }
        }
        Ok(())
    }

    fn gauge(&self, name: &str, help: &str, value: f64) -> Result<(), prometheus::Error> {
        self.gauges(name, help, &[])?.with_label_values(&[self.job]).set(value);
        Ok(())
    }

    fn counter(&self, name: &str, help: &str, value: u64) -> Result<(), prometheus::Error> {
        self.counters(name, help, &[])?.with_label_values(&[self.job]).inc_by(value);
        Ok(())
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
        let vec = GaugeVec::new(Opts::new(name, help), &[&["job"], labels].concat())?;
        self.registry.register(Box::new(vec.clone()))?;
        Ok(vec)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        let vec = IntCounterVec::new(Opts::new(name, help), &[&["job"], labels].concat())?;
        self.registry.register(Box::new(vec.clone()))?;
        Ok(vec)
    }
}

const PHASES: [JobPhase; 15] = [
    JobPhase::Starting,
    JobPhase::Standby,
    JobPhase::TakingOver,
    JobPhase::Recovering,
    JobPhase::WaitingForSlots,
    JobPhase::Deploying,
    JobPhase::Running,
    JobPhase::Stopping,
    JobPhase::Cancelling,
    JobPhase::Backoff,
    JobPhase::Publishing,
    JobPhase::Finished,
    JobPhase::Stopped,
    JobPhase::Failed,
    JobPhase::Fenced,
];

/// Prometheus knows only doubles; above 2^53 the last digits are lost, which no graph shows.
fn to_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{LastCheckpoint, NewestEpoch};
    use millstream_model::{Attempt, ChainId, Epoch};

    fn status() -> JobStatus {
        JobStatus {
            job: "default.job.local".into(),
            phase: JobPhase::Running,
            attempt: Attempt(3),
            restarts: 2,
            epoch: Some(Epoch(41)),
            newest_epoch: Some(NewestEpoch {
                epoch: Epoch(41),
                manifest: "s3://b/m".into(),
                bytes: 2_048,
                at_ms: 5_000,
                duration_ms: None,
            }),
            checkpoint_interval_ms: Some(10_000),
            updated_at_ms: 7_500,
            rows_in: 1_000,
            last_checkpoint: Some(LastCheckpoint {
                epoch: Epoch(41),
                bytes: 2_048,
                new_bytes: 512,
                duration_ms: 1_500,
                freeze_us: 20_000,
                age_ms: 250,
            }),
            chains: vec![ChainStatus {
                chain: ChainId(1),
                name: "Aggregate -> Sink".into(),
                rows_in: 7,
                watermark: Some(9_999_000),
                busy_us: 500_000,
                ..ChainStatus::default()
            }],
            ..JobStatus::default()
        }
    }

    #[test]
    fn every_figure_has_its_line() {
        let text = render(&status()).unwrap();
        let expected = [
            r#"millstream_job_phase{job="default.job.local",phase="Running"} 1"#,
            r#"millstream_job_phase{job="default.job.local",phase="Failed"} 0"#,
            r#"millstream_job_attempt{job="default.job.local"} 3"#,
            r#"millstream_job_restarts_total{job="default.job.local"} 2"#,
            r#"millstream_source_rows_total{job="default.job.local"} 1000"#,
            r#"millstream_checkpoint_epoch{job="default.job.local"} 41"#,
            r#"millstream_checkpoint_age_seconds{job="default.job.local"} 2.5"#,
            r#"millstream_checkpoint_interval_seconds{job="default.job.local"} 10"#,
            r#"millstream_checkpoint_duration_seconds{job="default.job.local"} 1.5"#,
            r#"millstream_checkpoint_freeze_seconds{job="default.job.local"} 0.02"#,
            r#"millstream_checkpoint_bytes{job="default.job.local"} 2048"#,
            r#"millstream_checkpoint_new_bytes{job="default.job.local"} 512"#,
            r#"millstream_chain_rows_in_total{chain="1",job="default.job.local",name="Aggregate -> Sink"} 7"#,
            r#"millstream_chain_watermark_seconds{chain="1",job="default.job.local",name="Aggregate -> Sink"} 9.999"#,
        ];
        for line in expected {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
        assert!(text.contains("process_cpu_seconds_total"));
    }

    #[test]
    fn what_is_not_known_has_no_line() {
        let mut status = status();
        status.epoch = None;
        status.newest_epoch = None;
        status.checkpoint_interval_ms = None;
        status.last_checkpoint = None;
        status.chains[0].watermark = Some(i64::MAX);
        let text = render(&status).unwrap();
        for name in [
            "checkpoint_epoch",
            "checkpoint_age",
            "checkpoint_interval",
            "checkpoint_duration_seconds",
            "chain_watermark_seconds{",
        ] {
            assert!(!text.contains(name), "{name} is in\n{text}");
        }
    }
}
