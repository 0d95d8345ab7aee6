//! CREATE TABLE and CREATE VIEW.
//!
//! What is not due yet (METADATA columns, LIKE, AS SELECT, DISTRIBUTED BY, catalogs, functions) is refused by name.

use datafusion_sql::sqlparser::tokenizer::{Span, Token};

use super::cursor::Cursor;
use super::limits::check_columns;
use super::statement::{
    ColumnDefinition, ColumnKind, CreateTable, CreateView, Name, PrimaryKey, Setting, Statement,
    WatermarkDefinition,
};
use super::types::parse_column_type;
use crate::diagnostic::Problem;

/// Reads what follows CREATE.
///
/// # Errors
/// Syntax errors, and kinds of objects and clauses that are not supported.
pub(crate) fn parse_create(cursor: &mut Cursor<'_>) -> Result<Statement, Problem> {
    if cursor.sees("OR") {
        return Err(unsupported(
            cursor,
            "CREATE OR REPLACE",
            "drop the object first, or give it another name",
        ));
    }
    cursor.eat("TEMPORARY");
    if cursor.eat("TABLE") {
        return parse_table(cursor).map(Statement::CreateTable);
    }
    if cursor.eat("VIEW") {
        return parse_view(cursor).map(Statement::CreateView);
    }
    let problem = match cursor.peek() {
        Some(token) if ["CATALOG", "DATABASE"].iter().any(|word| cursor.sees(word)) => {
            Problem::new(token.span, format!("CREATE {} is not supported", token.token))
                .label("there is one catalog and one database")
                .help("create the tables in this job")
        }
        Some(token)
            if ["FUNCTION", "SYSTEM", "MODEL", "MATERIALIZED"].iter().any(|word| cursor.sees(word)) =>
        {
            Problem::new(token.span, format!("CREATE {} is not supported yet", token.token))
                .label("not supported")
        }
        _ => cursor.expected("`TABLE` or `VIEW`"),
    };
    Err(problem)
}

fn unsupported(cursor: &Cursor<'_>, what: &str, help: &str) -> Problem {
    let span = cursor.peek().map_or(Span::empty(), |token| token.span);
    Problem::new(span, format!("{what} is not supported")).label("not supported").help(help)
}

fn parse_view(cursor: &mut Cursor<'_>) -> Result<CreateView, Problem> {
    let if_not_exists = cursor.eat("IF NOT EXISTS");
    let name = cursor.object_name("the name of a view")?;
    let mut columns = Vec::new();
    if cursor.eat_token(&Token::LParen) {
        loop {
            columns.push(cursor.identifier("a column name")?);
            if cursor.eat("COMMENT") {
                cursor.string("a comment")?;
            }
            if !cursor.eat_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    if cursor.eat("COMMENT") {
        cursor.string("a comment")?;
    }
    cursor.expect("AS")?;
    let query = cursor.query()?;
    Ok(CreateView { name, if_not_exists, columns, query })
}

fn parse_table(cursor: &mut Cursor<'_>) -> Result<CreateTable, Problem> {
    let if_not_exists = cursor.eat("IF NOT EXISTS");
    let name = cursor.object_name("the name of a table")?;
    let mut table = CreateTable {
        name,
        if_not_exists,
        columns: Vec::new(),
        watermark: None,
        primary_key: None,
        partitioned_by: Vec::new(),
        options: Vec::new(),
    };
    if cursor.sees("LIKE") || cursor.sees("AS") || cursor.sees("WITH") {
        refuse_derived(cursor)?;
    }
    cursor.expect_token(&Token::LParen)?;
    loop {
        parse_element(cursor, &mut table)?;
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if !cursor.eat_token(&Token::RParen) {
        return Err(cursor.expected("`,` or `)`"));
    }
    parse_clauses(cursor, &mut table)?;
    check_columns(table.columns.len(), table.name.span)?;
    Ok(table)
}

/// CREATE TABLE t LIKE .., AS SELECT .., and WITH before them.
fn refuse_derived(cursor: &mut Cursor<'_>) -> Result<(), Problem> {
    if cursor.sees("LIKE") {
        return Err(unsupported(
            cursor,
            "CREATE TABLE ... LIKE",
            "repeat the columns and options of the other table",
        ));
    }
    if cursor.sees("AS") {
        return Err(unsupported(
            cursor,
            "CREATE TABLE ... AS SELECT",
            "declare the columns, then write `INSERT INTO ... SELECT ...`",
        ));
    }
    Err(unsupported(cursor, "a table without columns", "declare its columns in parentheses before WITH"))
}

fn parse_element(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Result<(), Problem> {
    let start = cursor.position();
    if cursor.sees("WATERMARK FOR") {
        cursor.expect("WATERMARK FOR")?;
        let column = cursor.identifier("a column name")?;
        cursor.expect("AS")?;
        let expression = Box::new(cursor.expression()?);
        let span = cursor.span_from(start);
        if table.watermark.is_some() {
            return Err(Problem::new(span, "a table has at most one WATERMARK").label("second watermark"));
        }
        table.watermark = Some(WatermarkDefinition { column, expression, span });
        return Ok(());
    }
    if cursor.sees("CONSTRAINT") {
        cursor.expect("CONSTRAINT")?;
        cursor.identifier("the name of a constraint")?;
    }
    if cursor.sees("PRIMARY KEY") {
        let key = parse_primary_key(cursor, start)?;
        return set_primary_key(table, key);
    }
    if cursor.sees("UNIQUE") && cursor.peek_nth(1).is_some_and(|token| token.token == Token::LParen) {
        return Err(unsupported(cursor, "UNIQUE", "declare a PRIMARY KEY (...) NOT ENFORCED"));
    }
    parse_column(cursor, table)
}

fn parse_primary_key(cursor: &mut Cursor<'_>, start: usize) -> Result<PrimaryKey, Problem> {
    cursor.expect("PRIMARY KEY")?;
    let columns = names_in_parentheses(cursor)?;
    let span = cursor.span_from(start);
    expect_not_enforced(cursor, span)?;
    Ok(PrimaryKey { columns, span })
}

fn expect_not_enforced(cursor: &mut Cursor<'_>, span: Span) -> Result<(), Problem> {
    if cursor.eat("NOT ENFORCED") {
        return Ok(());
    }
    Err(Problem::new(span, "a primary key must be NOT ENFORCED")
        .label("uniqueness is promised by the data, it is not checked")
        .help("write `NOT ENFORCED` behind it"))
}

fn set_primary_key(table: &mut CreateTable, key: PrimaryKey) -> Result<(), Problem> {
    if table.primary_key.is_some() {
        return Err(Problem::new(key.span, "a table has at most one PRIMARY KEY").label("second primary key"));
    }
    table.primary_key = Some(key);
    Ok(())
}

fn parse_column(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Result<(), Problem> {
    let start = cursor.position();
    let name = cursor.identifier("a column name")?;
    if let Some(first) = table.columns.iter().find(|column| column.name.value == name.value) {
        return Err(Problem::new(name.span, format!("column `{}` is declared twice", first.name.value))
            .label("second declaration"));
    }
    if cursor.eat("AS") {
        let expression = Box::new(cursor.expression()?);
        if cursor.eat("COMMENT") {
            cursor.string("a comment")?;
        }
        table.columns.push(ColumnDefinition { name, kind: ColumnKind::Computed(expression) });
        return Ok(());
    }
    let column_type = parse_column_type(cursor)?;
    if cursor.sees("METADATA") {
        return Err(unsupported(cursor, "METADATA", "remove the column; connectors offer no metadata yet"));
    }
    let mut not_null = false;
    loop {
        if cursor.eat("NOT NULL") {
            not_null = true;
        } else if cursor.eat("NULL") {
        } else if cursor.eat("COMMENT") {
            cursor.string("a comment")?;
        } else if cursor.eat("PRIMARY KEY") {
            let span = cursor.span_from(start);
            expect_not_enforced(cursor, span)?;
            set_primary_key(table, PrimaryKey { columns: vec![name.clone()], span })?;
        } else {
            break;
        }
    }
    if cursor.sees("DEFAULT") || cursor.sees("UNIQUE") || cursor.sees("REFERENCES") || cursor.sees("CHECK") {
        let word = cursor.next("a column")?;
        return Err(Problem::new(word.span, format!("{} is not part of a column in Flink SQL", word.token))
            .label("not supported"));
    }
    table.columns.push(ColumnDefinition { name, kind: ColumnKind::Physical { column_type, not_null } });
    Ok(())
}

fn parse_clauses(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Result<(), Problem> {
    loop {
        if cursor.eat("COMMENT") {
            cursor.string("a comment")?;
        } else if cursor.eat("PARTITIONED BY") {
            table.partitioned_by = names_in_parentheses(cursor)?;
        } else if cursor.sees("DISTRIBUTED") {
            return Err(unsupported(
                cursor,
                "DISTRIBUTED",
                "remove it; rows are distributed by what follows the table",
            ));
        } else if cursor.eat("WITH") {
            table.options = parse_options(cursor)?;
        } else if cursor.sees("LIKE") || cursor.sees("AS") {
            return refuse_derived(cursor);
        } else {
            return Ok(());
        }
    }
}

fn parse_options(cursor: &mut Cursor<'_>) -> Result<Vec<Setting>, Problem> {
    cursor.expect_token(&Token::LParen)?;
    let mut options: Vec<Setting> = Vec::new();
    loop {
        let key = cursor.string("the name of an option")?;
        if let Some(first) = options.iter().find(|option| option.key.value == key.value) {
            return Err(Problem::new(key.span, format!("option `{}` is given twice", first.key.value))
                .label("second value"));
        }
        cursor.expect_token(&Token::Eq)?;
        let value = cursor.string("a value")?;
        options.push(Setting { key, value });
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if !cursor.eat_token(&Token::RParen) {
        return Err(cursor.expected("`,` or `)`"));
    }
    Ok(options)
}

/// `(a, b, c)`.
pub(crate) fn names_in_parentheses(cursor: &mut Cursor<'_>) -> Result<Vec<Name>, Problem> {
    cursor.expect_token(&Token::LParen)?;
    let mut names: Vec<Name> = Vec::new();
    loop {
        let name = cursor.identifier("a column name")?;
        if names.iter().any(|other| other.value == name.value) {
            return Err(
                Problem::new(name.span, format!("column `{}` is named twice", name.value)).label("again")
            );
        }
        names.push(name);
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if !cursor.eat_token(&Token::RParen) {
        return Err(cursor.expected("`,` or `)`"));
    }
    Ok(names)
}
