//! `JSON_VALUE`: the scalar at a path, as one of four types.
//!
//! Owns what `ON EMPTY` and `ON ERROR` answer. Nothing, an object or an array is empty for a lax path and an error for a
//! strict one. A scalar that is not of the type behind `RETURNING` is an error. For example
//! `JSON_VALUE('{}', 'lax $.a' DEFAULT 'x' ON EMPTY)` is `x`.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::path::{Found, Mode};
use super::{Arguments, number, word};
use crate::functions::definition::Call;

/// What the scalar at the path of a row is.
enum Scalar<'d> {
    There(&'d str),
    Empty,
    Failed(&'static str),
}

/// What a clause does.
enum Answer<T> {
    Value(T),
    Null,
    /// The default in the argument with this index.
    Default(usize),
}

const EMPTY_CLAUSE: usize = 2;
const ERROR_CLAUSE: usize = 4;

pub(super) fn as_text(call: &Call<'_>) -> Result<ArrayRef> {
    let values = Values::new(call)?;
    let defaults = values.defaults(|at| call.text(at))?;
    call.strings(|row, out| {
        let answer = values.get(row, |scalar| {
            let mut text = String::new();
            match scalar.as_bytes().first()? {
                b'"' => text = serde_json::from_str::<String>(scalar).ok()?,
                b't' | b'f' => text.push_str(scalar),
                _ => number::write(scalar, &mut text),
            }
            Some(text)
        })?;
        let text = match &answer {
            Answer::Value(text) => Some(text.as_str()),
            Answer::Null => None,
            Answer::Default(at) => defaults.get(*at).and_then(|texts| texts.get(row)),
        };
        Ok(text.map(|text| out.push_str(text)))
    })
}

pub(super) fn as_int(call: &Call<'_>) -> Result<ArrayRef> {
    let values = Values::new(call)?;
    let defaults = values.defaults(|at| call.integer(at))?;
    call.ints(|row| match values.get(row, |scalar| scalar.parse::<i32>().ok())? {
        Answer::Value(value) => Ok(Some(value)),
        Answer::Null => Ok(None),
        Answer::Default(at) => {
            Ok(defaults.get(at).and_then(|ints| ints.get(row)).and_then(|int| i32::try_from(int).ok()))
        }
    })
}

pub(super) fn as_double(call: &Call<'_>) -> Result<ArrayRef> {
    let values = Values::new(call)?;
    let defaults = values.defaults(|at| call.double(at))?;
    let read = |scalar: &str| {
        let is_number = scalar.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if is_number { scalar.parse::<f64>().ok() } else { None }
    };
    call.doubles(|row| match values.get(row, read)? {
        Answer::Value(value) => Ok(Some(value)),
        Answer::Null => Ok(None),
        Answer::Default(at) => Ok(defaults.get(at).and_then(|doubles| doubles.get(row))),
    })
}

pub(super) fn as_boolean(call: &Call<'_>) -> Result<ArrayRef> {
    let values = Values::new(call)?;
    let defaults = values.defaults(|at| call.column(at)?.booleans())?;
    call.booleans(|row| match values.get(row, |scalar| scalar.parse::<bool>().ok())? {
        Answer::Value(value) => Ok(Some(value)),
        Answer::Null => Ok(None),
        Answer::Default(at) => Ok(defaults.get(at).and_then(|truths| truths.get(row))),
    })
}

/// The scalars of a call and what its clauses make of the rest.
struct Values<'a> {
    arguments: Arguments<'a>,
    on_empty: &'a str,
    on_error: &'a str,
}

impl<'a> Values<'a> {
    fn new(call: &'a Call<'a>) -> Result<Self> {
        Ok(Self {
            arguments: Arguments::new(call)?,
            on_empty: word(call, EMPTY_CLAUSE)?,
            on_error: word(call, ERROR_CLAUSE)?,
        })
    }

    /// The defaults of both clauses, in the type that `read` gives; none if the call has no clauses.
    fn defaults<T>(&self, read: impl Fn(usize) -> Result<T>) -> Result<Vec<T>> {
        if self.arguments.call.count() <= ERROR_CLAUSE {
            return Ok(Vec::new());
        }
        [EMPTY_CLAUSE, ERROR_CLAUSE].into_iter().map(|clause| read(clause + 1)).collect()
    }

    /// The scalar of a row as `convert` has it, which gives `None` for one of another type.
    fn get<T>(&self, row: usize, convert: impl Fn(&str) -> Option<T>) -> Result<Answer<T>> {
        let Some((document, path)) = self.arguments.get(row)? else { return Ok(Answer::Null) };
        let scalar = match path.find(document) {
            Found::Nothing => Scalar::Empty,
            Found::One(value) if !value.starts_with(['{', '[']) => Scalar::There(value),
            Found::One(_) | Found::Many(_) if path.mode == Mode::Lax => Scalar::Empty,
            Found::One(_) | Found::Many(_) => Scalar::Failed("what is at the path is not a scalar"),
            Found::Failed(reason) => Scalar::Failed(reason),
        };
        match scalar {
            Scalar::There(value) => match convert(value) {
                Some(value) => Ok(Answer::Value(value)),
                None => self.answer(self.on_error, 1, "the value has another type than the result"),
            },
            Scalar::Empty => self.answer(self.on_empty, 0, "there is no value at the path"),
            Scalar::Failed(reason) => self.answer(self.on_error, 1, reason),
        }
    }

    fn answer<T>(&self, word: &str, default: usize, reason: &str) -> Result<Answer<T>> {
        match word {
            "ERROR" => Err(self.arguments.failed("JSON_VALUE", reason)),
            "DEFAULT" => Ok(Answer::Default(default)),
            _ => Ok(Answer::Null),
        }
    }
}
