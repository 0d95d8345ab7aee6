//! The hint `STATE_TTL`: how long the state of one query outlives its last write.
//!
//! A hint is a comment that begins with a plus sign. This one stands right behind SELECT and stays in the tokens, where sqlparser
//! passes over it as it does over any comment; all others are refused, because nobody obeys them. Its text has places of its own.
//! Example: `SELECT /*+ STATE_TTL('o' = '1 d') */ k, COUNT(*) FROM orders AS o GROUP BY k`.

use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::cursor::Cursor;
use super::flink::FlinkDialect;
use super::statement::Name;
use super::tokens::keyword;
use crate::diagnostic::Problem;
use crate::settings::millis;

const STATE_TTL: &str = "STATE_TTL";
const USAGE: &str =
    "write SELECT /*+ STATE_TTL('orders' = '1 d') */ with the name or alias of the table behind FROM";

/// One `'alias' = 'duration'`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TtlEntry {
    /// The input that it speaks of.
    pub(crate) alias: Name,
    /// How long; 0: for ever.
    pub(crate) millis: u64,
}

/// Whether a token is a hint, of whatever kind.
pub(crate) fn is_hint(token: &TokenWithSpan) -> bool {
    text_of(token).is_some()
}

fn text_of(token: &TokenWithSpan) -> Option<&str> {
    match &token.token {
        Token::Whitespace(Whitespace::MultiLineComment(text)) => text.strip_prefix('+'),
        _ => None,
    }
}

/// Reads a hint behind the token `before`; never empty.
///
/// # Errors
/// Hints of other names, in other places, without entries, and durations that are none.
pub(crate) fn state_ttl(
    token: &TokenWithSpan,
    before: Option<&TokenWithSpan>,
) -> Result<Vec<TtlEntry>, Problem> {
    let tokens = tokens_of(token).ok_or_else(|| unknown(token.span))?;
    let mut cursor = Cursor::new(&tokens);
    let mut entries = Vec::new();
    while !cursor.is_at_end() || entries.is_empty() {
        let name = cursor.peek().map_or(token.span, |name| name.span);
        if !cursor.eat(STATE_TTL) {
            return Err(unknown(if entries.is_empty() { token.span } else { name }));
        }
        if before.is_none_or(|before| keyword(before) != Keyword::SELECT) {
            return Err(Problem::new(token.span, "the hint STATE_TTL does not stand behind SELECT")
                .label("not here")
                .help(USAGE));
        }
        entry_list(&mut cursor, token.span, &mut entries)?;
        cursor.eat_token(&Token::Comma);
    }
    Ok(entries)
}

/// `('a' = '1 d', 'b' = '2 d')`.
fn entry_list(cursor: &mut Cursor<'_>, whole: Span, entries: &mut Vec<TtlEntry>) -> Result<(), Problem> {
    expect(cursor, &Token::LParen, whole)?;
    loop {
        let alias = match cursor.peek().map(|token| (&token.token, token.span)) {
            Some((Token::SingleQuotedString(text), span)) => Name { value: text.clone(), span },
            Some((Token::Word(word), span)) => Name { value: word.value.clone(), span },
            other => return Err(malformed(other.map_or(whole, |(_, span)| span))),
        };
        cursor.next("a name")?;
        expect(cursor, &Token::Eq, whole)?;
        let (value, span) = match cursor.peek().map(|token| (&token.token, token.span)) {
            Some((Token::SingleQuotedString(text), span)) => (text, span),
            other => return Err(malformed(other.map_or(whole, |(_, span)| span))),
        };
        let Some(millis) = millis(value) else {
            return Err(Problem::new(span, "must be a duration")
                .label("this value")
                .help("write a number with a unit: '1 d', '12 h', '30 min'"));
        };
        cursor.next("a duration")?;
        entries.push(TtlEntry { alias, millis });
        if !cursor.eat_token(&Token::Comma) {
            return expect(cursor, &Token::RParen, whole);
        }
    }
}

fn expect(cursor: &mut Cursor<'_>, token: &Token, whole: Span) -> Result<(), Problem> {
    let span = cursor.peek().map_or(whole, |found| found.span);
    if cursor.eat_token(token) { Ok(()) } else { Err(malformed(span)) }
}

fn malformed(span: Span) -> Problem {
    Problem::new(span, "STATE_TTL takes pairs of a name and a duration, both in quotes")
        .label("not such a pair")
        .help(USAGE)
}

fn unknown(span: Span) -> Problem {
    Problem::new(span, "hints are not supported")
        .label("this hint would be ignored")
        .help("set options in the WITH clause of the table, and remove the hint")
}

/// The hint's tokens with their places in the whole text. `None` if it has none.
fn tokens_of(token: &TokenWithSpan) -> Option<Vec<TokenWithSpan>> {
    let text = text_of(token)?;
    let start = token.span.start;
    // In front of it stand as many lines and columns as in the whole text, `/*+` included.
    let lines = usize::try_from(start.line).ok()?.saturating_sub(1);
    let columns = usize::try_from(start.column).ok()?.saturating_sub(1) + 3;
    let padded = format!("{}{}{text}", "\n".repeat(lines), " ".repeat(columns));
    let tokens = Tokenizer::new(&FlinkDialect, &padded).tokenize_with_location().ok()?;
    let read = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    Some(read.collect::<Vec<_>>()).filter(|read| !read.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::tokens::tokenize;

    /// The hint of a text, read again as the planner does.
    fn entries(text: &str) -> Vec<(String, u64)> {
        let tokens = tokenize(text).unwrap();
        let at = tokens.iter().position(is_hint).unwrap();
        let found = state_ttl(&tokens[at], tokens.get(at - 1)).unwrap();
        found.into_iter().map(|entry| (entry.alias.value, entry.millis)).collect()
    }

    #[test]
    fn names_and_durations() {
        let entry = |name: &str, millis| (name.to_owned(), millis);
        let table = [
            ("SELECT /*+ STATE_TTL('o' = '1 d') */ a", vec![entry("o", 86_400_000)]),
            ("select/*+state_ttl(o='5s')*/a", vec![entry("o", 5_000)]),
            ("SELECT /*+ STATE_TTL('o'='0', 'p'='7') */ a", vec![entry("o", 0), entry("p", 7)]),
            (
                "SELECT /*+ STATE_TTL('o'='1 h'), STATE_TTL('p'='2 ms') */ a",
                vec![entry("o", 3_600_000), entry("p", 2)],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(entries(text), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_have_places() {
        let table = [
            ("SELECT /*+ BROADCAST(o) */ a", 1, 8, "hints are not supported"),
            ("SELECT /*+ */ a", 1, 8, "hints are not supported"),
            ("SELECT /*+ STATE_TTL('o' = '1 d'), OPTIONS('a' = 'b') */ a", 1, 36, "hints are not supported"),
            ("SELECT a FROM o /*+ STATE_TTL('o' = '1 d') */", 1, 17, "does not stand behind SELECT"),
            ("SELECT\n\n  /*+\n STATE_TTL('o' =\n  'a day') */ a", 5, 3, "must be a duration"),
            ("SELECT /*+ STATE_TTL('o' = 5) */ a", 1, 28, "pairs of a name and a duration"),
            ("SELECT /*+ STATE_TTL('o') */ a", 1, 25, "pairs of a name and a duration"),
            ("SELECT /*+ STATE_TTL() */ a", 1, 22, "pairs of a name and a duration"),
            ("SELECT /*+ STATE_TTL('o' = '1 d' */ a", 1, 8, "pairs of a name and a duration"),
            ("SELECT /*+ STATE_TTL */ a", 1, 8, "pairs of a name and a duration"),
        ];
        for (text, line, column, message) in table {
            let problem = tokenize(text).unwrap_err();
            let place = problem.span.start;
            assert!(problem.message.contains(message), "{text}: {}", problem.message);
            assert_eq!((place.line, place.column), (line, column), "{text}");
        }
    }
}
