//! How many rows are due.
//!
//! Example: 10 rows per second give one row at once and then one every 100 ms. Whoever was held up for 5 s gets the rows of
//! one second at most, and a restored reader starts counting anew: neither makes a burst.

use std::time::Duration;

/// Rows of a split against the time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pace {
    rows_per_second: f64,
    /// From when on `rows` are counted.
    since: Duration,
    rows: f64,
}

impl Pace {
    /// Starts at `now`.
    pub(crate) const fn new(rows_per_second: f64, now: Duration) -> Self {
        Self { rows_per_second, since: now, rows: 0.0 }
    }

    /// Rows that may be handed over now.
    pub(crate) fn due(&mut self, now: Duration) -> u64 {
        let most = self.rows_per_second.max(1.0);
        let mut due = self.allowed(now) - self.rows;
        if due > most {
            self.rows += due - most;
            due = most;
        }
        // The rounding of sums of fractions must not hold back the row that is due exactly now.
        (due + 1e-6).floor().max(0.0) as u64
    }

    /// Notes that rows were handed over.
    pub(crate) fn handed_over(&mut self, rows: u64) {
        self.rows += rows as f64;
    }

    /// How long until the next row is due; at least 1 ms, so that fast tables make batches of some rows.
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        let missing = self.rows + 1.0 - self.allowed(now);
        let seconds = (missing / self.rows_per_second).clamp(0.001, 1.0);
        Duration::from_secs_f64(seconds)
    }

    fn allowed(&self, now: Duration) -> f64 {
        1.0 + now.saturating_sub(self.since).as_secs_f64() * self.rows_per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_due_with_time() {
        let at = Duration::from_millis;
        let mut pace = Pace::new(10.0, at(5_000));
        let table = [
            (5_000, 1, 100),
            (5_050, 0, 50),
            (5_100, 1, 100),
            (5_350, 2, 50),
            (5_400, 1, 100),
            // Held up for five seconds: one second's rows, and no debt left.
            (10_400, 10, 100),
            (10_450, 0, 50),
        ];
        for (now, due, wait) in table {
            assert_eq!(pace.due(at(now)), due, "at {now} ms");
            pace.handed_over(due);
            let waited = pace.wait(at(now));
            assert!(waited.abs_diff(at(wait)) < at(1), "at {now} ms: {waited:?}");
        }
    }

    #[test]
    fn fast_tables_wait_a_millisecond() {
        let mut pace = Pace::new(100_000.0, Duration::ZERO);
        assert_eq!(pace.due(Duration::from_millis(1)), 101);
        pace.handed_over(101);
        assert_eq!(pace.wait(Duration::from_millis(1)), Duration::from_millis(1));
    }

    #[test]
    fn a_row_every_ten_seconds() {
        let mut pace = Pace::new(0.1, Duration::ZERO);
        assert_eq!(pace.due(Duration::ZERO), 1);
        pace.handed_over(1);
        assert_eq!(pace.due(Duration::from_secs(9)), 0);
        assert_eq!(pace.due(Duration::from_secs(10)), 1);
    }
}
