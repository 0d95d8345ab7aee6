//! Text: case, trimming, parts, positions, padding, joining.
//!
//! Owns the functions of strings that need no pattern. Lengths and positions count Unicode code points from 1; a part
//! outside the text is empty, a negative length null. For example `SUBSTRING('abcdef', -3, 2)` is `de`.

mod join;
mod part;
mod search;

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::definition::{Call, Definition, Parameter, Returns};
use crate::types::SqlType;

use Parameter::{Integer, Text};

const STRING: Returns = Returns::Type(SqlType::String);
const INT: Returns = Returns::Type(SqlType::Int);

pub(super) fn definitions() -> Vec<Definition> {
    let mut all = vec![
        Definition::new("upper", &[Text], STRING, |call| map(call, |text, out| *out += &text.to_uppercase())),
        Definition::new("lower", &[Text], STRING, |call| map(call, |text, out| *out += &text.to_lowercase())),
        Definition::new("initcap", &[Text], STRING, |call| map(call, initcap)),
        Definition::new("reverse", &[Text], STRING, |call| {
            map(call, |text, out| out.extend(text.chars().rev()))
        }),
        Definition::new("trim", &[Text, Text], STRING, |call| trim(call, true, true))
            .optional(1)
            .aliases(&["btrim"]),
        Definition::new("ltrim", &[Text, Text], STRING, |call| trim(call, true, false)).optional(1),
        Definition::new("rtrim", &[Text, Text], STRING, |call| trim(call, false, true)).optional(1),
        Definition::new("char_length", &[Text], INT, char_length).aliases(&["character_length"]),
        Definition::new("ascii", &[Text], INT, ascii),
        Definition::new("chr", &[Integer], STRING, chr),
        Definition::new("translate", &[Text, Text, Text], STRING, translate).aliases(&["translate3"]),
        Definition::new("replace", &[Text, Text, Text], STRING, replace),
        Definition::new("repeat", &[Text, Integer], STRING, repeat),
    ];
    all.extend(part::definitions());
    all.extend(search::definitions());
    all.extend(join::definitions());
    all
}

fn map(call: &Call<'_>, f: fn(&str, &mut String)) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.strings(|row, out| Ok(text.get(row).map(|text| f(text, out))))
}

/// Every ASCII letter behind another sign is upper case, every other one lower case. Beyond ASCII nothing is a letter, as in
/// Flink: `ünï` becomes `üNï`.
fn initcap(text: &str, out: &mut String) {
    let mut inside = false;
    for c in text.chars() {
        out.push(if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() });
        inside = c.is_ascii_alphanumeric();
    }
}

/// Takes off all characters of the second argument, blanks without one.
fn trim(call: &Call<'_>, left: bool, right: bool) -> Result<ArrayRef> {
    let text = call.text(0)?;
    let set = if call.count() > 1 { Some(call.text(1)?) } else { None };
    call.strings(|row, out| {
        let Some(mut text) = text.get(row) else { return Ok(None) };
        let set = match &set {
            Some(set) => set.get(row),
            None => Some(" "),
        };
        let Some(set) = set else { return Ok(None) };
        let unwanted = |c: char| set.contains(c);
        if left {
            text = text.trim_start_matches(unwanted);
        }
        if right {
            text = text.trim_end_matches(unwanted);
        }
        out.push_str(text);
        Ok(Some(()))
    })
}

fn char_length(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.ints(|row| Ok(text.get(row).map(|text| text.chars().count() as i32)))
}

/// The first byte of the text as a signed number, as Flink has it; 0 for empty text.
fn ascii(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.ints(|row| Ok(text.get(row).map(|text| text.bytes().next().map_or(0, |byte| i32::from(byte as i8)))))
}

/// The character with this code modulo 256; nothing for a negative code.
fn chr(call: &Call<'_>) -> Result<ArrayRef> {
    let code = call.integer(0)?;
    call.strings(|row, out| {
        let Some(code) = code.get(row) else { return Ok(None) };
        if code >= 0 {
            out.push(char::from((code % 256) as u8));
        }
        Ok(Some(()))
    })
}

fn translate(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    call.strings(|row, out| {
        let (Some(text), Some(from), Some(to)) = (text.get(row), from.get(row), to.get(row)) else {
            return Ok(None);
        };
        for c in text.chars() {
            match from.chars().position(|candidate| candidate == c) {
                None => out.push(c),
                // A character without a counterpart disappears.
                Some(at) => out.extend(to.chars().nth(at)),
            }
        }
        Ok(Some(()))
    })
}

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    call.strings(|row, out| {
        let (Some(text), Some(from), Some(to)) = (text.get(row), from.get(row), to.get(row)) else {
            return Ok(None);
        };
        let mut end = 0;
        for (at, found) in text.match_indices(from) {
            out.push_str(&text[end..at]);
            out.push_str(to);
            end = at + found.len();
        }
        out.push_str(&text[end..]);
        Ok(Some(()))
    })
}

fn repeat(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, count) = (call.text(0)?, call.integer(1)?);
    call.strings(|row, out| {
        let (Some(text), Some(count)) = (text.get(row), count.get(row)) else { return Ok(None) };
        let count = usize::try_from(count).unwrap_or(0);
        check_length(call, text.len(), count)?;
        out.extend(std::iter::repeat_n(text, count));
        Ok(Some(()))
    })
}

/// Refuses a result that no batch could hold: a few rows of it would fill the memory of a worker.
fn check_length(call: &Call<'_>, length: usize, count: usize) -> Result<()> {
    const GREATEST: usize = 16 << 20;
    match length.checked_mul(count) {
        Some(bytes) if bytes <= GREATEST => Ok(()),
        _ => Err(call.bad_argument(format!("a result of {length} times {count} bytes is over 16 MB"))),
    }
}

#[cfg(test)]
mod string_test;
