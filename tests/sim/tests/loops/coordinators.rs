//! More than one coordinator.

use std::time::Duration;

use millstream_checkpoint::layout;
use millstream_coordinator::JobOutcome;
use millstream_model::Epoch;
use millstream_storage::fault::{Fault, FaultPlan};
use millstream_storage::{Action, ObjectStorage as _};
use millstream_test_testkit::mock_sink::{MockFault, MockFaults};
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::{outlive, usual_calls};
use crate::harness::job::Target;
use crate::harness::life::{Event, Process, identity};
use crate::harness::{End, Orders, Planted, World, checks};

const TARGET_CALLS: u64 = 40;
/// How long the rest of a process goes on while its publisher sleeps.
const ASLEEP: Duration = Duration::from_millis(15);

/// A second coordinator starts while the first one runs, and is slow at some steps of taking over.
pub(crate) async fn two(
    world: &World,
    random: &mut StdRng,
    planted: &Planted,
    story: &mut Vec<String>,
) -> Result<(), String> {
    let calls = usual_calls(world.shape).await;
    let mut slow = FaultPlan::none();
    if random.random_bool(0.5) {
        let epoch = format!("epoch/{:010}", random.random_range(2..6));
        story.push(format!("the first waits when it claims {epoch}"));
        slow = slow.and_on(Action::Create, &epoch, Fault::Delay(Duration::from_millis(20)));
    }
    let first = world.live(Orders::new(planted).faults(slow));
    let begin = random.random_range(1..=calls);
    let mut faults = FaultPlan::none();
    for _ in 0..random.random_range(0..=2) {
        let (call, ms) = (random.random_range(1..=12), random.random_range(5..=40));
        story.push(format!("the second waits {ms} ms at its call {call}"));
        faults = faults.and_at(call, Fault::Delay(Duration::from_millis(ms)));
    }
    let is_held = random.random_bool(0.4);
    if is_held {
        story.push("the second is held where it appends its start until the first owns another epoch".into());
        faults = faults.and_on(Action::Create, "/epoch/", Fault::Hold);
    } else if random.random_bool(0.5) {
        story.push("the second waits when it appends its start".into());
        faults = faults.and_on(Action::Create, "/epoch/", Fault::Delay(Duration::from_millis(30)));
    }
    story.push(format!("the second starts at call {begin} of the first"));
    first.until(|process| process.faults.calls() >= begin).await;
    let second = world.live(Orders::new(planted).faults(faults));
    if is_held {
        let was_held = second.until(|process| process.faults.is_holding()).await;
        let before = epochs(world).await?;
        while was_held && !first.is_over() && epochs(world).await? == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        second.process.faults.release();
    }
    let (first, second) = futures::join!(outlive(world, first), outlive(world, second));
    has_one_winner(first?, second?)?;
    all_hold(world).await
}

/// The first coordinator stands still at some call, a second one takes over, and the first one goes on: when the second is
/// done, or in its midst.
pub(crate) async fn zombie(
    world: &World,
    random: &mut StdRng,
    planted: &Planted,
    story: &mut Vec<String>,
) -> Result<(), String> {
    let calls = usual_calls(world.shape).await;
    let is_asleep_at_target = world.shape.target == Target::Transactions && random.random_bool(0.5);
    let mut orders = Orders::new(planted);
    if is_asleep_at_target {
        let call = random.random_range(1..=TARGET_CALLS);
        orders.mock = Some(MockFaults::none().at_call(call, MockFault::Sleep));
        story.push(format!("the first sleeps at call {call} to the target"));
    }
    if random.random_bool(0.6) {
        story.push("the first is slow to publish".into());
        let slow = Fault::Delay(Duration::from_millis(20));
        orders.faults = FaultPlan::none().and_on(Action::Get, "/staged/", slow);
    }
    // Behind a sleeping publisher the rest stands still a moment later.
    let freeze_at = random.random_range(1..=calls);
    orders.freeze_at = Some(freeze_at);
    story.push(format!("the first stands still at call {freeze_at}"));
    let first = world.live(orders);
    let is_frozen = |process: &Process| process.freezer.as_ref().is_some_and(|f| f.is_frozen());
    first.until(|process| is_frozen(process) || world.target.asleep() > 0).await;
    if is_asleep_at_target {
        tokio::time::sleep(ASLEEP).await;
    }

    let mut second = Some(world.live(Orders::new(planted)));
    let mut ended = None;
    if random.random_bool(0.5) {
        let call = random.random_range(1..=calls);
        story.push(format!("and goes on at call {call} of the second"));
        if let Some(second) = &second {
            second.until(|process| process.faults.calls() >= call && has_taken_over(process)).await;
        }
    } else if let Some(second) = second.take() {
        ended = Some(outlive(world, second).await?);
    }
    let process = first.process.clone();
    let before = newest_begun(&process);
    if let Some(freezer) = &process.freezer {
        freezer.thaw();
    }
    world.target.wake();
    let first = outlive(world, first).await?;
    let second = match (ended, second) {
        (Some(end), _) => end,
        (None, Some(second)) => outlive(world, second).await?,
        (None, None) => return Err("there was no second".into()),
    };
    let after = newest_begun(&process);
    if after > before && !matches!(first, End::Ended(JobOutcome::Finished { .. })) {
        return Err(format!("K4: the first went on to publish epoch {after:?} behind {before:?}"));
    }
    has_one_winner(first, second)?;
    all_hold(world).await
}

/// Records in the log.
async fn epochs(world: &World) -> Result<usize, String> {
    let listed = world.bucket.list(&format!("{}epoch/", layout::job_folder(&identity()))).await;
    Ok(listed.map_err(|e| e.to_string())?.len())
}

/// Once it reads, its generation and its start are in the bucket.
fn has_taken_over(process: &Process) -> bool {
    process.events().contains(&Event::ReadingBegan)
}

fn newest_begun(process: &Process) -> Option<Epoch> {
    let begun = |event| if let Event::PublishBegan(_, epoch) = event { Some(epoch) } else { None };
    process.events().into_iter().filter_map(begun).max()
}

/// Nobody fails, and somebody finishes.
fn has_one_winner(first: End, second: End) -> Result<(), String> {
    let is_good =
        |end: &End| matches!(end, End::Ended(JobOutcome::Finished { .. } | JobOutcome::Fenced { .. }));
    let has_finished = |end: &End| matches!(end, End::Ended(JobOutcome::Finished { .. }));
    if is_good(&first) && is_good(&second) && (has_finished(&first) || has_finished(&second)) {
        Ok(())
    } else {
        Err(format!("the first {first}, the second {second}"))
    }
}

async fn all_hold(world: &World) -> Result<(), String> {
    checks::log_is_sound(world).await?;
    checks::kept_is_complete(world).await?;
    checks::output_is_right(world, false).await
}
