//! One random case: a plan, rows, and what happens to them.

use std::collections::BTreeMap;

use millstream_operators::OperatorError;
use millstream_plan::{WindowKind, WindowSpec};
use millstream_test_testkit::changelog::Folded;
use millstream_test_testkit::harness::{Harness, HarnessPlan, Wrap};
use millstream_test_testkit::plans::Aggregation;
use millstream_test_testkit::table::{print_rows, rows};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::random::model::{ROWS, Row, group_by};

const CALLS: [&str; 23] = [
    "COUNT(*)",
    "COUNT(s)",
    "COUNT(v) FILTER f",
    "SUM(n)",
    "SUM(v)",
    "SUM(d)",
    "SUM(x)",
    "SUM(d) FILTER f",
    "AVG(n)",
    "AVG(v)",
    "AVG(d)",
    "AVG(x)",
    "MIN(v)",
    "MAX(s)",
    "MIN(d)",
    "MAX(ts)",
    "MIN(x)",
    "COUNT(DISTINCT s)",
    "SUM(DISTINCT d)",
    "AVG(DISTINCT n) FILTER f",
    "COUNT(DISTINCT n)",
    "COUNT(DISTINCT s) FILTER f",
    "COUNT(DISTINCT d) FILTER f",
];
const SECOND: i64 = 1_000_000;

/// Runs a case; `Err` says how the operators differ from the model.
pub(crate) fn run(seed: u64, wrap: Wrap) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut aggregation = aggregation(&mut random);
    aggregation.budget_rows = *[1, 5, 10_000].choose(&mut random).unwrap();
    let mut case = match random.random_range(0..6) {
        0 | 1 => Case::unbounded(aggregation, &mut random, wrap),
        2 | 3 => Case::windowed(aggregation, &mut random, wrap),
        4 => Case::growing(aggregation, &mut random, wrap),
        _ => Case::sessions(aggregation, &mut random, wrap),
    }
    .map_err(|e| e.to_string())?;
    let describe = format!("{:?}", case.aggregation.calls.iter().map(|c| &c.name).collect::<Vec<_>>());
    case.play(&mut random).map_err(|difference| format!("{difference}\n{describe}"))
}

fn aggregation(random: &mut StdRng) -> Aggregation {
    let keys = *["", "k", "n", "k, n", "x"].choose(random).unwrap();
    let calls: Vec<&str> = CALLS.sample(random, 4).copied().collect();
    let plain = Aggregation::over(ROWS, keys, &calls.join(", "));
    let has_distinct = plain.calls.iter().any(|c| c.is_distinct);
    match random.random_range(0..3) {
        0 => plain.retracting(),
        1 if !has_distinct => plain.two_phases(),
        _ => plain,
    }
}

/// Rows that count in one window, or in the whole input.
type Live = Vec<Row>;

/// Rows of one key that follow each other.
struct Session {
    start: i64,
    end: i64,
    rows: Live,
}

struct Case {
    aggregation: Aggregation,
    window: Option<WindowSpec>,
    harness: Harness,
    /// Rows inserted and not retracted, whether late or not.
    inserted: Live,
    /// Rows that count, by the end of their window; 0 without windows.
    live: BTreeMap<i64, Live>,
    sessions: Vec<Session>,
    late: u64,
    watermark: i64,
    folded: Folded,
    expected_rows: Vec<String>,
    emitted_rows: Vec<String>,
}

impl Case {
    fn unbounded(aggregation: Aggregation, random: &mut StdRng, wrap: Wrap) -> Result<Self, OperatorError> {
        let harness = Harness::new(aggregation.group_by(), random.random_range(1..4), wrap)?;
        Ok(Self::new(aggregation, None, harness))
    }

    fn windowed(aggregation: Aggregation, random: &mut StdRng, wrap: Wrap) -> Result<Self, OperatorError> {
        let (size, slide) = *[(10, 10), (6, 2), (5, 2), (3, 7), (20, 1), (24, 3)].choose(random).unwrap();
        let plan = aggregation.windows("ts", size, slide);
        Self::over_windows(aggregation, plan, random, wrap)
    }

    fn growing(aggregation: Aggregation, random: &mut StdRng, wrap: Wrap) -> Result<Self, OperatorError> {
        let (size, step) = *[(10, 10), (6, 2), (20, 1), (24, 3)].choose(random).unwrap();
        let plan = aggregation.growing_windows("ts", size, step);
        Self::over_windows(aggregation, plan, random, wrap)
    }

    fn sessions(aggregation: Aggregation, random: &mut StdRng, wrap: Wrap) -> Result<Self, OperatorError> {
        let aggregation = Aggregation { is_retracting: false, has_two_phases: false, ..aggregation };
        let plan = aggregation.sessions("ts", *[1, 2, 5, 20].choose(random).unwrap());
        Self::over_windows(aggregation, plan, random, wrap)
    }

    fn over_windows(
        aggregation: Aggregation,
        plan: HarnessPlan,
        random: &mut StdRng,
        wrap: Wrap,
    ) -> Result<Self, OperatorError> {
        let window = match &plan.keyed {
            millstream_plan::OperatorSpec::WindowAggregate(spec) => Some(spec.window),
            _ => None,
        };
        let harness = Harness::new(plan, random.random_range(1..4), wrap)?;
        Ok(Self::new(aggregation, window, harness))
    }

    fn new(aggregation: Aggregation, window: Option<WindowSpec>, harness: Harness) -> Self {
        Self {
            aggregation,
            window,
            harness,
            inserted: Vec::new(),
            live: BTreeMap::new(),
            sessions: Vec::new(),
            late: 0,
            watermark: i64::MIN,
            folded: Folded::default(),
            expected_rows: Vec::new(),
            emitted_rows: Vec::new(),
        }
    }

    fn play(&mut self, random: &mut StdRng) -> Result<(), String> {
        let mut now = 0_i64;
        for _ in 0..random.random_range(3..25) {
            now += random.random_range(0..4) * SECOND;
            let batch_rows = *[1, 7, 40].choose(random).unwrap();
            let text = self.batch(batch_rows, now, random);
            let columns = self.aggregation.rows.clone();
            self.done(|h| h.push(rows(&columns, &text)))?;
            match random.random_range(0..8) {
                0 => self.checkpoint_and_restore(random)?,
                1 => self.done(Harness::checkpoint)?,
                2 | 3 => self.advance(now - random.random_range(0..6) * SECOND)?,
                _ => {}
            }
        }
        self.checkpoint_and_restore(random)?;
        self.finish()
    }

    /// Lines of a batch, applied to the model.
    fn batch(&mut self, size: usize, now: i64, random: &mut StdRng) -> String {
        let mut text = String::new();
        // The watermark of the one split that all rows come from.
        let mut split = self.watermark.max(now - 8 * SECOND);
        for _ in 0..random.random_range(1..=size) {
            let retracts =
                self.aggregation.is_retracting && !self.inserted.is_empty() && random.random_bool(0.4);
            let (kind, row) = if retracts {
                ("-D", self.inserted.swap_remove(random.random_range(0..self.inserted.len())))
            } else {
                ("+I", random_row(now, random))
            };
            split = split.max(time(&row) - 9 * SECOND);
            text += &format!("{kind} | {} | @ {}\n", row.line(), split as f64 / SECOND as f64);
            self.apply(row, retracts, split);
        }
        text
    }

    fn apply(&mut self, row: Row, retracts: bool, split: i64) {
        let ends: Vec<i64> = match &self.window {
            None => vec![0],
            Some(window) if window.is_session() => return self.apply_to_sessions(row, window.size(), split),
            Some(window) => {
                let all = windows(window, time(&row));
                let judge = split.max(self.watermark);
                let open: Vec<i64> = all.iter().copied().filter(|end| judge < end - 1_000).collect();
                self.late += u64::from(open.is_empty() && !all.is_empty());
                open
            }
        };
        for end in ends {
            let live = self.live.entry(end).or_default();
            if !retracts {
                live.push(row.clone());
            } else if let Some(index) = live.iter().position(|r| *r == row) {
                live.swap_remove(index);
            }
        }
        if !retracts {
            self.inserted.push(row);
        }
    }

    /// Takes out the sessions that the row joins, and puts the joined one in, unless it is late.
    fn apply_to_sessions(&mut self, row: Row, gap: i64, split: i64) {
        let judge = split.max(self.watermark);
        let mut joined = Session { start: time(&row), end: time(&row) + gap, rows: Vec::new() };
        let key = row.key(&self.aggregation.keys);
        let is_joined = |session: &Session| {
            session.rows[0].key(&self.aggregation.keys) == key
                && judge < session.end - 1_000
                && session.start <= time(&row) + gap
                && session.end >= time(&row)
        };
        let (found, others): (Vec<Session>, Vec<Session>) =
            std::mem::take(&mut self.sessions).into_iter().partition(is_joined);
        self.sessions = others;
        for session in found {
            joined.start = joined.start.min(session.start);
            joined.end = joined.end.max(session.end);
            joined.rows.extend(session.rows);
        }
        joined.rows.push(row);
        if judge < joined.end - 1_000 {
            self.sessions.push(joined);
        } else {
            self.late += 1;
        }
    }

    fn advance(&mut self, watermark: i64) -> Result<(), String> {
        self.watermark = self.watermark.max(watermark);
        self.done(|h| h.watermark(watermark))?;
        let Some(window) = self.window else { return self.compare_folded() };
        let is_over = |session: &Session| self.watermark >= session.end - 1_000;
        let (over, open): (Vec<Session>, Vec<Session>) =
            std::mem::take(&mut self.sessions).into_iter().partition(is_over);
        self.sessions = open;
        for session in over {
            self.expect(session.start, session.end, &session.rows);
        }
        while let Some((end, _)) = self.live.first_key_value() {
            if self.watermark < end - 1_000 {
                break;
            }
            let Some((end, live)) = self.live.pop_first() else { break };
            self.expect(start_of(&window, end), end, &live);
        }
        self.compare_windows()
    }

    /// A window must have been emitted with these rows.
    fn expect(&mut self, start: i64, end: i64, rows: &[Row]) {
        let prefix = format!("{} | {}", seconds(start / 1_000), seconds(end / 1_000));
        let Aggregation { rows: schema, keys, calls, .. } = &self.aggregation;
        let lines = group_by(rows.iter(), schema, keys, calls);
        self.expected_rows.extend(lines.into_iter().map(|l| format!("{prefix} | {l}")));
    }

    fn checkpoint_and_restore(&mut self, random: &mut StdRng) -> Result<(), String> {
        self.done(Harness::checkpoint)?;
        let parallelism = random.random_range(1..4);
        self.done(|h| h.restore(parallelism))?;
        if self.window.is_none() { self.compare_folded() } else { self.compare_windows() }
    }

    fn finish(&mut self) -> Result<(), String> {
        self.advance(i64::MAX)?;
        self.done(Harness::finish)?;
        let counters = self.harness.counters();
        let late = counters.late_dropped + self.harness.first_counters().late_dropped;
        if late != self.late || counters.lost_retractions != 0 {
            return Err(format!("{late} late instead of {}, {counters:?}", self.late));
        }
        self.done(Harness::checkpoint)?;
        if self.window.is_none() {
            return self.compare_folded();
        }
        self.compare_windows()?;
        // All windows have fired: nothing may be left of them.
        self.done(|h| h.restore(2))?;
        match self.harness.stored_rows().map_err(|e| e.to_string())? {
            0 => Ok(()),
            rows => Err(format!("{rows} rows of state after the last window")),
        }
    }

    /// Does something to the harness and takes its output.
    fn done(&mut self, act: impl FnOnce(&mut Harness) -> Result<(), OperatorError>) -> Result<(), String> {
        act(&mut self.harness).map_err(|e| e.to_string())?;
        let output = self.harness.take_output();
        self.folded.apply(&output)?;
        let lines = output.iter().flat_map(print_rows);
        self.emitted_rows.extend(lines.filter_map(|l| Some(l.split_once(" | ")?.1.to_owned())));
        Ok(())
    }

    /// After a flush: what the changelog folds to is the answer over the rows so far.
    fn compare_folded(&self) -> Result<(), String> {
        let live = self.live.values().flatten();
        let expected =
            group_by(live, &self.aggregation.rows, &self.aggregation.keys, &self.aggregation.calls);
        compare(expected, self.folded.rows())
    }

    /// Each window was emitted once, when it had to be.
    fn compare_windows(&self) -> Result<(), String> {
        compare(self.expected_rows.clone(), self.emitted_rows.clone())
    }
}

fn compare(mut expected: Vec<String>, mut found: Vec<String>) -> Result<(), String> {
    expected.sort();
    found.sort();
    if expected == found {
        return Ok(());
    }
    let missing: Vec<&String> = expected.iter().filter(|e| !found.contains(e)).collect();
    let surplus: Vec<&String> = found.iter().filter(|f| !expected.contains(f)).collect();
    Err(format!(
        "{} rows instead of {}; missing {missing:#?}; surplus {surplus:#?}",
        found.len(),
        expected.len()
    ))
}

/// Ends of all windows that hold a time, found by trying.
fn windows(window: &WindowSpec, time: i64) -> Vec<i64> {
    let near = time.div_euclid(window.slide());
    let ends = (near - 40..near + 40).map(|n| n * window.slide() + window.size());
    ends.filter(|end| start_of(window, *end) <= time && time < *end).collect()
}

/// The start of the window that ends at a time, found by trying.
fn start_of(window: &WindowSpec, end: i64) -> i64 {
    match window.kind {
        WindowKind::Cumulate { size, .. } => {
            let near = end.div_euclid(size);
            (near - 2..near + 2).map(|n| n * size).rfind(|start| *start < end).unwrap()
        }
        _ => end - window.size(),
    }
}

fn time(row: &Row) -> i64 {
    (row.cells[7].as_deref().unwrap_or("0").parse::<f64>().unwrap() * SECOND as f64).round() as i64
}

fn random_row(now: i64, random: &mut StdRng) -> Row {
    let mut cell = |text: String| (!random.random_bool(0.15)).then_some(text);
    let mut cells = vec![cell(String::new()), cell(String::new()), cell(String::new()), cell(String::new())];
    cells.extend([cell(String::new()), cell(String::new()), cell(String::new())]);
    // Few keys are hot, many are rare.
    let skewed = random.random_range(0..4) * random.random_range(0..4);
    let texts = [
        format!("key{skewed}"),
        random.random_range(-2..5).to_string(),
        random.random_range(-128..128).to_string(),
        format!(
            "{}{}.{:02}",
            if random.random_bool(0.3) { "-" } else { "" },
            random.random_range(1..300),
            random.random_range(0..100)
        ),
        ["a", "b", "ab", "ä", "zz", ""][random.random_range(0..5)].to_owned(),
        format!("{:?}", f64::from(random.random_range(-8..9)) * 0.25),
        random.random_bool(0.5).to_string(),
    ];
    for (cell, text) in cells.iter_mut().zip(texts) {
        *cell = cell.take().map(|_| text);
    }
    // Up to 12 seconds out of order, on whole and half seconds so that rows hit the edges of windows.
    let millis = now / 1_000 - random.random_range(0..24) * 500 - i64::from(random.random_bool(0.1));
    cells.push(Some(seconds(millis)));
    Row { cells }
}

/// Milliseconds as seconds, as tables print them.
fn seconds(millis: i64) -> String {
    let text =
        format!("{}{}.{:03}", if millis < 0 { "-" } else { "" }, millis.abs() / 1_000, millis.abs() % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
