//! What the operator counts, for `/metrics`.

use std::time::Duration;

use kube::core::DynamicObject;
use kube::runtime::reflector::Store;
use millstream_api::conditions::{ConditionType, Reason};
use millstream_lifecycle::time::{Timestamp, elapsed};
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramTimer, HistogramVec, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use serde_json::Value;

/// Phases that a job can have, so that one without jobs is 0 and not absent.
const PHASES: [&str; 10] = [
    "Deploying",
    "Restoring",
    "Running",
    "Upgrading",
    "Rescaling",
    "Restarting",
    "Suspended",
    "Finished",
    "Failed",
    "Deleting",
];

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    duration: Histogram,
    calls: IntCounterVec,
    writes: IntCounterVec,
    asked: IntCounterVec,
    transitions: HistogramVec,
    jobs: IntGaugeVec,
    stalled: IntGaugeVec,
    unsettled: IntGauge,
    expiry: IntGaugeVec,
}

impl Metrics {
    /// Nothing is counted yet.
    ///
    /// # Errors
    /// Two metrics of one name, which is a mistake in this file.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some("millstream_operator".into()), None)?;
        let counter = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let reconciles = counter("reconciles_total", "Looks at a job, by how they ended", &["result"])?;
        let calls =
            counter("engine_calls_total", "Orders to coordinators, by how they ended", &["call", "result"])?;
        let writes = counter("writes_total", "Writes to the API server, by what was written", &["object"])?;
        let help = "Calls to the API server, by method and by the code of the answer";
        let asked = counter("api_calls_total", help, &["method", "code"])?;
        let help = "Time in which a job became as its spec says, by the phase that it came from";
        let options = HistogramOpts::new("transition_duration_seconds", help)
            .buckets(vec![0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0]);
        let transitions = HistogramVec::new(options, &["phase"])?;
        registry.register(Box::new(transitions.clone()))?;
        let options = HistogramOpts::new("reconcile_duration_seconds", "Time that a look at a job took")
            .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0]);
        let duration = Histogram::with_opts(options)?;
        registry.register(Box::new(duration.clone()))?;
        let jobs = IntGaugeVec::new(Opts::new("jobs", "Jobs that are looked after, by phase"), &["phase"])?;
        registry.register(Box::new(jobs.clone()))?;
        let help = "Jobs that wait for a person, also those that run on as they were, by the reason";
        let stalled = IntGaugeVec::new(Opts::new("jobs_stalled", help), &["reason"])?;
        registry.register(Box::new(stalled.clone()))?;
        let help = "For how long a job is on its way, of all that are and wait for no approval the longest";
        let unsettled = IntGauge::new("oldest_unsettled_seconds", help)?;
        registry.register(Box::new(unsettled.clone()))?;
        let help = "When the first certificate of all deployments expires, in seconds since 1970";
        let expiry = IntGaugeVec::new(Opts::new("certificates_expire_timestamp_seconds", help), &[])?;
        registry.register(Box::new(expiry.clone()))?;
        Ok(Self {
            registry,
            reconciles,
            duration,
            calls,
            writes,
            asked,
            transitions,
            jobs,
            stalled,
            unsettled,
            expiry,
        })
    }

    /// A look at a job begins.
    pub(crate) fn reconciling(&self) -> HistogramTimer {
        self.duration.start_timer()
    }

    /// A look at a job is over.
    pub(crate) fn reconciled(&self, result: &str) {
        self.reconciles.with_label_values(&[result]).inc();
    }

    /// An order has been carried out, or not.
    pub(crate) fn called(&self, call: &str, is_done: bool) {
        self.calls.with_label_values(&[call, if is_done { "done" } else { "failed" }]).inc();
    }

    /// Something was written.
    pub(crate) fn wrote(&self, object: &str) {
        self.writes.with_label_values(&[object]).inc();
    }

    /// The API server was asked, and answered with this code or not at all.
    pub(crate) fn asked(&self, method: &str, code: &str) {
        self.asked.with_label_values(&[method, code]).inc();
    }

    /// A job is as its spec says, after this time in which it was not.
    pub(crate) fn settled(&self, phase: &str, after: Duration) {
        self.transitions.with_label_values(&[phase]).observe(after.as_secs_f64());
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(
        &self,
        jobs: Option<&Store<DynamicObject>>,
        first_expiry: Option<Timestamp>,
        now: Timestamp,
    ) -> prometheus::Result<Vec<u8>> {
        // Without certificates there is no such time.
        self.expiry.reset();
        if let Some(at) = first_expiry {
            self.expiry.with_label_values::<&str>(&[]).set(at.as_second());
        }
        for phase in PHASES {
            self.jobs.with_label_values(&[phase]).set(0);
        }
        for reason in Reason::ALL {
            self.stalled.with_label_values(&[reason.as_str()]).set(0);
        }
        let mut oldest = Duration::ZERO;
        for job in jobs.map(Store::state).unwrap_or_default() {
            let phase = job.data.pointer("/status/phase").and_then(Value::as_str);
            if let Some(phase) = phase.filter(|phase| PHASES.contains(phase)) {
                self.jobs.with_label_values(&[phase]).inc();
            }
            let reason = holds(&job, ConditionType::Stalled).and_then(|stalled| stalled["reason"].as_str());
            if let Some(reason) = reason.filter(|reason| Reason::ALL.iter().any(|r| r.as_str() == *reason)) {
                self.stalled.with_label_values(&[reason]).inc();
            }
            if let Some(since) = holds(&job, ConditionType::Reconciling).and_then(on_its_way_since) {
                oldest = oldest.max(elapsed(since, now));
            }
        }
        self.unsettled.set(i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// This condition of a job, if it is true.
fn holds(job: &DynamicObject, kind: ConditionType) -> Option<&Value> {
    let conditions = job.data.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|c| c["type"] == kind.as_str() && c["status"] == "True")
}

/// Since when a job is reconciling, unless a person takes their time to approve of a plan.
fn on_its_way_since(reconciling: &Value) -> Option<Timestamp> {
    let waits = reconciling["reason"] == Reason::AwaitingApproval.as_str();
    reconciling["lastTransitionTime"].as_str().filter(|_| !waits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use kube::core::ApiResource;
    use serde_json::json;

    use super::*;

    fn job(name: &str, phase: &str, condition: &str, reason: &str, since: &str) -> DynamicObject {
        let condition =
            json!({"type": condition, "status": "True", "reason": reason, "lastTransitionTime": since});
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "n"}, "status": {"phase": phase, "conditions": [condition]},
        }))
        .unwrap()
    }

    #[test]
    fn what_was_counted_is_rendered() {
        let metrics = Metrics::new().unwrap();
        metrics.reconciling().observe_duration();
        metrics.reconciled("done");
        metrics.called("stop", false);
        metrics.wrote("Pod");
        metrics.asked("PATCH", "409");
        metrics.settled("Upgrading", Duration::from_secs(3));
        let resource = ApiResource::erase::<millstream_api::StreamJob>(&());
        let mut jobs = kube::runtime::reflector::store::Writer::<DynamicObject>::new(resource);
        let now = Timestamp::from_second(1_000).unwrap();
        let none = String::from_utf8(metrics.render(None, None, now).unwrap()).unwrap();
        assert!(!none.contains("certificates_expire"), "{none}");
        for job in [
            job("a", "Running", "Stalled", "SqlError", "1970-01-01T00:00:00Z"),
            job("b", "Upgrading", "Reconciling", "AwaitingApproval", "1970-01-01T00:00:00Z"),
            job("c", "Upgrading", "Reconciling", "Upgrading", "1970-01-01T00:15:00Z"),
            job("d", "Running", "Ready", "Running", "1970-01-01T00:00:00Z"),
            job("e", "Upgrading", "Reconciling", "Upgrading", "soon"),
        ] {
            jobs.apply_watcher_event(&kube::runtime::watcher::Event::Apply(job));
        }
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let text =
            String::from_utf8(metrics.render(Some(&jobs.as_reader()), Some(at), now).unwrap()).unwrap();
        for line in [
            "millstream_operator_reconciles_total{result=\"done\"} 1",
            "millstream_operator_reconcile_duration_seconds_count 1",
            "millstream_operator_engine_calls_total{call=\"stop\",result=\"failed\"} 1",
            "millstream_operator_writes_total{object=\"Pod\"} 1",
            "millstream_operator_api_calls_total{code=\"409\",method=\"PATCH\"} 1",
            "millstream_operator_transition_duration_seconds_sum{phase=\"Upgrading\"} 3",
            "millstream_operator_certificates_expire_timestamp_seconds 1800000000",
            "millstream_operator_jobs{phase=\"Running\"} 2",
            "millstream_operator_jobs{phase=\"Failed\"} 0",
            "millstream_operator_jobs_stalled{reason=\"SqlError\"} 1",
            "millstream_operator_jobs_stalled{reason=\"RolledBack\"} 0",
            "millstream_operator_oldest_unsettled_seconds 100",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
