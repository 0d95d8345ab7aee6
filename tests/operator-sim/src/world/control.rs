//! What coordinators answer to the operator, and the lines that lead to them.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use millstream_controller::{Dialer, Line};
use millstream_proto::{
    ActivateRequest, ActivateResponse, AfterSavepoint, CancelRequest, CancelResponse, Control, ControlServer,
    GetPlanRequest, GetPlanResponse, GetStatusRequest, GetStatusResponse, RescaleRequest, RescaleResponse,
    StopRequest, StopResponse, TriggerSavepointRequest, TriggerSavepointResponse,
};
use millstream_tls::Security;
use tokio::time::sleep;
use tonic::{Request, Response, Status};

use super::World;
use super::process::{Process, Stage};
use crate::connection::Fault;

/// How often an order looks whether it is carried out.
const LOOK: Duration = Duration::from_millis(100);

/// Connects to coordinators by the addresses of their pods.
#[derive(Clone)]
pub struct Switchboard(pub World);

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Switchboard")
    }
}

impl Dialer for Switchboard {
    fn dial<'a>(&'a self, address: &'a str, _: &'a Security) -> BoxFuture<'a, Result<Line, String>> {
        Box::pin(async move {
            let engines = self.0.engines();
            let ip = address.split(':').next().unwrap_or_default();
            let found = engines.processes.iter().find(|(_, process)| process.ip == ip);
            let (pod, _) = found.ok_or_else(|| format!("no coordinator answers at {address}"))?;
            Ok(Line::to(ControlServer::new(Coordinator { world: self.0.clone(), pod: pod.clone() })))
        })
    }
}

/// One coordinator, as who calls it sees it.
struct Coordinator {
    world: World,
    pod: String,
}

impl Coordinator {
    fn process(&self) -> Result<Process, Status> {
        let engines = self.world.engines();
        engines.processes.get(&self.pod).cloned().ok_or_else(|| Status::unavailable("the connection broke"))
    }

    /// Gives an order, in the way in which this call goes; and waits until it is carried out. Hanging up takes nothing back.
    async fn order(
        &self,
        name: &str,
        begin: impl FnOnce(&mut Process) -> Result<Option<Stage>, Status>,
        is_done: impl Fn(&Process) -> bool,
    ) -> Result<(), Status> {
        let attempt = self.process()?.attempt;
        let fault = self.world.calls.meet(format!("Order {name} attempt {attempt}"), true);
        match fault {
            Some(Fault::KillBefore) => return self.kill().await,
            Some(Fault::Conflict) => return Err(Status::failed_precondition("not now")),
            Some(Fault::Error) => return Err(Status::unavailable("no disk")),
            Some(Fault::LostCall) => return self.silence().await,
            _ => {}
        }
        {
            let mut engines = self.world.engines();
            let Some(process) = engines.processes.get_mut(&self.pod) else {
                return Err(Status::unavailable("the connection broke"));
            };
            if let Some(stage) = begin(process)? {
                process.go_to(stage, self.world.clock.now());
            }
        }
        match fault {
            Some(Fault::KillAfter) => return self.kill().await,
            Some(Fault::Broken) => return Err(Status::unavailable("the connection broke")),
            Some(Fault::LostAnswer) => return self.silence().await,
            _ => {}
        }
        while !is_done(&self.process()?) {
            sleep(LOOK).await;
        }
        Ok(())
    }

    async fn silence(&self) -> Result<(), Status> {
        self.world.calls.silence().await;
        Err(Status::unavailable("no answer came"))
    }

    async fn kill(&self) -> Result<(), Status> {
        self.world.calls.killed.notify_one();
        std::future::pending().await
    }

    async fn stop_by(&self, name: &str, stage: Stage) -> Result<(), Status> {
        let begin = |process: &mut Process| match process.stage {
            Stage::Running => Ok(Some(stage)),
            Stage::Stopping | Stage::Cancelling | Stage::Stopped => Ok(None),
            _ if stage == Stage::Cancelling => Ok(Some(stage)),
            _ => Err(Status::failed_precondition("no records flow")),
        };
        self.order(name, begin, |process| process.stage == Stage::Stopped).await
    }
}

#[tonic::async_trait]
impl Control for Coordinator {
    async fn get_status(&self, _: Request<GetStatusRequest>) -> Result<Response<GetStatusResponse>, Status> {
        let process = self.process()?;
        let place = self.world.engines().bucket.place(&process.storage);
        Ok(Response::new(GetStatusResponse { json: process.status(&place).to_string() }))
    }

    async fn get_plan(&self, _: Request<GetPlanRequest>) -> Result<Response<GetPlanResponse>, Status> {
        Err(Status::unimplemented("nobody here asks for it"))
    }

    async fn activate(&self, _: Request<ActivateRequest>) -> Result<Response<ActivateResponse>, Status> {
        let begin =
            |process: &mut Process| Ok((process.stage == Stage::Standby).then_some(Stage::TakingOver));
        self.order("activate", begin, |process| process.generation > 0).await?;
        Ok(Response::new(ActivateResponse { generation: self.process()?.generation }))
    }

    async fn trigger_savepoint(
        &self,
        request: Request<TriggerSavepointRequest>,
    ) -> Result<Response<TriggerSavepointResponse>, Status> {
        if request.get_ref().then() == AfterSavepoint::GoOn {
            return Err(Status::unimplemented("no story has a savepoint of its own"));
        }
        self.stop_by("savepoint and stop", Stage::Stopping).await?;
        let epoch = self.process()?.wrote.and_then(|epoch| u64::try_from(epoch).ok()).unwrap_or(0);
        let location = format!("s3://bucket/savepoints/{}", request.get_ref().name);
        Ok(Response::new(TriggerSavepointResponse { location, epoch, ..TriggerSavepointResponse::default() }))
    }

    async fn rescale(&self, request: Request<RescaleRequest>) -> Result<Response<RescaleResponse>, Status> {
        let wanted = i64::from(request.get_ref().parallelism);
        let begin = |process: &mut Process| match process.stage {
            Stage::Running => {
                process.parallelism = wanted;
                Ok(Some(Stage::WaitingForSlots))
            }
            _ if process.parallelism == wanted => Ok(None),
            _ => Err(Status::unavailable("records do not flow")),
        };
        self.order("rescale", begin, |process| process.stage == Stage::Running).await?;
        Ok(Response::new(RescaleResponse { attempt: 1 }))
    }

    async fn stop(&self, _: Request<StopRequest>) -> Result<Response<StopResponse>, Status> {
        self.stop_by("stop", Stage::Stopping).await?;
        Ok(Response::new(StopResponse { outcome: "Stopped".into() }))
    }

    async fn cancel(&self, _: Request<CancelRequest>) -> Result<Response<CancelResponse>, Status> {
        self.stop_by("cancel", Stage::Cancelling).await?;
        Ok(Response::new(CancelResponse { outcome: "Stopped".into() }))
    }
}
