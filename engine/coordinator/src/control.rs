//! Asking a coordinator over the network, and answering.

use std::sync::Arc;

use async_trait::async_trait;
use millstream_jobmaster::{AfterSavepoint, SavepointReport};
use millstream_model::graph::JobGraph;
use millstream_model::{Epoch, ErrorKind, Generation, JobError};
use millstream_proto::{
    ActivateRequest, ActivateResponse, AfterSavepoint as Then, CancelRequest, CancelResponse, Control,
    ControlClient, DialError, Dialed, GetPlanRequest, GetPlanResponse, GetStatusRequest, GetStatusResponse,
    RescaleRequest, RescaleResponse, StopRequest, StopResponse, TriggerSavepointRequest,
    TriggerSavepointResponse, dial,
};
use millstream_tls::{Role, Security};
use tokio::sync::watch;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::JobOutcome;
use crate::desk::caller;
use crate::handle::{JobHandle, Request as Order};
use crate::status::JobStatus;

/// Writes savepoints for whoever asks over the network: knows what an address means.
#[async_trait]
pub trait SavepointWriter: Send + Sync {
    /// Writes one, to an address or under a name in the job's own storage.
    ///
    /// # Errors
    /// Why there is none.
    async fn write(
        &self,
        to: Option<String>,
        name: String,
        then: AfterSavepoint,
    ) -> Result<SavepointReport, JobError>;
}

/// Compiles the job for whoever wants it at another parallelism, or wants to see what it does.
pub trait JobCompiler: Send + Sync {
    /// The graph of the same texts at this parallelism.
    ///
    /// # Errors
    /// [`ErrorKind::User`]: there is none, as above the maximum parallelism.
    fn graph(&self, parallelism: u32) -> Result<JobGraph, JobError>;

    /// The plans of its statements at this parallelism.
    ///
    /// # Errors
    /// As [`Self::graph`].
    fn plans(&self, parallelism: u32) -> Result<Plans, JobError>;
}

/// What `millstream plan` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plans {
    /// For people.
    pub text: String,
    /// One document for each statement.
    pub json: Vec<serde_json::Value>,
}

/// The plans at the parallelism that the job has.
///
/// # Errors
/// There are none.
pub(crate) async fn plans_now(
    compiler: Arc<dyn JobCompiler>,
    status: &watch::Receiver<JobStatus>,
) -> Result<Plans, JobError> {
    let parallelism = status.borrow().parallelism;
    // Planning takes tens of milliseconds.
    let planned = tokio::task::spawn_blocking(move || compiler.plans(parallelism)).await;
    planned.map_err(|e| JobError::new(ErrorKind::Bug, format!("planning failed: {e}")))?
}

/// For a desk whose job is asked for these things through its [`JobHandle`] alone.
#[derive(Clone, Copy, Debug)]
pub struct HandleOnly;

#[async_trait]
impl SavepointWriter for HandleOnly {
    async fn write(
        &self,
        _: Option<String>,
        _: String,
        _: AfterSavepoint,
    ) -> Result<SavepointReport, JobError> {
        Err(JobError::new(ErrorKind::User, "savepoints of this job are not written over the network"))
    }
}

impl JobCompiler for HandleOnly {
    fn graph(&self, _: u32) -> Result<JobGraph, JobError> {
        Err(JobError::new(ErrorKind::User, "the parallelism of this job is not changed over the network"))
    }

    fn plans(&self, _: u32) -> Result<Plans, JobError> {
        Err(JobError::new(ErrorKind::User, "the plan of this job is not shown over the network"))
    }
}

/// The answering side.
pub(crate) struct Answers {
    pub(crate) handle: JobHandle,
    pub(crate) compiler: Arc<dyn JobCompiler>,
    pub(crate) savepoints: Arc<dyn SavepointWriter>,
    pub(crate) over: watch::Receiver<Option<JobOutcome>>,
}

#[async_trait]
impl Control for Answers {
    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        caller(&request)?.must_be(Role::Client)?;
        let json = serde_json::to_string(&*self.handle.status().borrow());
        let json = json.map_err(|e| Status::internal(e.to_string()))?;
        Ok(Response::new(GetStatusResponse { json }))
    }

    async fn get_plan(&self, request: Request<GetPlanRequest>) -> Result<Response<GetPlanResponse>, Status> {
        caller(&request)?.must_be(Role::Client)?;
        let plans = plans_now(self.compiler.clone(), &self.handle.status()).await;
        let Plans { text, json } = plans.map_err(|e| status(&e))?;
        Ok(Response::new(GetPlanResponse { json: serde_json::Value::Array(json).to_string(), text }))
    }

    async fn activate(
        &self,
        request: Request<ActivateRequest>,
    ) -> Result<Response<ActivateResponse>, Status> {
        caller(&request)?.must_be(Role::Client)?;
        self.handle.ask(Order::Activate);
        let (mut status, mut over) = (self.handle.status(), self.over.clone());
        let claimed = async {
            let claimed = status.wait_for(|status| status.generation > Generation(0)).await;
            let generation = claimed.map(|status| status.generation).ok();
            match generation {
                Some(generation) => generation,
                // It was fenced, or failed, before it claimed anything: the outcome says why.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            generation = claimed => Ok(Response::new(ActivateResponse { generation: generation.0 })),
            outcome = over.wait_for(Option::is_some) => {
                let outcome = outcome.ok().and_then(|outcome| outcome.as_ref().map(ToString::to_string));
                Err(Status::unavailable(outcome.unwrap_or_else(|| "the coordinator is ending".into())))
            }
        }
    }

    async fn trigger_savepoint(
        &self,
        request: Request<TriggerSavepointRequest>,
    ) -> Result<Response<TriggerSavepointResponse>, Status> {
        caller(&request)?.must_be(Role::Client)?;
        let TriggerSavepointRequest { to, name, then } = request.into_inner();
        let then = match Then::try_from(then) {
            Ok(Then::GoOn) => AfterSavepoint::GoOn,
            Ok(Then::Stop) => AfterSavepoint::Stop,
            Ok(Then::Drain) => AfterSavepoint::Drain,
            Err(unknown) => return Err(Status::invalid_argument(unknown.to_string())),
        };
        let report = self.savepoints.write(Some(to).filter(|to| !to.is_empty()), name, then).await;
        let SavepointReport { location, epoch, rows, bytes, at_ms } = report.map_err(|e| status(&e))?;
        Ok(Response::new(TriggerSavepointResponse { location, epoch: epoch.0, rows, bytes, at_ms }))
    }

    async fn rescale(&self, request: Request<RescaleRequest>) -> Result<Response<RescaleResponse>, Status> {
        caller(&request)?.must_be(Role::Client)?;
        let parallelism = request.into_inner().parallelism;
        let compiler = self.compiler.clone();
        // Planning takes tens of milliseconds.
        let graph = tokio::task::spawn_blocking(move || compiler.graph(parallelism)).await;
        let graph = graph.map_err(|e| Status::internal(e.to_string()))?.map_err(|e| status(&e))?;
        let attempt = self.handle.rescale(parallelism, graph).await.map_err(|e| status(&e))?;
        Ok(Response::new(RescaleResponse { attempt: attempt.0.into() }))
    }

    async fn stop(&self, request: Request<StopRequest>) -> Result<Response<StopResponse>, Status> {
        caller(&request)?.must_be(Role::Client)?;
        Ok(Response::new(StopResponse { outcome: self.end(Order::Stop).await? }))
    }

    async fn cancel(&self, request: Request<CancelRequest>) -> Result<Response<CancelResponse>, Status> {
        caller(&request)?.must_be(Role::Client)?;
        Ok(Response::new(CancelResponse { outcome: self.end(Order::Cancel).await? }))
    }
}

impl Answers {
    /// Gives the order, and waits for the end.
    async fn end(&self, order: Order) -> Result<String, Status> {
        // A job that is over takes no orders, and has an outcome.
        if !self.handle.ask(order) && self.over.borrow().is_none() {
            return Err(Status::unavailable("the job has too many requests to answer"));
        }
        let mut over = self.over.clone();
        let outcome = over.wait_for(Option::is_some).await;
        let outcome = outcome.map_err(|_| Status::unavailable("the coordinator ended before the job"))?;
        Ok(outcome.as_ref().map(ToString::to_string).unwrap_or_default())
    }
}

/// The asking side.
#[derive(Clone, Debug)]
pub struct CoordinatorClient {
    inner: ControlClient<Channel>,
    dialed: Dialed,
    address: String,
}

impl CoordinatorClient {
    /// Connects to the coordinator at `host:port`.
    ///
    /// # Errors
    /// [`ErrorKind::User`]: that is no address; [`ErrorKind::Transient`]: nobody answers there.
    pub async fn connect(address: &str, security: &Security) -> Result<Self, JobError> {
        let dialed = dial(address, security, None).await.map_err(|error| match error {
            DialError::Address(why) => JobError::new(ErrorKind::User, why),
            DialError::Unreachable(why) => {
                JobError::new(ErrorKind::Transient, format!("no coordinator answers at {address}: {why}"))
            }
        })?;
        let inner = ControlClient::new(dialed.channel.clone());
        Ok(Self { inner, dialed, address: address.to_owned() })
    }

    /// The status, as on `/status`.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn status(&mut self) -> Result<String, JobError> {
        let answer = self.inner.get_status(GetStatusRequest {}).await;
        Ok(answer.map_err(|status| self.error(&status))?.into_inner().json)
    }

    /// The plan for people, and as on `/plan`.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn plan(&mut self) -> Result<(String, String), JobError> {
        let answer = self.inner.get_plan(GetPlanRequest {}).await;
        let GetPlanResponse { text, json } = answer.map_err(|status| self.error(&status))?.into_inner();
        Ok((text, json))
    }

    /// Lets a standby coordinator take its job over, and waits until it has; its generation.
    ///
    /// # Errors
    /// It could not; if the connection broke, it is not known.
    pub async fn activate(&mut self) -> Result<u64, JobError> {
        let answer = self.inner.activate(ActivateRequest {}).await;
        Ok(answer.map_err(|status| self.error(&status))?.into_inner().generation)
    }

    /// Writes a savepoint and waits for it.
    ///
    /// # Errors
    /// Why there is none; if the connection broke, it is not known.
    pub async fn savepoint(
        &mut self,
        to: Option<String>,
        name: String,
        then: AfterSavepoint,
    ) -> Result<SavepointReport, JobError> {
        let then = match then {
            AfterSavepoint::GoOn => Then::GoOn,
            AfterSavepoint::Stop => Then::Stop,
            AfterSavepoint::Drain => Then::Drain,
        };
        let request = TriggerSavepointRequest { to: to.unwrap_or_default(), name, then: then.into() };
        let answer = self.inner.trigger_savepoint(request).await;
        let answer = answer.map_err(|status| self.error(&status))?.into_inner();
        let TriggerSavepointResponse { location, epoch, rows, bytes, at_ms } = answer;
        Ok(SavepointReport { location, epoch: Epoch(epoch), rows, bytes, at_ms })
    }

    /// Goes on at another parallelism and waits until records flow; the attempt that has it.
    ///
    /// # Errors
    /// Why not; if the connection broke, it is not known.
    pub async fn rescale(&mut self, parallelism: u32) -> Result<u64, JobError> {
        let answer = self.inner.rescale(RescaleRequest { parallelism }).await;
        Ok(answer.map_err(|status| self.error(&status))?.into_inner().attempt)
    }

    /// Stops the job behind a final checkpoint; says how it ended.
    ///
    /// # Errors
    /// The connection broke; whether the job stops is not known.
    pub async fn stop(&mut self) -> Result<String, JobError> {
        let answer = self.inner.stop(StopRequest {}).await;
        Ok(answer.map_err(|status| self.error(&status))?.into_inner().outcome)
    }

    /// Ends the job where it is; says how it ended.
    ///
    /// # Errors
    /// As [`Self::stop`].
    pub async fn cancel(&mut self) -> Result<String, JobError> {
        let answer = self.inner.cancel(CancelRequest {}).await;
        Ok(answer.map_err(|status| self.error(&status))?.into_inner().outcome)
    }

    fn error(&self, status: &Status) -> JobError {
        let message = self.dialed.reason(status);
        match kind(status.code()) {
            Some(kind) => JobError::new(kind, message),
            None => JobError::new(
                ErrorKind::Transient,
                format!("the coordinator at {} is lost: {message}", self.address),
            ),
        }
    }
}

fn status(error: &JobError) -> Status {
    let code = match error.kind {
        ErrorKind::User => Code::InvalidArgument,
        ErrorKind::State => Code::FailedPrecondition,
        ErrorKind::Transient | ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Fenced => Code::Aborted,
        ErrorKind::Bug => Code::Internal,
    };
    Status::new(code, &error.message)
}

const fn kind(code: Code) -> Option<ErrorKind> {
    Some(match code {
        Code::InvalidArgument | Code::PermissionDenied => ErrorKind::User,
        Code::FailedPrecondition => ErrorKind::State,
        Code::Unavailable => ErrorKind::Transient,
        Code::Aborted => ErrorKind::Fenced,
        Code::Internal => ErrorKind::Bug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_of_the_same_kind_on_the_other_side() {
        let kinds =
            [ErrorKind::User, ErrorKind::State, ErrorKind::Transient, ErrorKind::Fenced, ErrorKind::Bug];
        for expected in kinds {
            let status = status(&JobError::new(expected, "why"));
            assert_eq!((kind(status.code()), status.message()), (Some(expected), "why"));
        }
        assert_eq!(kind(Code::Unknown), None);
    }
}
