//! Event time and watermarks, in microseconds since 1970-01-01T00:00:00Z.
//!
//! A watermark `w` promises that no more rows with event time `<= w` will come, except late ones. A window
//! `[start, end)` is complete when `w >= end - 1 ms`: `[0 s, 10 s)` fires at watermark 9.999 s.

use serde::{Deserialize, Serialize};

/// Microseconds of one millisecond, the resolution at which windows close.
pub const MILLISECOND: i64 = 1_000;

/// A moment in the data, in microseconds since the epoch, UTC.
pub type EventTime = i64;

/// The promise that earlier event times are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watermark(pub EventTime);

impl Watermark {
    /// Nothing is promised yet.
    pub const MIN: Self = Self(i64::MIN);
    /// The input has ended.
    pub const MAX: Self = Self(i64::MAX);

    /// Whether the window that ends (exclusively) at `end` is complete.
    #[must_use]
    pub const fn closes(self, end: EventTime) -> bool {
        self.0 >= end.saturating_sub(MILLISECOND)
    }
}

impl Default for Watermark {
    fn default() -> Self {
        Self::MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_closes_one_millisecond_before_its_end() {
        assert!(!Watermark(9_998_999).closes(10_000_000));
        assert!(Watermark(9_999_000).closes(10_000_000));
        assert!(Watermark::MAX.closes(i64::MAX));
        assert!(!Watermark::MIN.closes(0));
    }
}
