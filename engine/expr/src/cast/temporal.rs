//! Casts to dates, times of day and timestamps.
//!
//! Digits of a second that the target does not declare are cut off, toward the past also before 1970 (where Flink
//! rounds toward 1970 and so moves a moment to the next day). `TIMESTAMP_LTZ` is an instant: text and wall clocks are
//! taken in the session's zone.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::Result;

use super::Target;
use crate::calendar::{Moment, parse_clock, parse_date, parse_timestamp};
use crate::column::{Column, build_moments};
use crate::types::SqlType;
use crate::zone;

/// Casts to `DATE`, `TIME`, `TIMESTAMP` or `TIMESTAMP_LTZ`.
pub(super) fn cast(column: &Column, rows: usize, from: SqlType, target: &Target) -> Result<ArrayRef> {
    let to = target.to.to_arrow();
    if column.array.data_type() == &DataType::Utf8 {
        let text = column.strings()?;
        return build_moments(rows, &to, |row| {
            let Some(text) = text.get(row) else { return Ok(None) };
            match parse(text, target) {
                Some(moment) => Ok(Some(moment)),
                None => target.refuse(text),
            }
        });
    }
    let moments = column.moments()?;
    build_moments(rows, &to, |row| Ok(moments.get(row).map(|moment| convert(moment, from, target))))
}

fn parse(text: &str, target: &Target) -> Option<Moment> {
    match target.to {
        SqlType::Date => Some(Moment::midnight(parse_date(text)?.day())),
        SqlType::Time(digits) => {
            let clock = parse_clock(text)?;
            Some(Moment::new(clock.seconds(), clock.nanos).truncated(digits))
        }
        _ => Some(place(parse_timestamp(text)?, target)),
    }
}

fn convert(moment: Moment, from: SqlType, target: &Target) -> Moment {
    let wall = match from {
        SqlType::TimestampLtz(_) => Moment::new(zone::to_local(target.zone, moment.seconds), moment.nanos),
        _ => moment,
    };
    match (from, target.to) {
        // Not over the wall clock, which cannot tell the two passages of a repeated hour apart.
        (SqlType::TimestampLtz(_), SqlType::TimestampLtz(digits)) => moment.truncated(digits),
        (_, SqlType::Time(digits)) => {
            let clock = wall.clock();
            Moment::new(clock.seconds(), clock.nanos).truncated(digits)
        }
        (_, SqlType::Date) => Moment::midnight(wall.day()),
        _ => place(wall, target),
    }
}

/// A wall clock as a value of the target.
fn place(wall: Moment, target: &Target) -> Moment {
    match target.to {
        SqlType::TimestampLtz(digits) => {
            Moment::new(zone::to_instant(target.zone, wall.seconds), wall.nanos).truncated(digits)
        }
        SqlType::Timestamp(digits) => wall.truncated(digits),
        _ => wall,
    }
}
