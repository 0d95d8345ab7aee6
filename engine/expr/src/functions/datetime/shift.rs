//! `TIMESTAMPADD` and `TIMESTAMPDIFF`, and a time of day plus or minus an interval, which stays within the day.
//!
//! A difference counts whole units and is negative when the second moment is the earlier one. Months are whole when the
//! same day of the month has come, or the last day of a shorter month: from 31 January to 29 February it is 1.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, IntervalMonthDayNanoType};
use datafusion_common::Result;

use super::super::definition::{Call, Definition, Parameter, Returns};
use super::Wall;
use super::unit::Units;
use crate::calendar::Moment;
use crate::types::SqlType;

use Parameter::{Any, DateOrTimestamp, Integer, Temporal, Text};

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new("timestampadd", &[Text, Integer, DateOrTimestamp], Returns::Argument(2), add)
            .failing(),
        Definition::new(
            "timestampdiff",
            &[Text, DateOrTimestamp, DateOrTimestamp],
            Returns::Type(SqlType::Int),
            difference,
        )
        .failing(),
        Definition::new("$time_add", &[Temporal, Any], Returns::Argument(0), |call| shift_time(call, 1)),
        Definition::new("$time_subtract", &[Temporal, Any], Returns::Argument(0), |call| {
            shift_time(call, -1)
        }),
    ]
}

/// A time of day moved around the clock. Months and whole days make no difference, as in Flink.
fn shift_time(call: &Call<'_>, sign: i64) -> Result<ArrayRef> {
    const NANOS_PER_DAY: i64 = 86_400_000_000_000;
    let (times, intervals) = (call.moments(0)?, call.column(1)?.primitives::<IntervalMonthDayNanoType>()?);
    call.temporals(|row| {
        let (Some(time), Some(interval)) = (times.get(row), intervals.get(row)) else { return Ok(None) };
        let nanos = time.clock().seconds() * 1_000_000_000 + i64::from(time.nanos);
        let shift = interval.nanoseconds % NANOS_PER_DAY * sign;
        Ok(Some(Moment::new(0, 0).plus_nanos((nanos + shift).rem_euclid(NANOS_PER_DAY))))
    })
}

fn add(call: &Call<'_>) -> Result<ArrayRef> {
    let (units, count, moments) = (Units::new(call, 0)?, call.integer(1)?, call.moments(2)?);
    let wall = Wall::of(call, 2)?;
    let of_days = call.return_type == &DataType::Date32;
    call.temporals(|row| {
        let (Some(unit), Some(count), Some(moment)) = (units.get(row)?, count.get(row), moments.get(row))
        else {
            return Ok(None);
        };
        if of_days && matches!(unit.nanos(), Some(nanos) if nanos < 86_400_000_000_000) {
            return Err(call.bad_argument("a date has no time of day; cast it to TIMESTAMP(3) first"));
        }
        let moved = match (unit.months(), unit.nanos()) {
            (Some(months), _) => {
                let Some(months) = count.checked_mul(months) else { return Ok(None) };
                wall.back(wall.see(moment).plus_months(months))
            }
            (None, Some(nanos)) => {
                // In whole seconds and the rest, because years of nanoseconds overflow 64 bits.
                let total = i128::from(count) * i128::from(nanos);
                let Ok(seconds) = i64::try_from(total.div_euclid(1_000_000_000)) else { return Ok(None) };
                let rest = total.rem_euclid(1_000_000_000) as i64;
                let Some(seconds) = moment.seconds.checked_add(seconds) else { return Ok(None) };
                Moment::new(seconds, moment.nanos).plus_nanos(rest)
            }
            (None, None) => return Err(units.unsuitable(unit)),
        };
        Ok(Some(moved))
    })
}

fn difference(call: &Call<'_>) -> Result<ArrayRef> {
    let (units, from, to) = (Units::new(call, 0)?, call.moments(1)?, call.moments(2)?);
    let (from_wall, to_wall) = (Wall::of(call, 1)?, Wall::of(call, 2)?);
    call.ints(|row| {
        let (Some(unit), Some(from), Some(to)) = (units.get(row)?, from.get(row), to.get(row)) else {
            return Ok(None);
        };
        // Two instants are compared as such, a wall clock and an instant in the session's zone.
        let (from, to) = (from_wall.see(from), to_wall.see(to));
        match (unit.months(), unit.nanos()) {
            (Some(months), _) => Ok(Some((whole_months(from, to) / months) as i32)),
            (None, Some(nanos)) => Ok(Some((nanos_between(from, to) / i128::from(nanos)) as i32)),
            (None, None) => Err(units.unsuitable(unit)),
        }
    })
}

fn nanos_between(from: Moment, to: Moment) -> i128 {
    let total = |moment: Moment| i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanos);
    total(to) - total(from)
}

fn whole_months(from: Moment, to: Moment) -> i64 {
    if to < from {
        return -whole_months(to, from);
    }
    let (a, b) = (from.date(), to.date());
    let mut months = (b.year - a.year) * 12 + i64::from(b.month) - i64::from(a.month);
    if a.plus_months(months) > b {
        months -= 1;
    }
    let reached = a.plus_months(months);
    let clock = |moment: Moment| (moment.clock().seconds(), moment.nanos);
    if reached == b && clock(to) < clock(from) { months - 1 } else { months }
}
