//! Between text and time: `DATE_FORMAT`, `TO_DATE`, `TO_TIMESTAMP`, `TO_TIMESTAMP_LTZ`, `UNIX_TIMESTAMP`,
//! `FROM_UNIXTIME`, `CONVERT_TZ`.
//!
//! Patterns are Java's, see `pattern`. Text that does not fit gives null, also where Flink gives a fantastic number
//! (`TO_DATE('abc', 'yyyy-MM-dd')`, `UNIX_TIMESTAMP('abc')`). `TO_TIMESTAMP` with a pattern that does not fit tries the
//! ordinary form before it gives up.

use std::cell::RefCell;
use std::rc::Rc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion_common::Result;

use super::super::definition::{Call, Definition, Parameter, Returns};
use super::Wall;
use crate::calendar::{Moment, parse_date, parse_timestamp};
use crate::column::Values;
use crate::pattern::{LastWritten, Pattern};
use crate::types::SqlType;
use crate::zone;

use Parameter::{Integer, Text, TextOrNumber, TextOrTimestamp};

const SECONDS_PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

pub(super) fn definitions() -> Vec<Definition> {
    let string = Returns::Type(SqlType::String);
    let ltz = Returns::Type(SqlType::TimestampLtz(3));
    vec![
        Definition::new("date_format", &[TextOrTimestamp, Text], string, date_format).failing(),
        Definition::new("to_date", &[Text, Text], Returns::Type(SqlType::Date), to_date)
            .optional(1)
            .failing(),
        Definition::new("to_timestamp", &[Text, Text], Returns::Type(SqlType::Timestamp(3)), to_timestamp)
            .optional(1)
            .failing(),
        Definition::new(
            "to_timestamp_ltz",
            &[TextOrNumber, Parameter::TextOrInteger, Text],
            ltz,
            to_timestamp_ltz,
        )
        .optional(2)
        .failing(),
        Definition::new("unix_timestamp", &[Text, Text], Returns::Type(SqlType::BigInt), unix_timestamp)
            .optional(1)
            .failing(),
        Definition::new("from_unixtime", &[Integer, Text], string, from_unixtime).optional(1).failing(),
        Definition::new("convert_tz", &[Text, Text, Text], string, convert_tz).failing(),
    ]
}

/// The pattern of each row; the same one is read once.
struct Patterns<'a> {
    call: &'a Call<'a>,
    values: Option<Values<'a, StringArray>>,
    default: Rc<Pattern>,
    /// That of the row before, with its text: as a rule the next one's, too.
    last: RefCell<(String, Rc<Pattern>)>,
}

impl<'a> Patterns<'a> {
    /// The patterns in the argument `at`, or `default` when it was left out.
    fn new(call: &'a Call<'a>, at: usize, default: &str) -> Result<Self> {
        let values = if call.count() > at { Some(call.text(at)?) } else { None };
        let default = Pattern::cached(default).map_err(|reason| call.bad_argument(reason))?;
        let last = RefCell::new((String::new(), default.clone()));
        Ok(Self { call, values, default, last })
    }

    fn get(&self, row: usize) -> Result<Option<Rc<Pattern>>> {
        let Some(values) = &self.values else { return Ok(Some(self.default.clone())) };
        let mut last = self.last.borrow_mut();
        if values.is_constant() && !last.0.is_empty() {
            return Ok(Some(last.1.clone()));
        }
        let Some(text) = values.get(row) else { return Ok(None) };
        if last.0 != text || text.is_empty() {
            let pattern = Pattern::cached(text).map_err(|reason| self.call.bad_argument(reason))?;
            *last = (text.to_owned(), pattern);
        }
        Ok(Some(last.1.clone()))
    }
}

fn date_format(call: &Call<'_>) -> Result<ArrayRef> {
    let patterns = Patterns::new(call, 1, SECONDS_PATTERN)?;
    let mut written = LastWritten::default();
    let mut show = |moment: Moment, pattern: &Rc<Pattern>, out: &mut String| {
        written.write(pattern, moment, out).map(Some).map_err(|reason| call.bad_argument(reason))
    };
    if call.column(0)?.array.data_type() == &DataType::Utf8 {
        let text = call.text(0)?;
        return call.strings(|row, out| {
            let (Some(text), Some(pattern)) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
            // Text must have a time of day here, unlike in a cast.
            match parse_timestamp(text).filter(|_| text.contains(':')) {
                Some(moment) => show(moment, &pattern, out),
                None => Ok(None),
            }
        });
    }
    let (moments, wall) = (call.moments(0)?, Wall::of(call, 0)?);
    call.strings(|row, out| match (moments.get(row), patterns.get(row)?) {
        (Some(moment), Some(pattern)) => show(wall.see(moment), &pattern, out),
        _ => Ok(None),
    })
}

fn to_date(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, "yyyy-MM-dd")?);
    let with_pattern = call.count() > 1;
    call.temporals(|row| {
        let (Some(text), Some(pattern)) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        if with_pattern {
            return Ok(pattern.read(text).and_then(|fields| fields.moment()));
        }
        Ok(parse_date(text).map(|date| Moment::midnight(date.day())))
    })
}

/// The wall clock that a text means under a pattern, or in the ordinary form.
fn lenient(text: &str, pattern: &Pattern, with_pattern: bool) -> Option<Moment> {
    let read = if with_pattern { pattern.read(text).and_then(|fields| fields.moment()) } else { None };
    read.or_else(|| parse_timestamp(text))
}

fn to_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, SECONDS_PATTERN)?);
    let with_pattern = call.count() > 1;
    call.temporals(|row| {
        let (Some(text), Some(pattern)) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        Ok(lenient(text, &pattern, with_pattern))
    })
}

fn to_timestamp_ltz(call: &Call<'_>) -> Result<ArrayRef> {
    match call.column(0)?.array.data_type() {
        DataType::Utf8 => ltz_of_text(call),
        _ => ltz_of_number(call),
    }
}

/// `TO_TIMESTAMP_LTZ(text [, pattern [, zone]])`; the zone is that of the session when it is left out.
fn ltz_of_text(call: &Call<'_>) -> Result<ArrayRef> {
    if call.count() > 1 && call.column(1)?.array.data_type() == &DataType::Int64 {
        return Err(call.bad_argument("text takes a pattern, not a precision"));
    }
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, SECONDS_PATTERN)?);
    let zones = if call.count() > 2 { Some(call.text(2)?) } else { None };
    let with_pattern = call.count() > 1;
    call.temporals(|row| {
        let (Some(text), Some(pattern)) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        let zone = match &zones {
            None => call.zone,
            Some(zones) => match zones.get(row) {
                Some(name) => zone::parse(name).map_err(|_| unknown_zone(call, name))?,
                None => return Ok(None),
            },
        };
        match lenient(text, &pattern, with_pattern) {
            Some(wall) => Ok(Some(Moment::new(zone::to_instant(zone, wall.seconds), wall.nanos))),
            None => Err(call.bad_argument(format!("'{text}' is not a timestamp"))),
        }
    })
}

/// `TO_TIMESTAMP_LTZ(number [, precision])`: seconds for precision 0, milliseconds for 3, which is the default.
fn ltz_of_number(call: &Call<'_>) -> Result<ArrayRef> {
    if call.count() > 2 || (call.count() > 1 && call.column(1)?.array.data_type() == &DataType::Utf8) {
        return Err(call.bad_argument("a number takes a precision of 0 or 3"));
    }
    let precision = if call.count() > 1 { Some(call.integer(1)?) } else { None };
    let whole = call.column(0)?.array.data_type() == &DataType::Int64;
    let integers = if whole { Some(call.integer(0)?) } else { None };
    let doubles = if whole { None } else { Some(call.double(0)?) };
    call.temporals(|row| {
        let precision = match &precision {
            None => Some(3),
            Some(precision) => precision.get(row),
        };
        let millis = match precision {
            None => return Ok(None),
            Some(0) => 1_000,
            Some(3) => 1,
            Some(other) => {
                return Err(call.bad_argument(format!("the precision must be 0 or 3, not {other}")));
            }
        };
        let count = match (&integers, &doubles) {
            (Some(integers), _) => integers.get(row).and_then(|count| count.checked_mul(millis)),
            (None, Some(doubles)) => doubles.get(row).map(|count| (count * millis as f64) as i64),
            (None, None) => None,
        };
        Ok(count.map(|count| Moment::from_unit(count, arrow::datatypes::TimeUnit::Millisecond)))
    })
}

fn unix_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, SECONDS_PATTERN)?);
    call.bigints(|row| {
        let (Some(text), Some(pattern)) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        // What stands behind the pattern is ignored, as by Java's SimpleDateFormat.
        let Some((fields, _)) = pattern.read_prefix(text) else { return Ok(None) };
        Ok(fields.moment().map(|wall| match fields.offset {
            Some(offset) => wall.seconds - offset,
            None => zone::to_instant(call.zone, wall.seconds),
        }))
    })
}

fn from_unixtime(call: &Call<'_>) -> Result<ArrayRef> {
    let (seconds, patterns) = (call.integer(0)?, Patterns::new(call, 1, SECONDS_PATTERN)?);
    call.strings(|row, out| {
        let (Some(seconds), Some(pattern)) = (seconds.get(row), patterns.get(row)?) else { return Ok(None) };
        let wall = Moment::new(zone::to_local(call.zone, seconds), 0);
        pattern.write(wall, out).map(Some).map_err(|reason| call.bad_argument(reason))
    })
}

fn convert_tz(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let pattern = Pattern::cached(SECONDS_PATTERN).map_err(|reason| call.bad_argument(reason))?;
    call.strings(|row, out| {
        let (Some(text), Some(from), Some(to)) = (text.get(row), from.get(row), to.get(row)) else {
            return Ok(None);
        };
        let from = zone::parse(from).map_err(|_| unknown_zone(call, from))?;
        let to = zone::parse(to).map_err(|_| unknown_zone(call, to))?;
        let Some((fields, _)) = pattern.read_prefix(text) else { return Ok(None) };
        let Some(wall) = fields.moment() else { return Ok(None) };
        let there = Moment::new(zone::to_local(to, zone::to_instant(from, wall.seconds)), 0);
        pattern.write(there, out).map(Some).map_err(|reason| call.bad_argument(reason))
    })
}

fn unknown_zone(call: &Call<'_>, name: &str) -> datafusion_common::DataFusionError {
    call.bad_argument(format!("'{name}' is not a time zone"))
}
