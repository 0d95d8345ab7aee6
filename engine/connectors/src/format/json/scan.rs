//! The grammar of JSON over the bytes of one line.
//!
//! Scanning validates everything, also what is skipped, and copies nothing: a value is a token with its place. Not
//! recursive: nesting is a stack of at most 1,000 brackets (Jackson's limit), so a bomb of brackets is an error like any
//! other. Unlike the standard, control characters inside strings are let through, as Flink does.

/// Deepest nesting.
pub(super) const MAX_DEPTH: usize = 1_000;

/// What kind of value stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The record has no such field.
    Missing,
    Null,
    True,
    False,
    /// Digits with an optional minus.
    Integer,
    /// A number with a fraction or an exponent.
    Float,
    /// A string without escapes; the place excludes the quotes.
    String,
    /// A string with escapes; the place excludes the quotes.
    EscapedString,
    /// An object or an array, brackets included.
    Container,
}

/// A value and its place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) const MISSING: Self = Self { kind: Kind::Missing, start: 0, end: 0 };
}

/// A place where the grammar is broken, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyntaxFault {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

const NO_VALUE: &str = "expected a value: a string in double quotes, a number, true, false, null, { or [";

type Scan<T> = Result<T, SyntaxFault>;

/// A cursor over one line.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    stack: &'a mut Vec<u8>,
}

impl<'a> Scanner<'a> {
    /// Starts at the first byte; `stack` is scratch.
    pub(super) fn new(bytes: &'a [u8], stack: &'a mut Vec<u8>) -> Self {
        Self { bytes, at: 0, stack }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Scan<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.fault(what))
        }
    }

    pub(super) fn fault(&self, what: &'static str) -> SyntaxFault {
        SyntaxFault { at: self.at, what }
    }

    /// The string that starts at the cursor.
    pub(super) fn string(&mut self, what: &'static str) -> Scan<Token> {
        let opening = self.at;
        self.expect(b'"', what)?;
        let start = self.at;
        let mut kind = Kind::String;
        loop {
            self.at = next_special(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Token { kind, start, end: self.at - 1 });
                }
                Some(b'\\') => {
                    kind = Kind::EscapedString;
                    self.escape()?;
                }
                _ => {
                    return Err(SyntaxFault {
                        at: opening,
                        what: "the string that starts here does not end",
                    });
                }
            }
        }
    }

    fn escape(&mut self) -> Scan<()> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.fault("\\u must be followed by four hexadecimal digits"));
                }
                self.at += 6;
            }
            _ => return Err(self.fault("there is no such escape in a JSON string")),
        }
        Ok(())
    }

    /// The value that starts at the cursor.
    pub(super) fn value(&mut self) -> Scan<Token> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => return self.string("expected a string"),
            Some(b'{' | b'[') => {
                self.container()?;
                Kind::Container
            }
            _ => self.literal()?,
        };
        Ok(Token { kind, start, end: self.at })
    }

    fn literal(&mut self) -> Scan<Kind> {
        let (word, kind): (&[u8], _) = match self.peek() {
            Some(b'-' | b'0'..=b'9') => return self.number(),
            Some(b'n') => (b"null", Kind::Null),
            Some(b't') => (b"true", Kind::True),
            Some(b'f') => (b"false", Kind::False),
            None => return Err(self.fault("the line ends where a value is expected")),
            Some(_) => return Err(self.fault(NO_VALUE)),
        };
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.fault(NO_VALUE));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn number(&mut self) -> Scan<Kind> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err(self.fault("a number must not start with 0"));
            }
        } else {
            self.digits()?;
        }
        let mut kind = Kind::Integer;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            kind = Kind::Float;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
            kind = Kind::Float;
        }
        Ok(kind)
    }

    fn digits(&mut self) -> Scan<()> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.fault("expected a digit")) }
    }

    /// Skips the object or array at the cursor.
    fn container(&mut self) -> Scan<()> {
        self.stack.clear();
        loop {
            // The cursor is at a value.
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if self.stack.len() >= MAX_DEPTH {
                        return Err(self.fault("nested deeper than 1,000 levels"));
                    }
                    self.stack.push(open);
                    self.at += 1;
                    self.skip_blanks();
                    let closing = if open == b'{' { b'}' } else { b']' };
                    if self.peek() != Some(closing) {
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => {
                    self.string("expected a string")?;
                }
                _ => {
                    self.literal()?;
                }
            }
            if self.close_or_continue()? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here, then goes to the next value. True when the outermost bracket is closed.
    fn close_or_continue(&mut self) -> Scan<bool> {
        loop {
            let Some(open) = self.stack.last().copied() else { return Ok(true) };
            self.skip_blanks();
            match (open, self.peek()) {
                (b'{', Some(b'}')) | (b'[', Some(b']')) => {
                    self.at += 1;
                    self.stack.pop();
                    if self.stack.is_empty() {
                        return Ok(true);
                    }
                }
                (b'{', Some(b',')) => {
                    self.at += 1;
                    self.skip_blanks();
                    self.key()?;
                    return Ok(false);
                }
                (b'[', Some(b',')) => {
                    self.at += 1;
                    self.skip_blanks();
                    return Ok(false);
                }
                (b'{', _) => return Err(self.fault("expected `,` or `}`")),
                _ => return Err(self.fault("expected `,` or `]`")),
            }
        }
    }

    fn key(&mut self) -> Scan<Token> {
        let key = self.string("expected a field name in double quotes")?;
        self.skip_blanks();
        self.expect(b':', "expected `:` after the field name")?;
        self.skip_blanks();
        Ok(key)
    }

    /// The field name at the cursor, which is left at its value.
    pub(super) fn field_name(&mut self) -> Scan<Token> {
        self.key()
    }
}

/// Position of the first `"` or `\` at or after `from`, or the end. Eight bytes at a time: strings are most of a line.
fn next_special(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The highest bit of each byte that is zero (and perhaps of bytes behind it, which does not matter for the first).
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..at + 8).and_then(|c| <[u8; 8]>::try_from(c).ok()) {
        let word = u64::from_le_bytes(chunk);
        let found =
            zero_bytes(word ^ (ONES * u64::from(b'"'))) | zero_bytes(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|b| !matches!(b, b'"' | b'\\')) {
        at += 1;
    }
    at
}

/// Appends the text of an escaped string. A lone half of a surrogate pair becomes U+FFFD, since UTF-8 has no form for it.
pub(super) fn unescape(escaped: &str, out: &mut String) {
    let mut rest = escaped;
    while let Some(position) = rest.find('\\') {
        let (plain, from_escape) = rest.split_at(position);
        out.push_str(plain);
        let mut chars = from_escape.chars();
        chars.next();
        let letter = chars.next();
        rest = chars.as_str();
        match letter {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => rest = push_code_point(rest, out),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out.push_str(rest);
}

/// `after_u` starts with four hexadecimal digits, perhaps followed by the other half of a pair; returns what follows.
fn push_code_point<'a>(after_u: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| text.get(..4).and_then(|h| u32::from_str_radix(h, 16).ok());
    let rest = after_u.get(4..).unwrap_or_default();
    let first = unit(after_u).unwrap_or(0xFFFD);
    if (0xD800..0xDC00).contains(&first)
        && let Some(second) = rest.strip_prefix("\\u").and_then(unit)
        && (0xDC00..0xE000).contains(&second)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest.get(6..).unwrap_or_default();
    }
    out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<(Kind, String), String> {
        let mut stack = Vec::new();
        let mut scanner = Scanner::new(text.as_bytes(), &mut stack);
        let token = scanner.value().map_err(|f| format!("{}: {}", f.at, f.what))?;
        Ok((token.kind, text[token.start..token.end].to_owned()))
    }

    #[test]
    fn values_are_found_with_their_place() {
        let table = [
            ("null", Kind::Null, "null"),
            ("true,", Kind::True, "true"),
            ("-12 ", Kind::Integer, "-12"),
            ("0", Kind::Integer, "0"),
            ("1.50,", Kind::Float, "1.50"),
            ("1e-3]", Kind::Float, "1e-3"),
            ("\"a\" x", Kind::String, "a"),
            (
                "\"long enough for words of eight \\u00e9 \\\" bytes\"",
                Kind::EscapedString,
                "long enough for words of eight \\u00e9 \\\" bytes",
            ),
            ("[1, {\"a\": [], \"b\": {}}, \"]\"] x", Kind::Container, "[1, {\"a\": [], \"b\": {}}, \"]\"]"),
            ("{ }", Kind::Container, "{ }"),
        ];
        for (text, kind, value) in table {
            assert_eq!(scan(text), Ok((kind, value.to_owned())), "{text}");
        }
    }

    #[test]
    fn broken_grammar_is_found_where_it_breaks() {
        let table = [
            ("", "0: the line ends where a value is expected"),
            ("nul", "0: expected a value: a string in double quotes, a number, true, false, null, { or ["),
            ("'a'", "0: expected a value: a string in double quotes, a number, true, false, null, { or ["),
            ("+1", "0: expected a value: a string in double quotes, a number, true, false, null, { or ["),
            ("01", "1: a number must not start with 0"),
            ("-", "1: expected a digit"),
            ("1.", "2: expected a digit"),
            ("1e+", "3: expected a digit"),
            ("\"abc", "0: the string that starts here does not end"),
            ("\"abc\\", "4: there is no such escape in a JSON string"),
            ("\"\\x\"", "1: there is no such escape in a JSON string"),
            ("\"\\u12g4\"", "1: \\u must be followed by four hexadecimal digits"),
            ("[1 2]", "3: expected `,` or `]`"),
            ("[1,]", "3: expected a value: a string in double quotes, a number, true, false, null, { or ["),
            ("[1", "2: expected `,` or `]`"),
            ("{\"a\" 1}", "5: expected `:` after the field name"),
            ("{a: 1}", "1: expected a field name in double quotes"),
            ("{\"a\": 1,}", "8: expected a field name in double quotes"),
            ("{\"a\": 1]", "7: expected `,` or `}`"),
        ];
        for (text, message) in table {
            assert_eq!(scan(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_bomb_of_brackets_is_an_error() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(scan(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(scan(&deep(MAX_DEPTH + 1)), Err("1000: nested deeper than 1,000 levels".to_owned()));
        assert!(scan(&"[".repeat(5_000_000)).is_err());
        assert!(scan(&"{\"a\":".repeat(1_000_000)).is_err());
    }

    #[test]
    fn escapes_are_resolved() {
        let table = [
            ("a\\nb", "a\nb"),
            ("\\\"\\\\\\/", "\"\\/"),
            ("\\b\\f\\r\\t", "\u{8}\u{c}\r\t"),
            ("caf\\u00e9!", "café!"),
            ("\\ud83d\\ude00.", "😀."),
            ("\\ud83d.", "\u{fffd}."),
            ("\\ud83d\\u0041", "\u{fffd}A"),
            ("\\ude00", "\u{fffd}"),
        ];
        for (escaped, expected) in table {
            let mut out = String::new();
            unescape(escaped, &mut out);
            assert_eq!(out, expected, "{escaped}");
        }
    }
}
