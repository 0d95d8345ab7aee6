//! A story again and again: in each run another call goes wrong in another way, and all have the same end.

use std::time::Duration;

use tokio::task::AbortHandle;

use crate::connection::{Call, Fault, OF_READS, OF_WRITES};
use crate::operator;
use crate::story::{Picture, Story, is_settled, rest};
use crate::world::{Snapshot, World};

/// No deadline of anybody is longer than this, not even all of them one behind the other.
const LIMIT: Duration = Duration::from_secs(1_800);
/// Reconciles of a settled job are a minute apart; this is more than a hundred of them.
const LONG: Duration = Duration::from_secs(6_100);

/// A run of a story.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The calls that the operator made.
    pub calls: Vec<Call>,
    /// What became of the world.
    pub picture: Picture,
    /// What must never happen and has.
    pub broken: Vec<String>,
}

/// The world in which a story begins.
///
/// # Errors
/// It does not come to rest.
pub async fn prepare(story: &Story) -> Result<Snapshot, String> {
    let Some(given) = story.given else { return Ok(Snapshot::empty()) };
    let world = World::begin(&Snapshot::empty());
    let tasks = start(&world);
    // What is to be suspended has run before.
    let mut running = given();
    running["desiredState"] = "Running".into();
    crate::story::apply(&world, running);
    rest(&world, LIMIT, is_settled).await?;
    crate::story::apply(&world, given());
    rest(&world, LIMIT, is_settled).await?;
    let broken = world.engines().broken.clone();
    drop(tasks);
    if broken.is_empty() { Ok(world.snapshot()) } else { Err(format!("{broken:?}")) }
}

/// Tells a story from where it begins, with this call going wrong.
///
/// # Errors
/// It does not come to its end.
pub async fn tell(story: &Story, from: &Snapshot, wrong: Option<(usize, Fault)>) -> Result<Outcome, String> {
    let world = World::begin(from);
    let is_new = story.given.is_none();
    if is_new {
        // The operator finds the job when it starts.
        (story.event)(&world);
        world.calls.begin(wrong);
    }
    let tasks = start(&world);
    if !is_new {
        rest(&world, LIMIT, is_settled).await?;
        world.calls.begin(wrong);
        (story.event)(&world);
    }
    let rested = rest(&world, LIMIT, story.is_over).await;
    let calls = world.calls.made();
    let broken = world.engines().broken.clone();
    rested.map_err(|why| format!("{why}\n{broken:?}"))?;
    drop(tasks);
    Ok(Outcome { calls, picture: Picture::of(&world), broken })
}

/// Writes of a settled operator in the time of more than a hundred reconciles, after this story.
///
/// # Errors
/// It does not come to its end.
pub async fn writes_at_rest(story: &Story, from: &Snapshot) -> Result<usize, String> {
    let world = World::begin(from);
    let tasks = start(&world);
    (story.event)(&world);
    rest(&world, LIMIT, story.is_over).await?;
    world.calls.begin(None);
    tokio::time::sleep(LONG).await;
    let writes = world.calls.writes();
    drop(tasks);
    Ok(writes)
}

/// Everything that can go wrong in a story whose calls are these.
pub fn faults(calls: &[Call]) -> Vec<(usize, Fault)> {
    let of = |call: &Call| if call.is_write { OF_WRITES.as_slice() } else { OF_READS.as_slice() };
    let all = calls.iter().enumerate();
    all.flat_map(|(number, call)| of(call).iter().map(move |fault| (number, *fault))).collect()
}

/// Everybody in the world, until this is dropped.
struct Tasks(Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

fn start(world: &World) -> Tasks {
    let turning = tokio::spawn(world.clone().turn()).abort_handle();
    let operating = tokio::spawn(operator::run(world.clone())).abort_handle();
    Tasks(vec![turning, operating])
}
