//! What happens in one run, drawn from its seed.

use std::fmt;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::query::Query;

/// Rows of every run.
const ROWS: u64 = 100_000;

/// Where checkpoints are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    File,
    /// Checkpoints and output are in a bucket.
    S3,
}

/// What happens beside the kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    None,
    /// The process is stopped for longer than a checkpoint may take, several times.
    Stops,
    /// One incarnation has a checkpoint timeout that hardly any checkpoint meets.
    ShortTimeout,
    /// An incarnation starts from an older epoch.
    GoingBack,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct KillPlan {
    pub(super) seed: u64,
    pub(super) query: Query,
    pub(super) storage: Storage,
    pub(super) parallelism: u64,
    pub(super) disturbance: Disturbance,
    pub(super) rows: u64,
    pub(super) files: u64,
    pub(super) format: &'static str,
    pub(super) interval_ms: u64,
    pub(super) kills: u64,
}

impl KillPlan {
    /// The low bits of the seed walk through all combinations of storage, parallelism and disturbance; the rest is random.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let disturbances = [
            Disturbance::None,
            Disturbance::Stops,
            Disturbance::GoingBack,
            Disturbance::None,
            Disturbance::ShortTimeout,
            Disturbance::None,
            Disturbance::GoingBack,
            Disturbance::Stops,
        ];
        Self {
            seed,
            query: Query::ALL[random.random_range(0..Query::ALL.len())],
            storage: if (seed / 4 + seed).is_multiple_of(2) { Storage::File } else { Storage::S3 },
            parallelism: seed % 4 + 1,
            disturbance: disturbances[(seed / 4 % 8) as usize],
            rows: ROWS,
            files: random.random_range(1..=6),
            format: if random.random_bool(0.5) { "csv" } else { "json" },
            interval_ms: random.random_range(80..=200),
            kills: random.random_range(2..=4),
        }
    }
}

impl fmt::Display for KillPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {:?} on {:?}, parallelism {}, {} {} files, checkpoints every {} ms, {:?}",
            self.seed,
            self.query,
            self.storage,
            self.parallelism,
            self.files,
            self.format,
            self.interval_ms,
            self.disturbance
        )
    }
}
