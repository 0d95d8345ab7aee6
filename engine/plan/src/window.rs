//! Windows over event time.
//!
//! Windows are half-open. A row belongs to one slice; a window is a run of slices. Example: `HOP(slide 2 s, size 6 s)` has
//! slices of 2 s; the slice `[4 s, 6 s)` belongs to the windows `[0, 6) [2, 8) [4, 10)`, and to the windows `[0, 6) [0, 8)
//! [0, 10)` of `CUMULATE(step 2 s, size 10 s)`. Sessions depend on the rows and have no slices. All numbers are microseconds.

use millstream_model::Watermark;

use crate::window_zone::WindowZone;

/// Shape of the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// Windows of `size` that follow each other.
    Tumble {
        /// Length.
        size: i64,
    },
    /// Windows of `size`, one starting every `slide`.
    Hop {
        /// Length.
        size: i64,
        /// Distance between starts.
        slide: i64,
    },
    /// Spans of `size` that follow each other; in each of them windows that begin with it and end one `step` after the other.
    Cumulate {
        /// Length of the last window of a span.
        size: i64,
        /// Distance between ends, and length of the first window of a span.
        step: i64,
    },
    /// Rows of a key that follow each other closely: a window lasts until `gap` after its last row.
    Session {
        /// Length of a window of one row.
        gap: i64,
    },
}

/// Windows over a time column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WindowSpec {
    /// Their shape.
    pub kind: WindowKind,
    /// Shift of all starts.
    pub offset: i64,
    /// Index of the time column in the operator's input: a timestamp of any unit, with or without time zone.
    pub time_column: usize,
    /// The zone by whose wall clock windows over instants begin; `None`: UTC, or the time is a wall clock itself and so are
    /// the watermarks.
    pub zone: Option<WindowZone>,
}

impl WindowSpec {
    /// A watermark in the time in which the windows are.
    #[must_use]
    pub fn watermark(&self, watermark: Watermark) -> Watermark {
        self.zone.map_or(watermark, |zone| zone.watermark(watermark))
    }

    /// Length of the longest window; of a session that of a single row.
    #[must_use]
    pub const fn size(&self) -> i64 {
        match self.kind {
            WindowKind::Tumble { size }
            | WindowKind::Hop { size, .. }
            | WindowKind::Cumulate { size, .. } => size,
            WindowKind::Session { gap } => gap,
        }
    }

    /// Distance between the ends of two windows; of sessions their gap.
    #[must_use]
    pub const fn slide(&self) -> i64 {
        match self.kind {
            WindowKind::Tumble { size } => size,
            WindowKind::Hop { slide, .. } => slide,
            WindowKind::Cumulate { step, .. } => step,
            WindowKind::Session { gap } => gap,
        }
    }

    /// Whether windows depend on the rows, so that there are no slices.
    #[must_use]
    pub const fn is_session(&self) -> bool {
        matches!(self.kind, WindowKind::Session { .. })
    }

    /// Start of the window that ends at `end`. No two windows of slices have the same end.
    #[must_use]
    pub const fn window_start(&self, end: i64) -> i64 {
        match self.kind {
            WindowKind::Cumulate { size, .. } => {
                let before = end.saturating_sub(1);
                before.saturating_sub(before.saturating_sub(self.offset).rem_euclid(size))
            }
            _ => end.saturating_sub(self.size()),
        }
    }

    /// Length of a slice: the greatest common divisor of size and slide.
    #[must_use]
    pub const fn slice(&self) -> i64 {
        let (mut a, mut b) = (self.size(), self.slide());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    }

    /// Exclusive end of the slice that `time` falls into.
    #[must_use]
    pub const fn slice_end(&self, time: i64) -> i64 {
        let slice = self.slice();
        time - (time - self.offset).rem_euclid(slice) + slice
    }

    /// End of the first (earliest) window that holds the slice that ends at `slice_end`.
    #[must_use]
    pub const fn first_window_end(&self, slice_end: i64) -> i64 {
        // Ends are at offset + size + n * slide; the first one at or after the slice's end.
        let slide = self.slide();
        let phase = (slice_end - self.offset - self.size()).rem_euclid(slide);
        if phase == 0 { slice_end } else { slice_end + slide - phase }
    }

    /// End of the last window that holds the slice that ends at `slice_end`; less than [`Self::first_window_end`] when
    /// the slice falls into a gap between windows (slide longer than size).
    #[must_use]
    pub const fn last_window_end(&self, slice_end: i64) -> i64 {
        // The last window starts at or before the slice's start.
        let slice_start = slice_end - self.slice();
        let between_starts = match self.kind {
            WindowKind::Cumulate { size, .. } => size,
            _ => self.slide(),
        };
        slice_start - (slice_start - self.offset).rem_euclid(between_starts) + self.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(size: i64, slide: i64, offset: i64) -> WindowSpec {
        WindowSpec { kind: WindowKind::Hop { size, slide }, offset, time_column: 0, zone: None }
    }

    fn cumulate(size: i64, step: i64, offset: i64) -> WindowSpec {
        WindowSpec { kind: WindowKind::Cumulate { size, step }, offset, time_column: 0, zone: None }
    }

    #[test]
    fn cumulating_windows_of_a_span_begin_with_it() {
        for (size, step, offset) in [(6, 2, 0), (6, 2, 1), (6, 6, -1), (10, 1, 3)] {
            let w = cumulate(size, step, offset);
            for time in -40..40 {
                let slice_end = w.slice_end(time);
                let (first, last) = (w.first_window_end(slice_end), w.last_window_end(slice_end));
                let found: Vec<(i64, i64)> = (0..)
                    .map(|n| first + n * step)
                    .take_while(|end| *end <= last)
                    .map(|end| (w.window_start(end), end))
                    .collect();
                let spans = (-60..60).map(|n| offset + n * size);
                let all = spans.flat_map(|start| (1..=size / step).map(move |n| (start, start + n * step)));
                let expected: Vec<(i64, i64)> =
                    all.filter(|(start, end)| *start <= time && time < *end).collect();
                assert_eq!(found, expected, "{w:?} {time}");
            }
        }
    }

    #[test]
    fn starts_do_not_overflow_at_the_ends_of_time() {
        for w in [cumulate(6, 2, 5), hop(6, 2, 5)] {
            assert!(w.window_start(i64::MIN) < 0 && w.window_start(i64::MAX) > 0);
        }
    }

    /// All windows `[end - size, end)` that hold `time`, found by trying.
    fn windows_by_trying(w: &WindowSpec, time: i64) -> Vec<i64> {
        (-200..200)
            .map(|n| w.offset + n * w.slide() + w.size())
            .filter(|end| end - w.size() <= time && time < *end)
            .collect()
    }

    #[test]
    fn slices_belong_to_the_windows_that_hold_their_rows() {
        for w in [hop(6, 2, 0), hop(5, 2, 0), hop(6, 2, 1), hop(3, 3, -1), hop(2, 5, 0), hop(7, 3, 2)] {
            for time in -40..40 {
                let slice_end = w.slice_end(time);
                assert!(slice_end - w.slice() <= time && time < slice_end, "{w:?} {time}");
                let expected = windows_by_trying(&w, time);
                let (first, last) = (w.first_window_end(slice_end), w.last_window_end(slice_end));
                let found: Vec<i64> =
                    (0..).map(|n| first + n * w.slide()).take_while(|end| *end <= last).collect();
                assert_eq!(found, expected, "{w:?} {time}");
            }
        }
    }

    #[test]
    fn a_tumbling_window_is_its_own_slice() {
        let w = WindowSpec { kind: WindowKind::Tumble { size: 10 }, offset: 3, time_column: 0, zone: None };
        assert_eq!((w.slice(), w.slice_end(2), w.slice_end(3)), (10, 3, 13));
        assert_eq!((w.first_window_end(13), w.last_window_end(13)), (13, 13));
    }
}
