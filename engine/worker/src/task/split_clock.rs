//! The running watermark of one split.
//!
//! Each row is judged against the watermark before it, so that results do not depend on how rows are cut into batches.
//! Example, `WATERMARK FOR ts AS ts - INTERVAL '5' SECOND`, rows at 10 s, 20 s, 12 s: the rows see MIN, 5 s, 15 s.

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::buffer::ScalarBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType};
use millstream_model::Watermark;
use millstream_model::time::MILLISECOND;

use crate::error::TaskError;

/// Advances a split's watermark row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SplitClock {
    watermark: Watermark,
}

impl SplitClock {
    /// A clock that continues from a stored watermark.
    pub(crate) const fn new(watermark: Watermark) -> Self {
        Self { watermark }
    }

    pub(crate) const fn watermark(self) -> Watermark {
        self.watermark
    }

    /// The watermark before each row, given each row's own; moves only when it advances by more than `interval` (µs).
    pub(crate) fn advance(
        &mut self,
        marks: &ArrayRef,
        interval: i64,
    ) -> Result<ScalarBuffer<i64>, TaskError> {
        let micros = micros(marks)?;
        let mut running = self.watermark.0;
        let before = (0..micros.len())
            .map(|row| {
                let before = running;
                if micros.is_valid(row) {
                    // Watermarks have the resolution of a millisecond.
                    let mark = micros.value(row).div_euclid(MILLISECOND) * MILLISECOND;
                    if mark > running.saturating_add(interval) {
                        running = mark;
                    }
                }
                before
            })
            .collect();
        self.watermark = Watermark(running);
        Ok(before)
    }
}

/// Times in microseconds, rounded down: Arrow's cast rounds towards 1970, which before it is up, and a watermark must never
/// be ahead of its rows.
fn micros(times: &ArrayRef) -> Result<TimestampMicrosecondArray, TaskError> {
    if let Some(nanos) = times.as_primitive_opt::<TimestampNanosecondType>() {
        return Ok(nanos.unary(|nanos| nanos.div_euclid(1_000)));
    }
    let micros = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, None))
        .map_err(|e| TaskError::bug("read the time attribute", &e))?;
    Ok(micros.as_primitive::<TimestampMicrosecondType>().clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{TimestampMillisecondArray, TimestampNanosecondArray};

    use super::*;

    fn marks(seconds: &[Option<i64>]) -> ArrayRef {
        Arc::new(TimestampMillisecondArray::from(
            seconds.iter().map(|s| s.map(|s| s * 1000)).collect::<Vec<_>>(),
        ))
    }

    #[test]
    fn each_row_sees_the_watermark_before_it() {
        let mut clock = SplitClock::new(Watermark::MIN);
        let seen = clock.advance(&marks(&[Some(5), Some(15), None, Some(7)]), 0).unwrap();
        assert_eq!(seen[..], [i64::MIN, 5_000_000, 15_000_000, 15_000_000]);
        assert_eq!(clock.watermark(), Watermark(15_000_000));
    }

    #[test]
    fn cutting_into_batches_changes_nothing() {
        let all = [Some(3), Some(1), Some(9), None, Some(4), Some(20)];
        let mut whole = SplitClock::new(Watermark(2_000_000));
        let expected = whole.advance(&marks(&all), 0).unwrap().to_vec();
        let mut cut = SplitClock::new(Watermark(2_000_000));
        let seen: Vec<i64> =
            all.chunks(1).flat_map(|c| cut.advance(&marks(c), 0).unwrap().to_vec()).collect();
        assert_eq!((seen, cut), (expected, whole));
    }

    #[test]
    fn an_interval_holds_small_advances_back() {
        let mut clock = SplitClock::new(Watermark(0));
        clock.advance(&marks(&[Some(1), Some(2), Some(3)]), 2_000_000).unwrap();
        assert_eq!(clock.watermark(), Watermark(3_000_000));
    }

    #[test]
    fn finer_times_are_cut_to_milliseconds() {
        let mut clock = SplitClock::new(Watermark::MIN);
        let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_999_999, -1]));
        clock.advance(&nanos, 0).unwrap();
        assert_eq!(clock.watermark(), Watermark(1_000));
    }

    #[test]
    fn times_before_1970_are_rounded_down_too() {
        for (nanos, micros) in [
            (-1, -1_000),
            (-999_999, -1_000),
            (-1_000_000, -1_000),
            (-1_000_001, -2_000),
            (0, 0),
            (999_999, 0),
        ] {
            let mut clock = SplitClock::new(Watermark::MIN);
            let marks: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![nanos]));
            clock.advance(&marks, 0).unwrap();
            assert_eq!(clock.watermark(), Watermark(micros), "{nanos} ns");
        }
    }
}
