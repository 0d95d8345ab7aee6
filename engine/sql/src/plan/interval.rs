//! Interval literals: `INTERVAL '10' SECOND`, `INTERVAL '1 02:03:04.5' DAY TO SECOND`, `INTERVAL '1-6' YEAR TO MONTH`.

use datafusion_sql::sqlparser::ast::{DateTimeField, Expr, Interval, Spanned, UnaryOperator, Value};

use crate::diagnostic::Problem;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length of time: one of the two is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) months: i64,
    pub(crate) micros: i64,
}

/// The length that an interval literal means.
///
/// # Errors
/// Text that does not fit the unit, and units that intervals do not have.
pub(crate) fn interval_length(interval: &Interval) -> Result<Length, Problem> {
    let place = interval.value.span();
    let refuse = |what: &str| Problem::new(place, what.to_owned()).label("not a length of time");
    let (text, negative) = text_of(&interval.value)
        .ok_or_else(|| refuse("an interval's value must be a literal").help("write INTERVAL '10' SECOND"))?;
    let Some(first) = &interval.leading_field else {
        return Err(refuse("an interval needs a unit").help("write INTERVAL '10' SECOND"));
    };
    let last = interval.last_field.as_ref().unwrap_or(first);
    let text = text.trim();
    let (text, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, !negative),
        None => (text.strip_prefix('+').unwrap_or(text), negative),
    };
    let length = parse(text, first, last)
        .ok_or_else(|| refuse(&format!("'{text}' is not an interval of {}", units(first, last))))?;
    let sign = if negative { -1 } else { 1 };
    Ok(Length { months: sign * length.months, micros: sign * length.micros })
}

/// The microseconds of a positive interval without months.
///
/// # Errors
/// As [`interval_length`]; also months, years, zero and less, and parts of a millisecond.
pub(crate) fn duration_micros(expr: &Expr) -> Result<i64, Problem> {
    let at = expr.span();
    let Expr::Interval(interval) = expr else {
        return Err(Problem::new(at, "expected an interval")
            .label("not an interval")
            .help("write INTERVAL '10' MINUTE"));
    };
    let length = interval_length(interval)?;
    if length.months != 0 {
        return Err(Problem::new(at, "windows of months and years are not supported")
            .label("has no fixed length")
            .help("write it in days: INTERVAL '30' DAY"));
    }
    if length.micros % 1_000 != 0 {
        return Err(Problem::new(at, "windows have a resolution of milliseconds").label("too fine"));
    }
    Ok(length.micros)
}

fn text_of(value: &Expr) -> Option<(String, bool)> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some((text.clone(), false)),
            Value::Number(digits, _) => Some((digits.clone(), false)),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            text_of(expr).map(|(text, negative)| (text, !negative))
        }
        _ => None,
    }
}

fn units(first: &DateTimeField, last: &DateTimeField) -> String {
    if first == last { first.to_string() } else { format!("{first} TO {last}") }
}

fn parse(text: &str, first: &DateTimeField, last: &DateTimeField) -> Option<Length> {
    let micros = |micros| Some(Length { months: 0, micros });
    let months = |months| Some(Length { months, micros: 0 });
    use DateTimeField::{
        Day, Days, Hour, Hours, Minute, Minutes, Month, Months, Second, Seconds, Week, Weeks, Year, Years,
    };
    match (first, last) {
        (Year | Years, Year | Years) => months(whole(text)?.checked_mul(12)?),
        (Month | Months, Month | Months) => months(whole(text)?),
        (Year, Month) => {
            let (years, rest) = text.split_once('-')?;
            months(whole(years)?.checked_mul(12)?.checked_add(within(rest, 11)?)?)
        }
        (Week(None) | Weeks, Week(None) | Weeks) => micros(whole(text)?.checked_mul(7)?.checked_mul(DAY)?),
        (Day | Days, Day | Days) => micros(whole(text)?.checked_mul(DAY)?),
        (Hour | Hours, Hour | Hours) => micros(whole(text)?.checked_mul(HOUR)?),
        (Minute | Minutes, Minute | Minutes) => micros(whole(text)?.checked_mul(MINUTE)?),
        (Second | Seconds, Second | Seconds) => micros(seconds(text)?),
        (Day, Hour | Minute | Second) => {
            let (days, rest) = text.split_once(' ')?;
            micros(whole(days)?.checked_mul(DAY)?.checked_add(clock(rest.trim(), &Hour, last, true)?)?)
        }
        (Hour, Minute | Second) | (Minute, Second) => micros(clock(text, first, last, false)?),
        _ => None,
    }
}

/// `hh:mm:ss.f` from the field `first` to the field `last`; the first part is unbounded unless a day precedes it.
fn clock(text: &str, first: &DateTimeField, last: &DateTimeField, after_day: bool) -> Option<i64> {
    let fields = [DateTimeField::Hour, DateTimeField::Minute, DateTimeField::Second];
    let from = fields.iter().position(|field| field == first)?;
    let to = fields.iter().position(|field| field == last)?;
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() != to - from + 1 {
        return None;
    }
    let mut sum = 0_i64;
    for (n, part) in parts.iter().enumerate() {
        let bounded = n > 0 || after_day;
        let value = match from + n {
            0 => bound(whole(part)?, bounded, 23)?.checked_mul(HOUR)?,
            1 => bound(whole(part)?, bounded, 59)?.checked_mul(MINUTE)?,
            _ => bound(seconds(part)?, bounded, MINUTE - 1)?,
        };
        sum = sum.checked_add(value)?;
    }
    Some(sum)
}

fn bound(value: i64, bounded: bool, high: i64) -> Option<i64> {
    (!bounded || value <= high).then_some(value)
}

fn within(text: &str, high: i64) -> Option<i64> {
    whole(text).filter(|value| *value <= high)
}

fn whole(text: &str) -> Option<i64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

fn seconds(text: &str) -> Option<i64> {
    let (whole_part, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanos = whole(fraction)?.checked_mul(10_i64.checked_pow(9 - u32::try_from(fraction.len()).ok()?)?)?;
    whole(whole_part)?.checked_mul(SECOND)?.checked_add(nanos / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::script::parse_expression;

    fn length(text: &str) -> Option<(i64, i64)> {
        match parse_expression(text).unwrap() {
            Expr::Interval(interval) => interval_length(&interval).ok().map(|l| (l.months, l.micros)),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_form_has_its_length() {
        let table = [
            ("INTERVAL '10' SECOND", Some((0, 10 * SECOND))),
            ("INTERVAL '0.001' SECOND(1, 3)", Some((0, 1_000))),
            ("INTERVAL '120' SECOND(3)", Some((0, 120 * SECOND))),
            ("INTERVAL '5' MINUTE", Some((0, 5 * MINUTE))),
            ("INTERVAL '24' HOUR", Some((0, DAY))),
            ("INTERVAL '-1' DAY", Some((0, -DAY))),
            ("INTERVAL '1 02:03:04.5' DAY TO SECOND", Some((0, DAY + 2 * HOUR + 3 * MINUTE + 4_500_000))),
            ("INTERVAL '1 02' DAY TO HOUR", Some((0, DAY + 2 * HOUR))),
            ("INTERVAL '90:30' MINUTE TO SECOND", Some((0, 90 * MINUTE + 30 * SECOND))),
            ("INTERVAL '1:30' HOUR TO MINUTE", Some((0, HOUR + 30 * MINUTE))),
            ("INTERVAL '1-6' YEAR TO MONTH", Some((18, 0))),
            ("INTERVAL '2' YEAR", Some((24, 0))),
            ("INTERVAL '3' MONTH", Some((3, 0))),
            ("INTERVAL 'x' SECOND", None),
            ("INTERVAL '1.5' MINUTE", None),
            ("INTERVAL '1:75' HOUR TO MINUTE", None),
            ("INTERVAL '1-12' YEAR TO MONTH", None),
            ("INTERVAL '99999999999999' DAY", None),
        ];
        for (text, expected) in table {
            assert_eq!(length(text), expected, "{text}");
        }
    }
}
