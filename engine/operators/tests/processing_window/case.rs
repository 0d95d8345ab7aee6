//! One random history: batches, a clock that steps, subtasks that look at it at different moments, checkpoints, restores with other
//! parallelisms. The model keeps every row of every window that has not fired.

use std::collections::BTreeMap;

use millstream_operators::OperatorError;
use millstream_test_testkit::harness::{Harness, Wrap, set_clock};
use millstream_test_testkit::plans::{Aggregation, MAX_HOLD_MS};
use millstream_test_testkit::table::{print_rows, rows};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

type Rows = Vec<(String, i64)>;

struct Case {
    aggregation: Aggregation,
    harness: Harness,
    size: i64,
    slide: i64,
    now_ms: i64,
    /// Rows in the first phase, and since when.
    held: (Rows, Option<i64>),
    /// Values by window end in seconds and key.
    open: BTreeMap<(i64, String), Vec<i64>>,
}

/// Runs a history; `Err` says how the operator differs from the model.
pub(crate) fn run(seed: u64, wrap: Wrap) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let random = &mut random;
    let has_two_phases = random.random_bool(0.4);
    let calls = if has_two_phases {
        "COUNT(*), SUM(v), MAX(v)"
    } else {
        "COUNT(*), SUM(v), MAX(v), COUNT(DISTINCT v)"
    };
    let mut aggregation = Aggregation::over("k STRING | v INT", "k", calls);
    aggregation.has_two_phases = has_two_phases;
    aggregation.budget_rows = *[1, 10_000].choose(random).unwrap();
    let (size, slide) = *[(1, 1), (3, 3), (4, 2), (6, 1)].choose(random).unwrap();
    set_clock(0);
    let plan = aggregation.processing_windows(size, slide);
    let harness = Harness::new(plan, random.random_range(1..4), wrap).map_err(|e| e.to_string())?;
    let held = (Vec::new(), None);
    let mut case = Case { aggregation, harness, size, slide, now_ms: 0, held, open: BTreeMap::new() };
    for _ in 0..random.random_range(5..60) {
        case.step(random)?;
    }
    case.flush();
    case.harness.finish().map_err(|e| e.to_string())?;
    case.check(Some(i64::MAX))
}

impl Case {
    fn step(&mut self, random: &mut StdRng) -> Result<(), String> {
        let failed = |e: OperatorError| e.to_string();
        match random.random_range(0..10) {
            0..=3 => {
                let batch: Rows = (0..random.random_range(1..30))
                    .map(|_| (format!("k{}", random.random_range(0..20)), random.random_range(0..4)))
                    .collect();
                let lines: Vec<String> = batch.iter().map(|(k, v)| format!("{k}|{v}")).collect();
                self.harness.push(rows(&self.aggregation.rows, &lines.join("\n"))).map_err(failed)?;
                self.hold(batch);
                // Nothing fires by itself.
                self.check(None)
            }
            4 | 5 => {
                self.now_ms += *[7, 300, 1_000, 5_000].choose(random).unwrap();
                set_clock(self.now_ms);
                Ok(())
            }
            6 | 7 => {
                let subtasks = *[1, usize::MAX, usize::MAX].choose(random).unwrap();
                self.harness.clock(subtasks).map_err(failed)?;
                if subtasks == 1 { self.check_some() } else { self.check(Some(self.now_ms)) }
            }
            _ => {
                self.flush();
                self.harness.checkpoint().map_err(failed)?;
                if random.random_bool(0.5) {
                    self.harness.restore(random.random_range(1..4)).map_err(failed)?;
                }
                self.check(None)
            }
        }
    }

    fn hold(&mut self, batch: Rows) {
        let (held, since) = &mut self.held;
        held.extend(batch);
        let is_long = self.now_ms - *since.get_or_insert(self.now_ms) >= MAX_HOLD_MS;
        if is_long || !self.aggregation.has_two_phases {
            self.flush();
        }
    }

    /// What was held back goes to the windows of this moment.
    fn flush(&mut self) {
        let (held, since) = &mut self.held;
        *since = None;
        for (key, value) in held.drain(..) {
            let first = (self.now_ms.div_euclid(self.slide * 1_000) + 1) * self.slide;
            for end in (first..first + self.size).step_by(self.slide as usize) {
                self.open.entry((end, key.clone())).or_default().push(value);
            }
        }
    }

    /// Takes the output out of the model, where it must be, and due.
    fn check_some(&mut self) -> Result<(), String> {
        self.fired(self.now_ms)
    }

    /// The same, and nothing that is due by then may be left; `None`: there must be no output.
    fn check(&mut self, due_ms: Option<i64>) -> Result<(), String> {
        self.fired(due_ms.unwrap_or(i64::MIN))?;
        let due = due_ms.unwrap_or(i64::MIN).div_euclid(1_000);
        match self.open.first_key_value() {
            Some(((end, key), values)) if *end <= due => Err(format!(
                "at {} ms the window of {key} that ends at {end} is missing: {values:?}",
                self.now_ms
            )),
            _ => Ok(()),
        }
    }

    fn fired(&mut self, due_ms: i64) -> Result<(), String> {
        let output = self.harness.take_output();
        for line in output.iter().flat_map(print_rows) {
            let cells: Vec<&str> = line.split(" | ").collect();
            let number = |i: usize| cells[i].parse::<i64>().unwrap();
            let (start, end, key) = (number(1), number(2), cells[3].to_owned());
            let values = self.open.remove(&(end, key)).unwrap_or_default();
            let mut distinct = values.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let mut expected =
                vec![values.len() as i64, values.iter().sum(), *values.iter().max().unwrap_or(&-1)];
            if !self.aggregation.has_two_phases {
                expected.push(distinct.len() as i64);
            }
            let found: Vec<i64> = (4..cells.len()).map(number).collect();
            if cells[0] != "+I" || end - start != self.size || end * 1_000 > due_ms || found != expected {
                return Err(format!("at {} ms {line}, expected {expected:?}", self.now_ms));
            }
        }
        Ok(())
    }
}
