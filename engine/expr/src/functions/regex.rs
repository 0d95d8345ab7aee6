//! Regular expressions: `REGEXP`, `REGEXP_EXTRACT`, `REGEXP_REPLACE`, `REGEXP_COUNT`, `REGEXP_INSTR`,
//! `REGEXP_SUBSTR` and `SIMILAR TO`.
//!
//! Owns what a match gives; `java` turns Java's syntax into that of our engine, which never takes more than linear time.
//! A pattern that Java would refuse too gives null (false for `REGEXP`), as in Flink; one that only our engine lacks
//! (look-around, back references) is an error that says so. `$1` in a replacement is text, as in Flink.

mod java;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;
use datafusion_common::{Result, plan_err};
use datafusion_expr::expr::{Like, ScalarFunction};
use datafusion_expr::{Expr, ScalarUDF, lit};
use regex::Regex;

use super::definition::{Call, Definition, FlinkFunction, Parameter, Returns};
use crate::types::SqlType;

use Parameter::{Integer, Text};

const STRING: Returns = Returns::Type(SqlType::String);
const BOOLEAN: Returns = Returns::Type(SqlType::Boolean);
const INT: Returns = Returns::Type(SqlType::Int);

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition::new("regexp", &[Text, Text], BOOLEAN, regexp).failing(),
        Definition::new("regexp_extract", &[Text, Text, Integer], STRING, extract).optional(1).failing(),
        Definition::new("regexp_replace", &[Text, Text, Text], STRING, replace).failing(),
        Definition::new("regexp_count", &[Text, Text], INT, |call| {
            count(call, |regex, text| regex.find_iter(text).count() as i32)
        })
        .failing(),
        Definition::new("regexp_instr", &[Text, Text], INT, |call| {
            count(call, |regex, text| {
                regex.find(text).map_or(0, |m| text[..m.start()].chars().count() as i32 + 1)
            })
        })
        .failing(),
        Definition::new("regexp_substr", &[Text, Text], STRING, substr).failing(),
    ]
}

/// `text SIMILAR TO pattern [ESCAPE c]` as a call of our function.
///
/// # Errors
/// An escape, which is not supported here yet.
pub(crate) fn similar_to(like: Like) -> Result<Expr> {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
        let definition = Definition::new("similar_to", &[Text, Text], BOOLEAN, similar).failing();
        Arc::new(ScalarUDF::from(FlinkFunction::new(definition)))
    });
    if like.escape_char.is_some() {
        return plan_err!("SIMILAR TO with ESCAPE is not supported; write REGEXP(text, pattern)");
    }
    let call = ScalarFunction::new_udf(FUNCTION.clone(), vec![*like.expr, *like.pattern]);
    let call = Expr::ScalarFunction(call);
    Ok(if like.negated { Expr::Not(Box::new(call)) } else { call })
}

/// `text LIKE pattern [ESCAPE c]` in the form that DataFusion evaluates, where the backslash escapes.
///
/// Flink has no escape unless one is declared, so a backslash of the user's pattern is doubled.
///
/// # Errors
/// A declared escape together with a pattern that is not a literal.
pub(crate) fn like(like: Like) -> Result<Expr> {
    use datafusion_common::ScalarValue::Utf8;
    let Like { negated, expr, pattern, escape_char, case_insensitive } = like;
    let pattern = match (*pattern, escape_char) {
        // A backslash is declared by the rewriting itself, so that it happens once.
        (pattern, Some('\\')) => pattern,
        (Expr::Literal(Utf8(Some(text)), _), escape) => match java::escape_by_backslash(&text, escape) {
            Some(text) => lit(text),
            None => {
                return plan_err!("the pattern '{text}' of LIKE has an escape before an ordinary character");
            }
        },
        (literal @ Expr::Literal(_, _), _) => literal,
        (pattern, None) => match super::function("replace") {
            Some(replace) => {
                Expr::ScalarFunction(ScalarFunction::new_udf(replace, vec![pattern, lit("\\"), lit("\\\\")]))
            }
            None => pattern,
        },
        (_, Some(_)) => return plan_err!("LIKE with ESCAPE takes a literal as its pattern"),
    };
    Ok(Expr::Like(Like::new(negated, expr, Box::new(pattern), Some('\\'), case_insensitive)))
}

/// What became of a pattern.
#[derive(Debug, Clone)]
enum Compiled {
    Regex(Regex),
    /// Java would refuse it too.
    Invalid,
    /// Our engine lacks something in it.
    Unsupported(String),
}

/// Which syntax a pattern is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Syntax {
    Java,
    Similar,
}

/// Compiles a pattern, or takes it from the memory of this thread: most calls use one pattern for every batch.
fn compiled(pattern: &str, syntax: Syntax) -> Compiled {
    /// More patterns than any sane job has; a column of patterns empties the memory now and then.
    const KEPT: usize = 64;
    thread_local! {
        static KNOWN: RefCell<HashMap<(String, Syntax), Compiled>> = RefCell::new(HashMap::new());
    }
    KNOWN.with_borrow_mut(|known| {
        let key = (pattern.to_string(), syntax);
        if let Some(found) = known.get(&key) {
            return found.clone();
        }
        let made = compile(pattern, syntax);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, made.clone());
        made
    })
}

fn compile(pattern: &str, syntax: Syntax) -> Compiled {
    let translated = match syntax {
        Syntax::Java => java::translate(pattern),
        Syntax::Similar => java::translate(&java::from_similar(pattern)),
    };
    match Regex::new(&translated) {
        Ok(regex) => Compiled::Regex(regex),
        Err(error) => {
            let text = error.to_string();
            let ours = text.contains("look-around")
                || text.contains("backreferences")
                || matches!(error, regex::Error::CompiledTooBig(_));
            if ours {
                let reason =
                    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
                Compiled::Unsupported(reason)
            } else {
                Compiled::Invalid
            }
        }
    }
}

/// Gives the regex of each row.
struct Patterns<'a> {
    call: &'a Call<'a>,
    values: crate::column::Values<'a, arrow::array::StringArray>,
    syntax: Syntax,
    last: RefCell<Option<(String, Option<Regex>)>>,
}

impl<'a> Patterns<'a> {
    fn new(call: &'a Call<'a>, at: usize, syntax: Syntax) -> Result<Self> {
        Ok(Self { call, values: call.text(at)?, syntax, last: RefCell::new(None) })
    }

    /// Nothing for a null, `Some(None)` for a pattern that Java refuses.
    fn get(&self, row: usize) -> Result<Option<Option<Regex>>> {
        let Some(pattern) = self.values.get(row) else { return Ok(None) };
        let mut last = self.last.borrow_mut();
        if let Some((known, regex)) = last.as_ref()
            && known == pattern
        {
            return Ok(Some(regex.clone()));
        }
        let regex = match compiled(pattern, self.syntax) {
            Compiled::Regex(regex) => Some(regex),
            Compiled::Invalid => None,
            Compiled::Unsupported(reason) => {
                return Err(self
                    .call
                    .bad_argument(format!("the pattern '{pattern}' is not supported: {reason}")));
            }
        };
        *last = Some((pattern.to_string(), regex.clone()));
        Ok(Some(regex))
    }
}

fn regexp(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, Syntax::Java)?);
    call.booleans(|row| {
        let (Some(text), Some(regex)) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        // Flink says false for an empty pattern, although it matches everything.
        Ok(Some(regex.is_some_and(|regex| !regex.as_str().is_empty() && regex.is_match(text))))
    })
}

fn similar(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, Syntax::Similar)?);
    call.booleans(|row| {
        let (Some(text), Some(regex)) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        match regex {
            Some(regex) => Ok(Some(regex.is_match(text))),
            None => Err(call.bad_argument("the pattern is not a regular expression of SQL")),
        }
    })
}

fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, Syntax::Java)?);
    let group = if call.count() > 2 { Some(call.integer(2)?) } else { None };
    call.strings(|row, out| {
        let (Some(text), Some(Some(regex))) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        let group = match &group {
            None => Some(0),
            Some(group) => group.get(row),
        };
        let Some(group) = group.and_then(|group| usize::try_from(group).ok()) else { return Ok(None) };
        let found = regex.captures(text).and_then(|captures| captures.get(group));
        Ok(found.map(|found| out.push_str(found.as_str())))
    })
}

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns, with) = (call.text(0)?, Patterns::new(call, 1, Syntax::Java)?, call.text(2)?);
    call.strings(|row, out| {
        let (Some(text), Some(with)) = (text.get(row), with.get(row)) else { return Ok(None) };
        let Some(Some(regex)) = patterns.get(row)? else { return Ok(None) };
        let mut end = 0;
        for found in regex.find_iter(text) {
            out.push_str(&text[end..found.start()]);
            out.push_str(with);
            end = found.end();
        }
        out.push_str(&text[end..]);
        Ok(Some(()))
    })
}

fn count(call: &Call<'_>, f: fn(&Regex, &str) -> i32) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, Syntax::Java)?);
    call.ints(|row| {
        let (Some(text), Some(Some(regex))) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        Ok(Some(f(&regex, text)))
    })
}

fn substr(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0)?, Patterns::new(call, 1, Syntax::Java)?);
    call.strings(|row, out| {
        let (Some(text), Some(Some(regex))) = (text.get(row), patterns.get(row)?) else { return Ok(None) };
        Ok(regex.find(text).map(|found| out.push_str(found.as_str())))
    })
}

#[cfg(test)]
mod regex_test;
