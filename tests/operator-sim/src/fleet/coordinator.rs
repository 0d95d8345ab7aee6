//! A coordinator whose job always runs: one address of loopback each.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use millstream_api::k8s_openapi::jiff::Timestamp;
use millstream_lifecycle::build::CONTROL_PORT;
use millstream_proto::{
    ActivateRequest, ActivateResponse, CancelRequest, CancelResponse, Control, ControlServer, GetPlanRequest,
    GetPlanResponse, GetStatusRequest, GetStatusResponse, RescaleRequest, RescaleResponse, StopRequest,
    StopResponse, TriggerSavepointRequest, TriggerSavepointResponse,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Between two epochs.
const INTERVAL: Duration = Duration::from_secs(10);

/// Listens on an address of its own; the address, and what serves there.
pub(super) async fn serve() -> (String, impl Future<Output = ()>) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let ip = format!("127.{}.{}.{}", 200 + number / 62_500 % 50, number / 250 % 250, number % 250 + 1);
        // Another process of this machine may have it.
        if let Ok(listener) = TcpListener::bind(format!("{ip}:{CONTROL_PORT}")).await {
            let service = ControlServer::new(Coordinator { began: Instant::now(), at: Timestamp::now() });
            let serving =
                Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
            return (ip, async move {
                let _ = serving.await;
            });
        }
    }
}

struct Coordinator {
    began: Instant,
    at: Timestamp,
}

#[tonic::async_trait]
impl Control for Coordinator {
    async fn get_status(&self, _: Request<GetStatusRequest>) -> Result<Response<GetStatusResponse>, Status> {
        let epoch = 1 + i64::try_from(self.began.elapsed().as_secs() / INTERVAL.as_secs()).unwrap_or(0);
        let at_ms = self.at.as_millisecond() + (epoch - 1) * i64::try_from(INTERVAL.as_millis()).unwrap_or(0);
        let document = json!({
            "phase": "Running", "restarts": 0, "parallelism": 1, "failed_checkpoints_in_a_row": 0,
            "newest_epoch": {
                "epoch": epoch, "manifest": format!("s3://bucket/epoch/{epoch}"), "at_ms": at_ms, "bytes": 1_000_000,
                "duration_ms": 120,
            },
        });
        Ok(Response::new(GetStatusResponse { json: document.to_string() }))
    }

    async fn get_plan(&self, _: Request<GetPlanRequest>) -> Result<Response<GetPlanResponse>, Status> {
        Err(refused())
    }

    async fn activate(&self, _: Request<ActivateRequest>) -> Result<Response<ActivateResponse>, Status> {
        Err(refused())
    }

    async fn trigger_savepoint(
        &self,
        _: Request<TriggerSavepointRequest>,
    ) -> Result<Response<TriggerSavepointResponse>, Status> {
        Err(refused())
    }

    async fn rescale(&self, _: Request<RescaleRequest>) -> Result<Response<RescaleResponse>, Status> {
        Err(refused())
    }

    async fn stop(&self, _: Request<StopRequest>) -> Result<Response<StopResponse>, Status> {
        Err(refused())
    }

    async fn cancel(&self, _: Request<CancelRequest>) -> Result<Response<CancelResponse>, Status> {
        Err(refused())
    }
}

/// A fleet is never changed: it is created, and watched.
fn refused() -> Status {
    Status::unimplemented("this coordinator only says that it runs")
}
