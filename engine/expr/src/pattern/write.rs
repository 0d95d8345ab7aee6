//! A moment written by a pattern.

use std::fmt::Write;
use std::rc::Rc;

use super::{Field, Item, MONTHS, Pattern, WEEKDAYS};
use crate::calendar::{Date, Moment, SECONDS_PER_DAY};

/// The text of the last moment, which is that of the next one, too, while nothing that the pattern shows is different: as a rule
/// rows are close in time. Example: all moments of a day by `yyyy-MM-dd`.
#[derive(Default)]
pub(crate) struct LastWritten {
    pattern: Option<Rc<Pattern>>,
    /// Which of the spans of [`Pattern::steady_seconds`] it lies in.
    span: Option<i64>,
    text: String,
}

impl LastWritten {
    /// Appends the wall clock `moment` as the pattern shows it.
    ///
    /// # Errors
    /// As [`Pattern::write`].
    pub(crate) fn write(
        &mut self,
        pattern: &Rc<Pattern>,
        moment: Moment,
        out: &mut String,
    ) -> Result<(), String> {
        let is_same = self.pattern.as_ref().is_some_and(|last| Rc::ptr_eq(last, pattern));
        let span = pattern.steady_seconds().map(|steady| moment.seconds.div_euclid(steady));
        if !is_same || span.is_none() || span != self.span {
            self.pattern = Some(pattern.clone());
            self.span = span;
            self.text.clear();
            pattern.write(moment, &mut self.text).inspect_err(|_| self.pattern = None)?;
        }
        out.push_str(&self.text);
        Ok(())
    }
}

impl Pattern {
    /// The text changes at multiples of so many seconds at most; `None` if it may within a second.
    fn steady_seconds(&self) -> Option<i64> {
        self.items
            .iter()
            .map(Item::steady_seconds)
            .try_fold(SECONDS_PER_DAY, |all, item| Some(all.min(item?)))
    }

    /// Appends the wall clock `moment` as the pattern shows it.
    ///
    /// # Errors
    /// A field that a wall clock does not have, as a message.
    pub(crate) fn write(&self, moment: Moment, out: &mut String) -> Result<(), String> {
        for item in &self.items {
            match item {
                Item::Literal(text) => out.push_str(text),
                Item::Field(field, letters) => write_field(*field, *letters, moment, out)?,
            }
        }
        Ok(())
    }
}

impl Item {
    fn steady_seconds(&self) -> Option<i64> {
        let Self::Field(field, _) = self else { return Some(SECONDS_PER_DAY) };
        match field {
            Field::Year
            | Field::WeekYear
            | Field::Quarter
            | Field::Month
            | Field::Week
            | Field::WeekOfMonth => Some(SECONDS_PER_DAY),
            Field::DayOfYear | Field::DayOfMonth | Field::WeekdayName | Field::WeekdayNumber => {
                Some(SECONDS_PER_DAY)
            }
            Field::HalfDay | Field::Hour | Field::HourFrom1 | Field::HalfHour | Field::HalfHourFrom1 => {
                Some(60 * 60)
            }
            Field::Minute => Some(60),
            Field::Second => Some(1),
            Field::Fraction | Field::Nano | Field::Offset => None,
        }
    }
}

fn write_field(field: Field, letters: usize, moment: Moment, out: &mut String) -> Result<(), String> {
    let (date, clock) = (moment.date(), moment.clock());
    let number = |out: &mut String, value: i64| {
        let _ = write!(out, "{value:0letters$}");
    };
    match field {
        Field::Year => write_year(date.year, letters, out),
        Field::WeekYear => write_year(sunday_week(date).0, letters, out),
        Field::Quarter if letters >= 3 => {
            let _ = write!(out, "Q{}", date.quarter());
        }
        Field::Quarter => number(out, i64::from(date.quarter())),
        Field::Month => match MONTHS.get(date.month as usize - 1) {
            Some(name) if letters >= 3 => write_name(name, letters, out),
            _ => number(out, i64::from(date.month)),
        },
        Field::Week => number(out, i64::from(sunday_week(date).1)),
        Field::WeekOfMonth => {
            let first = Date { day_of_month: 1, ..date };
            let shift = first.iso_weekday() % 7;
            number(out, i64::from((date.day_of_month - 1 + shift) / 7 + 1));
        }
        Field::DayOfYear => number(out, i64::from(date.day_of_year())),
        Field::DayOfMonth => number(out, i64::from(date.day_of_month)),
        Field::WeekdayName => {
            if let Some(name) = WEEKDAYS.get(date.iso_weekday() as usize - 1) {
                write_name(name, letters.max(3), out);
            }
        }
        Field::WeekdayNumber => number(out, i64::from(date.iso_weekday() % 7 + 1)),
        Field::HalfDay => out.push_str(if clock.hour < 12 { "AM" } else { "PM" }),
        Field::Hour => number(out, i64::from(clock.hour)),
        Field::HourFrom1 => number(out, i64::from(if clock.hour == 0 { 24 } else { clock.hour })),
        Field::HalfHour => number(out, i64::from(clock.hour % 12)),
        Field::HalfHourFrom1 => number(out, i64::from((clock.hour + 11) % 12 + 1)),
        Field::Minute => number(out, i64::from(clock.minute)),
        Field::Second => number(out, i64::from(clock.second)),
        Field::Fraction => {
            let digits = format!("{:09}", clock.nanos);
            out.push_str(&digits[..letters.min(9)]);
        }
        Field::Nano => number(out, i64::from(clock.nanos)),
        Field::Offset => return Err("the offset of a timestamp without a zone cannot be shown".to_string()),
    }
    Ok(())
}

fn write_year(year: i64, letters: usize, out: &mut String) {
    let _ = match letters {
        2 => write!(out, "{:02}", year.rem_euclid(100)),
        _ => write!(out, "{year:0letters$}"),
    };
}

fn write_name(name: &str, letters: usize, out: &mut String) {
    let shown = match letters {
        3 => &name[..3],
        5 => &name[..1],
        _ => name,
    };
    out.push_str(shown);
}

/// Year and number of the week that begins on Sunday, the first one having the first of January.
fn sunday_week(date: Date) -> (i64, u32) {
    let first_sunday = |year: i64| {
        let first = Date { year, month: 1, day_of_month: 1 };
        first.day() - i64::from(first.iso_weekday() % 7)
    };
    let day = date.day();
    let next = first_sunday(date.year + 1);
    if day >= next {
        return (date.year + 1, 1);
    }
    (date.year, ((day - first_sunday(date.year)) / 7 + 1) as u32)
}
