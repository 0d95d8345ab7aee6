//! A place in a list of tokens, for the statements that are parsed by hand.
//!
//! Never looks at sqlparser's grammar; expressions and queries inside a statement are handed to sqlparser by
//! [`Cursor::expression`] and [`Cursor::query`], which continue behind what was read.

use datafusion_sql::sqlparser::ast::{Expr, Query};
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::flink::FlinkDialect;
use super::limits::MAX_DEPTH;
use super::script::from_parser_error;
use super::statement::Name;
use super::tokens::{behind, is_word, span_of};
use crate::diagnostic::Problem;

/// Reads tokens from left to right.
pub(crate) struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(tokens: &'a [TokenWithSpan]) -> Self {
        Self { tokens, at: 0 }
    }

    /// Number of tokens read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<&'a TokenWithSpan> {
        self.tokens.get(self.at)
    }

    pub(crate) fn peek_nth(&self, n: usize) -> Option<&'a TokenWithSpan> {
        self.tokens.get(self.at + n)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Tokens that were not read yet.
    pub(crate) fn rest(&self) -> &'a [TokenWithSpan] {
        self.tokens.get(self.at..).unwrap_or(&[])
    }

    /// From a token read earlier to the last one read.
    pub(crate) fn span_from(&self, position: usize) -> Span {
        span_of(self.tokens.get(position..self.at).unwrap_or(&[]))
    }

    pub(crate) fn next(&mut self, what: &str) -> Result<&'a TokenWithSpan, Problem> {
        let token = self.peek().ok_or_else(|| self.expected(what))?;
        self.at += 1;
        Ok(token)
    }

    /// Whether the next words are these, unquoted and in any case.
    pub(crate) fn sees(&self, words: &str) -> bool {
        words
            .split(' ')
            .enumerate()
            .all(|(n, word)| self.peek_nth(n).is_some_and(|token| is_word(token, word)))
    }

    /// Reads these words if they come next.
    pub(crate) fn eat(&mut self, words: &str) -> bool {
        let found = self.sees(words);
        if found {
            self.at += words.split(' ').count();
        }
        found
    }

    pub(crate) fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.peek().is_some_and(|next| &next.token == token);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, words: &str) -> Result<Span, Problem> {
        let start = self.at;
        if self.eat(words) { Ok(self.span_from(start)) } else { Err(self.expected(&format!("`{words}`"))) }
    }

    pub(crate) fn expect_token(&mut self, token: &Token) -> Result<Span, Problem> {
        let start = self.at;
        if self.eat_token(token) {
            Ok(self.span_from(start))
        } else {
            Err(self.expected(&format!("`{token}`")))
        }
    }

    /// The complaint about the next token, or about the end of the text.
    pub(crate) fn expected(&self, what: &str) -> Problem {
        match self.peek() {
            Some(token) => self.expected_at(what, token),
            None => {
                let last = self.tokens.last().map_or(Span::empty(), |token| behind(token.span));
                Problem::new(last, format!("expected {what}, found the end of the statement"))
                    .label("ends here")
            }
        }
    }

    pub(crate) fn expected_at(&self, what: &str, token: &TokenWithSpan) -> Problem {
        Problem::new(token.span, format!("expected {what}, found `{}`", token.token))
            .label(format!("expected {what}"))
    }

    /// A name without dots.
    pub(crate) fn identifier(&mut self, what: &str) -> Result<Name, Problem> {
        let token = self.next(what)?;
        match &token.token {
            Token::Word(word) => Ok(Name { value: word.value.clone(), span: token.span }),
            _ => Err(self.expected_at(what, token)),
        }
    }

    /// A string literal.
    pub(crate) fn string(&mut self, what: &str) -> Result<Name, Problem> {
        let token = self.next(what)?;
        match &token.token {
            Token::SingleQuotedString(text) => Ok(Name { value: text.clone(), span: token.span }),
            _ => Err(self.expected_at(&format!("{what} in quotes"), token)),
        }
    }

    /// The name of a table or view. Qualified names are accepted for the one catalog and database there is.
    pub(crate) fn object_name(&mut self, what: &str) -> Result<Name, Problem> {
        let mut parts = vec![self.identifier(what)?];
        while self.eat_token(&Token::Period) {
            parts.push(self.identifier(what)?);
        }
        local_name(&parts)
    }

    /// An expression, read by sqlparser.
    pub(crate) fn expression(&mut self) -> Result<Expr, Problem> {
        self.with_parser(|parser| parser.parse_expr())
    }

    /// A query, read by sqlparser.
    pub(crate) fn query(&mut self) -> Result<Box<Query>, Problem> {
        self.with_parser(|parser| parser.parse_query())
    }

    fn with_parser<T>(
        &mut self,
        parse: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
    ) -> Result<T, Problem> {
        let rest = self.rest();
        let mut parser = Parser::new(&FlinkDialect)
            .with_recursion_limit(MAX_DEPTH + 50)
            .with_tokens_with_locations(rest.to_vec());
        let parsed = parse(&mut parser).map_err(|error| from_parser_error(&error, rest))?;
        let next = parser.peek_token();
        self.at += match next.token {
            Token::EOF => rest.len(),
            _ => rest.partition_point(|token| token.span.start < next.span.start),
        };
        Ok(parsed)
    }
}

/// The last part of a name whose other parts name the default catalog and database.
pub(crate) fn local_name(parts: &[Name]) -> Result<Name, Problem> {
    let (last, path) = parts.split_last().ok_or_else(|| Problem::new(Span::empty(), "expected a name"))?;
    let known = match path {
        [] => true,
        [database] => database.value == "default_database",
        [catalog, database] => catalog.value == "default_catalog" && database.value == "default_database",
        _ => false,
    };
    if known {
        return Ok(last.clone());
    }
    let span = path.iter().fold(Span::empty(), |span, part| span.union(&part.span));
    Err(Problem::new(span, "catalogs and databases are not supported")
        .label("not known")
        .help(format!("write `{}` alone and create the table in this job", last.value)))
}
