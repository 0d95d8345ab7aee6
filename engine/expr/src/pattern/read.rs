//! Text read by a pattern.

use super::{Field, Item, MONTHS, Pattern, WEEKDAYS};
use crate::calendar::{Clock, Date, Moment};

/// What a text said, field by field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    year: Option<i64>,
    month: Option<u32>,
    day_of_month: Option<u32>,
    day_of_year: Option<u32>,
    hour: Option<u32>,
    half_hour: Option<u32>,
    afternoon: Option<bool>,
    minute: Option<u32>,
    second: Option<u32>,
    nanos: Option<u32>,
    /// Seconds that the clock is ahead of UTC.
    pub(crate) offset: Option<i64>,
}

impl Fields {
    /// The wall clock, or `None` when a value is out of range. What is missing is taken from
    /// 1970-01-01 00:00:00.
    pub(crate) fn moment(&self) -> Option<Moment> {
        let year = self.year.unwrap_or(1970);
        let date = match self.day_of_year {
            Some(day) => {
                let first = Date::new(year, 1, 1)?;
                Date::from_day(first.day() + i64::from(day.checked_sub(1)?))
            }
            None => Date::clamped(year, self.month.unwrap_or(1), self.day_of_month.unwrap_or(1))?,
        };
        let hour = match (self.hour, self.half_hour) {
            (Some(hour), _) => hour,
            (None, Some(half)) => half % 12 + if self.afternoon == Some(true) { 12 } else { 0 },
            (None, None) => 0,
        };
        let clock =
            Clock::new(hour, self.minute.unwrap_or(0), self.second.unwrap_or(0), self.nanos.unwrap_or(0))?;
        (date.year == year).then(|| Moment::of(date, clock))
    }
}

impl Pattern {
    /// Reads the whole of `text`; `None` when it does not look like the pattern.
    pub(crate) fn read(&self, text: &str) -> Option<Fields> {
        match self.read_prefix(text)? {
            (fields, "") => Some(fields),
            _ => None,
        }
    }

    /// Reads the beginning of `text` and gives back what is behind.
    pub(crate) fn read_prefix<'t>(&self, text: &'t str) -> Option<(Fields, &'t str)> {
        let mut fields = Fields::default();
        let mut rest = text;
        for (at, item) in self.items.iter().enumerate() {
            rest = match item {
                Item::Literal(literal) => rest.strip_prefix(literal.as_str())?,
                Item::Field(field, letters) => {
                    // A number takes no more digits than letters when another number follows at once.
                    let adjacent =
                        matches!(self.items.get(at + 1), Some(Item::Field(next, _)) if is_number(*next));
                    fields.take(*field, *letters, adjacent, rest)?
                }
            };
        }
        Some((fields, rest))
    }
}

fn is_number(field: Field) -> bool {
    !matches!(field, Field::HalfDay | Field::WeekdayName | Field::Offset)
}

impl Fields {
    /// Takes a field from the beginning of `text` and gives back what is behind.
    fn take<'t>(&mut self, field: Field, letters: usize, adjacent: bool, text: &'t str) -> Option<&'t str> {
        if letters >= 3 && field == Field::Month {
            let (month, rest) = name(&MONTHS, letters == 3, text)?;
            self.month = Some(month);
            return Some(rest);
        }
        match field {
            Field::WeekdayName => return Some(name(&WEEKDAYS, letters <= 3, text)?.1),
            Field::HalfDay => {
                let half = text.get(..2)?;
                self.afternoon = Some(if half.eq_ignore_ascii_case("PM") {
                    true
                } else if half.eq_ignore_ascii_case("AM") {
                    false
                } else {
                    return None;
                });
                return text.get(2..);
            }
            Field::Offset => {
                let (offset, rest) = offset(text)?;
                self.offset = Some(offset);
                return Some(rest);
            }
            Field::Fraction => {
                let (digits, rest) = digits(text, 1, letters.min(9))?;
                let value: u32 = digits.parse().ok()?;
                self.nanos = Some(value * 10_u32.pow(9 - digits.len() as u32));
                return Some(rest);
            }
            _ => {}
        }
        let (least, most) = match (field, letters) {
            (_, _) if adjacent => (letters, letters),
            (Field::Year, 2) => (2, 2),
            (Field::Year, _) => (letters.min(4), 9),
            (_, 1) => (1, 9),
            // Java would insist on two digits; a missing zero is common and cannot be mistaken.
            (_, letters) => (1, letters),
        };
        let (digits, rest) = digits(text, least, most)?;
        let value: u32 = digits.parse().ok()?;
        match field {
            Field::Year if letters == 2 => self.year = Some(2000 + i64::from(value)),
            Field::Year => self.year = Some(i64::from(value)),
            Field::Month => self.month = Some(value),
            Field::DayOfMonth => self.day_of_month = Some(value),
            Field::DayOfYear => self.day_of_year = Some(value),
            Field::Hour => self.hour = Some(value),
            Field::HourFrom1 => self.hour = Some(if value == 24 { 0 } else { value }),
            Field::HalfHour | Field::HalfHourFrom1 => {
                if value > 12 {
                    return None;
                }
                self.half_hour = Some(value);
            }
            Field::Minute => self.minute = Some(value),
            Field::Second => self.second = Some(value),
            Field::Nano => self.nanos = Some(value),
            // Weeks, quarters and weekdays do not decide a date that has a month and a day.
            _ => {}
        }
        Some(rest)
    }
}

fn digits(text: &str, least: usize, most: usize) -> Option<(&str, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    (count >= least).then(|| text.split_at(count))
}

/// The number of a name, from 1, and what is behind it.
fn name<'t>(names: &[&str], short: bool, text: &'t str) -> Option<(u32, &'t str)> {
    for (at, name) in names.iter().enumerate() {
        let wanted = if short { &name[..3] } else { *name };
        if let Some(begin) = text.get(..wanted.len())
            && begin.eq_ignore_ascii_case(wanted)
        {
            return Some((at as u32 + 1, &text[wanted.len()..]));
        }
    }
    None
}

/// `Z`, `+02`, `+0200` or `+02:00`, in seconds.
fn offset(text: &str) -> Option<(i64, &str)> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((0, rest));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(&text[1..], 2, 2)?;
    let (minutes, rest) = match digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2) {
        Some((minutes, rest)) => (minutes.parse::<i64>().ok()?, rest),
        None => (0, rest),
    };
    Some((sign * (hours.parse::<i64>().ok()? * 3_600 + minutes * 60), rest))
}
