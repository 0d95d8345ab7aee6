//! A whole text: its statements in order, statement sets gathered.
//!
//! `BEGIN STATEMENT SET; INSERT ..; INSERT ..; END;` and `EXECUTE STATEMENT SET BEGIN INSERT ..; END;` are one statement
//! over several semicolons. Every statement is read even when one before it is wrong, so that all mistakes are shown at
//! once: the next statement starts behind the next semicolon.

#[cfg(test)]
use datafusion_sql::sqlparser::ast::Expr;
use datafusion_sql::sqlparser::parser::ParserError;
use datafusion_sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::create::{names_in_parentheses, parse_create};
use super::cursor::Cursor;
use super::limits::{check_size, check_tokens};
use super::statement::{Insert, Name, ParsedStatement, Setting, Statement};
use super::tokens::{Tokens, behind, lower_first, span_of, tokenize};
use crate::diagnostic::{Problem, did_you_mean};

const STARTS: &[&str] =
    &["CREATE", "DROP", "INSERT", "SELECT", "WITH", "VALUES", "SET", "RESET", "EXPLAIN", "EXECUTE", "BEGIN"];

/// Reads a text.
///
/// # Errors
/// Every statement's first problem; at least one.
pub(crate) fn parse_script(text: &str) -> Result<Vec<ParsedStatement>, Vec<Problem>> {
    let one = |problem| vec![problem];
    check_size(text).map_err(one)?;
    let tokens = tokenize(text).map_err(one)?;
    check_tokens(&tokens).map_err(one)?;

    let mut statements = Vec::new();
    let mut problems = Vec::new();
    let mut set: Option<OpenSet> = None;
    for piece in pieces(tokens) {
        match piece_of(&piece) {
            Piece::OpensSet { explain, body } if set.is_none() => {
                let mut open = OpenSet { explain, inserts: Vec::new(), tokens: piece.clone() };
                if body < piece.len() {
                    add_insert(&mut open, &piece[body..], &mut problems);
                }
                set = Some(open);
            }
            Piece::OpensSet { .. } => {
                problems.push(
                    Problem::new(span_of(&piece), "a statement set inside a statement set").label("again"),
                );
            }
            Piece::ClosesSet => match set.take() {
                Some(open) => statements.push(open.close(&mut problems)),
                None => problems.push(
                    Problem::new(span_of(&piece), "END without a statement set").label("nothing to end"),
                ),
            },
            Piece::Other => match &mut set {
                Some(open) => add_insert(open, &piece, &mut problems),
                None => match parse_statement(&piece) {
                    Ok(statement) => statements.push(ParsedStatement { statement, tokens: piece }),
                    Err(problem) => problems.push(problem),
                },
            },
        }
    }
    if let Some(open) = set {
        problems.push(
            Problem::new(span_of(open.tokens.get(..1).unwrap_or(&[])), "the statement set is not closed")
                .label("opened here")
                .help("write `END;` behind its last INSERT"),
        );
    }
    if problems.is_empty() { Ok(statements) } else { Err(problems) }
}

/// A statement set whose END has not come yet.
struct OpenSet {
    explain: bool,
    inserts: Vec<Insert>,
    tokens: Tokens,
}

impl OpenSet {
    fn close(self, problems: &mut Vec<Problem>) -> ParsedStatement {
        if self.inserts.is_empty() && problems.is_empty() {
            problems.push(
                Problem::new(span_of(&self.tokens), "the statement set is empty")
                    .label("no INSERT in it")
                    .help("put INSERT statements between BEGIN and END"),
            );
        }
        let set = Statement::Inserts(self.inserts);
        let statement = if self.explain { Statement::Explain(Box::new(set)) } else { set };
        ParsedStatement { statement, tokens: self.tokens }
    }
}

enum Piece {
    OpensSet { explain: bool, body: usize },
    ClosesSet,
    Other,
}

fn piece_of(tokens: &[TokenWithSpan]) -> Piece {
    let mut cursor = Cursor::new(tokens);
    if cursor.eat("END") && cursor.is_at_end() {
        return Piece::ClosesSet;
    }
    let mut cursor = Cursor::new(tokens);
    if cursor.eat("BEGIN STATEMENT SET") {
        return Piece::OpensSet { explain: false, body: cursor.position() };
    }
    for (words, explain) in [("EXECUTE STATEMENT SET BEGIN", false), ("EXPLAIN STATEMENT SET BEGIN", true)] {
        if cursor.eat(words) {
            return Piece::OpensSet { explain, body: cursor.position() };
        }
    }
    Piece::Other
}

fn add_insert(set: &mut OpenSet, tokens: &[TokenWithSpan], problems: &mut Vec<Problem>) {
    match parse_statement(tokens) {
        Ok(Statement::Insert(insert)) => set.inserts.push(insert),
        Ok(_) => problems.push(
            Problem::new(
                span_of(tokens.get(..1).unwrap_or(&[])),
                "a statement set holds INSERT statements only",
            )
            .label("not an INSERT")
            .help("move it before the statement set"),
        ),
        Err(problem) => problems.push(problem),
    }
}

/// The tokens between semicolons, without the empty ones.
fn pieces(tokens: Tokens) -> Vec<Tokens> {
    let mut pieces = vec![Tokens::new()];
    for token in tokens {
        if token.token == Token::SemiColon {
            pieces.push(Tokens::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(token);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn parse_statement(tokens: &[TokenWithSpan]) -> Result<Statement, Problem> {
    let mut cursor = Cursor::new(tokens);
    let statement = parse_any(&mut cursor, tokens)?;
    match cursor.peek() {
        None => Ok(statement),
        Some(token) => Err(cursor.expected_at("the end of the statement or `;`", token)),
    }
}

fn parse_any(cursor: &mut Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<Statement, Problem> {
    let first = cursor.peek().ok_or_else(|| cursor.expected("a statement"))?;
    if cursor.eat("CREATE") {
        return parse_create(cursor);
    }
    if cursor.eat("DROP") {
        return parse_drop(cursor);
    }
    if cursor.eat("SET") {
        return parse_set(cursor).map(Statement::Set);
    }
    if cursor.eat("RESET") {
        let key = if cursor.is_at_end() { None } else { Some(parse_key(cursor)?) };
        return Ok(Statement::Reset { key });
    }
    if cursor.eat("EXPLAIN") {
        return parse_explain(cursor, tokens);
    }
    if cursor.eat("EXECUTE") {
        if cursor.sees("INSERT") || cursor.sees("SELECT") {
            return parse_any(cursor, tokens);
        }
        return Err(cursor.expected("`STATEMENT SET BEGIN`"));
    }
    if cursor.eat("INSERT") {
        return parse_insert(cursor, tokens).map(Statement::Insert);
    }
    if ["SELECT", "WITH", "VALUES"].iter().any(|word| cursor.sees(word)) || first.token == Token::LParen {
        return cursor.query().map(Statement::Query);
    }
    Err(unknown_statement(first))
}

fn unknown_statement(first: &TokenWithSpan) -> Problem {
    let word = first.token.to_string().to_uppercase();
    let help = match word.as_str() {
        "UPDATE" | "DELETE" | "TRUNCATE" | "MERGE" => {
            "tables are streams: write an INSERT INTO ... SELECT that computes the new rows".to_owned()
        }
        "ALTER" => "change the CREATE statement instead".to_owned(),
        "SHOW" | "DESCRIBE" | "DESC" | "USE" | "LOAD" | "ADD" => {
            "remove it: a job is its CREATE and INSERT statements".to_owned()
        }
        _ => did_you_mean(&word, STARTS.iter().copied())
            .unwrap_or_else(|| format!("a statement starts with {}", STARTS.join(", "))),
    };
    let message = match word.as_str() {
        "UPDATE" | "DELETE" | "TRUNCATE" | "MERGE" | "ALTER" | "SHOW" | "DESCRIBE" | "DESC" | "USE"
        | "LOAD" | "ADD" | "CALL" | "ANALYZE" => format!("{word} is not supported"),
        _ => format!("expected a statement, found `{}`", first.token),
    };
    Problem::new(first.span, message).label("not a statement of a job").help(help)
}

fn parse_drop(cursor: &mut Cursor<'_>) -> Result<Statement, Problem> {
    cursor.eat("TEMPORARY");
    let is_view = cursor.eat("VIEW");
    if !is_view && !cursor.eat("TABLE") {
        return Err(cursor.expected("`TABLE` or `VIEW`"));
    }
    let if_exists = cursor.eat("IF EXISTS");
    if is_view {
        Ok(Statement::DropView { name: cursor.object_name("the name of a view")?, if_exists })
    } else {
        Ok(Statement::DropTable { name: cursor.object_name("the name of a table")?, if_exists })
    }
}

fn parse_set(cursor: &mut Cursor<'_>) -> Result<Setting, Problem> {
    if cursor.is_at_end() {
        return Err(cursor.expected("`'key' = 'value'`"));
    }
    let key = parse_key(cursor)?;
    cursor.expect_token(&Token::Eq)?;
    let start = cursor.position();
    let value = match cursor.peek().map(|token| &token.token) {
        Some(Token::SingleQuotedString(_)) => cursor.string("a value")?,
        _ => {
            // Flink's older form has a bare value: SET a.b = 5 s
            let mut value = String::new();
            while let Some(token) = cursor.peek() {
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(&token.token.to_string());
                cursor.next("a value")?;
            }
            if value.is_empty() {
                return Err(cursor.expected("a value in quotes"));
            }
            Name { value, span: cursor.span_from(start) }
        }
    };
    Ok(Setting { key, value })
}

/// `'a.b-c'`, or the same without quotes.
fn parse_key(cursor: &mut Cursor<'_>) -> Result<Name, Problem> {
    if matches!(cursor.peek().map(|t| &t.token), Some(Token::SingleQuotedString(_))) {
        return cursor.string("the name of a setting");
    }
    let start = cursor.position();
    let mut key = String::new();
    while let Some(token) = cursor.peek() {
        match &token.token {
            Token::Word(word) => key.push_str(&word.value),
            Token::Period => key.push('.'),
            Token::Minus => key.push('-'),
            Token::Number(digits, _) => key.push_str(digits),
            _ => break,
        }
        cursor.next("a key")?;
    }
    if key.is_empty() {
        return Err(cursor.expected("the name of a setting in quotes"));
    }
    Ok(Name { value: key, span: cursor.span_from(start) })
}

fn parse_explain(cursor: &mut Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<Statement, Problem> {
    if !cursor.eat("PLAN FOR") {
        let details = ["CHANGELOG_MODE", "ESTIMATED_COST", "JSON_EXECUTION_PLAN", "PLAN_ADVICE"];
        while details.iter().any(|word| cursor.eat(word)) {
            cursor.eat_token(&Token::Comma);
        }
    }
    let span = cursor.peek().map_or(Span::empty(), |token| token.span);
    // Not EXPLAIN again: every level would be one of recursion.
    let target = if cursor.sees("EXPLAIN") { None } else { Some(parse_any(cursor, tokens)?) };
    let Some(target @ (Statement::Insert(_) | Statement::Query(_))) = target else {
        return Err(Problem::new(span, "EXPLAIN takes a query or an INSERT").label("has no plan"));
    };
    Ok(Statement::Explain(Box::new(target)))
}

fn parse_insert(cursor: &mut Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<Insert, Problem> {
    if cursor.sees("OVERWRITE") {
        return Err(cursor.peek().map_or_else(
            || cursor.expected("`INTO`"),
            |token| {
                Problem::new(token.span, "INSERT OVERWRITE is not supported")
                    .label("a stream has no end at which to replace")
                    .help("write INSERT INTO")
            },
        ));
    }
    cursor.expect("INTO")?;
    let table = cursor.object_name("the name of a table")?;
    if cursor.sees("PARTITION") {
        return Err(cursor.expected("a query, without PARTITION (...)"));
    }
    let mut columns = Vec::new();
    let opens = cursor.peek().is_some_and(|token| token.token == Token::LParen);
    let is_query = ["SELECT", "WITH", "VALUES"]
        .iter()
        .any(|word| cursor.peek_nth(1).is_some_and(|token| super::tokens::is_word(token, word)))
        || cursor.peek_nth(1).is_some_and(|token| token.token == Token::LParen);
    if opens && !is_query {
        columns = names_in_parentheses(cursor)?;
    }
    if cursor.is_at_end() {
        return Err(cursor.expected("a query"));
    }
    let query = cursor.query()?;
    Ok(Insert { table, columns, query, tokens: tokens.to_vec() })
}

/// An expression given as text, for settings and tests.
#[cfg(test)]
pub(crate) fn parse_expression(text: &str) -> Result<Expr, Problem> {
    let tokens = tokenize(text)?;
    Cursor::new(&tokens).expression()
}

const AT_LINE: &str = " at Line: ";

/// sqlparser knows a position only as the end of its message; this takes it apart again.
pub(crate) fn from_parser_error(error: &ParserError, tokens: &[TokenWithSpan]) -> Problem {
    let text = match error {
        ParserError::RecursionLimitExceeded => {
            return Problem::new(span_of(tokens), "nested too deeply")
                .label("too deep for the parser")
                .help("name an inner part with CREATE TEMPORARY VIEW");
        }
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let (message, place) = match text.rfind(AT_LINE) {
        Some(at) => (&text[..at], place_of(&text[at + AT_LINE.len()..])),
        None => (text.as_str(), None),
    };
    let end = tokens.last().map_or(Span::empty(), |token| behind(token.span));
    let span = place.map_or(end, |location| place_of_token(message, location, tokens));
    let (message, help) = match message.split_once('\u{1}') {
        Some((message, help)) => (message, Some(help.to_owned()).filter(|help| !help.is_empty())),
        None => (message, None),
    };
    let message = lower_first(message)
        .replace("expected: ", "expected ")
        .replace(", found: EOF", ", found the end of the statement");
    let message = match message.split_once(", found: ") {
        Some((expected, found)) => format!("{expected}, found `{found}`"),
        None => message,
    };
    Problem::new(span, message).label("here").maybe_help(help)
}

/// The token that a message speaks of. Now and then sqlparser names one token and gives the place of the next.
fn place_of_token(message: &str, location: Location, tokens: &[TokenWithSpan]) -> Span {
    let index = tokens.partition_point(|token| token.span.start < location);
    let named = message.rsplit_once(", found: ").map(|(_, found)| found);
    let is_named = |token: &&TokenWithSpan| named.is_some_and(|found| token.token.to_string() == found);
    let at = tokens.get(index);
    let before = index.checked_sub(1).and_then(|n| tokens.get(n));
    match (at, before.filter(is_named)) {
        (Some(at), _) if is_named(&at) => at.span,
        (_, Some(before)) => before.span,
        (Some(at), None) => at.span,
        (None, None) => Span::new(location, Location::new(location.line, location.column + 1)),
    }
}

/// The way of one of our problems through sqlparser's error type.
pub(crate) fn to_parser_error(problem: &Problem) -> ParserError {
    let Location { line, column } = problem.span.start;
    let help = problem.help.as_deref().unwrap_or("");
    ParserError::ParserError(format!("{}\u{1}{help}{AT_LINE}{line}, Column: {column}", problem.message))
}

fn place_of(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    let (line, column) = (line.trim().parse().ok()?, column.trim().parse().ok()?);
    (line > 0).then(|| Location::new(line, column))
}

#[cfg(test)]
#[path = "script_test.rs"]
mod script_test;
