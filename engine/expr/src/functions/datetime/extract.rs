//! `EXTRACT` and its short forms `YEAR`, `MONTH`, .. `SECOND`; all give `BIGINT`.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::super::definition::{Call, Definition, Kernel, Parameter, Returns};
use super::Wall;
use super::unit::{Unit, Units};
use crate::calendar::Moment;
use crate::types::SqlType;

pub(super) fn definitions() -> Vec<Definition> {
    const BIGINT: Returns = Returns::Type(SqlType::BigInt);
    let short: [(&'static str, Kernel); 10] = [
        ("year", |call| fixed(call, Unit::Year)),
        ("quarter", |call| fixed(call, Unit::Quarter)),
        ("month", |call| fixed(call, Unit::Month)),
        ("week", |call| fixed(call, Unit::Week)),
        ("dayofyear", |call| fixed(call, Unit::DayOfYear)),
        ("dayofmonth", |call| fixed(call, Unit::Day)),
        ("dayofweek", |call| fixed(call, Unit::DayOfWeek)),
        ("hour", |call| fixed(call, Unit::Hour)),
        ("minute", |call| fixed(call, Unit::Minute)),
        ("second", |call| fixed(call, Unit::Second)),
    ];
    let mut all: Vec<Definition> = short
        .into_iter()
        .map(|(name, evaluate)| Definition::new(name, &[Parameter::Temporal], BIGINT, evaluate))
        .collect();
    all.push(Definition::new("extract", &[Parameter::Text, Parameter::Temporal], BIGINT, extract).failing());
    all
}

fn fixed(call: &Call<'_>, unit: Unit) -> Result<ArrayRef> {
    let (moments, wall) = (call.moments(0)?, Wall::of(call, 0)?);
    call.bigints(|row| Ok(moments.get(row).map(|moment| part(unit, moment, wall))))
}

fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    let (units, moments, wall) = (Units::new(call, 0)?, call.moments(1)?, Wall::of(call, 1)?);
    call.bigints(|row| {
        let (Some(unit), Some(moment)) = (units.get(row)?, moments.get(row)) else { return Ok(None) };
        Ok(Some(part(unit, moment, wall)))
    })
}

fn part(unit: Unit, moment: Moment, wall: Wall) -> i64 {
    if unit == Unit::Epoch {
        return moment.seconds;
    }
    let moment = wall.see(moment);
    let (date, clock) = (moment.date(), moment.clock());
    match unit {
        Unit::Nanosecond => i64::from(clock.nanos),
        Unit::Microsecond => i64::from(clock.nanos / 1_000),
        Unit::Millisecond => i64::from(clock.nanos / 1_000_000),
        Unit::Second => i64::from(clock.second),
        Unit::Minute => i64::from(clock.minute),
        Unit::Hour => i64::from(clock.hour),
        Unit::Day => i64::from(date.day_of_month),
        Unit::Week => i64::from(date.iso_week().1),
        Unit::Month => i64::from(date.month),
        Unit::Quarter => i64::from(date.quarter()),
        Unit::Year => date.year,
        Unit::Decade => date.year.div_euclid(10),
        Unit::Century => (date.year - 1).div_euclid(100) + 1,
        Unit::Millennium => (date.year - 1).div_euclid(1_000) + 1,
        Unit::DayOfWeek => i64::from(date.iso_weekday() % 7 + 1),
        Unit::IsoDayOfWeek => i64::from(date.iso_weekday()),
        Unit::DayOfYear => i64::from(date.day_of_year()),
        Unit::IsoYear => date.iso_week().0,
        Unit::Epoch => moment.seconds,
    }
}
