//! Flink's dialect for sqlparser: which characters and clauses it knows, and the prefix forms of its own.
//!
//! `TABLE t` as an argument becomes the call `$table(t)`, `TABLE t PARTITION BY k` becomes `$partitioned($table(t), k)`, `CAST(x AS type)` becomes `$cast(x, 'type')`, so that neither
//! sqlparser nor DataFusion has to know Flink's types; `json` does the same with the clauses of JSON functions. Example:
//! `CAST(a AS TIMESTAMP_LTZ(3))` is `$cast(a, 'TIMESTAMP_LTZ(3)')`.

use datafusion_sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, TrimWhereField, Value,
};
use datafusion_sql::sqlparser::dialect::Dialect;
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Span, Token};

use super::json;
use super::tokens::is_word;
use super::types::parse_type_in;

/// Name of the call that stands for `TABLE t` as an argument.
pub(crate) const TABLE_ARGUMENT: &str = "$table";
/// Name of the call that stands for `TABLE t PARTITION BY k`: the table, then the columns.
pub(crate) const PARTITIONED: &str = "$partitioned";
/// Name of the call that stands for CAST.
pub(crate) const CAST: &str = "$cast";
/// Name of the call that stands for TRY_CAST.
pub(crate) const TRY_CAST: &str = "$try_cast";

/// Flink SQL.
#[derive(Debug)]
pub(crate) struct FlinkDialect;

impl Dialect for FlinkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_match_recognize(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let token = parser.peek_token_ref();
        let Token::Word(word) = &token.token else { return None };
        if word.quote_style.is_some() {
            return None;
        }
        let (keyword, span) = (word.keyword, token.span);
        let opens = parser.peek_nth_token_ref(1).token == Token::LParen;
        if opens && let Some(read) = json::reader_of(&word.value) {
            return Some(read(parser, span));
        }
        match keyword {
            Keyword::TABLE if !opens => {
                Some(table_argument(parser, span).and_then(|table| partitioned(parser, table, span)))
            }
            Keyword::TABLE => Some(table_query(parser).and_then(|table| partitioned(parser, table, span))),
            Keyword::CAST if opens => Some(cast(parser, span, CAST)),
            Keyword::TRY_CAST if opens => Some(cast(parser, span, TRY_CAST)),
            Keyword::TRIM if opens => trim_blanks(parser).transpose(),
            _ => None,
        }
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        _precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        json::is_json(parser, expr).map(Ok)
    }
}

/// `TABLE t`: the name becomes the call's argument.
fn table_argument(parser: &mut Parser, span: Span) -> Result<Expr, ParserError> {
    parser.advance_token();
    let name = parser.parse_object_name(false)?;
    let parts = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
    Ok(call(TABLE_ARGUMENT, span, vec![Expr::CompoundIdentifier(parts)]))
}

/// `TABLE (SELECT ..)`: the same as the query in parentheses.
fn table_query(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let query = parser.parse_query()?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Subquery(query))
}

/// What may stand behind a table as an argument: `PARTITION BY k`, or `PARTITION BY (a, b)`.
fn partitioned(parser: &mut Parser, table: Expr, span: Span) -> Result<Expr, ParserError> {
    if !parser.parse_keywords(&[Keyword::PARTITION, Keyword::BY]) {
        return Ok(table);
    }
    let mut args = vec![table];
    if parser.consume_token(&Token::LParen) {
        args.extend(
            parser.parse_comma_separated(Parser::parse_identifier)?.into_iter().map(Expr::Identifier),
        );
        parser.expect_token(&Token::RParen)?;
    } else {
        args.push(Expr::Identifier(parser.parse_identifier()?));
    }
    Ok(call(PARTITIONED, span, args))
}

/// `TRIM(BOTH FROM x)`: sqlparser wants the characters to be named.
fn trim_blanks(parser: &mut Parser) -> Result<Option<Expr>, ParserError> {
    let trim_where = match &parser.peek_nth_token_ref(2).token {
        Token::Word(word) => match word.keyword {
            Keyword::BOTH => TrimWhereField::Both,
            Keyword::LEADING => TrimWhereField::Leading,
            Keyword::TRAILING => TrimWhereField::Trailing,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    if !is_word(parser.peek_nth_token_ref(3), "FROM") {
        return Ok(None);
    }
    // TRIM ( where FROM
    (0..4).for_each(|_| parser.advance_token());
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    Ok(Some(Expr::Trim { expr, trim_where: Some(trim_where), trim_what: None, trim_characters: None }))
}

fn cast(parser: &mut Parser, span: Span, name: &str) -> Result<Expr, ParserError> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let operand = parser.parse_expr()?;
    parser.expect_keyword(Keyword::AS)?;
    let start = parser.peek_token_ref().span;
    let sql_type = parse_type_in(parser)?;
    let end = parser.get_current_token().span;
    parser.expect_token(&Token::RParen)?;
    let type_text =
        Value::SingleQuotedString(sql_type.to_string()).with_span(Span::new(start.start, end.end));
    Ok(call(name, span, vec![operand, Expr::Value(type_text)]))
}

/// A plain function call.
pub(crate) fn call(name: &str, span: Span, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::with_span(span, name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
