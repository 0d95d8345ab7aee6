//! `floor_time` and `ceil_time`: the beginning of a unit, or of the next one.
//!
//! A week begins on Sunday, a century in the year 1 of it. A time of day or a date that is already at a beginning stays.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::super::definition::{Call, Definition, Parameter, Returns};
use super::Wall;
use super::unit::{Unit, Units};
use crate::calendar::{Date, Moment};

pub(super) fn definitions() -> Vec<Definition> {
    const PARAMETERS: &[Parameter] = &[Parameter::Temporal, Parameter::Text];
    vec![
        Definition::new("floor_time", PARAMETERS, Returns::Argument(0), |call| round(call, false)).failing(),
        Definition::new("ceil_time", PARAMETERS, Returns::Argument(0), |call| round(call, true)).failing(),
    ]
}

/// Rounds the first argument to the unit in the second.
pub(in crate::functions) fn round(call: &Call<'_>, up: bool) -> Result<ArrayRef> {
    let (moments, units, wall) = (call.moments(0)?, Units::new(call, 1)?, Wall::of(call, 0)?);
    call.temporals(|row| {
        let (Some(moment), Some(unit)) = (moments.get(row), units.get(row)?) else { return Ok(None) };
        let mut seen = wall.see(moment);
        if up && is_coarse(unit) {
            // Flink looks at the day alone: noon of the first of a month is its own beginning.
            seen = Moment::midnight(seen.date().day());
        }
        let Some(begin) = begin(unit, seen) else { return Err(units.unsuitable(unit)) };
        if !up || begin == seen {
            return Ok(Some(wall.back(begin)));
        }
        Ok(next(unit, begin).map(|next| wall.back(next)))
    })
}

/// Whether the unit is longer than a day.
fn is_coarse(unit: Unit) -> bool {
    matches!(
        unit,
        Unit::Week
            | Unit::Month
            | Unit::Quarter
            | Unit::Year
            | Unit::Decade
            | Unit::Century
            | Unit::Millennium
    )
}

fn begin(unit: Unit, moment: Moment) -> Option<Moment> {
    let date = moment.date();
    let first_of = |year: i64, month: u32| Date::new(year, month, 1).map(|date| Moment::midnight(date.day()));
    match unit {
        Unit::Nanosecond | Unit::Microsecond | Unit::Millisecond => {
            let step = u32::try_from(unit.nanos()?).ok()?;
            Some(Moment::new(moment.seconds, moment.nanos / step * step))
        }
        Unit::Second | Unit::Minute | Unit::Hour | Unit::Day => {
            let step = unit.nanos()? / 1_000_000_000;
            Some(Moment::new(moment.seconds.div_euclid(step) * step, 0))
        }
        Unit::Week => Some(Moment::midnight(date.day() - i64::from(date.iso_weekday() % 7))),
        Unit::Month => first_of(date.year, date.month),
        Unit::Quarter => first_of(date.year, (date.quarter() - 1) * 3 + 1),
        Unit::Year => first_of(date.year, 1),
        Unit::Decade => first_of(date.year.div_euclid(10) * 10, 1),
        Unit::Century => first_of((date.year - 1).div_euclid(100) * 100 + 1, 1),
        Unit::Millennium => first_of((date.year - 1).div_euclid(1_000) * 1_000 + 1, 1),
        _ => None,
    }
}

fn next(unit: Unit, begin: Moment) -> Option<Moment> {
    match unit.months() {
        Some(months) => Some(begin.plus_months(months)),
        None => Some(begin.plus_nanos(unit.nanos()?)),
    }
}
