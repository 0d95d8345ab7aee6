//! `CONCAT` (also `||`), where a null makes the result null, and `CONCAT_WS`, which skips nulls.

use arrow::array::{ArrayRef, StringArray};
use datafusion_common::Result;

use super::super::definition::{Call, Definition, Parameter};
use super::STRING;
use crate::column::Values;

use Parameter::Text;

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new("concat", &[Text, Text], STRING, concat).variadic(),
        Definition::new("concat_ws", &[Text, Text], STRING, concat_ws).variadic(),
    ]
}

fn parts<'a>(call: &'a Call<'_>, from: usize) -> Result<Vec<Values<'a, StringArray>>> {
    (from..call.count()).map(|at| call.text(at)).collect()
}

fn concat(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = parts(call, 0)?;
    call.strings(|row, out| {
        for part in &parts {
            match part.get(row) {
                Some(part) => out.push_str(part),
                None => return Ok(None),
            }
        }
        Ok(Some(()))
    })
}

fn concat_ws(call: &Call<'_>) -> Result<ArrayRef> {
    let separator = call.text(0)?;
    let parts = parts(call, 1)?;
    call.strings(|row, out| {
        let Some(separator) = separator.get(row) else { return Ok(None) };
        let mut first = true;
        for part in parts.iter().filter_map(|part| part.get(row)) {
            if !first {
                out.push_str(separator);
            }
            out.push_str(part);
            first = false;
        }
        Ok(Some(()))
    })
}
