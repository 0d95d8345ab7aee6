//! One look at one job.

use std::sync::Arc;
use std::time::Duration;

use kube::Error;
use kube::core::DynamicObject;
use kube::runtime::controller::Action as Requeue;
use millstream_api::conditions::ConditionType;
use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use millstream_lifecycle::{Decision, decide};
use millstream_model::error::with_causes;
use tokio::time::timeout;

use crate::act::{ActError, Looked, Then, carry_out};
use crate::children::JobKey;
use crate::context::Context;
use crate::engines::{BRISK, CALM};
use crate::observe;

/// Decisions in a row before other jobs get their turn.
const STEPS: usize = 8;
/// From which requeue on a job counts as settled.
const SETTLED: Duration = Duration::from_secs(10);
/// How long a look may take. It makes two dozen calls at most, so this is an API server that does not answer; what was being done is
/// left as a crash would leave it, which every decision reckons with.
const LOOK: Duration = Duration::from_secs(60);
/// How soon a job is looked at again after somebody else wrote to it.
const CONFLICT: Duration = Duration::from_millis(100);

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// What was decided could not be done.
    #[error(transparent)]
    Act(#[from] ActError),
    /// What had to be known could not be had.
    #[error(transparent)]
    Observe(#[from] Error),
    /// The API server did not answer.
    #[error("the API server did not answer within {} s", LOOK.as_secs())]
    Late,
}

/// Looks at a job, and counts that.
pub(crate) async fn reconcile(
    object: Arc<DynamicObject>,
    context: Arc<Context>,
) -> Result<Requeue, ReconcileError> {
    let timer = context.metrics.reconciling();
    let looked = timeout(LOOK, look(object, &context)).await.unwrap_or(Err(ReconcileError::Late));
    let result = match &looked {
        Ok(_) => "done",
        Err(error) if is_conflict(error) => "conflict",
        Err(_) => "failed",
    };
    context.metrics.reconciled(result);
    timer.observe_duration();
    looked
}

/// Observes, decides, acts, until nothing is to be done at once.
async fn look(object: Arc<DynamicObject>, context: &Arc<Context>) -> Result<Requeue, ReconcileError> {
    let mut object = context.writes.newest(object);
    let Some(key) = key(&object) else { return Ok(Requeue::await_change()) };
    for _ in 0..STEPS {
        let Some(job) = observe::job(&object) else { return Ok(Requeue::await_change()) };
        let observed = context.observe(&key, &job).await?;
        let spec = job.spec.as_ref().map_err(Vec::as_slice);
        let decision = decide(spec, &observed, context.clock.now());
        tracing::debug!("{}/{}: {decision}", key.namespace, key.name);
        context.engines.pace(&key, if is_settled(&decision) { CALM } else { BRISK });
        let looked = Looked { key: &key, object: &object, job: &job };
        match carry_out(context, &looked, &decision).await? {
            Then::Again(changed) => object = changed,
            Then::Done => {
                context.succeeded(&key);
                return Ok(Requeue::requeue(decision.requeue));
            }
            Then::Gone => {
                context.forget(&key, &job.object.uid);
                return Ok(Requeue::await_change());
            }
        }
    }
    Ok(Requeue::requeue(Duration::ZERO))
}

/// When to look again after an error.
pub(crate) fn after_error(
    object: Arc<DynamicObject>,
    error: &ReconcileError,
    context: Arc<Context>,
) -> Requeue {
    let Some(key) = key(&object) else { return Requeue::await_change() };
    if is_conflict(error) {
        // Somebody else wrote first; what they wrote is on its way here.
        return Requeue::requeue(CONFLICT);
    }
    let pause = context.failed(&key);
    tracing::warn!("{}/{}: {}; again in {pause:?}", key.namespace, key.name, with_causes(error));
    Requeue::requeue(pause)
}

/// Whether nothing is awaited from the engine.
fn is_settled(decision: &Decision) -> bool {
    let is_awaited = |c: &Condition| c.type_ == ConditionType::Reconciling.as_str();
    decision.requeue >= SETTLED && !decision.conditions.iter().any(is_awaited)
}

/// Whether somebody else wrote to the job since it was read.
fn is_conflict(error: &ReconcileError) -> bool {
    matches!(error, ReconcileError::Act(error) if error.is_conflict())
}

fn key(object: &DynamicObject) -> Option<JobKey> {
    Some(JobKey { namespace: object.metadata.namespace.clone()?, name: object.metadata.name.clone()? })
}
