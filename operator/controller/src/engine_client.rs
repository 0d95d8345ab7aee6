//! Asking a coordinator.

use std::time::Duration;

use millstream_api::status::StopMethod;
use millstream_lifecycle::observed::{Answer, CallKind};
use millstream_lifecycle::snapshot::{SavepointOutcome, Written};
use millstream_lifecycle::time::Timestamp;
use millstream_proto::{
    ActivateRequest, AfterSavepoint, CancelRequest, ControlClient, GetStatusRequest, RescaleRequest,
    StopRequest, TriggerSavepointRequest,
};
use millstream_tls::Security;
use tokio::time::timeout;
use tonic::{Code, Status};

use crate::line::{Dialer, Line};
use crate::observe;

/// How long a coordinator may take to say where its job stands.
const ANSWER: Duration = Duration::from_secs(3);

/// A connection to a coordinator.
pub(crate) struct EngineClient {
    inner: ControlClient<Line>,
    line: Line,
}

impl EngineClient {
    /// Connects to `host:port`.
    pub(crate) async fn connect(
        dialer: &dyn Dialer,
        address: &str,
        security: &Security,
    ) -> Result<Self, String> {
        let line = dialer.dial(address, security).await?;
        Ok(Self { inner: ControlClient::new(line.clone()), line })
    }

    /// Where its job stands.
    pub(crate) async fn status(&mut self) -> Result<Answer, String> {
        let asked = timeout(ANSWER, self.inner.get_status(GetStatusRequest {})).await;
        let answer = asked.map_err(|_| format!("no answer within {} s", ANSWER.as_secs()))?;
        observe::answer(&answer.map_err(|status| self.why(&status))?.into_inner().json)
    }

    /// Gives an order, and waits until it is carried out; the epoch that came of it, if it is about one.
    pub(crate) async fn order(&mut self, kind: CallKind, name: &str) -> Result<Option<i64>, String> {
        let done = match kind {
            CallKind::Activate => self.inner.activate(ActivateRequest {}).await.map(|_| None),
            CallKind::Rescale(parallelism) => {
                let parallelism = u32::try_from(parallelism).unwrap_or(1);
                self.inner.rescale(RescaleRequest { parallelism }).await.map(|_| None)
            }
            CallKind::Stop(StopMethod::Savepoint) => {
                return self.savepoint(name, AfterSavepoint::Stop).await;
            }
            CallKind::Stop(StopMethod::Drain) => return self.savepoint(name, AfterSavepoint::Drain).await,
            CallKind::Stop(StopMethod::Cancel) => self.inner.cancel(CancelRequest {}).await.map(|_| None),
            CallKind::Stop(StopMethod::Checkpoint | StopMethod::Pods | StopMethod::Nothing) => {
                self.inner.stop(StopRequest {}).await.map(|_| None)
            }
        };
        done.map_err(|status| self.why(&status))
    }

    /// Has a savepoint written under a name in the job's own storage, behind which the job stops; its epoch.
    async fn savepoint(&mut self, name: &str, then: AfterSavepoint) -> Result<Option<i64>, String> {
        let request = TriggerSavepointRequest { to: String::new(), name: name.to_owned(), then: then.into() };
        let written = self.inner.trigger_savepoint(request).await;
        let report = written.map_err(|status| self.why(&status))?.into_inner();
        Ok(i64::try_from(report.epoch).ok())
    }

    /// Has a savepoint written to this address, of which the name is the last part; the job goes on.
    ///
    /// A refusal (the name is taken, or is being taken) and a broken connection leave it open whether there is one. What the engine says
    /// about its own failure does not.
    pub(crate) async fn snapshot(&mut self, name: &str, uri: &str) -> SavepointOutcome {
        let then = AfterSavepoint::GoOn.into();
        let request = TriggerSavepointRequest { to: uri.to_owned(), name: name.to_owned(), then };
        let written = match self.inner.trigger_savepoint(request).await {
            Ok(written) => written.into_inner(),
            Err(status) => {
                let is_clear =
                    matches!(status.code(), Code::FailedPrecondition | Code::Aborted | Code::Internal);
                return SavepointOutcome::Failed { message: self.why(&status), is_unclear: !is_clear };
            }
        };
        let at = i64::try_from(written.at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        SavepointOutcome::Done(Written {
            uri: written.location,
            epoch: i64::try_from(written.epoch).unwrap_or(i64::MAX),
            bytes: i64::try_from(written.bytes).ok(),
            at: at.unwrap_or_else(Timestamp::now),
        })
    }

    fn why(&self, status: &Status) -> String {
        self.line.reason(status)
    }
}
