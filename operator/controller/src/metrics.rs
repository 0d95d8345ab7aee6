//! What the operator counts, for `/metrics`.

use std::time::Duration;

use kube::core::DynamicObject;
use kube::runtime::reflector::Store;
use millstream_lifecycle::time::Timestamp;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

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
    jobs: IntGaugeVec,
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
        let options = HistogramOpts::new("reconcile_duration_seconds", "Time that a look at a job took")
            .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0]);
        let duration = Histogram::with_opts(options)?;
        registry.register(Box::new(duration.clone()))?;
        let jobs = IntGaugeVec::new(Opts::new("jobs", "Jobs that are looked after, by phase"), &["phase"])?;
        registry.register(Box::new(jobs.clone()))?;
        let help = "When the first certificate of all deployments expires, in seconds since 1970";
        let expiry = IntGaugeVec::new(Opts::new("certificates_expire_timestamp_seconds", help), &[])?;
        registry.register(Box::new(expiry.clone()))?;
        Ok(Self { registry, reconciles, duration, calls, writes, jobs, expiry })
    }

    /// A look at a job is over.
    pub(crate) fn reconciled(&self, result: &str, took: Duration) {
        self.reconciles.with_label_values(&[result]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// An order has been carried out, or not.
    pub(crate) fn called(&self, call: &str, is_done: bool) {
        self.calls.with_label_values(&[call, if is_done { "done" } else { "failed" }]).inc();
    }

    /// Something was written.
    pub(crate) fn wrote(&self, object: &str) {
        self.writes.with_label_values(&[object]).inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(
        &self,
        jobs: Option<&Store<DynamicObject>>,
        first_expiry: Option<Timestamp>,
    ) -> prometheus::Result<Vec<u8>> {
        // Without certificates there is no such time.
        self.expiry.reset();
        if let Some(at) = first_expiry {
            self.expiry.with_label_values::<&str>(&[]).set(at.as_second());
        }
        for phase in PHASES {
            self.jobs.with_label_values(&[phase]).set(0);
        }
        for job in jobs.map(Store::state).unwrap_or_default() {
            let phase = job.data.pointer("/status/phase").and_then(|phase| phase.as_str());
            if let Some(phase) = phase.filter(|phase| PHASES.contains(phase)) {
                self.jobs.with_label_values(&[phase]).inc();
            }
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use kube::core::ApiResource;

    use super::*;

    #[test]
    fn what_was_counted_is_rendered() {
        let metrics = Metrics::new().unwrap();
        metrics.reconciled("done", Duration::from_millis(3));
        metrics.called("stop", false);
        metrics.wrote("Pod");
        let resource = ApiResource::erase::<millstream_api::StreamJob>(&());
        let jobs = kube::runtime::reflector::store::Writer::<DynamicObject>::new(resource);
        let none = String::from_utf8(metrics.render(None, None).unwrap()).unwrap();
        assert!(!none.contains("certificates_expire"), "{none}");
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let text = String::from_utf8(metrics.render(Some(&jobs.as_reader()), Some(at)).unwrap()).unwrap();
        for line in [
            "millstream_operator_reconciles_total{result=\"done\"} 1",
            "millstream_operator_engine_calls_total{call=\"stop\",result=\"failed\"} 1",
            "millstream_operator_writes_total{object=\"Pod\"} 1",
            "millstream_operator_certificates_expire_timestamp_seconds 1800000000",
            "millstream_operator_jobs{phase=\"Running\"} 0",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
