//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use kube::core::DynamicObject;
use kube::runtime::reflector::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::children::Children;
use crate::clock::Clock;
use crate::metrics::Metrics;

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Pages {
    /// Whether every watch has brought its first list.
    pub(crate) ready: watch::Receiver<bool>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) children: Arc<Children>,
    pub(crate) clock: Clock,
    /// The jobs, once they are watched.
    pub(crate) jobs: watch::Receiver<Option<Store<DynamicObject>>>,
}

/// Answers until the process ends.
pub(crate) async fn serve(listener: TcpListener, pages: Pages) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(pages);
    axum::serve(listener, router).await
}

async fn metrics(State(pages): State<Pages>) -> Response {
    let (expiry, now) = (pages.children.first_expiry(), pages.clock.now());
    match pages.metrics.render(pages.jobs.borrow().as_ref(), expiry, now) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn readyz(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    if *pages.ready.borrow() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "watches are being filled\n")
    }
}
