//! What a coordinator tells over HTTP: is it alive, is it ready, its status, its plan, its metrics. It takes no orders there.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 as long as the coordinator runs |
//! | `/readyz` | 200 while records flow or all is done, else 503 with the phase |
//! | `/status` | the status as JSON |
//! | `/plan` | what `millstream plan --output json` prints, at the parallelism of now, as a JSON list |
//! | `/metrics` | Prometheus' text format |

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::control::{JobCompiler, plans_now};
use crate::metrics;
use crate::status::JobStatus;

type Status = watch::Receiver<JobStatus>;

#[derive(Clone)]
struct Pages {
    status: Status,
    compiler: Arc<dyn JobCompiler>,
}

/// Answers on `listener` until the sender of `status` is dropped. Connections that are open then may still be answered.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    status: Status,
    compiler: Arc<dyn JobCompiler>,
) -> std::io::Result<()> {
    let mut until = status.clone();
    let coordinator_is_gone = async move { while until.changed().await.is_ok() {} };
    axum::serve(listener, router(Pages { status, compiler }))
        .with_graceful_shutdown(coordinator_is_gone)
        .await
}

fn router(pages: Pages) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/status", get(show_status))
        .route("/plan", get(show_plan))
        .route("/metrics", get(show_metrics))
        .with_state(pages)
}

async fn readyz(State(pages): State<Pages>) -> Response {
    let status = pages.status.borrow();
    let code = if status.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, format!("{}\n", status.phase)).into_response()
}

async fn show_status(State(pages): State<Pages>) -> Json<JobStatus> {
    Json(pages.status.borrow().clone())
}

async fn show_plan(State(pages): State<Pages>) -> Response {
    match plans_now(pages.compiler, &pages.status).await {
        Ok(plans) => Json(plans.json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn show_metrics(State(pages): State<Pages>) -> Response {
    let rendered = metrics::render(&pages.status.borrow());
    match rendered {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Plans;
    use millstream_jobmaster::JobPhase;
    use millstream_model::graph::JobGraph;
    use millstream_model::{ErrorKind, JobError};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    struct OnePlan;

    impl JobCompiler for OnePlan {
        fn graph(&self, _: u32) -> Result<JobGraph, JobError> {
            Err(JobError::new(ErrorKind::Bug, "nobody rescales here"))
        }

        fn plans(&self, parallelism: u32) -> Result<Plans, JobError> {
            match parallelism {
                1 => Ok(Plans { text: String::new(), json: vec![serde_json::json!({ "parallelism": 1 })] }),
                more => Err(JobError::new(ErrorKind::User, format!("cannot be planned at {more}"))),
            }
        }
    }

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
        let begun = JobStatus { job: "j".into(), parallelism: 1, ..JobStatus::default() };
        let (sender, receiver) = watch::channel(begun);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, receiver, Arc::new(OnePlan)));

        assert_eq!(request(address, "/healthz").await, (200, "ok\n".into()));
        assert_eq!(request(address, "/readyz").await, (503, "TakingOver\n".into()));
        sender.send_modify(|s| s.phase = JobPhase::Running);
        assert_eq!(request(address, "/readyz").await, (200, "Running\n".into()));
        let (code, body) = request(address, "/status").await;
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((code, json["job"].as_str(), json["phase"].as_str()), (200, Some("j"), Some("Running")));
        assert_eq!(request(address, "/plan").await, (200, r#"[{"parallelism":1}]"#.into()));
        sender.send_modify(|s| s.parallelism = 2);
        let (code, body) = request(address, "/plan").await;
        assert!(code == 500 && body.contains("cannot be planned at 2"), "{code} {body}");
        let (code, body) = request(address, "/metrics").await;
        assert_eq!(code, 200);
        assert!(body.contains("millstream_job_phase"));
        assert_eq!(request(address, "/nothing").await.0, 404);

        drop(sender);
        server.await.unwrap().unwrap();
    }
}
