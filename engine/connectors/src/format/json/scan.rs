//! The grammar of JSON over the bytes of one line.
//!
//! Scanning validates everything, also what is skipped, and copies nothing: a value is a token with its place. Not
//! recursive: nesting is a stack of at most 1,000 brackets (Jackson's limit), so a bomb of brackets is an error like any
//! other. Unlike the standard, control characters inside strings are let through, as Flink does.

use std::fmt;

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
    /// The value of an integer of up to eight digits without a minus, which the scan has seen at a glance.
    pub(super) number: Option<u32>,
}

impl Token {
    pub(super) const MISSING: Self = Self::new(Kind::Missing, 0, 0);

    pub(super) const fn new(kind: Kind, start: usize, end: usize) -> Self {
        Self { kind, start, end, number: None }
    }
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

    /// From the cursor to the end of the line.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
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
                    return Ok(Token::new(kind, start, self.at - 1));
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
            Some(b'1'..=b'9') => match self.short_integer() {
                Some(token) => return Ok(token),
                None => self.number()?,
            },
            _ => self.literal()?,
        };
        Ok(Token::new(kind, start, self.at))
    }

    fn literal(&mut self) -> Scan<Kind> {
        let rest = self.rest();
        let (length, kind) = match rest.first() {
            Some(b'-' | b'0'..=b'9') => return self.number(),
            Some(b'n') if rest.starts_with(b"null") => (4, Kind::Null),
            Some(b't') if rest.starts_with(b"true") => (4, Kind::True),
            Some(b'f') if rest.starts_with(b"false") => (5, Kind::False),
            None => return Err(self.fault("the line ends where a value is expected")),
            Some(_) => return Err(self.fault(NO_VALUE)),
        };
        self.at += length;
        Ok(kind)
    }

    /// A whole number of up to eight digits, unless it is at the end of the line or has a fraction or an exponent.
    fn short_integer(&mut self) -> Option<Token> {
        let (word, behind) = self.rest().split_first_chunk()?;
        let word = u64::from_le_bytes(*word);
        let count = leading_digits(word);
        let next = if count < 8 { (word >> (8 * count)) as u8 } else { *behind.first()? };
        if next.is_ascii_digit() || matches!(next, b'.' | b'e' | b'E') {
            return None;
        }
        let token = Token::new(Kind::Integer, self.at, self.at + count);
        self.at = token.end;
        Some(Token { number: Some(number_of(word, count)), ..token })
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
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(self.fault("expected a digit")) }
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

/// Bytes that are searched word by word before a wider search is worth its call.
const NEAR_BYTES: usize = 32;

/// Position of the first `"` or `\` at or after `from`, or the end. Strings are most of a line.
fn next_special(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let near = rest.get(..NEAR_BYTES).unwrap_or(rest);
    let (words, tail) = near.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = bytes_that_are(word, b'"') | bytes_that_are(word, b'\\');
        if found != 0 {
            return from + i * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    if rest.len() > NEAR_BYTES {
        let far = rest.get(NEAR_BYTES..).unwrap_or_default();
        return from + NEAR_BYTES + memchr::memchr2(b'"', b'\\', far).unwrap_or(far.len());
    }
    let plain = tail.iter().take_while(|b| !matches!(b, b'"' | b'\\')).count();
    from + near.len() - tail.len() + plain
}

/// The highest bit of each byte of the word that is `byte` (and perhaps of bytes behind it, which does not matter for the first).
const fn bytes_that_are(word: u64, byte: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zeroed = word ^ (ONES * byte as u64);
    zeroed.wrapping_sub(ONES) & !zeroed & HIGHS
}

/// How many of eight bytes, from the first on, are digits.
const fn leading_digits(word: u64) -> usize {
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The highest bit of a byte above 9, and of one below 0; digits neither carry nor borrow, so the first one is exact.
    let above = word.wrapping_add(0x4646_4646_4646_4646);
    let below = word.wrapping_sub(0x3030_3030_3030_3030);
    (((above | below) & HIGHS).trailing_zeros() / 8) as usize
}

/// The number in the first `count` of eight bytes, 1 to 8 digits: pairs are joined, then fours, then all eight.
const fn number_of(word: u64, count: usize) -> u32 {
    let digits = word.wrapping_sub(0x3030_3030_3030_3030) << (8 * (8 - count));
    let pairs = (digits & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(10 * (1 << 8) + 1) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 * (1 << 16) + 1) >> 16;
    ((fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 * (1 << 32) + 1) >> 32) as u32
}

/// Appends the text of an escaped string. A lone half of a surrogate pair becomes U+FFFD, since UTF-8 has no form for it.
pub(super) fn unescape(escaped: &str, out: &mut impl fmt::Write) -> fmt::Result {
    let mut rest = escaped;
    while let Some((plain, from_escape)) = rest.split_at_checked(next_special(rest.as_bytes(), 0)) {
        out.write_str(plain)?;
        let mut chars = from_escape.chars();
        // A backslash, or nothing at the end: quotes do not stand alone in a string.
        if chars.next().is_none() {
            return Ok(());
        }
        let letter = chars.next();
        rest = chars.as_str();
        match letter {
            Some('b') => out.write_char('\u{8}')?,
            Some('f') => out.write_char('\u{c}')?,
            Some('n') => out.write_char('\n')?,
            Some('r') => out.write_char('\r')?,
            Some('t') => out.write_char('\t')?,
            Some('u') => {
                let (character, behind) = code_point(rest);
                out.write_char(character)?;
                rest = behind;
            }
            Some(other) => out.write_char(other)?,
            None => {}
        }
    }
    Ok(())
}

/// `after_u` starts with four hexadecimal digits, perhaps followed by the other half of a pair; returns what follows, too.
fn code_point(after_u: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|h| u32::from_str_radix(h, 16).ok());
    let rest = after_u.get(4..).unwrap_or_default();
    let first = unit(after_u).unwrap_or(0xFFFD);
    if (0xD800..0xDC00).contains(&first)
        && let Some(second) = rest.strip_prefix("\\u").and_then(unit)
        && (0xDC00..0xE000).contains(&second)
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        let behind = rest.get(6..).unwrap_or_default();
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), behind);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
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
    fn short_integers_are_read_at_a_glance() {
        let number = |line: &str| {
            let mut stack = Vec::new();
            let mut scanner = Scanner::new(line.as_bytes(), &mut stack);
            let token = scanner.value().unwrap();
            (line[token.start..token.end] == *line.trim_end_matches([',', ' ', '}', 'x']), token.number)
        };
        for length in 1..=9 {
            let value: u32 = "987654321"[..length].parse().unwrap();
            for behind in [",     ", "}", "}xxxxxxxxxxxxx", ",xxxxxxxxxxxxxxxxx"] {
                let (is_whole, found) = number(&format!("{value}{behind}"));
                assert!(is_whole && found.is_none_or(|found| found == value), "{value}{behind}: {found:?}");
            }
            let expected = (length < 9).then_some(value);
            assert_eq!(number(&format!("{value},xxxxxxxxxxxxxxxxx")).1, expected);
        }
        for other in
            ["0,xxxxxxxxx", "-1,xxxxxxxx", "1.5,xxxxxxxx", "1e5,xxxxxxxx", "12345678.5,", "12345678e1,"]
        {
            assert_eq!(number(other).1, None, "{other}");
        }
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            assert_eq!(
                leading_digits(u64::from_le_bytes([b'1', b'9', b'0', byte, b'1', b'1', b'1', b'1'])),
                3
            );
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
            unescape(escaped, &mut out).unwrap();
            assert_eq!(out, expected, "{escaped}");
        }
    }
}
