//! How a running job shows itself on stderr: one line that changes on a terminal, a log line every few seconds elsewhere.
//!
//! Example: `Running  12,345 rows in (4,100/s)  87 rows out  42%  watermark 2013-01-14 10:00:00  epoch 3 (1 s ago)`.

use std::io::{IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millstream_coordinator::JobStatus;
use tokio::sync::watch;
use tracing_subscriber::fmt::MakeWriter;

/// Pause between lines where no terminal is.
const LINE_PAUSE: Duration = Duration::from_secs(5);

/// The display of one run. Log lines go through it, so that they do not tear the changing line.
#[derive(Clone, Debug)]
pub(super) struct Display {
    bar: ProgressBar,
    is_terminal: bool,
}

impl Display {
    /// A display on stderr; a quiet one shows nothing.
    pub(super) fn new(is_quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && !is_quiet;
        let target =
            if is_terminal { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, is_terminal }
    }

    /// Shows the status until it closes.
    pub(super) async fn follow(self, mut status: watch::Receiver<JobStatus>) {
        let mut rate = Rate::default();
        let mut last_line: Option<Instant> = None;
        while status.changed().await.is_ok() {
            let now = now();
            let line = {
                let status = status.borrow_and_update();
                let rows_per_second = rate.per_second(status.rows_in, now);
                line(&status, rows_per_second)
            };
            if self.is_terminal {
                self.bar.set_message(line);
                self.bar.tick();
            } else if last_line.is_none_or(|l| now.duration_since(l) >= LINE_PAUSE) {
                // The first line comes after a pause: a job that is done by then needs none.
                if last_line.is_some() {
                    tracing::info!("{line}");
                }
                last_line = Some(now);
            }
        }
        self.bar.finish_and_clear();
    }

    /// A writer for log lines.
    pub(super) fn log_writer(&self) -> LogWriter {
        LogWriter { bar: self.bar.clone(), line: Arc::default() }
    }
}

/// Rows a second, smoothed over about two seconds.
#[derive(Debug, Default)]
struct Rate {
    last: Option<(u64, Instant)>,
    smoothed: Option<f64>,
}

impl Rate {
    fn per_second(&mut self, rows: u64, now: Instant) -> f64 {
        // A restored job begins with the rows that earlier runs read, so nothing follows from the first number above 0.
        if let Some((before, at)) = self.last.filter(|(before, _)| *before > 0) {
            let seconds = now.duration_since(at).as_secs_f64();
            if seconds < 0.05 {
                return self.smoothed.unwrap_or(0.0);
            }
            let current = rows.saturating_sub(before) as f64 / seconds;
            let weight = (seconds / 2.0).min(1.0);
            self.smoothed = Some(self.smoothed.map_or(current, |s| s + (current - s) * weight));
        }
        self.last = Some((rows, now));
        self.smoothed.unwrap_or(0.0)
    }
}

fn line(status: &JobStatus, rows_per_second: f64) -> String {
    let mut parts = vec![format!("{:?}", status.phase)];
    parts.push(format!("{} rows in ({}/s)", grouped(status.rows_in), grouped(rows_per_second as u64)));
    parts.push(format!("{} rows out", grouped(status.rows_out)));
    if let Some((read, all)) = status.position.filter(|p| p.1 > 0) {
        parts.push(format!("{}%", read.saturating_mul(100) / all));
    }
    let watermarks = status.chains.iter().filter_map(|c| c.watermark).filter(|w| *w != i64::MAX);
    if let Some(watermark) = watermarks.min() {
        parts.push(format!("watermark {}", time_of(watermark)));
    }
    for (count, what) in [(status.late_dropped, "late"), (status.skipped, "skipped")] {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count)));
        }
    }
    if let Some(last) = status.last_checkpoint {
        parts.push(format!("epoch {} ({} s ago)", last.epoch, last.age_ms / 1_000));
    }
    if let Some(next) = &status.next {
        parts.push(next.clone());
    }
    parts.join("  ")
}

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds since 1970 as `2013-01-14 10:00:00`.
fn time_of(micros: i64) -> String {
    arrow::temporal_conversions::timestamp_us_to_datetime(micros)
        .map_or_else(|| micros.to_string(), |t| t.format("%Y-%m-%d %H:%M:%S").to_string())
}

#[expect(clippy::disallowed_methods, reason = "rates are for display")]
fn now() -> Instant {
    Instant::now()
}

/// Writes log lines above the changing line.
#[derive(Clone, Debug)]
pub(super) struct LogWriter {
    bar: ProgressBar,
    line: Arc<Mutex<Vec<u8>>>,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let line = std::mem::take(&mut *self.line.lock().unwrap_or_else(PoisonError::into_inner));
        if line.is_empty() { Ok(()) } else { self.bar.suspend(|| std::io::stderr().write_all(&line)) }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

impl<'w> MakeWriter<'w> for LogWriter {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        Self { bar: self.bar.clone(), line: Arc::default() }
    }
}

#[cfg(test)]
mod tests {
    use millstream_coordinator::status::{ChainStatus, LastCheckpoint};
    use millstream_model::Epoch;

    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn the_line_says_what_matters() {
        let status = JobStatus {
            rows_in: 12_345,
            rows_out: 87,
            position: Some((42, 100)),
            late_dropped: 3,
            chains: vec![ChainStatus { watermark: Some(1_358_157_600_000_000), ..ChainStatus::default() }],
            last_checkpoint: Some(LastCheckpoint {
                epoch: Epoch(3),
                bytes: 1,
                new_bytes: 0,
                duration_ms: 1,
                freeze_us: 1,
                age_ms: 1_500,
            }),
            ..JobStatus::default()
        };
        assert_eq!(
            line(&status, 4_100.4),
            "TakingOver  12,345 rows in (4,100/s)  87 rows out  42%  watermark 2013-01-14 10:00:00  3 late  epoch 3 (1 s ago)"
        );
    }

    #[test]
    fn the_rate_follows_the_rows() {
        let mut rate = Rate::default();
        let start = now();
        assert_eq!(rate.per_second(0, start), 0.0);
        assert_eq!(rate.per_second(8_000, start + Duration::from_secs(2)), 0.0, "read by an earlier run");
        assert_eq!(rate.per_second(8_100, start + Duration::from_secs(4)), 50.0);
        assert_eq!(rate.per_second(8_100, start + Duration::from_secs(6)), 0.0);
    }
}
