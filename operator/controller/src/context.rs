//! What all reconciles share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::events::Recorder;
use millstream_api::SqlSource;
use millstream_lifecycle::build::CONTROL_PORT;
use millstream_lifecycle::observed::{Component, Engine, Observed, OperatorSettings, PodState, SqlText};
use millstream_tls::Security;

use crate::calls::Calls;
use crate::children::{Children, JobKey};
use crate::engines::{Address, Engines};
use crate::metrics::Metrics;
use crate::observe::{Job, Seen};
use crate::snapshots::Listing;
use crate::sql_maps::SqlMaps;
use crate::watch::api;
use crate::writes::Writes;

/// What all reconciles share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) settings: OperatorSettings,
    /// The resource of StreamJobs.
    pub(crate) jobs: ApiResource,
    pub(crate) children: Arc<Children>,
    pub(crate) engines: Engines,
    pub(crate) calls: Calls,
    /// The StreamSnapshots of jobs.
    pub(crate) snapshots: Arc<Listing>,
    pub(crate) sql: SqlMaps,
    /// How coordinators are asked.
    pub(crate) security: Security,
    pub(crate) writes: Writes,
    pub(crate) events: Recorder,
    pub(crate) metrics: Arc<Metrics>,
    /// How often in a row a job could not be reconciled.
    pub(crate) failures: Mutex<HashMap<JobKey, u32>>,
}

impl Context {
    /// StreamJobs of a namespace.
    pub(crate) fn jobs(&self, namespace: &str) -> Api<DynamicObject> {
        api(&self.client, &self.jobs, Some(namespace))
    }

    /// Everything that is known about a job. Only the text of its SQL may have to be asked for, once after each change.
    pub(crate) async fn observe(&self, key: &JobKey, job: &Job) -> Result<Observed, kube::Error> {
        let seen = self.children.of(key);
        let planned = job.status.plan.as_ref().map(|plan| plan.id.as_str());
        let is_ours = |seen: &&Seen| seen.child.owner == job.object.uid;
        let planner = seen
            .iter()
            .filter(is_ours)
            .find_map(|seen| seen.planner.clone().filter(|planner| Some(planner.plan.as_str()) == planned));
        Ok(Observed {
            object: job.object.clone(),
            status: job.status.clone(),
            sql: self.sql(key, job).await?,
            operator: self.settings.clone(),
            engines: self.ask(key, &addresses(&seen, &job.object.uid)),
            children: seen.into_iter().map(|seen| seen.child).collect(),
            calls: self.calls.of(key),
            planner,
            snapshots: self.snapshots.of(key, &job.object.uid),
        })
    }

    fn ask(&self, key: &JobKey, there: &BTreeMap<i64, Address>) -> BTreeMap<i64, Engine> {
        self.engines.look(key, there)
    }

    /// Where the coordinator of a deployment can be asked.
    pub(crate) fn address(&self, key: &JobKey, uid: &str, attempt: i64) -> Option<String> {
        addresses(&self.children.of(key), uid).remove(&attempt).map(|at| at.address)
    }

    async fn sql(&self, key: &JobKey, job: &Job) -> Result<SqlText, kube::Error> {
        match job.spec.as_ref().map(|spec| &spec.sql) {
            Ok(SqlSource::ConfigMap { name, key: entry }) => self.sql.text(key, name, entry).await,
            Ok(SqlSource::Inline(_)) | Err(_) => {
                self.sql.forget(key);
                Ok(SqlText::Inline)
            }
        }
    }

    /// Forgets a job that is gone.
    pub(crate) fn forget(&self, key: &JobKey, uid: &str) {
        self.engines.forget(key);
        self.calls.forget(key);
        self.sql.forget(key);
        self.writes.forget(uid);
        self.succeeded(key);
    }

    /// The pause after another failure in a row: from 200 ms, doubled up to a minute.
    pub(crate) fn failed(&self, key: &JobKey) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(key.clone()).or_default();
        let pause = Duration::from_millis(200) * 2_u32.pow((*count).min(9));
        *count += 1;
        pause.min(Duration::from_secs(60))
    }

    /// A job was reconciled.
    pub(crate) fn succeeded(&self, key: &JobKey) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Where coordinators of this owner can be asked, by deployment.
fn addresses(seen: &[Seen], owner: &str) -> BTreeMap<i64, Address> {
    let address = |seen: &Seen| {
        let pod = seen.child.pod.as_ref()?;
        let runs = matches!(pod.state, PodState::Running { .. });
        let is_asked = seen.child.owner == owner && pod.component == Component::Coordinator && runs;
        let ip = seen.ip.as_ref().filter(|_| is_asked)?;
        let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
        let address = format!("{host}:{CONTROL_PORT}");
        Some((seen.child.attempt, Address { address, pod: seen.child.uid.clone() }))
    };
    seen.iter().filter_map(address).collect()
}
