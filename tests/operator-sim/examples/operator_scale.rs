//! Measures the operator with many jobs on a real API server: how soon it acts, what it writes, and what it takes.
//!
//! Engines and pods are made up and cost the operator nothing but their answers; everything else is real. `make bench-operator` runs
//! this with an operator that was built for release.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and ends where it cannot go on"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use millstream_test_kube::ControlPlane;
use millstream_test_operator_sim::fleet::{Fleet, Usage};
use tokio::time::{Instant, sleep};

/// Measures the operator.
#[derive(Parser)]
struct Arguments {
    /// The operator's program
    #[arg(long)]
    operator: PathBuf,
    /// How many jobs
    #[arg(long, default_value_t = 1_000)]
    jobs: usize,
    /// How many jobs are applied in a second
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// How many jobs are applied one by one beside all others, once these have settled
    #[arg(long, default_value_t = 100)]
    late: usize,
    /// For how many seconds the settled operator is watched
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// How many seconds all jobs together may take to settle
    #[arg(long, default_value_t = 1_800)]
    patience: u64,
    /// Say what misses its bound in the exit code
    #[arg(long)]
    judge: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let namespace = ControlPlane::shared().namespace("scale");
    let fleet = Fleet::start(&namespace, &arguments.operator).await;
    let empty = fleet.operator.usage();
    let began = Instant::now();
    fleet.create((0..arguments.jobs).map(|n| format!("job-{n}")), arguments.rate).await;
    let applied_s = began.elapsed().as_secs_f64();
    fleet.settle(arguments.jobs, Duration::from_secs(arguments.patience)).await;
    let all = fleet.seen.latencies();
    fleet.create((0..arguments.late).map(|n| format!("late-{n}")), 2.0).await;
    fleet.settle(arguments.jobs + arguments.late, Duration::from_secs(arguments.patience)).await;
    // The late ones are what came on top.
    let late = beside(&all, fleet.seen.latencies());

    let (changes, writes) = (fleet.seen.changes(), fleet.operator.metric("millstream_operator_writes_total"));
    let reconciles = fleet.operator.metric("millstream_operator_reconciles_total");
    let before = fleet.operator.usage();
    sleep(Duration::from_secs(arguments.seconds)).await;
    let after = fleet.operator.usage();
    let changes = fleet.seen.changes() - changes;
    let writes = fleet.operator.metric("millstream_operator_writes_total") - writes;
    let reconciles = fleet.operator.metric("millstream_operator_reconciles_total") - reconciles;

    println!(
        "{} jobs, applied in {applied_s:.0} s; then {} more; watched for {} s",
        arguments.jobs, arguments.late, arguments.seconds
    );
    println!("memory without jobs: {:.0} MB; at most: {:.0} MB", empty.rss_mb, after.peak_mb);
    println!("looks at settled jobs: {reconciles:.0}, writes: {writes:.0}");
    let figures = figures(&all, &late, changes, before, after, arguments.seconds);
    let mut misses = 0;
    for Figure { what, value, bound, unit } in &figures {
        let is_met = value <= bound;
        misses += usize::from(!is_met);
        println!(
            "{what:<52} {value:>9.3} {unit:<5} bound {bound:>7.3} {}",
            if is_met { "met" } else { "MISSED" }
        );
    }
    if arguments.judge && misses > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

struct Figure {
    what: &'static str,
    value: f64,
    bound: f64,
    unit: &'static str,
}

fn figures(
    all: &[Duration],
    late: &[Duration],
    changes: usize,
    before: Usage,
    after: Usage,
    seconds: u64,
) -> Vec<Figure> {
    let figure = |what, value, bound, unit| Figure { what, value, bound, unit };
    let cores = (after.cpu_s - before.cpu_s) / Duration::from_secs(seconds).as_secs_f64();
    vec![
        figure("apply to first action, all at a time, p50", percentile(all, 50), 2.0, "s"),
        figure("apply to first action, all at a time, p99", percentile(all, 99), 2.0, "s"),
        figure("apply to first action, beside settled jobs, p50", percentile(late, 50), 2.0, "s"),
        figure("apply to first action, beside settled jobs, p99", percentile(late, 99), 2.0, "s"),
        figure("changes of settled jobs", f64::from(u32::try_from(changes).unwrap()), 0.0, ""),
        figure("memory (RSS)", after.rss_mb, 150.0, "MB"),
        figure("processor while nothing happens", cores, 0.05, "cores"),
    ]
}

/// What `more` has that `some` has not; both in order.
fn beside(some: &[Duration], more: Vec<Duration>) -> Vec<Duration> {
    let mut some = some.iter().peekable();
    more.into_iter().filter(|value| some.next_if(|other| *other == value).is_none()).collect()
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).map_or(f64::INFINITY, Duration::as_secs_f64)
}
