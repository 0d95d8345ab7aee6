//! What a coordinator tells over HTTP: is it alive, is it ready, its status, its metrics. It takes no orders there.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 as long as the coordinator runs |
//! | `/readyz` | 200 while records flow or all is done, else 503 with the phase |
//! | `/status` | the status as JSON |
//! | `/metrics` | Prometheus' text format |

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics;
use crate::status::JobStatus;

type Status = watch::Receiver<JobStatus>;

/// Answers on `listener` until the sender of `status` is dropped. Connections that are open then may still be answered.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, status: Status) -> std::io::Result<()> {
    let mut until = status.clone();
    let coordinator_is_gone = async move { while until.changed().await.is_ok() {} };
    axum::serve(listener, router(status)).with_graceful_shutdown(coordinator_is_gone).await
}

fn router(status: Status) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/status", get(show_status))
        .route("/metrics", get(show_metrics))
        .with_state(status)
}

async fn readyz(State(status): State<Status>) -> Response {
    let status = status.borrow();
    let code = if status.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, format!("{}\n", status.phase)).into_response()
}

async fn show_status(State(status): State<Status>) -> Json<JobStatus> {
    Json(status.borrow().clone())
}

async fn show_metrics(State(status): State<Status>) -> Response {
    let rendered = metrics::render(&status.borrow());
    match rendered {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_jobmaster::JobPhase;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn request(address: std::net::SocketAddr, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn each_path_answers_and_the_server_ends_with_the_coordinator() {
        let (sender, receiver) = watch::channel(JobStatus { job: "j".into(), ..JobStatus::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, receiver));

        assert_eq!(request(address, "/healthz").await, (200, "ok\n".into()));
        assert_eq!(request(address, "/readyz").await, (503, "TakingOver\n".into()));
        sender.send_modify(|s| s.phase = JobPhase::Running);
        assert_eq!(request(address, "/readyz").await, (200, "Running\n".into()));
        let (code, body) = request(address, "/status").await;
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((code, json["job"].as_str(), json["phase"].as_str()), (200, Some("j"), Some("Running")));
        let (code, body) = request(address, "/metrics").await;
        assert_eq!(code, 200);
        assert!(body.contains("millstream_job_phase"));
        assert_eq!(request(address, "/nothing").await.0, 404);

        drop(sender);
        server.await.unwrap().unwrap();
    }
}
