//! Where one text lies in another: `POSITION`, `LOCATE`, `INSTR`, `STARTSWITH`, `ENDSWITH`.
//!
//! Positions count from 1; 0 says that it is not there.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::super::definition::{Call, Definition, Parameter, Returns};
use super::INT;
use crate::types::SqlType;

use Parameter::{Integer, Text};

pub(super) fn definitions() -> Vec<Definition> {
    let boolean = Returns::Type(SqlType::Boolean);
    vec![
        // `POSITION(x IN y)` reaches the function as (y, x).
        Definition::new("position", &[Text, Text], INT, |call| locate(call, 1, 0)),
        Definition::new("locate", &[Text, Text, Integer], INT, |call| locate(call, 0, 1)).optional(1),
        Definition::new("instr", &[Text, Text, Integer, Integer], INT, instr).optional(2).failing(),
        Definition::new("startswith", &[Text, Text], boolean, |call| {
            test(call, |text, part| text.starts_with(part))
        }),
        Definition::new("endswith", &[Text, Text], boolean, |call| {
            test(call, |text, part| text.ends_with(part))
        }),
    ]
}

fn test(call: &Call<'_>, f: fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let (text, part) = (call.text(0)?, call.text(1)?);
    call.booleans(|row| Ok(text.get(row).zip(part.get(row)).map(|(text, part)| f(text, part))))
}

/// The byte where the code point with this position begins; the end of the text when it is behind it.
fn byte_of(text: &str, position: i64) -> usize {
    let at = usize::try_from(position - 1).unwrap_or(0);
    text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
}

fn position_of(text: &str, byte: usize) -> i32 {
    text[..byte].chars().count() as i32 + 1
}

fn locate(call: &Call<'_>, part: usize, text: usize) -> Result<ArrayRef> {
    let (part, text) = (call.text(part)?, call.text(text)?);
    let from = if call.count() > 2 { Some(call.integer(2)?) } else { None };
    call.ints(|row| {
        let (Some(part), Some(text)) = (part.get(row), text.get(row)) else { return Ok(None) };
        let from = match &from {
            None => Some(1),
            Some(from) => from.get(row),
        };
        let Some(from) = from else { return Ok(None) };
        if part.is_empty() {
            return Ok(Some(1));
        }
        let start = byte_of(text, from.max(1));
        Ok(Some(text[start..].find(part).map_or(0, |at| position_of(text, start + at))))
    })
}

/// `INSTR(text, part, start, nth)`; a negative start counts from the end and searches backwards.
fn instr(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, part) = (call.text(0)?, call.text(1)?);
    let start = if call.count() > 2 { Some(call.integer(2)?) } else { None };
    let nth = if call.count() > 3 { Some(call.integer(3)?) } else { None };
    call.ints(|row| {
        let (Some(text), Some(part)) = (text.get(row), part.get(row)) else { return Ok(None) };
        let start = start.as_ref().map_or(Some(1), |start| start.get(row));
        let nth = nth.as_ref().map_or(Some(1), |nth| nth.get(row));
        let (Some(start), Some(nth)) = (start, nth) else { return Ok(None) };
        if nth < 1 {
            return Err(call.bad_argument(format!("the occurrence must be at least 1, not {nth}")));
        }
        if part.is_empty() {
            return Ok(Some(if start == 0 { 0 } else { 1 }));
        }
        Ok(Some(find_nth(text, part, start, nth)))
    })
}

/// Occurrences may overlap, as in Java's repeated `indexOf`.
fn find_nth(text: &str, part: &str, start: i64, nth: i64) -> i32 {
    let mut left = nth;
    if start > 0 {
        let mut from = byte_of(text, start);
        while let Some(at) = text[from..].find(part) {
            left -= 1;
            if left == 0 {
                return position_of(text, from + at);
            }
            from += at + text[from + at..].chars().next().map_or(1, char::len_utf8);
        }
    } else if start < 0 {
        let last = text.chars().count() as i64 + start + 1;
        if last < 1 {
            return 0;
        }
        // A match may begin at the start and reach behind it.
        let mut end = (byte_of(text, last) + part.len()).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        while let Some(at) = text[..end].rfind(part) {
            left -= 1;
            if left == 0 {
                return position_of(text, at);
            }
            end = at + part.len() - part.chars().next_back().map_or(1, char::len_utf8);
        }
    }
    0
}
