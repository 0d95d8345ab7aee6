//! What all reconciles share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::events::Recorder;
use millstream_api::SqlSource;
use millstream_api::k8s_openapi::api::core::v1::ConfigMap;
use millstream_lifecycle::build::CONTROL_PORT;
use millstream_lifecycle::observed::{
    Component, Engine, Observed, OperatorSettings, PodState, SqlText, Transport,
};

use crate::calls::Calls;
use crate::children::{Children, JobKey};
use crate::credentials::{Credentials, Trust};
use crate::engines::{Address, Engines};
use crate::metrics::Metrics;
use crate::observe::{Job, Seen};
use crate::watch::api;
use crate::writes::Writes;

/// What all reconciles share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) settings: OperatorSettings,
    pub(crate) credentials: Credentials,
    /// How long certificates of deployments are valid.
    pub(crate) certificate_lifetime: Duration,
    /// The resource of StreamJobs.
    pub(crate) jobs: ApiResource,
    pub(crate) children: Arc<Children>,
    pub(crate) engines: Engines,
    pub(crate) calls: Calls,
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

    /// Everything that is known about a job. Only the text of its SQL may have to be asked for.
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
            sql: self.sql(job).await?,
            operator: OperatorSettings { client_ca: self.credentials.client_ca(), ..self.settings.clone() },
            engines: self.ask(key, &addresses(&seen, &job.object.uid)),
            children: seen.into_iter().map(|seen| seen.child).collect(),
            calls: self.calls.of(key),
            planner,
            snapshots: Vec::new(),
        })
    }

    fn ask(&self, key: &JobKey, there: &BTreeMap<i64, Address>) -> BTreeMap<i64, Engine> {
        self.engines.look(key, there)
    }

    /// Where the coordinator of a deployment can be asked.
    pub(crate) fn address(&self, key: &JobKey, uid: &str, attempt: i64) -> Option<Address> {
        addresses(&self.children.of(key), uid).remove(&attempt)
    }

    async fn sql(&self, job: &Job) -> Result<SqlText, kube::Error> {
        let Ok(SqlSource::ConfigMap { name, key }) = job.spec.as_ref().map(|spec| &spec.sql) else {
            return Ok(SqlText::Inline);
        };
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &job.object.namespace);
        let Some(map) = maps.get_opt(name).await? else {
            return Ok(SqlText::Missing(format!("there is no ConfigMap {name} in this namespace")));
        };
        let text = map.data.and_then(|mut data| data.remove(key));
        Ok(text.map_or_else(
            || SqlText::Missing(format!("the ConfigMap {name} has no key {key}")),
            SqlText::Found,
        ))
    }

    /// Forgets a job that is gone.
    pub(crate) fn forget(&self, key: &JobKey, uid: &str) {
        self.engines.forget(key);
        self.calls.forget(key);
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
fn addresses(all: &[Seen], owner: &str) -> BTreeMap<i64, Address> {
    let address = |seen: &Seen| {
        let pod = seen.child.pod.as_ref()?;
        let runs = matches!(pod.state, PodState::Running { .. });
        let is_asked = seen.child.owner == owner && pod.component == Component::Coordinator && runs;
        let ip = seen.ip.as_ref().filter(|_| is_asked)?;
        let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
        let address = format!("{host}:{CONTROL_PORT}");
        Some((
            seen.child.attempt,
            Address { address, pod: seen.child.uid.clone(), trust: trust(all, owner, seen.child.attempt) },
        ))
    };
    all.iter().filter_map(address).collect()
}

/// By what the coordinator of a deployment is known: what its config maps say. Of one that has lost them nothing is believed.
fn trust(seen: &[Seen], owner: &str, attempt: i64) -> Trust {
    let of_deployment = || {
        seen.iter().map(|seen| &seen.child).filter(|child| child.owner == owner && child.attempt == attempt)
    };
    let deployed = of_deployment().find_map(|child| child.deployed.as_ref());
    if deployed.is_some_and(|deployed| deployed.transport == Transport::Plaintext) {
        return Trust::Plaintext;
    }
    let certificates = of_deployment().find_map(|child| Some((&child.name, child.certificates.as_ref()?)));
    let (pem, from) = certificates
        .map(|(name, certificates)| (certificates.authorities.concat(), format!("ConfigMap/{name}")))
        .unwrap_or_default();
    Trust::Authorities { pem, from }
}
