//! The units of time that SQL names.

use arrow::array::StringArray;
use datafusion_common::{DataFusionError, Result};

use super::super::definition::Call;
use crate::column::Values;

/// A unit of time or a part of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    /// Only a part: Sunday is 1
    DayOfWeek,
    /// Only a part: Monday is 1
    IsoDayOfWeek,
    /// Only a part
    DayOfYear,
    /// Only a part: the year of the ISO week
    IsoYear,
    /// Only a part: seconds since 1970
    Epoch,
}

impl Unit {
    /// The unit with this name, whatever its case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "NANOSECOND" | "NANOSECONDS" => Self::Nanosecond,
            "MICROSECOND" | "MICROSECONDS" => Self::Microsecond,
            "MILLISECOND" | "MILLISECONDS" => Self::Millisecond,
            "SECOND" | "SECONDS" => Self::Second,
            "MINUTE" | "MINUTES" => Self::Minute,
            "HOUR" | "HOURS" => Self::Hour,
            "DAY" | "DAYS" => Self::Day,
            "WEEK" | "WEEKS" => Self::Week,
            "MONTH" | "MONTHS" => Self::Month,
            "QUARTER" | "QUARTERS" => Self::Quarter,
            "YEAR" | "YEARS" => Self::Year,
            "DECADE" | "DECADES" => Self::Decade,
            "CENTURY" | "CENTURIES" => Self::Century,
            "MILLENNIUM" | "MILLENNIA" => Self::Millennium,
            "DOW" => Self::DayOfWeek,
            "ISODOW" => Self::IsoDayOfWeek,
            "DOY" => Self::DayOfYear,
            "ISOYEAR" => Self::IsoYear,
            "EPOCH" => Self::Epoch,
            _ => return None,
        })
    }

    /// The length in nanoseconds of a unit that always has the same length.
    pub(super) fn nanos(self) -> Option<i64> {
        const SECOND: i64 = 1_000_000_000;
        Some(match self {
            Self::Nanosecond => 1,
            Self::Microsecond => 1_000,
            Self::Millisecond => 1_000_000,
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3_600 * SECOND,
            Self::Day => 86_400 * SECOND,
            Self::Week => 7 * 86_400 * SECOND,
            _ => return None,
        })
    }

    /// The number of months of a unit that has one.
    pub(super) fn months(self) -> Option<i64> {
        Some(match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
            Self::Decade => 120,
            Self::Century => 1_200,
            Self::Millennium => 12_000,
            _ => return None,
        })
    }
}

/// The units of a call, read once when the argument is a constant.
pub(super) struct Units<'a> {
    call: &'a Call<'a>,
    names: Values<'a, StringArray>,
    constant: Option<Unit>,
}

impl<'a> Units<'a> {
    /// The units in the argument `at`.
    pub(super) fn new(call: &'a Call<'a>, at: usize) -> Result<Self> {
        let names = call.text(at)?;
        let constant = if names.is_constant() { names.get(0).and_then(Unit::parse) } else { None };
        Ok(Self { call, names, constant })
    }

    /// The unit of a row; nothing for null.
    ///
    /// # Errors
    /// A name that is no unit.
    pub(super) fn get(&self, row: usize) -> Result<Option<Unit>> {
        if self.constant.is_some() {
            return Ok(self.constant);
        }
        match self.names.get(row) {
            None => Ok(None),
            Some(name) => match Unit::parse(name) {
                Some(unit) => Ok(Some(unit)),
                None => Err(self.call.bad_argument(format!("'{name}' is not a unit of time"))),
            },
        }
    }

    /// The error for a unit that the function does not have.
    pub(super) fn unsuitable(&self, unit: Unit) -> DataFusionError {
        self.call
            .bad_argument(format!("the unit {} is not possible here", format!("{unit:?}").to_uppercase()))
    }
}
