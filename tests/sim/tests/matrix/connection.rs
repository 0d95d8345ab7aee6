//! The messages between a coordinator and one worker.

use std::sync::Arc;

use millstream_model::control::{FromWorker, ToWorker};
use tokio::sync::{mpsc, watch};

use super::member::{Condition, Member};
use super::stage::{Moment, Stage};

/// The four ends between them.
#[derive(Debug)]
pub(crate) struct Ends {
    /// From the coordinator.
    pub(crate) orders: mpsc::Receiver<ToWorker>,
    /// To the worker.
    pub(crate) to_worker: mpsc::Sender<ToWorker>,
    /// From the worker.
    pub(crate) reports: mpsc::Receiver<FromWorker>,
    /// To the coordinator.
    pub(crate) to_coordinator: mpsc::Sender<FromWorker>,
}

/// Carries messages until one of the two is dead or has left, or `broken` is set. Whoever stands still then learns of the end when it
/// goes on.
pub(crate) async fn carry(
    ends: Ends,
    coordinator: Arc<Member>,
    worker: Arc<Member>,
    stage: Arc<Stage>,
    mut broken: watch::Receiver<bool>,
) {
    let Ends { mut orders, to_worker, mut reports, to_coordinator } = ends;
    // Whether both can be reached, after waiting for that; nothing of the dead comes through.
    let both = async || {
        coordinator.reachable().await;
        worker.reachable().await;
        !coordinator.is(Condition::Dead) && !worker.is(Condition::Dead)
    };
    let carrying = async {
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some(order) = order else { return };
                    stage.at(&worker, Moment::Order(&order));
                    if !both().await || to_worker.send(order).await.is_err() {
                        return;
                    }
                }
                report = reports.recv() => {
                    let Some(report) = report else { return };
                    // Heartbeats come by themselves.
                    if !matches!(report, FromWorker::Heartbeat { .. }) {
                        stage.at(&coordinator, Moment::Report(&report));
                    }
                    if !both().await || to_coordinator.send(report).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = carrying => {}
        () = coordinator.dead() => {}
        () = worker.dead() => {}
        _ = broken.wait_for(|broken| *broken) => {}
    }
    stage.stirs();
    if coordinator.is(Condition::Frozen) {
        drop((to_worker, reports));
        coordinator.awake().await;
        drop((orders, to_coordinator));
    } else {
        drop((orders, to_coordinator));
        worker.awake().await;
        drop((to_worker, reports));
    }
}
