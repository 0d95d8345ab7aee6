//! Orders for savepoints: given in the background, looked at later.
//!
//! What this process ordered is known to it alone. After a restart nothing is known, and what becomes of the order is found out otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millstream_lifecycle::snapshot::{SavepointCall, SavepointOutcome};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::SnapshotKey;
use crate::engines::Address;
use crate::line::Lines;
use crate::metrics::Metrics;

/// The newest order for each snapshot, by its uid.
#[derive(Debug)]
pub(super) struct SavepointCalls {
    lines: Lines,
    news: mpsc::UnboundedSender<SnapshotKey>,
    metrics: Arc<Metrics>,
    made: Arc<Mutex<HashMap<String, SavepointCall>>>,
}

/// A savepoint to be ordered.
#[derive(Clone, Debug)]
pub(super) struct SavepointOrder {
    pub(super) snapshot: SnapshotKey,
    pub(super) uid: String,
    pub(super) at: Address,
    pub(super) name: String,
    /// Where it goes.
    pub(super) uri: String,
    /// The intent that it carries out.
    pub(super) since: Time,
    /// How long it may take.
    pub(super) deadline: Duration,
}

impl SavepointCalls {
    /// Snapshots whose orders came to an end go to `news`.
    pub(super) fn new(lines: Lines, news: mpsc::UnboundedSender<SnapshotKey>, metrics: Arc<Metrics>) -> Self {
        Self { lines, news, metrics, made: Arc::default() }
    }

    /// The newest order for a snapshot.
    pub(super) fn of(&self, uid: &str) -> Option<SavepointCall> {
        lock(&self.made).get(uid).cloned()
    }

    /// Forgets a snapshot: it is gone, or what came of it stands in its status.
    pub(super) fn forget(&self, uid: &str) {
        lock(&self.made).remove(uid);
    }

    /// Gives an order, unless the same one was given.
    pub(super) fn begin(&self, order: SavepointOrder) {
        let call = SavepointCall { since: order.since.clone(), outcome: SavepointOutcome::Running };
        {
            let mut made = lock(&self.made);
            if made.get(&order.uid).is_some_and(|old| old.since == call.since) {
                return;
            }
            made.insert(order.uid.clone(), call.clone());
        }
        let (made, lines) = (self.made.clone(), self.lines.clone());
        let (news, metrics) = (self.news.clone(), self.metrics.clone());
        tokio::spawn(async move {
            let outcome = carry_out(&order, &lines).await;
            metrics.called("savepoint", matches!(outcome, SavepointOutcome::Done(_)));
            let SnapshotKey { namespace, name } = &order.snapshot;
            if let SavepointOutcome::Failed { message, .. } = &outcome {
                tracing::warn!("{namespace}/{name}: savepoint {}: {message}", order.name);
            }
            if let Some(made) = lock(&made).get_mut(&order.uid).filter(|made| made.since == call.since) {
                made.outcome = outcome;
            }
            let _ = news.send(order.snapshot);
        });
    }
}

async fn carry_out(order: &SavepointOrder, lines: &Lines) -> SavepointOutcome {
    let ordered = async {
        match lines.connect(&order.at.address, &order.at.trust).await {
            Ok(mut client) => client.snapshot(&order.name, &order.uri).await,
            Err(message) => SavepointOutcome::Failed { message, is_unclear: false },
        }
    };
    timeout(order.deadline, ordered).await.unwrap_or_else(|_| SavepointOutcome::Failed {
        message: format!("no answer within {} s", order.deadline.as_secs()),
        is_unclear: true,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is complete before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
