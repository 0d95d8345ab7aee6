//! Carrying out a decision, action by action, in its order.

use std::sync::Arc;
use std::time::Duration;

use kube::Error;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::events::{Event, EventType};
use millstream_api::conditions::ConditionType;
use millstream_api::names::{ATTEMPT_LABEL, FINALIZER};
use millstream_api::status::{StopMethod, StreamJobStatus};
use millstream_lifecycle::build::Built;
use millstream_lifecycle::observed::CallKind;
use millstream_lifecycle::time::{Timestamp, elapsed};
use millstream_lifecycle::{Action, Decision};
use serde_json::json;
use tokio::time::timeout;

use crate::apply::{ApplyError, delete, ensure};
use crate::calls::Order;
use crate::certify::certify;
use crate::children::JobKey;
use crate::context::Context;
use crate::denials;
use crate::observe::{Job, MANAGER};
use crate::snapshots::scheduled;

/// How long an order may take that only changes who does what.
const ORDER: Duration = Duration::from_secs(60);
/// How long an event may take to be told; what is to be done does not wait longer for it.
const TELLING: Duration = Duration::from_secs(5);
/// How long a savepoint may take when the spec that says so cannot be read.
const SAVEPOINT: Duration = Duration::from_secs(600);

/// Why a decision could not be carried out to its end. The rest of it waits for the next one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// An object.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The job or the snapshot itself.
    #[error(transparent)]
    Kube(#[from] Error),
    /// The status.
    #[error("the status cannot be written: {0}")]
    Status(#[from] serde_json::Error),
}

impl ActError {
    /// Whether somebody else wrote to the job or the snapshot since it was read.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Kube(Error::Api(status)) if status.code == 409)
    }
}

/// What comes of a decision.
pub(crate) enum Then {
    /// The object has changed: decide again at once.
    Again(Arc<DynamicObject>),
    /// That was all.
    Done,
    /// The job is gone.
    Gone,
}

/// A job that is being looked at.
pub(crate) struct Looked<'a> {
    pub(crate) key: &'a JobKey,
    pub(crate) object: &'a Arc<DynamicObject>,
    pub(crate) job: &'a Job,
}

/// Carries out a decision.
pub(crate) async fn carry_out(
    context: &Context,
    looked: &Looked<'_>,
    decision: &Decision,
) -> Result<Then, ActError> {
    let mut is_denied = false;
    for action in &decision.actions {
        if !matches!(action, Action::Wait(_)) {
            let JobKey { namespace, name } = looked.key;
            tracing::info!("{namespace}/{name}: {}: {action}", decision.situation);
        }
        match action {
            Action::WriteIntent(status) => return write_status(context, looked, status).await,
            Action::AddFinalizer => return set_finalizer(context, looked, true).await,
            Action::RemoveFinalizer => return set_finalizer(context, looked, false).await,
            // A pod must not find a stranger's config map, or a stranger's certificate, under the name of its own.
            Action::EnsureObjects(_) | Action::StartPlanner(_) if is_denied => {}
            action => is_denied |= act(context, looked, action).await? == Went::Denied,
        }
    }
    match &decision.status {
        Some(status) => write_status(context, looked, status).await.map(|then| match then {
            // What was decided rests on what was seen, not on what is said about it.
            Then::Again(_) => Then::Done,
            then => then,
        }),
        None => Ok(Then::Done),
    }
}

/// How an action went that is no error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Went {
    Well,
    /// The API server did not take something. What is to be made behind it waits.
    Denied,
}

async fn act(context: &Context, looked: &Looked<'_>, action: &Action) -> Result<Went, ActError> {
    let (namespace, uid) = (&looked.key.namespace, &looked.job.object.uid);
    match action {
        Action::EnsureObjects(built) | Action::StartPlanner(built) => {
            return make(context, looked, built).await;
        }
        Action::IssueCertificates(order) | Action::RenewCertificates(order) => {
            if let Err(error) = certify(context, namespace, uid, order).await {
                let what = format!("ConfigMap/{}", order.name);
                return denied(context, looked, order.attempt, &what, error);
            }
        }
        Action::DeleteOrphans(children) => {
            for child in children {
                delete(&context.client, namespace, child).await?;
            }
        }
        Action::StopWithSavepoint { attempt, plan, method } => {
            order(context, looked, *attempt, plan, CallKind::Stop(*method));
        }
        Action::CancelJob { attempt, plan } => {
            order(context, looked, *attempt, plan, CallKind::Stop(StopMethod::Cancel));
        }
        Action::Rescale { attempt, plan, parallelism } => {
            order(context, looked, *attempt, plan, CallKind::Rescale(*parallelism));
        }
        Action::Activate { attempt, plan } => order(context, looked, *attempt, plan, CallKind::Activate),
        Action::CreateSnapshot { name } => {
            scheduled::create(&context.client, &looked.job.object, name).await?;
            context.metrics.wrote("StreamSnapshot");
        }
        Action::DeleteSnapshot { name } => {
            scheduled::discard(&context.client, &looked.job.object, name).await?;
            context.metrics.wrote("StreamSnapshot");
        }
        Action::WriteIntent(_) | Action::AddFinalizer | Action::RemoveFinalizer | Action::Wait(_) => {}
    }
    Ok(Went::Well)
}

/// Makes objects, up to the first that the API server does not take.
async fn make(context: &Context, looked: &Looked<'_>, all: &[Built]) -> Result<Went, ActError> {
    for built in all {
        match ensure(&context.client, &looked.key.namespace, &looked.job.object.uid, built).await {
            Ok(()) => context.metrics.wrote(&built.kind.to_string()),
            Err(error) => {
                let what = format!("{}/{}", built.kind, built.name);
                return denied(context, looked, attempt_of(built), &what, error);
            }
        }
    }
    for built in all {
        context.denials.note(looked.key, attempt_of(built), None);
    }
    Ok(Went::Well)
}

/// Notes an answer that stands; any other error is one.
fn denied(
    context: &Context,
    looked: &Looked<'_>,
    attempt: i64,
    what: &str,
    error: ApplyError,
) -> Result<Went, ActError> {
    let JobKey { namespace, name } = looked.key;
    let Some(denial) = denials::denial(what, &error) else { return Err(error.into()) };
    tracing::warn!("{namespace}/{name}: {}", denial.message);
    context.denials.note(looked.key, attempt, Some(denial));
    Ok(Went::Denied)
}

/// The deployment that an object is for.
fn attempt_of(built: &Built) -> i64 {
    let label = built.value["metadata"]["labels"][ATTEMPT_LABEL].as_str();
    label.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Begins a call to a coordinator. One that has no address yet is called by a later decision.
fn order(context: &Context, looked: &Looked<'_>, attempt: i64, plan: &str, kind: CallKind) {
    let Some(at) = context.address(looked.key, &looked.job.object.uid, attempt) else { return };
    let deadline = match kind {
        CallKind::Stop(StopMethod::Cancel) | CallKind::Activate => ORDER,
        CallKind::Stop(_) | CallKind::Rescale(_) => savepoint_timeout(looked.job),
    };
    context.calls.begin(looked.key, Order { at, attempt, plan: plan.to_owned(), kind, deadline });
}

fn savepoint_timeout(job: &Job) -> Duration {
    job.spec.as_ref().map_or(SAVEPOINT, |job| job.cluster.upgrade.savepoint_timeout)
}

/// Writes a status over the one that was read; a conflict is an error.
async fn write_status(
    context: &Context,
    looked: &Looked<'_>,
    status: &StreamJobStatus,
) -> Result<Then, ActError> {
    let mut object = DynamicObject::clone(looked.object);
    object.metadata.managed_fields = None;
    if let Some(data) = object.data.as_object_mut() {
        data.insert("status".to_owned(), serde_json::to_value(status)?);
    }
    let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    let api = context.jobs(&looked.key.namespace);
    match api.replace_status(&looked.key.name, &parameters, &object).await {
        Ok(answer) => {
            context.metrics.wrote("status");
            if let Some((phase, after)) = settled(&looked.job.status, status, context.clock.now()) {
                context.metrics.settled(&phase, after);
            }
            tell(context, looked, status).await;
            Ok(Then::Again(wrote(context, looked, answer)))
        }
        Err(error) => gone_or(error),
    }
}

/// The phase from which a job has become as its spec says, and how long that took.
fn settled(old: &StreamJobStatus, new: &StreamJobStatus, now: Timestamp) -> Option<(String, Duration)> {
    let holds = |status: &StreamJobStatus, kind: ConditionType| {
        status.conditions.iter().find(|c| c.type_ == kind.as_str() && c.status == "True").cloned()
    };
    let began = holds(old, ConditionType::Reconciling)?.last_transition_time.0;
    holds(new, ConditionType::Ready)?;
    Some((format!("{:?}", old.phase?), elapsed(began, now)))
}

async fn set_finalizer(context: &Context, looked: &Looked<'_>, is_there: bool) -> Result<Then, ActError> {
    let metadata = &looked.object.metadata;
    let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
    finalizers.retain(|name| name != FINALIZER);
    if is_there {
        finalizers.push(FINALIZER.to_owned());
    }
    let patch = json!({"metadata": {"resourceVersion": metadata.resource_version, "finalizers": finalizers}});
    let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    let api = context.jobs(&looked.key.namespace);
    match api.patch(&looked.key.name, &parameters, &Patch::Merge(&patch)).await {
        Ok(_) if !is_there => Ok(Then::Gone),
        Ok(answer) => Ok(Then::Again(wrote(context, looked, answer))),
        Err(error) => gone_or(error),
    }
}

fn wrote(context: &Context, looked: &Looked<'_>, answer: DynamicObject) -> Arc<DynamicObject> {
    let answer = Arc::new(answer);
    context.writes.wrote(looked.object.metadata.resource_version.clone(), answer.clone());
    answer
}

fn gone_or(error: Error) -> Result<Then, ActError> {
    match &error {
        Error::Api(status) if status.code == 404 => Ok(Then::Gone),
        _ => Err(error.into()),
    }
}

/// Says as an event what has changed about the job's readiness. That nobody hears it is no error.
async fn tell(context: &Context, looked: &Looked<'_>, status: &StreamJobStatus) {
    let ready = |status: &StreamJobStatus| {
        status.conditions.iter().find(|c| c.type_ == ConditionType::Ready.as_str()).cloned()
    };
    let Some(now) = ready(status) else { return };
    if ready(&looked.job.status).is_some_and(|old| old.reason == now.reason && old.message == now.message) {
        return;
    }
    let is_stalled = status.conditions.iter().any(|c| c.type_ == ConditionType::Stalled.as_str());
    let phase = status.phase.map(|phase| format!("{phase:?}")).unwrap_or_default();
    let mut note = if now.message.is_empty() { phase.clone() } else { now.message };
    while note.len() > 1_000 {
        note.pop();
    }
    let event = Event {
        type_: if is_stalled { EventType::Warning } else { EventType::Normal },
        reason: now.reason,
        note: Some(note),
        action: phase,
        secondary: None,
    };
    let reference = kube::Resource::object_ref(looked.object.as_ref(), &context.jobs);
    match timeout(TELLING, context.events.publish(&event, &reference)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("an event about {} is lost: {error}", looked.key.name),
        Err(_) => tracing::debug!("an event about {} is lost: nobody hears it", looked.key.name),
    }
}
