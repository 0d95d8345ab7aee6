//! What a worker tells over HTTP: is it alive, has it work, its metrics. It takes no orders there.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 as long as the worker runs |
//! | `/readyz` | 200 while a coordinator has taken it, else 503 |
//! | `/status` | who it works for, as JSON |
//! | `/metrics` | Prometheus' text format |

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use millstream_model::Generation;
use millstream_model::control::WorkerId;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder as _, IntCounter, IntGauge, Registry, TextEncoder};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Media type of the metrics.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A worker at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkerStatus {
    /// What it is called.
    pub name: String,
    /// Where other workers find it.
    pub address: String,
    /// Its slots.
    pub slots: u32,
    /// For whom it works; `None` while it looks for a coordinator.
    pub works_for: Option<WorksFor>,
    /// How often a coordinator has taken it since it started.
    pub sessions: u64,
}

/// A coordinator that has taken the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorksFor {
    /// The job.
    pub job: String,
    /// The coordinator's claim.
    pub generation: Generation,
    /// The worker's number.
    pub worker: WorkerId,
}

/// Answers on `listener` until the sender of `status` is dropped.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, status: watch::Receiver<WorkerStatus>) -> std::io::Result<()> {
    let mut until = status.clone();
    let worker_is_gone = async move { while until.changed().await.is_ok() {} };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/status", get(show_status))
        .route("/metrics", get(show_metrics))
        .with_state(status);
    axum::serve(listener, router).with_graceful_shutdown(worker_is_gone).await
}

type Shown = State<watch::Receiver<WorkerStatus>>;

async fn readyz(State(status): Shown) -> Response {
    match &status.borrow().works_for {
        Some(works_for) => (StatusCode::OK, format!("works for {}\n", works_for.job)).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "looks for a coordinator\n").into_response(),
    }
}

async fn show_status(State(status): Shown) -> Json<WorkerStatus> {
    Json(status.borrow().clone())
}

async fn show_metrics(State(status): Shown) -> Response {
    let rendered = render(&status.borrow());
    match rendered {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// The metrics in Prometheus' text format, made from the status at the moment of the scrape.
fn render(status: &WorkerStatus) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    let joined = IntGauge::new("millstream_worker_joined", "1 while a coordinator has taken the worker.")?;
    joined.set(i64::from(status.works_for.is_some()));
    let slots = IntGauge::new("millstream_worker_slots", "Slots that the worker offers.")?;
    slots.set(i64::from(status.slots));
    let sessions =
        IntCounter::new("millstream_worker_sessions_total", "How often a coordinator has taken the worker.")?;
    sessions.inc_by(status.sessions);
    registry.register(Box::new(joined))?;
    registry.register(Box::new(slots))?;
    registry.register(Box::new(sessions))?;
    registry.register(Box::new(ProcessCollector::for_self()))?;
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_say_whether_the_worker_has_work() {
        let looking = WorkerStatus { slots: 2, sessions: 3, ..WorkerStatus::default() };
        let text = render(&looking).unwrap();
        for line in
            ["millstream_worker_joined 0", "millstream_worker_slots 2", "millstream_worker_sessions_total 3"]
        {
            assert!(text.lines().any(|l| l == line), "{line} is missing in {text}");
        }
        let works_for = WorksFor { job: "j".into(), generation: Generation(1), worker: 1 };
        let text = render(&WorkerStatus { works_for: Some(works_for), ..looking }).unwrap();
        assert!(
            text.contains("millstream_worker_joined 1\n") && text.contains("process_resident_memory_bytes")
        );
    }
}
