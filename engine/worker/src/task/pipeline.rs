//! A task whose input comes from other tasks.
//!
//! Its operators keep keyed state. What of it has expired goes in short steps: one after each batch and watermark, and one after the
//! other while no input is there. What operators wait for by the clock, such as the end of a window over processing time, is done
//! between two events of the input when it is due, or wakes the task.

use std::time::Duration;

use millstream_model::Watermark;
use millstream_model::snapshot::OperatorCounters;
use millstream_operators::Expiring;
use tokio::sync::mpsc;

use super::run::{Control, Core};
use crate::clock::{now, wall_clock_ms};
use crate::error::TaskError;
use millstream_exchange::{Gate, GateEvent};

/// How often a task without input looks for expired state.
const TICK: Duration = Duration::from_millis(500);

/// Runs until shutdown or failure. Control goes before data.
pub(crate) async fn run(
    mut core: Core,
    mut gate: Gate,
    mut control: mpsc::Receiver<Control>,
) -> Result<(), TaskError> {
    let mut head = OperatorCounters::default();
    if gate.watermark() > Watermark::MIN {
        // Restored: the chains behind wait for this one's watermark, and it may not advance for long.
        core.chain.watermark(gate.watermark()).await?;
    }
    loop {
        while let Ok(message) = control.try_recv() {
            if let Some(Control::Shutdown) = core.control(message) {
                return Ok(());
            }
        }
        if wait_for_clock(&core).is_some_and(|wait| wait.is_zero()) {
            core.chain.clock().await?;
            core.store_early().await?;
        }
        if let Some(event) = gate.poll()? {
            accept(&mut core, event, &mut head).await?;
            core.show(head, gate.watermark(), None);
            // Other chains share this thread.
            tokio::task::yield_now().await;
            continue;
        }
        core.chain.flush().await?;
        let expiring = expire(&mut core).await?;
        if expiring == Expiring::More {
            tokio::task::yield_now().await;
            continue;
        }
        core.show(head, if core.is_finished { Watermark::MAX } else { gate.watermark() }, None);
        let since = now();
        let wait = wait_for_clock(&core);
        tokio::select! {
            biased;
            message = control.recv() => match message.map(|m| core.control(m)) {
                None | Some(Some(Control::Shutdown)) => return Ok(()),
                _ => {}
            },
            () = gate.readable() => {}
            () = tokio::time::sleep(wait.unwrap_or(TICK)), if expiring == Expiring::Later || wait.is_some() => {}
        }
        core.idle += since.elapsed();
    }
}

/// How long to wait for an operator that waits for a time, but no longer than a tick: the wall clock may be set. `None` if none
/// does.
fn wait_for_clock(core: &Core) -> Option<Duration> {
    let wait = core.chain.wakes_at_ms()?.saturating_sub(wall_clock_ms());
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)).min(TICK))
}

/// One step, and what left memory by it or before is stored. What has seen all of its input stays as it is.
async fn expire(core: &mut Core) -> Result<Expiring, TaskError> {
    let left = if core.is_finished { Expiring::Never } else { core.chain.expire()? };
    core.store_early().await?;
    Ok(left)
}

async fn accept(core: &mut Core, event: GateEvent, head: &mut OperatorCounters) -> Result<(), TaskError> {
    match event {
        GateEvent::Batch(batch) => {
            head.rows_in += batch.num_rows() as u64;
            core.chain.batch(batch).await?;
            expire(core).await.map(drop)
        }
        GateEvent::Watermark(watermark) => {
            core.chain.watermark(watermark).await?;
            expire(core).await.map(drop)
        }
        GateEvent::Idle(is_idle) => core.chain.idle(is_idle).await,
        GateEvent::Barrier(barrier) => core.barrier(barrier, Vec::new(), None).await,
        GateEvent::End => core.finish().await,
    }
}
