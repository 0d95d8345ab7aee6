//! String literals with Unicode escapes: `U&'d\0061t\00e9'`, and `U&'d!0061t' UESCAPE '!'`.
//!
//! Owns the joining of their tokens into the one of an ordinary string literal. It never looks at anything else. The
//! escapes are those of SQL: four hexadecimal digits, `+` and six, or the escape character itself; two escapes of four
//! digits may be the halves of a surrogate pair, so `U&'\d83d\de00'` is one smiling face.

use datafusion_sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::tokens::{Tokens, is_word};
use crate::diagnostic::Problem;

/// Replaces every literal with escapes by its text. The literal's place is that of all its tokens.
///
/// # Errors
/// Escapes that mean nothing, and an escape character that cannot be one, with their places.
pub(super) fn join_literals(tokens: Tokens) -> Result<Tokens, Problem> {
    let mut joined = Tokens::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        let Some(text) = literal(rest) else {
            joined.push(token.clone());
            at += 1;
            continue;
        };
        let mut count = 3;
        let mut escape = '\\';
        if let [word, given, ..] = &rest[count..]
            && is_word(word, "UESCAPE")
        {
            escape = escape_character(given)?;
            count += 2;
        }
        let last = rest[count - 1].span;
        let inside = rest[2].span;
        let text = unescape(text, escape).map_err(|wrong| wrong.problem(text, inside))?;
        let span = Span::new(token.span.start, last.end);
        joined.push(TokenWithSpan::new(Token::SingleQuotedString(text), span));
        at += count;
    }
    Ok(joined)
}

/// The text between the quotes if `U`, `&` and a string come next without a blank between them.
fn literal(tokens: &[TokenWithSpan]) -> Option<&str> {
    let [prefix, ampersand, string, ..] = tokens else { return None };
    let touch = |a: &TokenWithSpan, b: &TokenWithSpan| a.span.end == b.span.start;
    match (&ampersand.token, &string.token) {
        (Token::Ampersand, Token::SingleQuotedString(text))
            if is_word(prefix, "U") && touch(prefix, ampersand) && touch(ampersand, string) =>
        {
            Some(text)
        }
        _ => None,
    }
}

fn escape_character(token: &TokenWithSpan) -> Result<char, Problem> {
    if let Token::SingleQuotedString(text) = &token.token {
        let mut characters = text.chars();
        if let (Some(escape), None) = (characters.next(), characters.next())
            && !(escape.is_ascii_hexdigit() || escape.is_whitespace() || matches!(escape, '+' | '\'' | '"'))
        {
            return Ok(escape);
        }
    }
    Err(Problem::new(token.span, "UESCAPE takes one character")
        .label("cannot be an escape character")
        .help("write UESCAPE '!', with no hexadecimal digit, plus sign, quote or blank"))
}

/// An escape that means nothing.
#[derive(Debug, PartialEq, Eq)]
struct WrongEscape {
    /// Characters of the text before it.
    before: usize,
}

impl WrongEscape {
    /// With the place of the escape, if the text has one line and no quote that was written twice.
    fn problem(&self, text: &str, inside: Span) -> Problem {
        let is_plain = inside.start.line == inside.end.line && !text.contains('\'');
        let span = if is_plain {
            let column = inside.start.column + 1 + self.before as u64;
            let start = Location::new(inside.start.line, column);
            Span::new(start, Location::new(inside.start.line, column + 1))
        } else {
            inside
        };
        Problem::new(span, "this escape is not a character").label("not understood").help(
            "write four hexadecimal digits behind the escape character, or the character twice for itself",
        )
    }
}

fn unescape(text: &str, escape: char) -> Result<String, WrongEscape> {
    let characters: Vec<char> = text.chars().collect();
    let mut units: Vec<u16> = Vec::with_capacity(characters.len());
    let mut starts: Vec<usize> = Vec::with_capacity(characters.len());
    let mut at = 0;
    let mut buffer = [0; 2];
    while let Some(character) = characters.get(at) {
        let before = at;
        let behind = characters.get(at + 1..).unwrap_or(&[]);
        let (code, count) = if *character != escape {
            (u32::from(*character), 1)
        } else if behind.first() == Some(&escape) {
            (u32::from(escape), 2)
        } else if behind.first() == Some(&'+') {
            (hexadecimal(behind, 1, 6).ok_or(WrongEscape { before })?, 8)
        } else {
            (hexadecimal(behind, 0, 4).ok_or(WrongEscape { before })?, 5)
        };
        match char::from_u32(code) {
            Some(character) => units.extend_from_slice(character.encode_utf16(&mut buffer)),
            // Half of a surrogate pair.
            None => units.push(u16::try_from(code).map_err(|_| WrongEscape { before })?),
        }
        starts.resize(units.len(), before);
        at += count;
    }
    let mut decoded = String::with_capacity(text.len());
    let mut read = 0;
    for unit in char::decode_utf16(units.iter().copied()) {
        let character = unit.map_err(|_| WrongEscape { before: starts.get(read).copied().unwrap_or(0) })?;
        read += character.len_utf16();
        decoded.push(character);
    }
    Ok(decoded)
}

fn hexadecimal(characters: &[char], start: usize, count: usize) -> Option<u32> {
    let digits = characters.get(start..start + count)?;
    digits.iter().try_fold(0, |value: u32, digit| Some(value * 16 + digit.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokenize;

    fn read(text: &str) -> Result<String, String> {
        let tokens = tokenize(text).map_err(|p| format!("{}: {}", p.span.start.column, p.message))?;
        let shown: Vec<String> = tokens
            .iter()
            .map(|t| format!("{}-{} {}", t.span.start.column, t.span.end.column, t.token))
            .collect();
        Ok(shown.join(", "))
    }

    #[test]
    fn literals_with_escapes_are_ordinary_strings() {
        let table = [
            (r"U&'d\0061t\00e9' x", "1-17 'daté', 18-19 x"),
            (r"u&'\\0061'", r"1-11 '\0061'"),
            (r"U&'!0041\' UESCAPE '!'", r"1-23 'A\'"),
            (r"U&'\d83d\de00\+01F600'", "1-23 '😀😀'"),
            (r"U&'it''s'", "1-10 'it's'"),
            (r"U&''", "1-5 ''"),
            (r"U 'a'", "1-2 U, 3-6 'a'"),
            (r"'a' UESCAPE '!'", "1-4 'a', 5-12 UESCAPE, 13-16 '!'"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        let table = [
            (r"U&'ab\00'", "6: this escape is not a character"),
            (r"U&'\00g0'", "4: this escape is not a character"),
            (r"U&'a\d83d'", "5: this escape is not a character"),
            (r"U&'\+110000'", "4: this escape is not a character"),
            (r"U&'a' UESCAPE 'ab'", "15: UESCAPE takes one character"),
            (r"U&'a' UESCAPE '+'", "15: UESCAPE takes one character"),
            (r"U &'a'", "3: `&` is not an operator of Flink SQL"),
            (r"a & 'a'", "3: `&` is not an operator of Flink SQL"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), Err(expected.to_owned()), "{text}");
        }
    }
}
