//! Asking a coordinator.

use std::time::Duration;

use millstream_api::status::StopMethod;
use millstream_lifecycle::observed::{Answer, CallKind};
use millstream_proto::{
    ActivateRequest, AfterSavepoint, CancelRequest, ControlClient, GetStatusRequest, RescaleRequest,
    StopRequest, TriggerSavepointRequest,
};
use millstream_tls::Security;
use tokio::time::timeout;
use tonic::Status;

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

    /// Has a savepoint written under a name in the job's own storage; its epoch.
    pub(crate) async fn savepoint(
        &mut self,
        name: &str,
        then: AfterSavepoint,
    ) -> Result<Option<i64>, String> {
        let request = TriggerSavepointRequest { to: String::new(), name: name.to_owned(), then: then.into() };
        let written = self.inner.trigger_savepoint(request).await;
        let report = written.map_err(|status| self.why(&status))?.into_inner();
        Ok(i64::try_from(report.epoch).ok())
    }

    fn why(&self, status: &Status) -> String {
        self.line.reason(status)
    }
}
