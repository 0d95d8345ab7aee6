//! One random history: batches, clocks that step, walks, checkpoints, restores with other parallelisms and other TTLs.

use millstream_operators::OperatorError;
use millstream_plan::{StateTtl, TtlTime};
use millstream_test_testkit::harness::{Harness, Wrap, set_clock};
use millstream_test_testkit::plans::Aggregation;
use millstream_test_testkit::table::{print_rows, rows};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::model::Model;

/// Runs a history; `Err` says how the operator differs from the model.
pub(crate) fn run(seed: u64, wrap: Wrap) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let random = &mut random;
    let (has_calls, is_retracting) = (random.random_bool(0.8), random.random_bool(0.7));
    let calls = if has_calls { "COUNT(*), SUM(v), MAX(v), COUNT(DISTINCT v)" } else { "" };
    let mut plan = Aggregation::over("k STRING | v INT", "k", calls);
    plan.is_retracting = is_retracting;
    plan.budget_rows = *[1, 10_000].choose(random).unwrap();
    plan.ttl = ttl(random);
    set_clock(0);
    let failed = |e: OperatorError| e.to_string();
    let harness = Harness::new(plan.group_by(), random.random_range(1..4), wrap).map_err(failed)?;
    let model = Model::new(plan.ttl, has_calls, is_retracting);
    let mut case = Case { plan, harness, model, inserted: Vec::new() };
    for _ in 0..random.random_range(5..60) {
        case.step(random)?;
    }
    case.end()
}

fn ttl(random: &mut StdRng) -> Option<StateTtl> {
    let time = *[TtlTime::Processing, TtlTime::Event].choose(random).unwrap();
    let millis = *[0, 1, 40, 400, 400].choose(random).unwrap();
    (millis > 0).then_some(StateTtl { millis, time })
}

struct Case {
    plan: Aggregation,
    harness: Harness,
    model: Model,
    /// Rows to be retracted some day, perhaps after their group has expired.
    inserted: Vec<(String, i64)>,
}

impl Case {
    fn step(&mut self, random: &mut StdRng) -> Result<(), String> {
        let failed = |e: OperatorError| e.to_string();
        match random.random_range(0..10) {
            0..=3 => return self.batch(random),
            4 | 5 => {
                self.model.now += random.random_range(0..120);
                set_clock(self.model.now);
            }
            6 | 7 => {
                let watermark = self.model.watermark.unwrap_or(-500) + random.random_range(1..120);
                self.harness.watermark(watermark * 1_000 + random.random_range(0..1_000)).map_err(failed)?;
                if self.model.watermark.is_none() {
                    // What a checkpoint has without a time is written at the watermark that it is restored with.
                    self.harness.checkpoint().map_err(failed)?;
                    self.harness.restore(2).map_err(failed)?;
                }
                self.model.advance(watermark);
            }
            8 => drop(self.harness.expire(random.random_range(1..5)).map_err(failed)?),
            _ => {
                self.harness.checkpoint().map_err(failed)?;
                if random.random_bool(0.5) {
                    if random.random_bool(0.3) {
                        self.sweep().map_err(failed)?;
                        self.plan.ttl = ttl(random);
                    }
                    let parallelism = random.random_range(1..4);
                    self.harness.restore_as(self.plan.group_by(), parallelism).map_err(failed)?;
                    self.model.restore(self.plan.ttl);
                }
            }
        }
        Ok(())
    }

    /// Under another TTL it would matter which of the groups that have expired are gone already: now all of them are.
    fn sweep(&mut self) -> Result<(), OperatorError> {
        // A walk that is under way ends, and another one begins.
        self.model.now += 100;
        set_clock(self.model.now);
        if let Some(watermark) = self.model.watermark {
            self.harness.watermark((watermark + 100) * 1_000)?;
            self.model.advance(watermark + 100);
        }
        for _ in 0..2 {
            while self.harness.expire(1)? {}
        }
        self.model.sweep();
        self.harness.checkpoint()
    }

    fn batch(&mut self, random: &mut StdRng) -> Result<(), String> {
        let mut batch = Vec::new();
        for _ in 0..random.random_range(1..30) {
            // Without a TTL opposite rows of a batch cancel before anything is looked up, which the model does not do.
            let may_retract = self.model.is_retracting && self.plan.ttl.is_some();
            let retracts = may_retract && !self.inserted.is_empty() && random.random_bool(0.4);
            let (key, value) = if retracts {
                self.inserted.swap_remove(random.random_range(0..self.inserted.len()))
            } else {
                let skewed = random.random_range(0..6) * random.random_range(0..6);
                let row = (format!("k{skewed}"), random.random_range(-3..7));
                self.inserted.push(row.clone());
                row
            };
            batch.push((if retracts { -1 } else { 1 }, key, value));
        }
        let line = |(sign, key, value): &(i64, String, i64)| {
            format!("{} | {key} | {value}", if *sign < 0 { "-D" } else { "+I" })
        };
        let text: Vec<String> = batch.iter().map(line).collect();
        let expected = self.model.batch(&batch);
        let input = rows(&self.plan.rows, &text.join("\n"));
        self.harness.push(input).map_err(|e| e.to_string())?;
        let mut found: Vec<String> = self.harness.take_output().iter().flat_map(print_rows).collect();
        found.sort();
        if found == expected {
            return Ok(());
        }
        let Model { now, watermark, ttl, .. } = &self.model;
        Err(format!("{text:#?}\nat {now}, {watermark:?} with {ttl:?}\n{found:#?}\ninstead of {expected:#?}"))
    }

    /// Every retraction was counted, and in the end nothing is left anywhere.
    fn end(mut self) -> Result<(), String> {
        let failed = |e: OperatorError| e.to_string();
        let counters = self.harness.counters();
        let lost = counters.late_dropped + counters.lost_retractions;
        if lost != self.model.lost {
            return Err(format!("{lost} retractions were lost instead of {}", self.model.lost));
        }
        if self.plan.ttl.is_none() {
            return Ok(());
        }
        set_clock(self.model.now + 10_000);
        // Twice, since the first watermark may be the one that groups count as written at.
        for seconds in [100, 200] {
            self.harness.watermark(seconds * 1_000_000).map_err(failed)?;
            while self.harness.expire(1).map_err(failed)? {}
        }
        self.harness.checkpoint().map_err(failed)?;
        match self.harness.live_rows().map_err(failed)? {
            live if live.is_empty() => Ok(()),
            live => Err(format!("{live:?} are left")),
        }
    }
}
