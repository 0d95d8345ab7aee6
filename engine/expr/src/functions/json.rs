//! `JSON_VALUE` and `JSON_EXISTS` with a plain path.
//!
//! Owns the walk through the text of a document, without building it: a value is found by skipping, and the digits of a
//! number stay as they are. Paths are strict unless they begin with `lax`; here both give null for what is not there,
//! because `ON EMPTY` and `ON ERROR` are not part of the plain call. For example
//! `JSON_VALUE('{"a": [1, {"b": 2.50}]}', '$.a[1].b')` is `2.50`.

mod number;
mod path;
mod scan;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::definition::{Call, Definition, Parameter, Returns};
use crate::types::SqlType;
use path::Path;

use Parameter::Text;

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new("json_value", &[Text, Text], Returns::Type(SqlType::String), json_value).failing(),
        Definition::new("json_exists", &[Text, Text], Returns::Type(SqlType::Boolean), json_exists).failing(),
    ]
}

/// The path, from the memory of this thread: a job has few and uses them for every row.
fn cached(call: &Call<'_>, text: &str) -> Result<Rc<Path>> {
    const KEPT: usize = 64;
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Rc<Path>>> = RefCell::new(HashMap::new());
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(found) = known.get(text) {
            return Ok(found.clone());
        }
        let path = Rc::new(Path::parse(text).map_err(|reason| call.bad_argument(reason))?);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(text.to_string(), path.clone());
        Ok(path)
    })
}

/// The scalar at a path as text; null for an object, an array, a null, nothing, and a text that is not JSON.
fn json_value(call: &Call<'_>) -> Result<ArrayRef> {
    let (document, paths) = (call.text(0)?, call.text(1)?);
    call.strings(|row, out| {
        let (Some(document), Some(path)) = (document.get(row), paths.get(row)) else { return Ok(None) };
        let path = cached(call, path)?;
        let Some(value) = path.find(document) else { return Ok(None) };
        match value.as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<String>(value) {
                Ok(text) => out.push_str(&text),
                Err(_) => return Ok(None),
            },
            Some(b'{' | b'[' | b'n') | None => return Ok(None),
            Some(b't' | b'f') => out.push_str(value),
            Some(_) => number::write(value, out),
        }
        Ok(Some(()))
    })
}

/// Whether there is something but null at a path; false for a text that is not JSON.
fn json_exists(call: &Call<'_>) -> Result<ArrayRef> {
    let (document, paths) = (call.text(0)?, call.text(1)?);
    call.booleans(|row| {
        let (Some(document), Some(path)) = (document.get(row), paths.get(row)) else { return Ok(None) };
        let path = cached(call, path)?;
        Ok(Some(path.find(document).is_some_and(|value| value != "null")))
    })
}

#[cfg(test)]
mod json_test;
