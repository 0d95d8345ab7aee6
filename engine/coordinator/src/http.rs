//! What a coordinator tells over HTTP: is it alive, is it ready, its status, its plan, its metrics. It takes no orders there.
//!
//! The pages are there before the job is: what it starts from may take longer to find, or to restore from a savepoint, than
//! whoever watches processes waits for an answer.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 as long as the coordinator runs |
//! | `/readyz` | 200 while records flow or all is done, else 503 with the phase and what is waited for |
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
use crate::status::{JobStatus, one_line};

type Status = watch::Receiver<JobStatus>;

/// Pages of a job, from the moment that it is started.
#[derive(Debug)]
pub struct Pages {
    /// What is shown now.
    shown: watch::Sender<Status>,
    /// What is known of the job until it has a coordinator.
    starting: watch::Sender<JobStatus>,
}

#[derive(Clone)]
struct Sources {
    shown: watch::Receiver<Status>,
    compiler: Arc<dyn JobCompiler>,
}

impl Pages {
    /// Pages that show this until there is a coordinator.
    #[must_use]
    pub fn new(starting: JobStatus) -> Self {
        let (starting, status) = watch::channel(starting);
        Self { shown: watch::channel(status).0, starting }
    }

    /// Answers on `listener` until these pages are dropped or, once they follow a coordinator, until it is gone. Connections that are
    /// open then may still be answered.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub fn serve(
        &self,
        listener: TcpListener,
        compiler: Arc<dyn JobCompiler>,
    ) -> impl Future<Output = std::io::Result<()>> + use<> {
        let shown = self.shown.subscribe();
        let over = is_over(shown.clone());
        async move {
            axum::serve(listener, router(Sources { shown, compiler })).with_graceful_shutdown(over).await
        }
    }

    /// Shows what is waited for before there is a coordinator, and why.
    pub fn note(&self, next: String, error: &str, now_ms: u64) {
        self.starting.send_modify(|status| {
            (status.next, status.last_error) = (Some(next), Some(one_line(error)));
            status.updated_at_ms = now_ms;
        });
    }

    /// From now on a coordinator's status is shown.
    pub fn follow(self, status: Status) {
        self.shown.send_replace(status);
    }
}

impl Sources {
    fn status(&self) -> Status {
        self.shown.borrow().clone()
    }
}

/// Waits until nothing new can come.
async fn is_over(mut shown: watch::Receiver<Status>) {
    while shown.changed().await.is_ok() {}
    let mut last = shown.borrow().clone();
    while last.changed().await.is_ok() {}
}

fn router(sources: Sources) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/status", get(show_status))
        .route("/plan", get(show_plan))
        .route("/metrics", get(show_metrics))
        .with_state(sources)
}

async fn readyz(State(sources): State<Sources>) -> Response {
    let status = sources.status();
    let status = status.borrow();
    match (status.is_ready(), &status.next) {
        (true, _) => format!("{}\n", status.phase).into_response(),
        (false, None) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", status.phase)).into_response(),
        (false, Some(next)) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}: {next}\n", status.phase)).into_response()
        }
    }
}

async fn show_status(State(sources): State<Sources>) -> Json<JobStatus> {
    let status = sources.status();
    Json(status.borrow().clone())
}

async fn show_plan(State(sources): State<Sources>) -> Response {
    let status = sources.status();
    match plans_now(sources.compiler, &status).await {
        Ok(plans) => Json(plans.json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn show_metrics(State(sources): State<Sources>) -> Response {
    let status = sources.status();
    let rendered = metrics::render(&status.borrow());
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
        let pages = Pages::new(JobStatus { phase: JobPhase::Starting, ..begun.clone() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(pages.serve(listener, Arc::new(OnePlan)));

        assert_eq!(request(address, "/healthz").await, (200, "ok\n".into()));
        assert_eq!(request(address, "/readyz").await, (503, "Starting\n".into()));
        pages.note("look again in 1000 ms".into(), "no answer:\n503", 7);
        assert_eq!(request(address, "/readyz").await, (503, "Starting: look again in 1000 ms\n".into()));
        let json: serde_json::Value = serde_json::from_str(&request(address, "/status").await.1).unwrap();
        assert_eq!((&json["phase"], &json["last_error"]), (&"Starting".into(), &"no answer: 503".into()));
        assert_eq!(request(address, "/plan").await, (200, r#"[{"parallelism":1}]"#.into()));
        let (sender, receiver) = watch::channel(begun);
        pages.follow(receiver);
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

    #[tokio::test]
    async fn a_job_that_never_has_a_coordinator_ends_the_server_too() {
        let pages = Pages::new(JobStatus::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = tokio::spawn(pages.serve(listener, Arc::new(OnePlan)));
        drop(pages);
        server.await.unwrap().unwrap();
    }
}
