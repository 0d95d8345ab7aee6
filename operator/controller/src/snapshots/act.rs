//! Carrying out what was decided about a snapshot.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::{Error, Resource as _};
use millstream_api::conditions::ConditionType;
use millstream_api::names::SNAPSHOT_FINALIZER;
use millstream_api::streamsnapshot::{AccessStatus, StreamSnapshotStatus};
use millstream_lifecycle::build::{ToolBlueprint, tool};
use millstream_lifecycle::observed::ChildKind;
use millstream_lifecycle::snapshot::{SnapshotObserved, Task};
use millstream_lifecycle::{ChildRef, Grace, SnapshotAction, SnapshotDecision};
use serde_json::{Map, Value, json};

use super::calls::SavepointOrder;
use super::kept::Kept;
use super::observe::Surroundings;
use super::{SnapshotKey, stored};
use crate::act::ActError;
use crate::apply::{ApplyError, delete, ensure};
use crate::children::JobKey;
use crate::observe::MANAGER;

/// How long a savepoint may take when the spec that says so cannot be read.
const SAVEPOINT: Duration = Duration::from_secs(600);

/// A snapshot that is being looked at.
pub(super) struct Looked<'a> {
    pub(super) kept: &'a Kept,
    pub(super) observed: &'a SnapshotObserved,
}

impl Surroundings {
    /// Carries out a decision.
    pub(super) async fn carry_out(
        &self,
        looked: &Looked<'_>,
        decision: &SnapshotDecision,
    ) -> Result<(), ActError> {
        for action in &decision.actions {
            let object = &looked.observed.object;
            tracing::info!("{}/{}: {}: {action}", object.namespace, object.name, decision.situation);
            match action {
                SnapshotAction::WriteIntent(status) => return self.write(looked, status).await,
                SnapshotAction::AddFinalizer => self.set_finalizer(looked, true).await?,
                SnapshotAction::RemoveFinalizer => self.set_finalizer(looked, false).await?,
                SnapshotAction::Trigger { attempt, name, since } => {
                    if let Some(order) = self.order(looked, *attempt, name) {
                        self.calls.begin(SavepointOrder { since: since.clone(), ..order });
                    }
                }
                SnapshotAction::StartPod { task, uri } => self.start_pod(looked, *task, uri).await?,
                SnapshotAction::DeletePod { name, uid } => {
                    let (kind, name, uid) = (ChildKind::Pod, name.clone(), uid.clone());
                    let pod = ChildRef { kind, name, uid, grace: Grace::Own };
                    delete(&self.context.client, &object.namespace, &pod).await?;
                }
            }
        }
        match &decision.status {
            Some(status) => self.write(looked, status).await,
            None => Ok(()),
        }
    }

    /// The order to the coordinator of a deployment. One that has no address yet is called by a later decision.
    fn order(&self, looked: &Looked<'_>, attempt: i64, name: &str) -> Option<SavepointOrder> {
        let object = &looked.observed.object;
        let job = looked.observed.spec.as_ref().ok()?.job_ref.name.clone();
        let key = JobKey { namespace: object.namespace.clone(), name: job };
        let taking = looked.observed.status.taking.as_ref()?;
        let at = self.context.address(&key, &taking.job_uid, attempt)?;
        let spec = self.stored(&key).and_then(|job| job.spec.ok());
        Some(SavepointOrder {
            snapshot: SnapshotKey { namespace: object.namespace.clone(), name: object.name.clone() },
            uid: object.uid.clone(),
            at,
            name: name.to_owned(),
            uri: taking.uri.clone(),
            since: taking.since.clone(),
            deadline: spec.map_or(SAVEPOINT, |job| job.cluster.upgrade.savepoint_timeout),
        })
    }

    async fn start_pod(&self, looked: &Looked<'_>, task: Task, uri: &str) -> Result<(), ActError> {
        let object = &looked.observed.object;
        let snapshots = stored(&self.context.client, &object.namespace);
        let Some(newest) = snapshots.get_opt(&object.name).await? else { return Ok(()) };
        let access = newest.data.pointer("/status/access").cloned().unwrap_or_default();
        let access: AccessStatus = serde_json::from_value(access).unwrap_or_default();
        let operator = &self.context.settings;
        let pod = tool(&ToolBlueprint { snapshot: object, operator, access: &access, task, uri });
        match ensure(&self.context.client, &object.namespace, &object.uid, &pod).await {
            Err(ApplyError::Kube(Error::Api(status)))
                if object.deleted.is_some() && is_namespace_going(status.code, &status.message) =>
            {
                // No pod will ever start here again, and nothing is to hold the namespace up.
                tracing::warn!(
                    "{}/{}: the files stay at {uri}, since the namespace goes",
                    object.namespace,
                    object.name
                );
                self.set_finalizer(looked, false).await
            }
            done => {
                done?;
                self.context.metrics.wrote("Pod");
                Ok(())
            }
        }
    }

    async fn set_finalizer(&self, looked: &Looked<'_>, is_there: bool) -> Result<(), ActError> {
        let metadata = looked.kept.meta();
        let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
        finalizers.retain(|name| name != SNAPSHOT_FINALIZER);
        if is_there {
            finalizers.push(SNAPSHOT_FINALIZER.to_owned());
        }
        let patch =
            json!({"metadata": {"resourceVersion": metadata.resource_version, "finalizers": finalizers}});
        let object = &looked.observed.object;
        let api = stored(&self.context.client, &object.namespace);
        gone_is_fine(api.patch(&object.name, &parameters(), &Patch::Merge(&patch)).await)
    }

    /// Writes a status over the one that was read; a conflict is an error.
    async fn write(&self, looked: &Looked<'_>, status: &StreamSnapshotStatus) -> Result<(), ActError> {
        let patch = json!({
            "metadata": {"resourceVersion": looked.kept.meta().resource_version},
            "status": difference(&looked.observed.status, status)?,
        });
        let object = &looked.observed.object;
        let api = stored(&self.context.client, &object.namespace);
        gone_is_fine(api.patch_status(&object.name, &parameters(), &Patch::Merge(&patch)).await)?;
        self.context.metrics.wrote("status");
        self.tell(looked, status).await;
        Ok(())
    }

    /// Says as an event what has changed about its readiness. That nobody hears it is no error.
    async fn tell(&self, looked: &Looked<'_>, status: &StreamSnapshotStatus) {
        let ready = |status: &StreamSnapshotStatus| {
            status.conditions.iter().find(|c| c.type_ == ConditionType::Ready.as_str()).cloned()
        };
        let Some(now) = ready(status) else { return };
        let old = ready(&looked.observed.status);
        if old.is_some_and(|old| old.reason == now.reason && old.message == now.message) {
            return;
        }
        let is_stalled = status.conditions.iter().any(|c| c.type_ == ConditionType::Stalled.as_str());
        let event = Event {
            type_: if is_stalled { EventType::Warning } else { EventType::Normal },
            reason: now.reason,
            note: Some(now.message.chars().take(250).collect()),
            action: status.phase.map(|phase| format!("{phase:?}")).unwrap_or_default(),
            secondary: None,
        };
        let reference = looked.kept.object_ref(&());
        if let Err(error) = self.context.events.publish(&event, &reference).await {
            tracing::debug!("an event about {} is lost: {error}", looked.observed.object.name);
        }
    }
}

fn parameters() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() }
}

/// What has to be merged into the stored status. What was not read, as `access`, stays.
fn difference(old: &StreamSnapshotStatus, new: &StreamSnapshotStatus) -> Result<Value, serde_json::Error> {
    let fields = |status: &StreamSnapshotStatus| serde_json::to_value(status);
    let (old, mut new) = (fields(old)?, fields(new)?);
    let old = old.as_object().map(Map::keys).into_iter().flatten();
    if let Some(new) = new.as_object_mut() {
        for field in old {
            new.entry(field.clone()).or_insert(Value::Null);
        }
    }
    Ok(new)
}

fn is_namespace_going(code: u16, message: &str) -> bool {
    code == 403 && message.contains("because it is being terminated")
}

fn gone_is_fine<T>(answer: Result<T, Error>) -> Result<(), ActError> {
    match answer {
        Err(Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_merged_over_what_was_read_and_leaves_the_rest() {
        let old = StreamSnapshotStatus {
            failures: Some(1),
            error: Some("why".into()),
            ..StreamSnapshotStatus::default()
        };
        let new =
            StreamSnapshotStatus { failures: Some(1), epoch: Some(41), ..StreamSnapshotStatus::default() };
        let expected = json!({"failures": 1, "epoch": 41, "error": null});
        assert_eq!(difference(&old, &new).unwrap(), expected, "nothing is said about access");
    }

    #[test]
    fn a_namespace_that_goes_is_told_from_a_lack_of_rights() {
        let going = "pods \"p\" is forbidden: unable to create new content in namespace x because it is being terminated";
        assert!(is_namespace_going(403, going));
        assert!(!is_namespace_going(403, "pods is forbidden: User cannot create resource"));
    }
}
