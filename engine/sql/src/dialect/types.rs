//! Types as Flink writes them.
//!
//! Example: `TIMESTAMP(3) WITH LOCAL TIME ZONE` and `TIMESTAMP_LTZ(3)` are the same type; `TIMESTAMP` alone has
//! precision 6, `DECIMAL` alone is `DECIMAL(10, 0)`.

use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};
use millstream_expr::types::MAX_DECIMAL_PRECISION;
use millstream_expr::{ColumnType, SqlType};

use super::cursor::Cursor;
use super::limits::check_columns;
use super::tokens::is_word;
use crate::diagnostic::{Problem, did_you_mean};

const NAMES: &[&str] = &[
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "NUMERIC",
    "CHAR",
    "VARCHAR",
    "STRING",
    "BINARY",
    "VARBINARY",
    "BYTES",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
];

/// Reads a type.
///
/// # Errors
/// An unknown name, lengths out of range, and the types that no job can have yet.
pub(crate) fn parse_type(cursor: &mut Cursor<'_>) -> Result<SqlType, Problem> {
    let token = cursor.next("a type")?;
    let Token::Word(word) = &token.token else {
        return Err(cursor.expected_at("a type", token));
    };
    let name = word.value.to_uppercase();
    let parsed = match name.as_str() {
        "BOOLEAN" => SqlType::Boolean,
        "TINYINT" => SqlType::TinyInt,
        "SMALLINT" => SqlType::SmallInt,
        "INT" | "INTEGER" => SqlType::Int,
        "BIGINT" => SqlType::BigInt,
        "FLOAT" => SqlType::Float,
        "DOUBLE" => {
            cursor.eat("PRECISION");
            SqlType::Double
        }
        "DECIMAL" | "DEC" | "NUMERIC" => decimal(cursor)?,
        "CHAR" | "CHARACTER" if cursor.eat("VARYING") => varchar(length(cursor)?),
        "CHAR" | "CHARACTER" => SqlType::Char(length(cursor)?.unwrap_or(1)),
        "VARCHAR" => varchar(length(cursor)?),
        "STRING" => SqlType::String,
        "BINARY" if cursor.eat("VARYING") => varbinary(length(cursor)?),
        "BINARY" => SqlType::Binary(length(cursor)?.unwrap_or(1)),
        "VARBINARY" => varbinary(length(cursor)?),
        "BYTES" => SqlType::Bytes,
        "DATE" => SqlType::Date,
        "TIME" => {
            let precision = precision(cursor, 0)?;
            without_zone(cursor)?;
            SqlType::Time(precision)
        }
        "TIMESTAMP" => timestamp(cursor)?,
        "TIMESTAMP_LTZ" => SqlType::TimestampLtz(precision(cursor, 6)?),
        "ROW" => {
            return Err(Problem::new(token.span, "ROW is not supported here yet")
                .label("only columns of tables can be rows")
                .help("declare the row as a column of a table, and take its fields as `column.field`"));
        }
        "ARRAY" | "MAP" | "MULTISET" | "RAW" | "VARIANT" | "STRUCTURED" => {
            return Err(Problem::new(token.span, format!("columns of type {name} are not supported yet"))
                .label("not supported")
                .help("declare the fields you need as columns of their own, or the whole as STRING"));
        }
        _ => {
            let help = replacement(&name)
                .map(str::to_owned)
                .or_else(|| did_you_mean(&name, NAMES.iter().copied()))
                .unwrap_or_else(|| format!("types are {}", NAMES.join(", ")));
            return Err(Problem::new(token.span, format!("unknown type `{}`", word.value))
                .label("not a type of Flink SQL")
                .help(help));
        }
    };
    Ok(parsed)
}

/// Reads the type of a table's column, which may be `ROW<a INT, b STRING>` or `ROW(a INT, b STRING)`. NOT NULL and comments of
/// fields are read and not kept.
///
/// # Errors
/// As [`parse_type`]; a row without fields, or with two of one name.
pub(crate) fn parse_column_type(cursor: &mut Cursor<'_>) -> Result<ColumnType, Problem> {
    let opens = |token: &TokenWithSpan| matches!(token.token, Token::Lt | Token::LParen | Token::Neq);
    if !cursor.sees("ROW") || !cursor.peek_nth(1).is_some_and(opens) {
        return parse_type(cursor).map(ColumnType::Value);
    }
    let row = cursor.expect("ROW")?;
    let closing = match cursor.next("the fields of the row")?.token {
        Token::Lt => Token::Gt,
        Token::LParen => Token::RParen,
        _ => return Err(without_fields(row)),
    };
    if cursor.eat_token(&closing) {
        return Err(without_fields(row));
    }
    let mut fields: Vec<(String, ColumnType)> = Vec::new();
    loop {
        let name = cursor.identifier("the name of a field")?;
        if fields.iter().any(|(other, _)| *other == name.value) {
            return Err(Problem::new(name.span, format!("the row has two fields `{}`", name.value))
                .label("second field of this name"));
        }
        let field = parse_column_type(cursor)?;
        if !cursor.eat("NOT NULL") {
            cursor.eat("NULL");
        }
        if cursor.peek().is_some_and(|token| matches!(token.token, Token::SingleQuotedString(_))) {
            cursor.string("a comment")?;
        }
        fields.push((name.value, field));
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if !cursor.eat_token(&closing) {
        return Err(cursor.expected(&format!("`,` or `{closing}`")));
    }
    check_columns(fields.len(), row)?;
    Ok(ColumnType::Row(fields))
}

fn without_fields(row: Span) -> Problem {
    Problem::new(row, "a row needs a field").label("has none").help("write ROW<name type, ...>")
}

/// [`parse_type`] for code that runs inside sqlparser's recursion; the parser ends behind the type.
///
/// # Errors
/// As [`parse_type`]; the message carries the position in sqlparser's way.
pub(crate) fn parse_type_in(parser: &mut Parser) -> Result<SqlType, ParserError> {
    // A type is at most eight tokens: TIMESTAMP ( 3 ) WITH LOCAL TIME ZONE.
    let mut tokens: Vec<TokenWithSpan> = (0..9).map(|n| parser.peek_nth_token_ref(n).clone()).collect();
    tokens.retain(|token| token.token != Token::EOF);
    let mut cursor = Cursor::new(&tokens);
    let parsed = parse_type(&mut cursor).map_err(|problem| super::script::to_parser_error(&problem))?;
    for _ in 0..cursor.position() {
        parser.advance_token();
    }
    Ok(parsed)
}

/// What Flink calls a type of other databases.
fn replacement(name: &str) -> Option<&'static str> {
    Some(match name {
        "TEXT" | "NVARCHAR" | "CLOB" => "write STRING",
        "INT8" | "LONG" | "INT64" => "write BIGINT",
        "INT4" | "INT32" => "write INT",
        "INT2" | "INT16" | "SHORT" => "write SMALLINT",
        "BOOL" => "write BOOLEAN",
        "REAL" | "FLOAT4" | "FLOAT32" => "write FLOAT",
        "FLOAT8" | "FLOAT64" => "write DOUBLE",
        "DATETIME" => "write TIMESTAMP(3)",
        "TIMESTAMPTZ" => "write TIMESTAMP_LTZ(3)",
        "BLOB" | "BYTEA" => "write BYTES",
        _ => return None,
    })
}

fn varchar(length: Option<u32>) -> SqlType {
    match length {
        Some(length) if length < i32::MAX as u32 => SqlType::Varchar(length),
        // Without a length a cast cuts nothing, and a column of a table is never cut.
        _ => SqlType::String,
    }
}

fn varbinary(length: Option<u32>) -> SqlType {
    match length {
        Some(length) if length >= i32::MAX as u32 => SqlType::Bytes,
        other => SqlType::Varbinary(other.unwrap_or(1)),
    }
}

fn decimal(cursor: &mut Cursor<'_>) -> Result<SqlType, Problem> {
    if !cursor.eat_token(&Token::LParen) {
        return Ok(SqlType::Decimal { precision: 10, scale: 0 });
    }
    let precision = number(cursor, "a precision", 1, u32::from(MAX_DECIMAL_PRECISION))?;
    let scale = if cursor.eat_token(&Token::Comma) { number(cursor, "a scale", 0, precision)? } else { 0 };
    cursor.expect_token(&Token::RParen)?;
    // Both are at most 38.
    Ok(SqlType::Decimal { precision: precision as u8, scale: scale as i8 })
}

fn timestamp(cursor: &mut Cursor<'_>) -> Result<SqlType, Problem> {
    let precision = precision(cursor, 6)?;
    if cursor.peek().is_some_and(|t| is_word(t, "WITH"))
        && cursor.peek_nth(1).is_some_and(|t| is_word(t, "LOCAL"))
    {
        for word in ["WITH", "LOCAL", "TIME", "ZONE"] {
            cursor.expect(word)?;
        }
        return Ok(SqlType::TimestampLtz(precision));
    }
    if cursor.peek().is_some_and(|t| is_word(t, "WITH"))
        && cursor.peek_nth(1).is_some_and(|t| is_word(t, "TIME"))
    {
        let token = cursor.next("a type")?;
        return Err(Problem::new(token.span, "TIMESTAMP WITH TIME ZONE is not supported")
            .label("keeps a zone with every value")
            .help("write TIMESTAMP_LTZ(3) for an instant"));
    }
    without_zone(cursor)?;
    Ok(SqlType::Timestamp(precision))
}

fn without_zone(cursor: &mut Cursor<'_>) -> Result<(), Problem> {
    if cursor.eat("WITHOUT") {
        cursor.expect("TIME")?;
        cursor.expect("ZONE")?;
    }
    Ok(())
}

fn precision(cursor: &mut Cursor<'_>, default: u8) -> Result<u8, Problem> {
    if !cursor.eat_token(&Token::LParen) {
        return Ok(default);
    }
    let precision = number(cursor, "a precision", 0, 9)?;
    cursor.expect_token(&Token::RParen)?;
    Ok(precision as u8)
}

fn length(cursor: &mut Cursor<'_>) -> Result<Option<u32>, Problem> {
    if !cursor.eat_token(&Token::LParen) {
        return Ok(None);
    }
    let length = number(cursor, "a length", 1, i32::MAX as u32)?;
    cursor.expect_token(&Token::RParen)?;
    Ok(Some(length))
}

fn number(cursor: &mut Cursor<'_>, what: &str, low: u32, high: u32) -> Result<u32, Problem> {
    let token = cursor.next(what)?;
    let value = match &token.token {
        Token::Number(digits, false) => digits.parse::<u32>().ok(),
        _ => return Err(cursor.expected_at(what, token)),
    };
    value.filter(|value| (low..=high).contains(value)).ok_or_else(|| {
        Problem::new(token.span, format!("{what} must be between {low} and {high}")).label("out of range")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokenize;
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        let tokens = tokenize(text).unwrap();
        let mut cursor = Cursor::new(&tokens);
        let parsed =
            parse_column_type(&mut cursor).map_err(|p| format!("{}: {}", p.span.start.column, p.message))?;
        assert_eq!(cursor.position(), tokens.len(), "{text} is read to its end");
        Ok(parsed.to_string())
    }

    #[test]
    fn every_spelling_is_read() {
        let table = [
            ("boolean", "BOOLEAN"),
            ("INTEGER", "INT"),
            ("DOUBLE PRECISION", "DOUBLE"),
            ("DECIMAL", "DECIMAL(10, 0)"),
            ("NUMERIC(5)", "DECIMAL(5, 0)"),
            ("DEC(38, 38)", "DECIMAL(38, 38)"),
            ("CHAR", "CHAR(1)"),
            ("CHAR VARYING(4)", "VARCHAR(4)"),
            ("VARCHAR", "STRING"),
            ("VARCHAR(2147483647)", "STRING"),
            ("VARBINARY(2147483647)", "BYTES"),
            ("BINARY(3)", "BINARY(3)"),
            ("TIME", "TIME(0)"),
            ("TIME(3) WITHOUT TIME ZONE", "TIME(3)"),
            ("TIMESTAMP", "TIMESTAMP(6)"),
            ("TIMESTAMP(3) WITHOUT TIME ZONE", "TIMESTAMP(3)"),
            ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"),
            ("timestamp_ltz", "TIMESTAMP_LTZ(6)"),
            ("row<a INT, `b c` VARCHAR(3)>", "ROW<`a` INT, `b c` VARCHAR(3)>"),
            ("ROW(a INT NOT NULL 'why', b ROW<c STRING NULL>)", "ROW<`a` INT, `b` ROW<`c` STRING>>"),
            ("ROW<a ROW<b ROW<c DECIMAL(4, 2)>>>", "ROW<`a` ROW<`b` ROW<`c` DECIMAL(4, 2)>>>"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn wrong_types_are_refused() {
        let table = [
            ("STRNG", "1: unknown type `STRNG`"),
            ("DECIMAL(39)", "9: a precision must be between 1 and 38"),
            ("DECIMAL(4, 5)", "12: a scale must be between 0 and 4"),
            ("TIMESTAMP(10)", "11: a precision must be between 0 and 9"),
            ("VARCHAR(0)", "9: a length must be between 1 and 2147483647"),
            ("ARRAY<INT>", "1: columns of type ARRAY are not supported yet"),
            ("ROW<a ARRAY<INT>>", "7: columns of type ARRAY are not supported yet"),
            ("ROW<>", "1: a row needs a field"),
            ("ROW()", "1: a row needs a field"),
            ("ROW<a INT, a INT>", "12: the row has two fields `a`"),
            ("ROW<a INT)", "10: expected `,` or `>`, found `)`"),
            ("ROW", "1: ROW is not supported here yet"),
            ("TIMESTAMP(3) WITH TIME ZONE", "14: TIMESTAMP WITH TIME ZONE is not supported"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Err(expected.to_owned()), "{text}");
        }
    }
}
