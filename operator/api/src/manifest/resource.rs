//! Is this document a StreamJob at all?
//!
//! Owns `apiVersion` and `kind`. A document of another kind gets one clear sentence and no list of unknown fields.

use super::tree::{Node, Value};
use super::{Position, Problem};
use crate::names::{API_VERSION, GROUP, KIND, VERSION};

pub(super) fn check(root: &Node) -> Result<(), Problem> {
    if !matches!(root.value, Value::Map(_)) {
        let problem = Problem::new(root.position, "", format!("is {}, not a StreamJob", root.in_words()));
        return Err(match root.text() {
            Some(text) if looks_like_sql(text) => {
                problem.with_hint("SQL without a manifest goes into a file named *.sql")
            }
            _ => problem
                .with_hint(format!("a manifest begins with apiVersion: {API_VERSION} and kind: {KIND}")),
        });
    }
    let kind = required(root, "kind", KIND)?;
    let api_version = required(root, "apiVersion", API_VERSION)?;
    check_api_version(api_version, kind)?;
    check_kind(kind)?;
    match root.get("spec") {
        Some(spec) if matches!(spec.value, Value::Map(_)) => Ok(()),
        Some(spec) => Err(Problem::new(spec.position, "spec", format!("is {}, not a map", spec.in_words()))),
        None => Err(Problem::new(root.position, "spec", "is missing")
            .with_hint("the job's SQL stands under spec: sql: |")),
    }
}

/// The text of a field that every Kubernetes object has.
fn required<'a>(root: &'a Node, field: &str, expected: &str) -> Result<(Position, &'a str), Problem> {
    let Some(node) = root.get(field) else {
        return Err(
            Problem::new(root.position, field, "is missing").with_hint(format!("write {field}: {expected}"))
        );
    };
    match node.text() {
        Some(text) => Ok((node.position, text)),
        None => Err(Problem::new(node.position, field, format!("is {}, not a text", node.in_words()))
            .with_hint(format!("write {field}: {expected}"))),
    }
}

fn check_api_version(found: (Position, &str), kind: (Position, &str)) -> Result<(), Problem> {
    let (position, text) = found;
    if text == API_VERSION {
        return Ok(());
    }
    let problem = Problem::new(position, "apiVersion", format!("{text:?} is not {API_VERSION}"));
    Err(match text.split_once('/') {
        Some((GROUP, version)) => problem.with_hint(format!("this build knows {VERSION}, not {version}")),
        Some(("flink.apache.org", _)) => problem
            .with_hint("this is a manifest of Flink's operator: its SQL goes into spec.sql of a StreamJob"),
        _ if kind.1 == KIND => problem.with_hint(format!("write apiVersion: {API_VERSION}")),
        _ => problem.with_hint(format!("{:?} is another resource; this command takes a {KIND}", kind.1)),
    })
}

fn check_kind((position, text): (Position, &str)) -> Result<(), Problem> {
    if text == KIND {
        return Ok(());
    }
    let problem = Problem::new(position, "kind", format!("{text:?} is not {KIND}"));
    Err(if strsim::damerau_levenshtein(&text.to_lowercase(), &KIND.to_lowercase()) <= 3 {
        problem.with_hint(format!("did you mean {KIND}?"))
    } else {
        problem.with_hint(format!("this command takes a {KIND}"))
    })
}

fn looks_like_sql(text: &str) -> bool {
    let first = text.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let words = ["select", "insert", "create", "set", "with", "explain", "execute", "begin", "drop"];
    words.iter().any(|word| first.eq_ignore_ascii_case(word)) || text.trim_start().starts_with("--")
}
