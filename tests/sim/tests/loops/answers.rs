//! Lost answers and slow calls.

use std::time::Duration;

use millstream_storage::Action;
use millstream_storage::fault::{Fault, FaultPlan};
use millstream_test_testkit::mock_sink::{MockFault, MockFaults};
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::{live, usual_calls};
use crate::harness::job::Target;
use crate::harness::{Orders, Planted, World};

const TARGET_CALLS: u64 = 60;
const LOST: [MockFault; 4] =
    [MockFault::Lost, MockFault::AppliedUnheard, MockFault::LateCommit, MockFault::DelayedCommit];

/// Some calls get no answer, a claim among them; then perhaps a crash.
pub(crate) async fn lost(
    world: &World,
    random: &mut StdRng,
    planted: &Planted,
    story: &mut Vec<String>,
) -> Result<(), String> {
    let calls = usual_calls(world.shape).await;
    let mut faults = FaultPlan::none();
    let mut any = |random: &mut StdRng| {
        let fault = if random.random_bool(0.5) { Fault::Applied } else { Fault::NotApplied };
        story.push(format!("store: {fault:?}"));
        fault
    };
    for _ in 0..random.random_range(1..=3) {
        let call = random.random_range(1..=calls);
        faults = faults.and_at(call, any(random));
    }
    if random.random_bool(0.5) {
        // Epoch 1 is the first start.
        let epoch = format!("epoch/{:010}", random.random_range(2..6));
        faults = faults.and_on(Action::Create, &epoch, any(random));
    }
    let mut orders = Orders::new(planted);
    if world.shape.target == Target::Transactions {
        let (call, fault) = (random.random_range(1..=TARGET_CALLS), LOST[random.random_range(0..LOST.len())]);
        orders.mock = Some(MockFaults::none().at_call(call, fault));
        story.push(format!("target: {fault:?} at {call}"));
    }
    crash_some(calls, random, story, orders, faults, world).await
}

/// Some uploads take longer than a checkpoint may; then perhaps a crash.
pub(crate) async fn slow(
    world: &World,
    random: &mut StdRng,
    planted: &Planted,
    story: &mut Vec<String>,
) -> Result<(), String> {
    let calls = usual_calls(world.shape).await;
    let mut faults = FaultPlan::none();
    for _ in 0..random.random_range(1..=4) {
        let call = random.random_range(10..=calls.max(11));
        faults = faults.and_at(call, Fault::Delay(Duration::from_millis(30)));
    }
    let part = ["/state/", "/staged/", "/epoch/"][random.random_range(0..3)];
    faults = faults.and_on(Action::Create, part, Fault::Delay(Duration::from_millis(30)));
    story.push(format!("slow calls, one of them creates {part}"));
    let orders = Orders { checkpoint_timeout_ms: 12, ..Orders::new(planted) };
    crash_some(calls, random, story, orders, faults, world).await
}

async fn crash_some(
    calls: u64,
    random: &mut StdRng,
    story: &mut Vec<String>,
    orders: Orders,
    mut faults: FaultPlan,
    world: &World,
) -> Result<(), String> {
    if random.random_bool(0.6) {
        let call = random.random_range(1..=calls);
        faults = faults.and_at(call, Fault::CrashBefore);
        story.push(format!("store: crash at {call}"));
    }
    live(world, orders.faults(faults)).await.map(|_| ())
}
