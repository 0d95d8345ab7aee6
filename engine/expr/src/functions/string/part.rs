//! Parts of text by position: `SUBSTRING`, `LEFT`, `RIGHT`, `LPAD`, `RPAD`, `OVERLAY`, `SPLIT_INDEX`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::Result;

use super::super::definition::{Call, Definition, Parameter};
use super::{STRING, check_length};

use Parameter::{Integer, Text};

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new("substring", &[Text, Integer, Integer], STRING, substring)
            .optional(1)
            .aliases(&["substr"]),
        Definition::new("left", &[Text, Integer], STRING, left),
        Definition::new("right", &[Text, Integer], STRING, right),
        Definition::new("lpad", &[Text, Integer, Text], STRING, |call| pad(call, true)).failing(),
        Definition::new("rpad", &[Text, Integer, Text], STRING, |call| pad(call, false)).failing(),
        Definition::new("overlay", &[Text, Text, Integer, Integer], STRING, overlay).optional(1),
        Definition::new("split_index", &[Text, Parameter::TextOrInteger, Integer], STRING, split_index),
    ]
}

/// The code points `start..end` of the text, counted from 0.
fn slice(text: &str, start: i64, end: i64) -> &str {
    let byte = |at: i64| {
        let at = usize::try_from(at).unwrap_or(0);
        if text.is_ascii() {
            at.min(text.len())
        } else {
            text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
        }
    };
    let (start, end) = (byte(start), byte(end));
    if start < end { &text[start..end] } else { "" }
}

fn length(text: &str) -> i64 {
    if text.is_ascii() { text.len() as i64 } else { text.chars().count() as i64 }
}

/// A position counts from 1, a negative one from the end; 0 is like 1.
fn substring(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, start) = (call.text(0)?, call.integer(1)?);
    let count = if call.count() > 2 { Some(call.integer(2)?) } else { None };
    call.strings(|row, out| {
        let (Some(text), Some(start)) = (text.get(row), start.get(row)) else { return Ok(None) };
        let count = match &count {
            None => i64::MAX,
            Some(count) => match count.get(row) {
                Some(count) if count >= 0 => count,
                _ => return Ok(None),
            },
        };
        let start = match start {
            1.. => start - 1,
            0 => 0,
            _ => length(text).saturating_add(start),
        };
        // A position before the beginning gives nothing, not the rest of the count.
        if start >= 0 {
            out.push_str(slice(text, start, start.saturating_add(count)));
        }
        Ok(Some(()))
    })
}

fn left(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, count) = (call.text(0)?, call.integer(1)?);
    call.strings(|row, out| {
        let (Some(text), Some(count)) = (text.get(row), count.get(row)) else { return Ok(None) };
        out.push_str(slice(text, 0, count));
        Ok(Some(()))
    })
}

fn right(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, count) = (call.text(0)?, call.integer(1)?);
    call.strings(|row, out| {
        let (Some(text), Some(count)) = (text.get(row), count.get(row)) else { return Ok(None) };
        if count > 0 {
            out.push_str(slice(text, length(text).saturating_sub(count), i64::MAX));
        }
        Ok(Some(()))
    })
}

/// Pads or cuts to a length; null for a negative one and when there is nothing to pad with.
fn pad(call: &Call<'_>, before: bool) -> Result<ArrayRef> {
    let (text, wanted, filler) = (call.text(0)?, call.integer(1)?, call.text(2)?);
    call.strings(|row, out| {
        let (Some(text), Some(wanted), Some(filler)) = (text.get(row), wanted.get(row), filler.get(row))
        else {
            return Ok(None);
        };
        if wanted < 0 || filler.is_empty() {
            return Ok(None);
        }
        // Flink counts UTF-16 units here: a character beyond U+FFFF is two. One that would be cut in half is left out.
        let units = text.chars().map(|c| c.len_utf16() as i64).sum::<i64>();
        let missing = wanted - units;
        if missing <= 0 {
            let mut left = wanted;
            out.extend(text.chars().take_while(|c| {
                left -= c.len_utf16() as i64;
                left >= 0
            }));
            return Ok(Some(()));
        }
        let missing = missing as usize;
        check_length(call, filler.len(), missing)?;
        if !before {
            out.push_str(text);
        }
        out.extend(filler.chars().cycle().take(missing));
        if before {
            out.push_str(text);
        }
        Ok(Some(()))
    })
}

/// Replaces a part; text comes back as it is when the position lies outside, and the rest is dropped when the length
/// is not positive, both as Flink does.
fn overlay(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, other, start) = (call.text(0)?, call.text(1)?, call.integer(2)?);
    let count = if call.count() > 3 { Some(call.integer(3)?) } else { None };
    call.strings(|row, out| {
        let (Some(text), Some(other), Some(start)) = (text.get(row), other.get(row), start.get(row)) else {
            return Ok(None);
        };
        let count = match &count {
            None => Some(length(other)),
            Some(count) => count.get(row),
        };
        let Some(count) = count else { return Ok(None) };
        let whole = length(text);
        if start <= 0 || start > whole {
            out.push_str(text);
            return Ok(Some(()));
        }
        out.push_str(slice(text, 0, start - 1));
        out.push_str(other);
        if count > 0 && start.saturating_add(count) <= whole {
            out.push_str(slice(text, start - 1 + count, i64::MAX));
        }
        Ok(Some(()))
    })
}

/// The part with this index, from 0, between separators; the separator is text or the code of a character.
fn split_index(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, index) = (call.text(0)?, call.integer(2)?);
    let separator = call.column(1)?;
    let by_code = separator.array.data_type() == &DataType::Int64;
    let codes = if by_code { Some(separator.integers()?) } else { None };
    let texts = if by_code { None } else { Some(separator.strings()?) };
    call.strings(|row, out| {
        let (Some(text), Some(index)) = (text.get(row), index.get(row)) else { return Ok(None) };
        let Ok(index) = usize::try_from(index) else { return Ok(None) };
        let mut buffer = [0; 4];
        let separator = match (&codes, &texts) {
            (Some(codes), _) => {
                let code = codes.get(row).and_then(|code| u32::try_from(code).ok());
                code.and_then(char::from_u32).map(|c| &*c.encode_utf8(&mut buffer))
            }
            (None, Some(texts)) => texts.get(row),
            (None, None) => None,
        };
        let Some(separator) = separator else { return Ok(None) };
        if text.is_empty() || separator.is_empty() {
            return Ok(None);
        }
        Ok(text.split(separator).nth(index).map(|part| out.push_str(part)))
    })
}
