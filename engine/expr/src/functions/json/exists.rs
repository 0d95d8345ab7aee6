//! `JSON_EXISTS` and `IS JSON`: tests of a document.
//!
//! A JSON null at the path is nothing. `IS JSON` of null is false, so that `IS NOT JSON` of it is true.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::path::Found;
use super::scan::Scanner;
use super::{Arguments, word};
use crate::functions::definition::Call;

/// Whether there is something at a path; `ON ERROR` answers for a text that is not JSON and a strict path that finds nothing.
pub(super) fn exists(call: &Call<'_>) -> Result<ArrayRef> {
    let arguments = Arguments::new(call)?;
    let on_error = word(call, 2)?;
    call.booleans(|row| {
        let Some((document, path)) = arguments.get(row)? else { return Ok(None) };
        match path.find(document) {
            Found::One(_) | Found::Many(_) => Ok(Some(true)),
            Found::Nothing => Ok(Some(false)),
            Found::Failed(reason) => match on_error {
                "ERROR" => Err(arguments.failed("JSON_EXISTS", reason)),
                "UNKNOWN" => Ok(None),
                "TRUE" => Ok(Some(true)),
                // FALSE, which is also what a call without the clause means.
                _ => Ok(Some(false)),
            },
        }
    })
}

/// Whether a text begins with a value of the kind in the second argument. What stands behind the value is ignored, as by
/// Java's reader.
pub(super) fn is_json(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let kind = word(call, 1)?;
    call.booleans(|row| {
        let value = texts.get(row).and_then(|text| Scanner::new(text).value());
        Ok(Some(value.is_some_and(|value| match kind {
            "OBJECT" => value.starts_with('{'),
            "ARRAY" => value.starts_with('['),
            "SCALAR" => !value.starts_with(['{', '[']),
            _ => true,
        })))
    })
}
