//! DataFusion's errors in the words of this product, with the place they know.
//!
//! A [`Problem`] raised inside one of the library's callbacks travels as `DataFusionError::External` and comes out as it
//! was. Example: `SchemaError::FieldNotFound` becomes `unknown column `amont`` with `did you mean `amount`?`.

use std::fmt;

use datafusion_common::{Column, DataFusionError, SchemaError};
use datafusion_sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use crate::diagnostic::{Problem, did_you_mean};
use crate::dialect::tokens::lower_first;

const NEITHER: &str = "a column is neither grouped nor aggregated";

/// A problem on its way through the library.
#[derive(Debug)]
struct Carried(Problem);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Carried {}

impl From<Problem> for DataFusionError {
    fn from(problem: Problem) -> Self {
        Self::External(Box::new(Carried(problem)))
    }
}

/// Translates an error of the library; without a place of its own it gets none.
pub(crate) fn from_datafusion(error: &DataFusionError, tokens: &[TokenWithSpan]) -> Problem {
    if let Some(problem) = carried(error) {
        return problem;
    }
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span).map_or(Span::empty(), |span| {
        let location = |at: datafusion_common::Location| Location::new(at.line, at.column);
        Span::new(location(span.start), location(span.end))
    });
    let root = root(error);
    let problem = match root {
        DataFusionError::SchemaError(schema_error, _) => from_schema_error(schema_error, span),
        _ => from_message(&millstream_expr::plain_message(root), span),
    };
    with_place(problem, tokens)
}

fn carried(error: &DataFusionError) -> Option<Problem> {
    match error {
        DataFusionError::External(inner) => inner.downcast_ref::<Carried>().map(|carried| carried.0.clone()),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => carried(inner),
        DataFusionError::Shared(inner) => carried(inner),
        DataFusionError::Collection(errors) => errors.iter().find_map(carried),
        _ => None,
    }
}

fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Shared(inner) => root(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root),
        _ => error,
    }
}

fn from_schema_error(error: &SchemaError, span: Span) -> Problem {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields, span),
        SchemaError::AmbiguousReference { field } => {
            Problem::new(span, format!("column `{}` is ambiguous", field.name))
                .label("more than one column has this name")
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            Problem::new(span, format!("two columns are named `{name}`"))
                .label("in this query")
                .help("give one of them an alias with AS")
        }
    }
}

fn unknown_column(field: &Column, valid_fields: &[Column], span: Span) -> Problem {
    let span = field.spans().first().map_or(span, |found| {
        Span::new(
            Location::new(found.start.line, found.start.column),
            Location::new(found.end.line, found.end.column),
        )
    });
    let visible: Vec<&str> = valid_fields
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !name.starts_with('$'))
        .collect();
    let help = did_you_mean(&field.name, visible.iter().copied()).or_else(|| match visible.as_slice() {
        [] => None,
        names if names.len() <= 12 => Some(format!("columns are {}", names.join(", "))),
        names => Some(format!("columns are {}, and {} more", names[..12].join(", "), names.len() - 12)),
    });
    Problem::new(span, format!("unknown column `{}`", field.flat_name().replace('"', "")))
        .label("not in the tables of this query")
        .maybe_help(help)
}

/// Messages of the planner that speak of the library are put into other words.
fn from_message(message: &str, span: Span) -> Problem {
    let message = message.lines().next().unwrap_or(message).trim();
    if let Some(name) = between(message, "Invalid function '", "'") {
        return Problem::new(span, format!("unknown function `{name}`")).label("not a function").maybe_help(
            between(message, "Did you mean '", "'")
                .filter(|found| did_you_mean(name, [*found]).is_some())
                .map(|found| format!("did you mean `{}`?", found.to_uppercase())),
        );
    }
    if let Some(name) = message.strip_prefix("Invalid qualifier ") {
        return Problem::new(span, format!("no table or alias `{name}` in this query"))
            .label("not read here");
    }
    if let Some(name) = between(message, "table '", "' not found") {
        return Problem::new(span, format!("unknown table `{name}`"))
            .label("neither a table nor a view of this job");
    }
    if let Some(reason) = between(message, "coercion failed with: ", ". No function matches") {
        let reason = reason.strip_prefix("Error during planning: ").unwrap_or(reason);
        return Problem::new(span, with_help(reason).0).label("here").maybe_help(with_help(reason).1);
    }
    if let Some(text) = between(message, "Cannot create filter with non-boolean predicate '", "'") {
        let found = message.rsplit(' ').next().unwrap_or_default();
        let found = arrow_type_name(found);
        return Problem::new(span, format!("a condition must be BOOLEAN, but `{text}` is {found}"))
            .label("not a condition")
            .help("compare it with something");
    }
    if let Some(parts) = between(message, "compound identifier from [", "]") {
        let name = parts.replace("\", \"", ".").replace('"', "");
        return Problem::new(span, format!("unknown column `{name}`"))
            .label("no such table or column in this query");
    }
    if message.contains("UNION queries have different number of columns") {
        return Problem::new(span, "the queries of this UNION have different numbers of columns")
            .label("here");
    }
    if message.contains("Aggregate functions are not allowed in the WHERE clause") {
        return Problem::new(span, "an aggregate cannot stand in WHERE")
            .label("rows are filtered before they are aggregated")
            .help("put the condition into HAVING");
    }
    if message.contains("must appear in the GROUP BY clause")
        || message.contains("could not be resolved from available columns")
    {
        let column = between(message, "Column in SELECT must be in GROUP BY or an aggregate function: ", ":");
        let message = match column {
            Some(text) => text.to_owned(),
            None => NEITHER.to_owned(),
        };
        return Problem::new(span, message)
            .label("has many values in a group")
            .help("add it to GROUP BY, or wrap it in an aggregate such as MAX");
    }
    let (message, help) = with_help(message);
    Problem::new(span, lower_first(&message)).label("here").maybe_help(help)
}

/// Advice behind a semicolon becomes help.
fn with_help(message: &str) -> (String, Option<String>) {
    match message.split_once("; ") {
        Some((what, advice)) => (what.to_owned(), Some(advice.to_owned())),
        None => (message.to_owned(), None),
    }
}

/// Flink's name of a type that the library has named in its way.
fn arrow_type_name(text: &str) -> String {
    let known = [
        ("Int8", "TINYINT"),
        ("Int16", "SMALLINT"),
        ("Int32", "INT"),
        ("Int64", "BIGINT"),
        ("Float32", "FLOAT"),
        ("Float64", "DOUBLE"),
        ("Utf8", "STRING"),
        ("Binary", "BYTES"),
        ("Date32", "DATE"),
    ];
    let found = known.iter().find(|(arrow, _)| *arrow == text).map(|(_, flink)| (*flink).to_owned());
    found.unwrap_or_else(|| {
        if text.starts_with("Timestamp") { "a timestamp".to_owned() } else { "of another type".to_owned() }
    })
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// Where the library gives no place but a name in backquotes, the first token with that name is the place.
fn with_place(problem: Problem, tokens: &[TokenWithSpan]) -> Problem {
    if problem.span != Span::empty() {
        return name_grouped_column(problem, tokens);
    }
    let name = ["unknown column `", "no table or alias `"]
        .iter()
        .find_map(|start| between(&problem.message, start, "`"));
    let Some(name) = name.map(str::to_owned) else {
        return problem;
    };
    let last = name.split('.').next().unwrap_or(&name);
    let found = tokens
        .iter()
        .find(|token| matches!(&token.token, Token::Word(word) if word.value.eq_ignore_ascii_case(last)));
    match found {
        Some(token) => problem.or_at(token.span),
        None => problem,
    }
}

/// The library says where a column stands that is neither grouped nor aggregated; its name is in the text.
fn name_grouped_column(problem: Problem, tokens: &[TokenWithSpan]) -> Problem {
    if problem.message != NEITHER {
        return problem;
    }
    match tokens.iter().find(|token| token.span.start == problem.span.start) {
        Some(token) => {
            let message = format!(
                "column `{}` is neither grouped nor aggregated",
                token.token.to_string().replace('`', "")
            );
            Problem { message, ..problem }
        }
        None => problem,
    }
}
