//! Dates and times: parts, rounding to units, adding, differences, text.
//!
//! Owns the functions over `DATE`, `TIME`, `TIMESTAMP` and `TIMESTAMP_LTZ`; instants are taken apart in the session's
//! zone. Units are text (`FLOOR(ts TO HOUR)` is planned as `floor(ts, 'HOUR')`, which is the same as
//! `floor_time(ts, 'HOUR')`). Before 1970 everything rounds toward the
//! past, where Flink rounds toward 1970. For example `EXTRACT(DAY FROM TIMESTAMP '1969-12-30 03:04:05')` is 30.

mod extract;
mod shift;
mod text;
mod truncate;
mod unit;

use chrono_tz::Tz;

use super::definition::{Call, Definition};
use crate::calendar::Moment;
use crate::zone;
pub(super) use truncate::round;

pub(super) fn definitions() -> Vec<Definition> {
    let mut all = extract::definitions();
    all.extend(truncate::definitions());
    all.extend(shift::definitions());
    all.extend(text::definitions());
    all
}

/// Between the values of an argument and wall clocks: an instant is seen in the session's zone.
#[derive(Debug, Clone, Copy)]
struct Wall(Option<Tz>);

impl Wall {
    fn of(call: &Call<'_>, at: usize) -> datafusion_common::Result<Self> {
        use arrow::datatypes::DataType;
        let instant = matches!(call.column(at)?.array.data_type(), DataType::Timestamp(_, Some(_)));
        Ok(Self(instant.then_some(call.zone)))
    }

    fn see(self, moment: Moment) -> Moment {
        match self.0 {
            Some(zone) => Moment::new(zone::to_local(zone, moment.seconds), moment.nanos),
            None => moment,
        }
    }

    fn back(self, wall: Moment) -> Moment {
        match self.0 {
            Some(zone) => Moment::new(zone::to_instant(zone, wall.seconds), wall.nanos),
            None => wall,
        }
    }
}

#[cfg(test)]
mod datetime_test;
