//! `JSON_QUERY`: the object or array at a path, as text.
//!
//! Owns the wrapper and what `ON EMPTY` and `ON ERROR` answer. A scalar without a wrapper is empty for a lax path and an
//! error for a strict one, and so is a null, whatever the wrapper. For example `JSON_QUERY('{"a": 1}', '$.a' WITH
//! WRAPPER)` is `[1]`.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::path::{Found, Mode};
use super::{Arguments, word, write};
use crate::functions::definition::Call;

pub(super) fn query(call: &Call<'_>) -> Result<ArrayRef> {
    let arguments = Arguments::new(call)?;
    let wrapper = if call.count() > 2 { word(call, 2)? } else { "WITHOUT" };
    let (on_empty, on_error) = (word(call, 3)?, word(call, 4)?);
    let answer = |word: &str, reason: &str, out: &mut String| {
        match word {
            "ERROR" => return Err(arguments.failed("JSON_QUERY", reason)),
            "EMPTY ARRAY" => out.push_str("[]"),
            "EMPTY OBJECT" => out.push_str("{}"),
            _ => return Ok(None),
        }
        Ok(Some(()))
    };
    call.strings(|row, out| {
        let Some((document, path)) = arguments.get(row)? else { return Ok(None) };
        let mut text = String::new();
        let found = path.find(document);
        let written = match (&found, wrapper) {
            (Found::Nothing, _) => return answer(on_empty, "there is no value at the path", out),
            (Found::Failed(reason), _) => return answer(on_error, reason, out),
            (Found::One(value), "UNCONDITIONAL") => write::list(&[value], &mut text),
            (Found::One(value), "CONDITIONAL") if !value.starts_with('[') => write::list(&[value], &mut text),
            (Found::One(value), _) if value.starts_with(['{', '[']) => write::value(value, &mut text),
            (Found::One(_), _) if path.mode == Mode::Lax => {
                return answer(on_empty, "what is at the path is neither an object nor an array", out);
            }
            (Found::One(_), _) => {
                return answer(on_error, "what is at the path is neither an object nor an array", out);
            }
            (Found::Many(values), "UNCONDITIONAL") => {
                text.push('[');
                let written = write::list(values, &mut text);
                text.push(']');
                written
            }
            (Found::Many(values), _) => write::list(values, &mut text),
        };
        match written {
            Some(()) => {
                out.push_str(&text);
                Ok(Some(()))
            }
            None => answer(on_error, "a string in it has an escape that means nothing", out),
        }
    })
}
