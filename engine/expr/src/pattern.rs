//! Java's date patterns: `yyyy-MM-dd HH:mm:ss.SSS` and its kin.
//!
//! Owns the reading of a pattern once and its use for many values, both ways. A pattern without a field for the time of
//! day gives midnight, without a day the first of the month. A day that the month does not have becomes its last. For
//! example `dd.MM.yyyy` reads `02.01.2020`.
//!
//! Not understood, and refused with the letter: zones by name (`z`, `V`, `O`), eras, localised and padded fields.

mod read;
mod write;

pub(crate) use write::LastWritten;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A pattern that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    items: Vec<Item>,
}

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// This text as it is.
    Literal(String),
    /// A field and the number of its letters.
    Field(Field, usize),
}

/// What a letter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// `y`, `u`: the year; two letters mean the two last digits, read as 2000 to 2099
    Year,
    /// `Y`: the year of the week `w`
    WeekYear,
    /// `Q`, `q`: the quarter
    Quarter,
    /// `M`, `L`: the month; three letters its short name, four its name
    Month,
    /// `w`: the week of the year; weeks begin on Sunday and the first one has the first of January
    Week,
    /// `W`: the week of the month
    WeekOfMonth,
    /// `D`: the day of the year
    DayOfYear,
    /// `d`: the day of the month
    DayOfMonth,
    /// `E`: the short name of the weekday, four letters its name
    WeekdayName,
    /// `e`, `c`: the number of the weekday, Sunday is 1
    WeekdayNumber,
    /// `a`: AM or PM
    HalfDay,
    /// `H`: hours from 0 to 23
    Hour,
    /// `k`: hours from 1 to 24
    HourFrom1,
    /// `K`: hours of the half day from 0 to 11
    HalfHour,
    /// `h`: hours of the half day from 1 to 12
    HalfHourFrom1,
    /// `m`: minutes
    Minute,
    /// `s`: seconds
    Second,
    /// `S`: digits of the second
    Fraction,
    /// `n`: nanoseconds
    Nano,
    /// `X`, `x`, `Z`: the offset from UTC, only for reading
    Offset,
}

/// The names of the months, beginning with January.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The names of the weekdays, beginning with Monday.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A letter that stands for nothing, or an open quotation, as a message.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let mut items: Vec<Item> = Vec::new();
        let mut rest = pattern.chars().peekable();
        while let Some(letter) = rest.next() {
            if letter == '\'' {
                let text =
                    quoted(&mut rest).ok_or_else(|| format!("the pattern '{pattern}' has an open '"))?;
                push_literal(&mut items, &text);
            } else if letter.is_ascii_alphabetic() {
                let mut count = 1;
                while rest.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                let Some(field) = field_of(letter) else {
                    return Err(format!("the letter '{letter}' of the pattern '{pattern}' is not supported"));
                };
                items.push(Item::Field(field, count));
            } else {
                push_literal(&mut items, letter.encode_utf8(&mut [0; 4]));
            }
        }
        Ok(Self { items })
    }

    /// [`Pattern::parse`] with a memory of the last patterns of this thread, because a job has few and uses them for
    /// every batch.
    ///
    /// # Errors
    /// As `parse`.
    pub(crate) fn cached(pattern: &str) -> Result<Rc<Self>, String> {
        /// More patterns than any sane job has; a column of patterns empties the memory now and then.
        const KEPT: usize = 64;
        thread_local! {
            static KNOWN: RefCell<HashMap<String, Rc<Pattern>>> = RefCell::new(HashMap::new());
        }
        KNOWN.with_borrow_mut(|known| {
            if let Some(found) = known.get(pattern) {
                return Ok(found.clone());
            }
            let parsed = Rc::new(Self::parse(pattern)?);
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(pattern.to_string(), parsed.clone());
            Ok(parsed)
        })
    }
}

/// The text up to the closing quote; two quotes are one.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    if rest.next_if_eq(&'\'').is_some() {
        return Some("'".to_string());
    }
    let mut text = String::new();
    loop {
        match rest.next()? {
            '\'' if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => return Some(text),
            other => text.push(other),
        }
    }
}

fn push_literal(items: &mut Vec<Item>, text: &str) {
    match items.last_mut() {
        Some(Item::Literal(last)) => last.push_str(text),
        _ => items.push(Item::Literal(text.to_string())),
    }
}

fn field_of(letter: char) -> Option<Field> {
    Some(match letter {
        'y' | 'u' => Field::Year,
        'Y' => Field::WeekYear,
        'Q' | 'q' => Field::Quarter,
        'M' | 'L' => Field::Month,
        'w' => Field::Week,
        'W' => Field::WeekOfMonth,
        'D' => Field::DayOfYear,
        'd' => Field::DayOfMonth,
        'E' => Field::WeekdayName,
        'e' | 'c' => Field::WeekdayNumber,
        'a' => Field::HalfDay,
        'H' => Field::Hour,
        'k' => Field::HourFrom1,
        'K' => Field::HalfHour,
        'h' => Field::HalfHourFrom1,
        'm' => Field::Minute,
        's' => Field::Second,
        'S' => Field::Fraction,
        'n' => Field::Nano,
        'X' | 'x' | 'Z' => Field::Offset,
        _ => return None,
    })
}

#[cfg(test)]
mod pattern_test;
