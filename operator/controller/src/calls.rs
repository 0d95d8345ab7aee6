//! Orders to coordinators: given in the background, looked at later.
//!
//! What this process ordered is known to it alone. After a restart nothing is under way; an order that is given twice does no harm.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use millstream_lifecycle::observed::{Call, CallKind, CallState};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::children::JobKey;
use crate::clock::Clock;
use crate::engines::Address;
use crate::line::Lines;
use crate::metrics::Metrics;

/// Calls that are remembered of a job: those of the plan under way, and some before it.
const REMEMBERED: usize = 16;

/// Calls of all jobs.
#[derive(Debug)]
pub(crate) struct Calls {
    clock: Clock,
    lines: Lines,
    news: mpsc::UnboundedSender<JobKey>,
    metrics: Arc<Metrics>,
    made: Arc<Mutex<HashMap<JobKey, Vec<Call>>>>,
}

/// A call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) at: Address,
    pub(crate) attempt: i64,
    pub(crate) plan: String,
    pub(crate) kind: CallKind,
    /// How long it may take.
    pub(crate) deadline: Duration,
}

impl Calls {
    /// Jobs whose calls came to an end go to `news`.
    pub(crate) fn new(
        clock: Clock,
        lines: Lines,
        news: mpsc::UnboundedSender<JobKey>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { clock, lines, news, metrics, made: Arc::default() }
    }

    /// The calls of a job.
    pub(crate) fn of(&self, job: &JobKey) -> Vec<Call> {
        lock(&self.made).get(job).cloned().unwrap_or_default()
    }

    /// Forgets a job.
    pub(crate) fn forget(&self, job: &JobKey) {
        lock(&self.made).remove(job);
    }

    /// Begins a call, unless the same one is under way.
    pub(crate) fn begin(&self, job: &JobKey, order: Order) {
        let call = Call {
            attempt: order.attempt,
            plan: order.plan.clone(),
            kind: order.kind,
            state: CallState::Running { since: self.clock.now() },
        };
        {
            let mut made = lock(&self.made);
            let calls = made.entry(job.clone()).or_default();
            let is_under_way = |old: &Call| {
                old.plan == call.plan
                    && old.kind == call.kind
                    && matches!(old.state, CallState::Running { .. })
            };
            if calls.iter().any(is_under_way) {
                return;
            }
            put(calls, call.clone());
        }
        tracing::info!("{}/{}: attempt {}: {}", job.namespace, job.name, order.attempt, order.kind);
        let (made, lines, news, job) =
            (self.made.clone(), self.lines.clone(), self.news.clone(), job.clone());
        let (metrics, clock) = (self.metrics.clone(), self.clock);
        tokio::spawn(async move {
            let state = carry_out(&order, &lines, clock).await;
            metrics.called(name(order.kind), matches!(state, CallState::Done { .. }));
            if let CallState::Failed { message, .. } = &state {
                tracing::warn!("{}/{}: {}: {message}", job.namespace, job.name, order.kind);
            }
            if let Some(calls) = lock(&made).get_mut(&job) {
                put(calls, Call { state, ..call });
            }
            let _ = news.send(job);
        });
    }
}

/// What a call is called in metrics.
fn name(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Stop(_) => "stop",
        CallKind::Rescale(_) => "rescale",
        CallKind::Activate => "activate",
    }
}

/// Replaces what is known of the same call; the oldest are forgotten.
fn put(calls: &mut Vec<Call>, call: Call) {
    calls.retain(|old| old.plan != call.plan || old.kind != call.kind);
    if calls.len() == REMEMBERED {
        calls.remove(0);
    }
    calls.push(call);
}

async fn carry_out(order: &Order, lines: &Lines, clock: Clock) -> CallState {
    let ordered = async {
        let mut client = lines.connect(&order.at.address, &order.at.trust).await?;
        client.order(order.kind, &order.plan).await
    };
    match timeout(order.deadline, ordered).await {
        Ok(Ok(epoch)) => CallState::Done { epoch, at: clock.now() },
        Ok(Err(message)) => CallState::Failed { message, at: clock.now() },
        Err(_) => CallState::Failed {
            message: format!("no answer within {} s", order.deadline.as_secs()),
            at: clock.now(),
        },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is complete before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
