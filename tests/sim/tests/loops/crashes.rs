//! A crash at every call.

use std::time::Duration;

use millstream_checkpoint_store::TakeOverRequest;
use millstream_storage::Action;
use millstream_storage::fault::{Fault, FaultPlan};
use millstream_test_testkit::mock_sink::{MockFault, MockFaults};
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::{live, live_for, live_to_the_end, settle, usual_calls};
use crate::harness::job::Target;
use crate::harness::{Orders, Planted, Shape, World};

/// Calls to the target in which a publisher may die: about six a transaction.
const TARGET_CALLS: u64 = 60;

/// One to three crashes at random calls, and somebody who pins a checkpoint in between.
pub(crate) async fn play(
    world: &World,
    random: &mut StdRng,
    planted: &Planted,
    story: &mut Vec<String>,
) -> Result<(), String> {
    let calls = usual_calls(world.shape).await;
    for crash in 0..random.random_range(1..=3) {
        if random.random_bool(0.25) {
            let quick = random.random_range(0..6);
            let ms = random.random_range(60..250);
            story.push(format!("the target takes nothing after {quick} reads; dies after {ms} ms"));
            let orders = Orders::new(planted).faults(stuck_after(quick));
            live_for(world, orders, Duration::from_millis(ms)).await?;
            continue;
        }
        let is_at_the_target = world.shape.target == Target::Transactions && random.random_bool(0.3);
        let is_after = random.random_bool(0.5);
        let orders = if is_at_the_target {
            let call = random.random_range(1..=TARGET_CALLS);
            let fault = if is_after { MockFault::CrashAfter } else { MockFault::CrashBefore };
            story.push(format!("target: {fault:?} at {call}"));
            Orders { mock: Some(MockFaults::none().at_call(call, fault)), ..Orders::new(planted) }
        } else {
            let call = random.random_range(1..=calls);
            let fault = if is_after { Fault::CrashAfter } else { Fault::CrashBefore };
            story.push(format!("store: {fault:?} at {call}"));
            Orders::new(planted).faults(FaultPlan::at(call, fault))
        };
        let orders = if random.random_bool(0.5) {
            // Slow by a little, or so slow that all that is retained waits while sweeps go on.
            let ms = if random.random_bool(0.5) { 80 } else { 15 };
            let quick = random.random_range(0..6);
            story.push(format!("publishing takes {ms} ms after {quick} reads"));
            let delays = std::iter::repeat_n(0, quick).chain([ms]).map(Duration::from_millis);
            let faults = delays.fold(orders.faults.clone(), |faults, delay| {
                faults.and_on(Action::Get, "/staged/", Fault::Delay(delay))
            });
            Orders { faults, ..orders }
        } else {
            orders
        };
        live(world, orders).await?;
        if crash == 0 && random.random_bool(0.4) {
            pin(world, planted, story).await?;
        }
    }
    Ok(())
}

/// Publishing stops after some reads of what is staged; checkpoints and sweeps go on until the process dies.
fn stuck_after(quick: usize) -> FaultPlan {
    let delays = std::iter::repeat_n(Duration::ZERO, quick).chain([Duration::from_secs(300)]);
    delays
        .fold(FaultPlan::none(), |faults, delay| faults.and_on(Action::Get, "/staged/", Fault::Delay(delay)))
}

/// One crash at one call.
pub(crate) async fn at(shape: Shape, call: u64, fault: Fault) -> Result<(), String> {
    let world = World::new(shape);
    let planted = Planted::default();
    let orders = Orders::new(&planted).faults(FaultPlan::at(call, fault.clone()));
    let lived = async {
        live(&world, orders).await?;
        live_to_the_end(&world, &planted).await?;
        settle(&world, &planted).await
    };
    lived.await.map_err(|error| format!("{shape:?}, {fault:?} at call {call}: {error}"))
}

/// Somebody keeps the newest checkpoint.
async fn pin(world: &World, planted: &Planted, story: &mut Vec<String>) -> Result<(), String> {
    let store = world.store(planted);
    let Some((owned, _)) = store.look().await.map_err(|e| e.to_string())?.restorable else { return Ok(()) };
    let taken = store.take_over(&TakeOverRequest::default()).await.map_err(|e| e.to_string())?;
    taken.incarnation.pin("kept", owned.epoch, "somebody wants it").await.map_err(|e| e.to_string())?;
    story.push(format!("epoch {} pinned", owned.epoch));
    Ok(())
}
