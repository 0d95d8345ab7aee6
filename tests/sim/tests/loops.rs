//! What is done to jobs: each loop is a function of a seed, and says what broke.

pub(crate) mod answers;
pub(crate) mod coordinators;
pub(crate) mod crashes;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures::StreamExt as _;
use millstream_coordinator::JobOutcome;
use millstream_model::Epoch;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Mutex;

use crate::harness::job::SHAPES;
use crate::harness::life::Process;
use crate::harness::{End, Life, Orders, Planted, Shape, World, checks};

/// Runs at the same time: they mostly wait.
const CONCURRENT: usize = 6;

/// What is done to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    /// The process dies at calls to the store or to the target.
    Crashes,
    /// Answers get lost, applied or not, and the process may die later.
    Answers,
    /// Uploads take longer than a checkpoint may, and the process may die later.
    SlowUploads,
    /// A second coordinator starts while the first one runs.
    TwoAtOnce,
    /// A coordinator stands still, a second one takes over, the first one goes on.
    Zombie,
}

pub(crate) const LOOPS: [Loop; 5] =
    [Loop::Crashes, Loop::Answers, Loop::SlowUploads, Loop::TwoAtOnce, Loop::Zombie];

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// One run of a loop. The text of an error says what was done and what broke.
pub(crate) async fn play(what: Loop, seed: u64, planted: &Planted) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let shape = SHAPES[random.random_range(0..SHAPES.len())];
    let world = World::new(shape);
    let mut story = Vec::new();
    let played = match what {
        Loop::Crashes => crashes::play(&world, &mut random, planted, &mut story).await,
        Loop::Answers => answers::lost(&world, &mut random, planted, &mut story).await,
        Loop::SlowUploads => answers::slow(&world, &mut random, planted, &mut story).await,
        Loop::TwoAtOnce => coordinators::two(&world, &mut random, planted, &mut story).await,
        Loop::Zombie => coordinators::zombie(&world, &mut random, planted, &mut story).await,
    };
    let settled = match played {
        Ok(()) => settle(&world, planted).await,
        Err(error) => Err(error),
    };
    settled.map_err(|error| format!("{what} seed {seed}, {shape:?}: {}: {error}", story.join("; ")))
}

/// Runs the futures, some at a time, and gives back what broke.
pub(crate) async fn all<F: Future<Output = Result<(), String>> + Send + 'static>(
    runs: impl IntoIterator<Item = F>,
) -> Vec<String> {
    let outcomes = futures::stream::iter(runs.into_iter().map(tokio::spawn)).buffer_unordered(CONCURRENT);
    outcomes
        .filter_map(|outcome| async move {
            match outcome {
                Ok(result) => result.err(),
                Err(panic) => Some(panic.to_string()),
            }
        })
        .collect()
        .await
}

/// Runs of a loop: some in `make test`, many in `make sim`.
pub(crate) fn runs(usual: u64) -> u64 {
    std::env::var("MILLSTREAM_SIM_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Calls to the store in a life without faults, about: real time decides how many checkpoints there are.
pub(crate) async fn usual_calls(shape: Shape) -> u64 {
    static KNOWN: LazyLock<Mutex<BTreeMap<Shape, u64>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().await;
    if let Some(calls) = known.get(&shape) {
        return *calls;
    }
    let world = World::new(shape);
    let (_, process) = world.live(Orders::new(&Planted::default())).finish(&world).await;
    let calls = process.faults.calls();
    known.insert(shape, calls);
    calls
}

/// A life that has the job for itself, with all that must hold behind it.
pub(crate) async fn live(world: &World, orders: Orders) -> Result<End, String> {
    let owned_before = checks::unpublished(world).await?;
    let finished = world.live(orders).finish(world).await;
    check(world, finished, &owned_before).await
}

async fn check(
    world: &World,
    (end, process): (End, Arc<Process>),
    owned_before: &[Epoch],
) -> Result<End, String> {
    checks::order_is_kept(&process, owned_before)?;
    checks::log_is_sound(world).await?;
    checks::kept_is_complete(world).await?;
    checks::output_is_right(world, false).await?;
    match end {
        End::Died | End::Ended(JobOutcome::Finished { .. }) => Ok(end),
        other => Err(format!("the job {other}")),
    }
}

/// The same, for a life that dies after some time, if it has not ended by then.
pub(crate) async fn live_for(world: &World, orders: Orders, time: Duration) -> Result<End, String> {
    let owned_before = checks::unpublished(world).await?;
    let life = world.live(orders);
    let process = life.process.clone();
    let killed = async {
        tokio::time::sleep(time).await;
        process.faults.kill();
    };
    let (finished, ()) = futures::join!(life.finish(world), killed);
    check(world, finished, &owned_before).await
}

/// A life without faults ends well.
pub(crate) async fn live_to_the_end(world: &World, planted: &Planted) -> Result<(), String> {
    match live(world, Orders::new(planted)).await? {
        End::Died => Err("died without a reason".into()),
        _ => Ok(()),
    }
}

/// Waits for a life that shares the job with others.
pub(crate) async fn outlive(world: &World, life: Life) -> Result<End, String> {
    match life.finish(world).await.0 {
        End::Hung(state) => Err(format!("the job hung: {state}")),
        end => Ok(end),
    }
}

/// K7 and the rest: without faults the job ends, running it again changes nothing, and everything is as it must be.
async fn settle(world: &World, planted: &Planted) -> Result<(), String> {
    live_to_the_end(world, planted).await?;
    world.target.deliver_commits();
    live_to_the_end(world, planted).await?;
    checks::output_is_right(world, true).await?;
    checks::counts_are_right(world).await?;
    checks::nothing_is_left(world).await?;
    checks::output_is_right(world, true).await
}
