//! The clauses of SQL/JSON functions, which become arguments of plain calls.
//!
//! Owns the syntax of `JSON_VALUE`, `JSON_QUERY`, `JSON_EXISTS` and `IS JSON`; what they mean is `millstream-expr`'s. For
//! example `JSON_VALUE(d, '$.a' RETURNING INT DEFAULT 0 ON EMPTY)` is `` `$json_value int`(d, '$.a', 'DEFAULT', 0, 'NULL',
//! NULL) ``, and `d IS NOT JSON OBJECT` is `NOT $is_json(d, 'OBJECT')`. Without clauses a call stays as it is.

use datafusion_sql::sqlparser::ast::{Expr, Spanned, UnaryOperator, Value};
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Span, Token};
use millstream_expr::SqlType;

use super::flink::{CAST, call};
use super::script::to_parser_error;
use super::tokens::is_word;
use super::types::parse_type_in;
use crate::diagnostic::Problem;

/// Reads one of the functions, whose name comes next, to its closing parenthesis.
pub(super) type ReadCall = fn(&mut Parser, Span) -> Result<Expr, ParserError>;

/// The reader of the function with this name, if its arguments may have clauses.
pub(super) fn reader_of(name: &str) -> Option<ReadCall> {
    let readers: [(&str, ReadCall); 3] =
        [("JSON_VALUE", json_value), ("JSON_QUERY", json_query), ("JSON_EXISTS", json_exists)];
    readers.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, read)| read)
}

/// Reads `IS [NOT] JSON [VALUE | SCALAR | OBJECT | ARRAY]` behind `operand`, if that is what comes next.
pub(super) fn is_json(parser: &mut Parser, operand: &Expr) -> Option<Expr> {
    let span = parser.peek_token_ref().span;
    let negated = if eat(parser, "IS JSON") {
        false
    } else if eat(parser, "IS NOT JSON") {
        true
    } else {
        return None;
    };
    let kind = ["VALUE", "SCALAR", "OBJECT", "ARRAY"].into_iter().find(|kind| eat(parser, kind));
    let end = parser.get_current_token().span;
    let kind = text(kind.unwrap_or("VALUE"), span.union(&end));
    let test = call("$is_json", operand.span().union(&end), vec![operand.clone(), kind]);
    Some(if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(test) } } else { test })
}

fn json_value(parser: &mut Parser, span: Span) -> Result<Expr, ParserError> {
    let mut arguments = document_and_path(parser)?;
    let returning = if eat(parser, "RETURNING") { Some(value_type(parser)?) } else { None };
    let clauses = clauses(parser, &["NULL", "ERROR", "DEFAULT"], &["EMPTY", "ERROR"])?;
    parser.expect_token(&Token::RParen)?;
    if returning.is_none() && clauses.iter().all(Option::is_none) {
        return Ok(call("json_value", span, arguments));
    }
    let returning = returning.unwrap_or(SqlType::String);
    for clause in clauses {
        let Clause { word, default, span } = clause.unwrap_or(Clause { word: "NULL", default: None, span });
        arguments.push(text(word, span));
        arguments.push(match default {
            // A default of another type is shown as text.
            Some(default) if returning == SqlType::String && !is_text(&default) => {
                call(CAST, span, vec![default, text("STRING", span)])
            }
            Some(default) => default,
            None => Expr::Value(Value::Null.with_span(span)),
        });
    }
    let name = match returning {
        SqlType::Int => "$json_value int",
        SqlType::Double => "$json_value double",
        SqlType::Boolean => "$json_value boolean",
        _ => "$json_value string",
    };
    Ok(call(name, span, arguments))
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)))
}

/// The type behind RETURNING: one of those that a JSON scalar can be.
fn value_type(parser: &mut Parser) -> Result<SqlType, ParserError> {
    let start = parser.peek_token_ref().span;
    let sql_type = parse_type_in(parser)?;
    if matches!(sql_type, SqlType::String | SqlType::Int | SqlType::Double | SqlType::Boolean) {
        return Ok(sql_type);
    }
    let span = start.union(&parser.get_current_token().span);
    let problem = Problem::new(span, format!("JSON_VALUE cannot return {sql_type}"))
        .help("it returns STRING, INTEGER, DOUBLE or BOOLEAN; write CAST(JSON_VALUE(...) AS type)");
    Err(to_parser_error(&problem))
}

fn json_query(parser: &mut Parser, span: Span) -> Result<Expr, ParserError> {
    let mut arguments = document_and_path(parser)?;
    if eat(parser, "RETURNING") {
        let start = parser.peek_token_ref().span;
        let sql_type = parse_type_in(parser)?;
        if sql_type != SqlType::String {
            let span = start.union(&parser.get_current_token().span);
            let problem =
                Problem::new(span, format!("JSON_QUERY cannot return {sql_type}")).help("it returns STRING");
            return Err(to_parser_error(&problem));
        }
    }
    let wrapper_span = parser.peek_token_ref().span;
    let wrapper = wrapper(parser)?;
    let clauses = clauses(parser, &["NULL", "ERROR", "EMPTY ARRAY", "EMPTY OBJECT"], &["EMPTY", "ERROR"])?;
    parser.expect_token(&Token::RParen)?;
    if wrapper.is_none() && clauses.iter().all(Option::is_none) {
        return Ok(call("json_query", span, arguments));
    }
    arguments.push(text(wrapper.unwrap_or("WITHOUT"), wrapper_span));
    for clause in clauses {
        arguments.push(clause.map_or_else(|| text("NULL", span), |clause| text(clause.word, clause.span)));
    }
    Ok(call("$json_query", span, arguments))
}

/// `WITHOUT [ARRAY] WRAPPER` or `WITH [CONDITIONAL | UNCONDITIONAL] [ARRAY] WRAPPER`.
fn wrapper(parser: &mut Parser) -> Result<Option<&'static str>, ParserError> {
    let wrapper = if eat(parser, "WITHOUT") {
        "WITHOUT"
    } else if eat(parser, "WITH CONDITIONAL") {
        "CONDITIONAL"
    } else if eat(parser, "WITH UNCONDITIONAL") || eat(parser, "WITH") {
        "UNCONDITIONAL"
    } else {
        return Ok(None);
    };
    eat(parser, "ARRAY");
    expect(parser, "WRAPPER")?;
    Ok(Some(wrapper))
}

fn json_exists(parser: &mut Parser, span: Span) -> Result<Expr, ParserError> {
    let mut arguments = document_and_path(parser)?;
    let clauses = clauses(parser, &["TRUE", "FALSE", "UNKNOWN", "ERROR"], &["ERROR"])?;
    parser.expect_token(&Token::RParen)?;
    match clauses.into_iter().flatten().next() {
        None => Ok(call("json_exists", span, arguments)),
        Some(clause) => {
            arguments.push(text(clause.word, clause.span));
            Ok(call("$json_exists", span, arguments))
        }
    }
}

/// `NAME(document, path`, without what follows.
fn document_and_path(parser: &mut Parser) -> Result<Vec<Expr>, ParserError> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let document = parser.parse_expr()?;
    parser.expect_token(&Token::Comma)?;
    let path = parser.parse_expr()?;
    Ok(vec![document, path])
}

/// `word ON EMPTY` or `word ON ERROR`.
struct Clause {
    word: &'static str,
    default: Option<Expr>,
    span: Span,
}

/// Clauses in any order, each at most once; the result is in the order of `events`.
fn clauses(
    parser: &mut Parser,
    words: &[&'static str],
    events: &[&'static str],
) -> Result<Vec<Option<Clause>>, ParserError> {
    let mut found: Vec<Option<Clause>> = events.iter().map(|_| None).collect();
    loop {
        let start = parser.peek_token_ref().span;
        let Some(word) = words.iter().copied().find(|word| eat(parser, word)) else { return Ok(found) };
        let default = if word == "DEFAULT" { Some(parser.parse_expr()?) } else { None };
        expect(parser, "ON")?;
        let Some(at) = events.iter().position(|event| eat(parser, event)) else {
            let expected = events.iter().map(|event| format!("`{event}`")).collect::<Vec<_>>().join(" or ");
            return parser.expected_ref(&expected, parser.peek_token_ref());
        };
        let span = start.union(&parser.get_current_token().span);
        match found.get_mut(at) {
            Some(slot @ None) => *slot = Some(Clause { word, default, span }),
            _ => {
                let message = format!("ON {} is given twice", events.get(at).unwrap_or(&""));
                return Err(to_parser_error(&Problem::new(span, message)));
            }
        }
    }
}

/// Reads these words if they come next. Some of them are no keywords of sqlparser's.
fn eat(parser: &mut Parser, words: &str) -> bool {
    let count = words.split(' ').count();
    let sees = words.split(' ').enumerate().all(|(n, word)| is_word(parser.peek_nth_token_ref(n), word));
    if sees {
        (0..count).for_each(|_| parser.advance_token());
    }
    sees
}

fn expect(parser: &mut Parser, word: &str) -> Result<(), ParserError> {
    if eat(parser, word) {
        return Ok(());
    }
    parser.expected_ref(&format!("`{word}`"), parser.peek_token_ref())
}

fn text(value: &str, span: Span) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.to_owned()).with_span(span))
}

#[cfg(test)]
mod tests {
    use super::super::script::parse_expression;

    fn parse(sql: &str) -> Result<String, String> {
        match parse_expression(sql) {
            Ok(expr) => Ok(expr.to_string()),
            Err(problem) => Err(format!("{}: {}", problem.span.start.column, problem.message)),
        }
    }

    #[test]
    fn clauses_become_arguments() {
        let table = [
            ("JSON_VALUE(d, '$.a')", "json_value(d, '$.a')"),
            (
                "json_value(d, 'lax $.a' RETURNING int)",
                "$json_value int(d, 'lax $.a', 'NULL', NULL, 'NULL', NULL)",
            ),
            (
                "JSON_VALUE(d, p DEFAULT 'x' ON EMPTY)",
                "$json_value string(d, p, 'DEFAULT', 'x', 'NULL', NULL)",
            ),
            (
                "JSON_VALUE(d, p DEFAULT 5 ON ERROR)",
                "$json_value string(d, p, 'NULL', NULL, 'DEFAULT', $cast(5, 'STRING'))",
            ),
            (
                "JSON_VALUE(d, p RETURNING DOUBLE ERROR ON ERROR DEFAULT -1 ON EMPTY)",
                "$json_value double(d, p, 'DEFAULT', -1, 'ERROR', NULL)",
            ),
            (
                "JSON_VALUE(d, p RETURNING BOOLEAN NULL ON EMPTY DEFAULT a OR b ON ERROR)",
                "$json_value boolean(d, p, 'NULL', NULL, 'DEFAULT', a OR b)",
            ),
            ("JSON_QUERY(d, p)", "json_query(d, p)"),
            ("JSON_QUERY(d, p RETURNING STRING)", "json_query(d, p)"),
            ("JSON_QUERY(d, p WITHOUT ARRAY WRAPPER)", "$json_query(d, p, 'WITHOUT', 'NULL', 'NULL')"),
            ("JSON_QUERY(d, p WITH WRAPPER)", "$json_query(d, p, 'UNCONDITIONAL', 'NULL', 'NULL')"),
            (
                "JSON_QUERY(d, p WITH CONDITIONAL ARRAY WRAPPER EMPTY ARRAY ON EMPTY EMPTY OBJECT ON ERROR)",
                "$json_query(d, p, 'CONDITIONAL', 'EMPTY ARRAY', 'EMPTY OBJECT')",
            ),
            ("JSON_EXISTS(d, p)", "json_exists(d, p)"),
            ("JSON_EXISTS(d, p UNKNOWN ON ERROR)", "$json_exists(d, p, 'UNKNOWN')"),
            ("d IS JSON", "$is_json(d, 'VALUE')"),
            (
                "d IS JSON OBJECT AND e IS NOT JSON ARRAY",
                "$is_json(d, 'OBJECT') AND NOT $is_json(e, 'ARRAY')",
            ),
            ("NOT d IS JSON SCALAR", "NOT $is_json(d, 'SCALAR')"),
            ("a || b IS JSON", "$is_json(a || b, 'VALUE')"),
            ("d IS NOT NULL", "d IS NOT NULL"),
            ("json_value", "json_value"),
        ];
        for (sql, expected) in table {
            assert_eq!(parse(sql), Ok(expected.to_owned()), "{sql}");
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        let table = [
            ("JSON_VALUE(d)", "13: expected ,, found `)`"),
            ("JSON_VALUE(d, p, 'x')", "16: expected ), found `,`"),
            ("JSON_VALUE(d, p RETURNING DATE)", "27: JSON_VALUE cannot return DATE"),
            ("JSON_VALUE(d, p RETURNING INTT)", "27: unknown type `INTT`"),
            ("JSON_VALUE(d, p NULL ON NULL)", "25: expected `EMPTY` or `ERROR`, found `NULL`"),
            ("JSON_VALUE(d, p NULL EMPTY)", "22: expected `ON`, found `EMPTY`"),
            ("JSON_VALUE(d, p NULL ON EMPTY NULL ON EMPTY)", "31: ON EMPTY is given twice"),
            ("JSON_QUERY(d, p WITH ARRAY)", "27: expected `WRAPPER`, found `)`"),
            ("JSON_QUERY(d, p RETURNING INT)", "27: JSON_QUERY cannot return INT"),
            ("JSON_EXISTS(d, p TRUE ON EMPTY)", "26: expected `ERROR`, found `EMPTY`"),
        ];
        for (sql, expected) in table {
            assert_eq!(parse(sql), Err(expected.to_owned()), "{sql}");
        }
    }
}
