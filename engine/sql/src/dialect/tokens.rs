//! Cuts text into tokens without white space and comments, and refuses what Flink's dialect does not have. A hint that is obeyed
//! stays.
//!
//! Example: `SELECT "a"` is refused at the quote: Flink knows no double-quoted names, and taking it for a string or a
//! name would give an answer nobody asked for.

use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::flink::FlinkDialect;
use super::hint::{is_hint, state_ttl};
use super::unicode::join_literals;
use crate::diagnostic::Problem;

/// Tokens of a statement or a whole text.
pub(crate) type Tokens = Vec<TokenWithSpan>;

/// Cuts `text` into tokens.
///
/// # Errors
/// Unclosed quotes and comments, hints, and characters that Flink's dialect does not know.
pub(crate) fn tokenize(text: &str) -> Result<Tokens, Problem> {
    let raw = Tokenizer::new(&FlinkDialect, text).tokenize_with_location().map_err(|error| {
        let at = error.location;
        let end = Location::new(at.line, at.column + 1);
        Problem::new(Span::new(at, end), lower_first(&error.message)).label("here")
    })?;
    let mut read = Tokens::with_capacity(raw.len());
    for token in raw {
        match &token.token {
            Token::Whitespace(_) if is_hint(&token) => {
                state_ttl(&token, read.last())?;
                read.push(token);
            }
            Token::Whitespace(_) => {}
            _ => read.push(token),
        }
    }
    let tokens = split_angles(join_literals(read)?);
    tokens.iter().try_for_each(refuse)?;
    Ok(tokens)
}

/// `>>` at the end of `ROW<a ROW<b INT>>` are two brackets.
fn split_angles(tokens: Tokens) -> Tokens {
    let mut split = Tokens::with_capacity(tokens.len());
    let mut open = 0_usize;
    for token in tokens {
        let opens_type = |before: &TokenWithSpan| {
            matches!(
                keyword(before),
                Keyword::ARRAY | Keyword::MAP | Keyword::ROW | Keyword::MULTISET | Keyword::STRUCT
            )
        };
        match &token.token {
            Token::Lt if split.last().is_some_and(opens_type) => open += 1,
            Token::Gt => open = open.saturating_sub(1),
            Token::SemiColon => open = 0,
            Token::ShiftRight if open > 0 => {
                open = open.saturating_sub(2);
                let (start, end) = (token.span.start, token.span.end);
                let middle = Location::new(start.line, start.column + 1);
                split.push(TokenWithSpan { token: Token::Gt, span: Span::new(start, middle) });
                split.push(TokenWithSpan { token: Token::Gt, span: Span::new(middle, end) });
                continue;
            }
            _ => {}
        }
        split.push(token);
    }
    split
}

fn refuse(token: &TokenWithSpan) -> Result<(), Problem> {
    let (message, help): (String, &str) = match &token.token {
        Token::DoubleQuotedString(text) => {
            let help = format!("write `{text}` in backquotes for a name, '{text}' in quotes for a string");
            return Err(Problem::new(token.span, "double quotes are not part of Flink SQL")
                .label("neither a name nor a string")
                .help(help));
        }
        Token::DoubleEq => ("`==` is not an operator of Flink SQL".into(), "write `=`"),
        Token::DoubleColon => {
            ("`::` is not an operator of Flink SQL".into(), "write `CAST(expression AS type)`")
        }
        Token::Placeholder(_) => {
            ("placeholders are not supported".into(), "write `${NAME}` and give it a value in `variables`")
        }
        Token::DollarQuotedString(_) => ("dollar quotes are not part of Flink SQL".into(), "write 'text'"),
        Token::LBrace | Token::RBrace => {
            ("braces are not part of Flink SQL".into(), "write `${NAME}` for a variable")
        }
        Token::Char(c) => (format!("unexpected character `{c}`"), "remove it"),
        Token::Ampersand
        | Token::Pipe
        | Token::Caret
        | Token::Sharp
        | Token::Tilde
        | Token::AtSign
        | Token::ShiftLeft
        | Token::ShiftRight
        | Token::Overlap
        | Token::ExclamationMark
        | Token::Backslash
        | Token::Arrow
        | Token::LongArrow
        | Token::HashArrow
        | Token::Spaceship
        | Token::Assignment
        | Token::DuckIntDiv
        | Token::DoubleExclamationMark
        | Token::PGSquareRoot
        | Token::PGCubeRoot
        | Token::DoubleTilde
        | Token::TildeAsterisk => {
            (format!("`{}` is not an operator of Flink SQL", token.token), "use a function instead")
        }
        Token::NationalStringLiteral(_)
        | Token::SingleQuotedByteStringLiteral(_)
        | Token::SingleQuotedRawStringLiteral(_)
        | Token::EscapedStringLiteral(_) => {
            ("prefixed string literals are not supported".into(), "write 'text' without a prefix")
        }
        _ => return Ok(()),
    };
    Err(Problem::new(token.span, message).label("not understood").help(help))
}

/// The keyword of a token that is an unquoted word.
pub(crate) fn keyword(token: &TokenWithSpan) -> Keyword {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Whether a token is this unquoted word, in any case. For words that sqlparser does not list as keywords.
pub(crate) fn is_word(token: &TokenWithSpan, expected: &str) -> bool {
    match &token.token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected),
        _ => false,
    }
}

/// From the first token to the last.
pub(crate) fn span_of(tokens: &[TokenWithSpan]) -> Span {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
        _ => Span::empty(),
    }
}

/// The empty place right behind a token.
pub(crate) fn behind(span: Span) -> Span {
    Span::new(span.end, Location::new(span.end.line, span.end.column + 1))
}

pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !chars.as_str().starts_with(|c: char| c.is_uppercase()) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_white_space_are_gone_and_places_stay() {
        let tokens = tokenize("SELECT -- x\n  `a b` /* y */, 'it''s'").unwrap();
        let found: Vec<_> = tokens.iter().map(|t| (t.token.to_string(), t.span.start)).collect();
        let expected = [("SELECT", 1, 1), ("`a b`", 2, 3), (",", 2, 16), ("'it's'", 2, 18)];
        assert_eq!(found, expected.map(|(t, l, c)| (t.to_owned(), Location::new(l, c))));
    }

    #[test]
    fn what_flink_does_not_know_is_refused_in_place() {
        let table = [
            ("SELECT \"a\"", 8, "double quotes"),
            ("SELECT /*+ OPTIONS('a'='b') */ 1", 8, "hints"),
            ("a == 1", 3, "`==`"),
            ("a::INT", 2, "`::`"),
            ("SELECT ?", 8, "placeholders"),
            ("a & 1", 3, "`&`"),
            ("SELECT 'abc", 8, "unterminated"),
            ("SELECT /* abc", 14, "comment"),
        ];
        for (text, column, message) in table {
            let problem = tokenize(text).unwrap_err();
            assert!(problem.message.contains(message), "{text}: {}", problem.message);
            assert_eq!(problem.span.start.column, column, "{text}");
        }
    }
}
