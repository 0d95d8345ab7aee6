//! One snapshot with everything that its decision needs. Nothing is asked for here, but for the one case of an operator that looks after
//! some jobs only: whether a job that it does not see is another one's.

use std::sync::Arc;

use kube::core::DynamicObject;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource as _, ResourceExt as _};
use millstream_api::ValidatedJob;
use millstream_api::names::{SKIP_ANNOTATION, SNAPSHOT_FINALIZER};
use millstream_api::status::{IntentStatus, IntentStep};
use millstream_api::streamsnapshot::AccessStatus;
use millstream_lifecycle::observed::ChildKind;
use millstream_lifecycle::snapshot::{JobOfSnapshot, JobSeen, SnapshotFacts, SnapshotObserved};

use super::calls::SavepointCalls;
use super::kept::Kept;
use super::pods::ToolPods;
use crate::children::JobKey;
use crate::context::Context;
use crate::engines::BRISK;
use crate::observe::{self, Job};

/// What all looks at snapshots share.
pub(super) struct Surroundings {
    pub(super) context: Arc<Context>,
    /// The jobs that this operator looks after.
    pub(super) jobs: Store<DynamicObject>,
    /// Whether there can be jobs that it does not look after.
    pub(super) is_partial: bool,
    pub(super) calls: SavepointCalls,
    pub(super) pods: Arc<ToolPods>,
}

impl Surroundings {
    /// Everything that is known about a snapshot; `None` for one that is not looked after here, or cannot be told from others.
    pub(super) async fn observe(&self, kept: &Kept) -> Result<Option<SnapshotObserved>, kube::Error> {
        let Some(object) = facts(kept) else { return Ok(None) };
        let name = kept.spec.as_ref().map(|spec| spec.job_ref.name.clone()).unwrap_or_default();
        let key = JobKey { namespace: object.namespace.clone(), name };
        let job = self.job(&key);
        if job == JobSeen::Absent && self.is_partial && self.is_elsewhere(&key).await? {
            return Ok(None);
        }
        let taking = kept.status.taking.as_ref().map(|taking| taking.uri.as_str());
        let uri = kept.status.uri.as_deref().or(taking);
        let needed_by = object.deleted.and(uri).and_then(|uri| self.needed_by(&object.namespace, uri));
        Ok(Some(SnapshotObserved {
            spec: kept.spec.clone(),
            status: kept.status.clone(),
            job,
            call: self.calls.of(&object.uid),
            pods: self.pods.of(&object.uid),
            needed_by,
            object,
        }))
    }

    /// Has the job's coordinator asked more often: only it can say what became of an order that this process did not give.
    pub(super) fn ask_often(&self, observed: &SnapshotObserved) {
        if let Ok(spec) = &observed.spec {
            let (namespace, name) = (observed.object.namespace.clone(), spec.job_ref.name.clone());
            self.context.engines.pace(&JobKey { namespace, name }, BRISK);
        }
    }

    async fn is_elsewhere(&self, key: &JobKey) -> Result<bool, kube::Error> {
        let jobs = self.context.jobs(&key.namespace);
        Ok(!key.name.is_empty() && jobs.get_metadata_opt(&key.name).await?.is_some())
    }

    /// The job as its store has it.
    pub(super) fn stored(&self, key: &JobKey) -> Option<Job> {
        let reference = ObjectRef::new_with(&key.name, self.context.jobs.clone()).within(&key.namespace);
        observe::job(&*self.jobs.get(&reference)?)
    }

    fn job(&self, key: &JobKey) -> JobSeen {
        let Some(job) = self.stored(key) else { return JobSeen::Absent };
        let attempt = job.status.attempt;
        let is_config = |seen: &&observe::Seen| {
            let child = &seen.child;
            let is_current = Some(child.attempt) == attempt && child.owner == job.object.uid;
            is_current && child.kind == ChildKind::ConfigMap && child.is_managed
        };
        let children = self.context.children.of(key);
        let deployed = children.iter().find(is_config).and_then(|seen| seen.child.deployed.as_ref());
        // What runs is what was deployed; the spec counts where nothing was.
        let runs = deployed.map(|deployed| &deployed.job).or(job.spec.as_ref().ok());
        JobSeen::There(Box::new(JobOfSnapshot {
            savepoints: runs.and_then(|runs| savepoints(key, runs)),
            access: runs.map(access),
            is_deleted: job.object.deleted.is_some(),
            phase: job.status.phase,
            is_under_way: job.status.intent.as_ref().is_some_and(is_on_the_way),
            engine: attempt.map(|attempt| self.context.engines.last(key, attempt)).unwrap_or_default(),
            attempt,
            uid: job.object.uid,
        }))
    }

    /// A job that is about to start from this address, or would have to again.
    fn needed_by(&self, namespace: &str, uri: &str) -> Option<String> {
        let jobs = self.jobs.state();
        let of_namespace = jobs.iter().filter(|job| job.metadata.namespace.as_deref() == Some(namespace));
        of_namespace.into_iter().find(|job| needs(job, uri)).and_then(|job| job.metadata.name.clone())
    }
}

/// A suspended job keeps its intent, and nothing is on the way.
fn is_on_the_way(intent: &IntentStatus) -> bool {
    intent.step != IntentStep::Suspend
}

fn needs(job: &DynamicObject, uri: &str) -> bool {
    let text = |path: &str| job.data.pointer(path).and_then(|value| value.as_str());
    let begins = text("/status/intent/uri") == Some(uri);
    let has_own = job.data.pointer("/status/origin/own").is_some_and(|own| !own.is_null());
    let began = text("/status/origin/uri") == Some(uri) && !has_own;
    let will = text("/spec/restore/from") == Some(uri) && text("/status/nonces/restored") != Some(uri);
    begins || began || will
}

fn facts(kept: &Kept) -> Option<SnapshotFacts> {
    Some(SnapshotFacts {
        name: kept.meta().name.clone()?,
        namespace: kept.namespace()?,
        uid: kept.uid()?,
        generation: kept.meta().generation.unwrap_or(0),
        deleted: kept.meta().deletion_timestamp.as_ref().map(|time| time.0),
        has_finalizer: kept.finalizers().iter().any(|name| name == SNAPSHOT_FINALIZER),
        skips_deletion_policy: kept.annotations().contains_key(SKIP_ANNOTATION),
    })
}

/// Where the savepoints of a job's snapshots go: beside the folders of jobs in its storage. The engine is told, so that where one is stands
/// in the status before there is one, and nothing here has to know how the engine names a job's own folder.
fn savepoints(key: &JobKey, job: &ValidatedJob) -> Option<String> {
    let storage = job.storage.as_deref()?.trim_end_matches('/');
    Some(format!("{storage}/savepoints/{}.{}", key.namespace, key.name))
}

fn access(job: &ValidatedJob) -> AccessStatus {
    AccessStatus { secrets: job.secrets.clone(), pod_template: job.cluster.coordinator.template.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn jobs_need_what_they_have_not_started_from_yet() {
        let table = [
            (json!({}), false),
            (json!({"spec": {"restore": {"from": "s3://b/s"}}}), true),
            (json!({"spec": {"restore": {"from": "s3://b/t"}}}), false),
            (json!({"status": {"intent": {"uri": "s3://b/s"}}}), true),
            (json!({"status": {"origin": {"uri": "s3://b/s"}}}), true),
            (json!({"status": {"origin": {"uri": "s3://b/s", "own": 42}}}), false),
            (
                json!({
                    "spec": {"restore": {"from": "s3://b/s"}},
                    "status": {"nonces": {"restored": "s3://b/s"}, "origin": {"uri": "s3://b/s", "own": 42}},
                }),
                false,
            ),
        ];
        for (data, expected) in table {
            let mut object: Value = data.clone();
            object["metadata"] = json!({"name": "copy"});
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            assert_eq!(needs(&object, "s3://b/s"), expected, "{data}");
        }
    }
}
