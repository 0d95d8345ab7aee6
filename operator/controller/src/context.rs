//! What all reconciles share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::events::Recorder;
use millstream_api::SqlSource;
use millstream_lifecycle::build::CONTROL_PORT;
use millstream_lifecycle::observed::{
    Component, Engine, Observed, OperatorSettings, PodState, SqlText, Transport,
};

use crate::calls::Calls;
use crate::children::{Children, JobKey};
use crate::clock::Clock;
use crate::credentials::{Credentials, Trust};
use crate::denials::Denials;
use crate::engines::{Address, Engines};
use crate::line::Lines;
use crate::metrics::Metrics;
use crate::observe::{Job, Seen};
use crate::snapshots::Listing;
use crate::sql_maps::SqlMaps;
use crate::watch::api;
use crate::writes::Writes;

/// What all reconciles share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) settings: OperatorSettings,
    pub(crate) credentials: Credentials,
    /// How long certificates of deployments are valid.
    pub(crate) certificate_lifetime: Duration,
    /// The resource of StreamJobs.
    pub(crate) jobs: ApiResource,
    pub(crate) children: Arc<Children>,
    pub(crate) engines: Engines,
    pub(crate) calls: Calls,
    /// The StreamSnapshots of jobs.
    pub(crate) snapshots: Arc<Listing>,
    pub(crate) sql: SqlMaps,
    /// The way to coordinators.
    pub(crate) lines: Lines,
    pub(crate) writes: Writes,
    pub(crate) events: Recorder,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) denials: Denials,
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
            operator: OperatorSettings { client_ca: self.credentials.client_ca(), ..self.settings.clone() },
            engines: self.ask(key, &addresses(&seen, &job.object.uid)),
            children: seen.into_iter().map(|seen| seen.child.as_of(self.clock.now())).collect(),
            calls: self.calls.of(key),
            planner,
            denials: self.denials.of(key, &attempts(job)),
            snapshots: self.snapshots.of(key, &job.object.uid),
        })
    }

    fn ask(&self, key: &JobKey, there: &BTreeMap<i64, Address>) -> BTreeMap<i64, Engine> {
        self.engines.look(key, there)
    }

    /// Where the coordinator of a deployment can be asked.
    pub(crate) fn address(&self, key: &JobKey, uid: &str, attempt: i64) -> Option<Address> {
        addresses(&self.children.of(key), uid).remove(&attempt)
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
        self.denials.forget(key);
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

/// The deployments that a job has or is about to have, and the planner's number.
fn attempts(job: &Job) -> Vec<i64> {
    let intent = job.status.intent.as_ref().map(|intent| intent.attempt);
    [Some(0), job.status.attempt, intent].into_iter().flatten().collect()
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

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;
    use millstream_lifecycle::observed::ChildKind;
    use serde_json::{Value, json};

    use super::*;
    use crate::observe::child;

    const CA: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

    fn seen(component: &str, attempt: &str, more: Value) -> Seen {
        let mut object = json!({"metadata": {
            "name": format!("j-{component}-{attempt}"), "namespace": "n", "uid": component,
            "labels": {
                "millstream.dev/job": "j", "millstream.dev/component": component, "millstream.dev/attempt": attempt,
            },
            "ownerReferences":
                [{"apiVersion": "v", "kind": "StreamJob", "name": "j", "uid": "u", "controller": true}],
            "annotations": more["annotations"],
        }});
        object["data"] = more["data"].clone();
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        child(ChildKind::ConfigMap, &object).unwrap()
    }

    fn config(attempt: &str, transport: &str) -> Seen {
        let job = json!({"apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob", "metadata": {"name": "j"},
            "spec": {"sql": "SELECT 1"}});
        let annotations = json!({"millstream.dev/image": "e:1", "millstream.dev/transport": transport});
        seen("config", attempt, json!({"annotations": annotations, "data": {"job.json": job.to_string()}}))
    }

    #[test]
    fn a_coordinator_is_known_by_the_cas_of_its_own_deployment() {
        let map = seen("tls", "1", json!({"annotations": {}, "data": {"ca.crt": CA}}));
        let all = [config("1", "Tls"), map, config("2", "Plaintext"), config("3", "Tls")];
        let known = |pem: &str, from: &str| Trust::Authorities { pem: pem.into(), from: from.into() };
        assert_eq!(trust(&all, "u", 1), known(CA, "ConfigMap/j-tls-1"));
        assert_eq!(trust(&all, "u", 2), Trust::Plaintext);
        let nothing = known("", "");
        assert_eq!(trust(&all, "u", 3), nothing, "its certificates are gone");
        assert_eq!(trust(&all, "u", 4), nothing);
        assert_eq!(trust(&all, "another job", 2), nothing);
    }
}
