//! Slices and lateness of rows.
//!
//! A row is judged against the later of two watermarks: its split's running one before the row, and the operator's. It is late
//! for the windows that this watermark closes. Late for all: dropped and counted. Late for some: it counts from the first open
//! window on. Example: tumbling windows of 10 s; at a watermark of 9.999 s a row at 9.5 s is late, at 9.998 s it is not.

use arrow::array::UInt32Array;
use millstream_model::Watermark;
use millstream_model::time::MILLISECOND;
use millstream_plan::WindowSpec;

/// Watermarks beyond this mean "never" and "ended"; times never get there.
const FAR: i64 = i64::MAX / 2;

/// End of the first window that the watermark does not close; `i64::MAX` when the input has ended.
pub(crate) const fn first_open_end(window: &WindowSpec, watermark: Watermark) -> i64 {
    if watermark.0 >= FAR {
        i64::MAX
    } else if watermark.0 <= -FAR {
        i64::MIN
    } else {
        // Windows that end up to one millisecond behind the watermark are closed.
        window.first_window_end(watermark.0 + MILLISECOND + 1)
    }
}

/// Rows with their slices.
#[derive(Debug)]
pub(crate) struct Assigned {
    /// End of each kept row's slice.
    pub(crate) slice_ends: Vec<i64>,
    /// End of the first window in which each kept row counts.
    pub(crate) visible_from: Vec<i64>,
    /// The kept rows, if not all are.
    pub(crate) kept: Option<UInt32Array>,
    /// Rows that are late for all their windows.
    pub(crate) late: u64,
}

/// What is the same for all rows of one slice at one watermark.
#[derive(Clone, Copy)]
struct Place {
    watermark: i64,
    slice_start: i64,
    slice_end: i64,
    first_end: i64,
    last_end: i64,
    visible_from: i64,
}

impl Place {
    fn of(window: &WindowSpec, time: i64, watermark: i64) -> Self {
        let slice_end = window.slice_end(time);
        let first_end = window.first_window_end(slice_end);
        Self {
            watermark,
            slice_start: slice_end - window.slice(),
            slice_end,
            first_end,
            last_end: window.last_window_end(slice_end),
            visible_from: first_end.max(first_open_end(window, Watermark(watermark))),
        }
    }

    const fn holds(&self, time: i64, watermark: i64) -> bool {
        self.slice_start <= time && time < self.slice_end && self.watermark == watermark
    }
}

/// Assigns rows to slices and leaves late ones out. Rows in a gap between windows are left out, too, and not late.
pub(crate) fn assign(
    window: &WindowSpec,
    times: &[i64],
    row_watermark: Option<&[i64]>,
    watermark: Watermark,
) -> Assigned {
    let rows = times.len();
    let mut slice_ends = Vec::with_capacity(rows);
    let mut visible_from = Vec::with_capacity(rows);
    let (mut kept, mut late) = (Vec::new(), 0);
    let mut place: Option<Place> = None;
    for (row, time) in times.iter().enumerate() {
        let judge = row_watermark.map_or(watermark.0, |w| w[row].max(watermark.0));
        let place = match place {
            Some(known) if known.holds(*time, judge) => known,
            _ => *place.insert(Place::of(window, *time, judge)),
        };
        if place.visible_from <= place.last_end {
            slice_ends.push(place.slice_end);
            visible_from.push(place.visible_from);
            kept.push(row as u32);
        } else if place.first_end <= place.last_end {
            late += 1;
        }
    }
    let kept = (kept.len() < rows).then(|| UInt32Array::from(kept));
    Assigned { slice_ends, visible_from, kept, late }
}

#[cfg(test)]
mod tests {
    use millstream_plan::WindowKind;

    use super::*;

    const S: i64 = 1_000_000;

    fn window(size: i64, slide: i64) -> WindowSpec {
        WindowSpec {
            kind: WindowKind::Hop { size: size * S, slide: slide * S },
            offset: 0,
            time_column: 0,
            zone: None,
        }
    }

    /// `(size, slide, time, watermark in ms)` and the expected `(slice end, visible from)`, or late, or nothing.
    #[test]
    fn rows_are_judged_per_window() {
        let none = i64::MIN / 1_000;
        let cases = [
            ((10, 10, 9, none), Some((10, 10)), 0),
            ((10, 10, 9, 9_998), Some((10, 10)), 0),
            ((10, 10, 9, 9_999), None, 1),
            ((10, 10, 10, 9_999), Some((20, 20)), 0),
            ((6, 2, 5, 5_998), Some((6, 6)), 0),
            ((6, 2, 5, 5_999), Some((6, 8)), 0),
            ((6, 2, 5, 7_999), Some((6, 10)), 0),
            ((6, 2, 5, 9_999), None, 1),
            ((2, 5, 3, none), None, 0),
            ((2, 5, 1, none), Some((2, 2)), 0),
            ((2, 5, 1, 1_999), None, 1),
        ];
        for ((size, slide, time, watermark), expected, late) in cases {
            // Whichever of the two watermarks is ahead decides.
            for (row, operator) in [(watermark, none), (none, watermark)] {
                let assigned = assign(
                    &window(size, slide),
                    &[time * S],
                    Some(&[row.saturating_mul(1_000)]),
                    Watermark(operator.saturating_mul(1_000)),
                );
                let found = assigned.slice_ends.first().map(|s| (s / S, assigned.visible_from[0] / S));
                assert_eq!(
                    (found, assigned.late),
                    (expected, late),
                    "HOP {slide} {size}: {time} at {watermark}"
                );
            }
        }
    }

    #[test]
    fn the_end_of_input_closes_everything() {
        let assigned = assign(&window(10, 10), &[0, i64::MAX / 4], None, Watermark::MAX);
        assert_eq!((assigned.slice_ends.len(), assigned.late), (0, 2));
        let assigned = assign(&window(10, 10), &[i64::MAX / 4, i64::MIN / 4], None, Watermark::MIN);
        assert_eq!((assigned.slice_ends.len(), assigned.late), (2, 0));
    }

    #[test]
    fn the_kept_rows_are_named_only_if_some_are_left_out() {
        let w = window(10, 10);
        assert!(assign(&w, &[0, S], None, Watermark::MIN).kept.is_none());
        let assigned = assign(&w, &[0, 25 * S, 1], None, Watermark(20 * S));
        assert_eq!(assigned.kept.unwrap().values().to_vec(), [1]);
    }
}
