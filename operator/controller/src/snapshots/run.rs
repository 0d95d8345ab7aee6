//! Starting and ending the work for snapshots, and one look at one of them.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject};
use kube::runtime::controller::{Action as Requeue, Config, Controller, Error as ControllerError};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Error, ResourceExt as _};
use millstream_api::streamsnapshot::SnapshotPhase;
use millstream_lifecycle::decide_snapshot;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::SnapshotKey;
use super::act::Looked;
use super::calls::SavepointCalls;
use super::kept::Kept;
use super::observe::Surroundings;
use super::pods::ToolPods;
use crate::act::ActError;
use crate::args::Arguments;
use crate::context::Context;
use millstream_model::error::with_causes;

/// Snapshots that are looked at at the same time.
const CONCURRENCY: u16 = 8;
/// How soon a snapshot is looked at again after somebody else wrote to it.
const CONFLICT: Duration = Duration::from_millis(100);
/// How soon after anything else went wrong.
const FAILURE: Duration = Duration::from_secs(5);

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
enum LookError {
    /// What was decided could not be done.
    #[error(transparent)]
    Act(#[from] ActError),
    /// What had to be known could not be had.
    #[error(transparent)]
    Observe(#[from] Error),
}

/// Looks after StreamSnapshots until `ended`; what is being done then is done to its end.
pub(crate) async fn run(
    arguments: &Arguments,
    context: Arc<Context>,
    jobs: Store<DynamicObject>,
    ended: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (news, changed) = mpsc::unbounded_channel();
    let pods = Arc::new(ToolPods::default());
    let (full, mut is_full) = watch::channel(false);
    let (keeping, client, namespace) = (pods.clone(), context.client.clone(), arguments.namespace.clone());
    let told = news.clone();
    // It ends with this, also where this is dropped.
    let mut keeper = JoinSet::new();
    keeper.spawn(async move { keeping.keep(client, namespace, full, told).await });
    let surroundings = Arc::new(Surroundings {
        calls: SavepointCalls::new(context.lines.clone(), news, context.metrics.clone()),
        is_partial: arguments.selector.is_some(),
        context: context.clone(),
        jobs,
        pods,
    });
    let ended = futures::FutureExt::shared(ended);
    let ready = async {
        // A job that was not listed yet would count as gone.
        let _ = surroundings.jobs.wait_until_ready().await;
        let _ = is_full.wait_for(|full| *full).await;
    };
    tokio::select! {
        () = ready => control(arguments, surroundings.clone(), changed, ended).await,
        () = ended.clone() => {}
    }
}

async fn control(
    arguments: &Arguments,
    surroundings: Arc<Surroundings>,
    changed: mpsc::UnboundedReceiver<SnapshotKey>,
    ended: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let client = surroundings.context.client.clone();
    let api: Api<Kept> = match &arguments.namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let (store, writer) = reflector::store();
    let listing = surroundings.context.snapshots.clone();
    let forgetting = surroundings.clone();
    let snapshots = watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(Kept::prune)
        .inspect(move |event| match event {
            Ok(event) => {
                listing.hear(event);
                if let Event::Delete(kept) = event {
                    forgetting.calls.forget(&kept.uid().unwrap_or_default());
                }
            }
            Err(error) => tracing::warn!("watching StreamSnapshots: {}", with_causes(error)),
        })
        .reflect(writer)
        .applied_objects();
    let changed = futures::stream::unfold(changed, |mut changed| async move {
        changed.recv().await.map(|snapshot| (snapshot, changed))
    })
    .map(|snapshot| ObjectRef::new(&snapshot.name).within(&snapshot.namespace));
    Controller::for_stream(snapshots, store)
        .with_config(Config::default().concurrency(CONCURRENCY))
        .reconcile_on(changed)
        .graceful_shutdown_on(ended)
        .run(look, after_error, surroundings)
        .for_each(|done| {
            match done {
                // The first two are logged where they happened; the last is gone.
                Ok(_)
                | Err(
                    ControllerError::ReconcilerFailed(..)
                    | ControllerError::QueueError(_)
                    | ControllerError::ObjectNotFound(_),
                ) => {}
                Err(error) => tracing::warn!("{}", with_causes(&error)),
            }
            std::future::ready(())
        })
        .await;
}

/// Observes, decides, acts. What was written comes back by the watch, and is looked at then.
async fn look(kept: Arc<Kept>, surroundings: Arc<Surroundings>) -> Result<Requeue, LookError> {
    let Some(observed) = surroundings.observe(&kept).await? else { return Ok(Requeue::await_change()) };
    if observed.status.phase == Some(SnapshotPhase::Completed) {
        surroundings.calls.forget(&observed.object.uid);
    }
    if observed.status.phase == Some(SnapshotPhase::InProgress) && observed.call.is_none() {
        surroundings.ask_often(&observed);
    }
    let decision = decide_snapshot(&observed, surroundings.context.clock.now());
    tracing::debug!("{}/{}: {decision}", observed.object.namespace, observed.object.name);
    let looked = Looked { kept: &kept, observed: &observed };
    surroundings.carry_out(&looked, &decision).await?;
    Ok(decision.requeue.map_or_else(Requeue::await_change, Requeue::requeue))
}

fn after_error(kept: Arc<Kept>, error: &LookError, _: Arc<Surroundings>) -> Requeue {
    if matches!(error, LookError::Act(error) if error.is_conflict()) {
        return Requeue::requeue(CONFLICT);
    }
    let namespace = kept.namespace().unwrap_or_default();
    tracing::warn!("{namespace}/{}: {}; again in {FAILURE:?}", kept.name_any(), with_causes(error));
    Requeue::requeue(FAILURE)
}
