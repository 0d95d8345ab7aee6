//! `JSON_VALUE`, `JSON_QUERY`, `JSON_EXISTS` and `IS JSON`.
//!
//! Owns the walk through the text of a document, without building it: a value is found by skipping, and the digits of a
//! number stay as they are. Paths are strict unless they begin with `lax`: a strict path that finds nothing is an error,
//! which `ON ERROR` answers, for a lax one `ON EMPTY` does. For example
//! `JSON_VALUE('{"a": [1, {"b": 2.50}]}', '$.a[1].b')` is `2.50`.
//!
//! The clauses arrive as arguments of functions that no user can name, see [`definitions`].

mod exists;
mod number;
mod path;
mod query;
mod scan;
mod value;
mod write;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use arrow::array::StringArray;
use datafusion_common::{DataFusionError, Result};

use super::definition::{Call, Definition, Parameter, Returns};
use crate::column::Values;
use crate::error::ValueError;
use crate::types::SqlType;
use path::Path;

use Parameter::{Boolean, Double, Integer, Text};

/// With a `$`, the forms with clauses: `$json_value int(document, path, on empty, default, on error, default)`,
/// `$json_query(document, path, wrapper, on empty, on error)`, `$json_exists(document, path, on error)`,
/// `$is_json(text, kind)`.
pub(super) fn definitions() -> Vec<Definition> {
    let text = Returns::Type(SqlType::String);
    let truth = Returns::Type(SqlType::Boolean);
    vec![
        Definition::new("json_value", &[Text, Text], text, value::as_text).failing(),
        Definition::new("$json_value string", &[Text, Text, Text, Text, Text, Text], text, value::as_text)
            .failing(),
        Definition::new(
            "$json_value int",
            &[Text, Text, Text, Integer, Text, Integer],
            Returns::Type(SqlType::Int),
            value::as_int,
        )
        .failing(),
        Definition::new(
            "$json_value double",
            &[Text, Text, Text, Double, Text, Double],
            Returns::Type(SqlType::Double),
            value::as_double,
        )
        .failing(),
        Definition::new(
            "$json_value boolean",
            &[Text, Text, Text, Boolean, Text, Boolean],
            truth,
            value::as_boolean,
        )
        .failing(),
        Definition::new("json_query", &[Text, Text], text, query::query).failing(),
        Definition::new("$json_query", &[Text, Text, Text, Text, Text], text, query::query).failing(),
        Definition::new("json_exists", &[Text, Text], truth, exists::exists).failing(),
        Definition::new("$json_exists", &[Text, Text, Text], truth, exists::exists).failing(),
        Definition::new("$is_json", &[Text, Text], truth, exists::is_json),
    ]
}

/// The documents and paths of a call, row by row.
struct Arguments<'a> {
    call: &'a Call<'a>,
    documents: Values<'a, StringArray>,
    paths: Values<'a, StringArray>,
}

impl<'a> Arguments<'a> {
    fn new(call: &'a Call<'a>) -> Result<Self> {
        Ok(Self { call, documents: call.text(0)?, paths: call.text(1)? })
    }

    /// Document and path of a row; `None` if one of them is null.
    fn get(&self, row: usize) -> Result<Option<(&str, Rc<Path>)>> {
        match (self.documents.get(row), self.paths.get(row)) {
            (Some(document), Some(path)) => Ok(Some((document, self.path(path)?))),
            _ => Ok(None),
        }
    }

    /// The error of a row for which a clause says `ERROR`.
    fn failed(&self, function: &str, reason: &str) -> DataFusionError {
        ValueError::Argument { function: function.to_string(), reason: reason.to_string() }.raise()
    }

    /// The path, from the memory of this thread: a job has few and uses them for every row.
    fn path(&self, text: &str) -> Result<Rc<Path>> {
        const KEPT: usize = 64;
        thread_local! {
            static KNOWN: RefCell<HashMap<String, Rc<Path>>> = RefCell::new(HashMap::new());
        }
        KNOWN.with_borrow_mut(|known| {
            if let Some(found) = known.get(text) {
                return Ok(found.clone());
            }
            let path = Rc::new(Path::parse(text).map_err(|reason| self.call.bad_argument(reason))?);
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(text.to_string(), path.clone());
            Ok(path)
        })
    }
}

/// The word of a clause such as `NULL ON EMPTY`, which is the same for all rows; `NULL` when the call has no clauses.
fn word<'a>(call: &'a Call<'_>, at: usize) -> Result<&'a str> {
    if call.count() <= at {
        return Ok("NULL");
    }
    let column = call.column(at)?;
    // Behind the optimizer it may be a column of equal rows; any of them that is there will do.
    let words = column.array.as_any().downcast_ref::<StringArray>();
    Ok(words.and_then(|words| words.iter().flatten().next()).unwrap_or("NULL"))
}

#[cfg(test)]
mod json_test;
