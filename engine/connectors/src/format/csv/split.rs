//! Bytes to records, and records to fields.
//!
//! Example: `1, "a"` has the fields `1` and ` "a"` (the quote is not at the start of the field), `1,"a,b" ` has `1` and `a,b`.

use crate::format::csv::CsvFormat;
use crate::format::{Frame, RecordFault, find_byte};

/// Whether the line at the start of `bytes` is a comment or blank, which only `csv.allow-comments` knows.
pub(super) fn is_comment(bytes: &[u8]) -> bool {
    matches!(bytes.iter().find(|b| !matches!(b, b' ' | b'\t')), None | Some(b'#' | b'\n' | b'\r'))
}

/// Finds the end of the record at the start of `bytes`.
pub(super) fn frame(format: &CsvFormat, bytes: &[u8], is_end: bool) -> Frame {
    let line = line_end(bytes, 0, is_end);
    let Some((content, _)) = line else {
        return if is_end {
            Frame::Record { content: bytes.len(), total: bytes.len() }
        } else {
            Frame::Incomplete
        };
    };
    let is_plain = |b: Option<u8>| b.is_none_or(|b| find_byte(&bytes[..content], b).is_none());
    if (is_plain(format.quote) && is_plain(format.escape))
        || (format.allows_comments && is_comment(&bytes[..content]))
    {
        return line.map_or(Frame::Incomplete, |(content, total)| Frame::Record { content, total });
    }
    frame_quoted(format, bytes, is_end)
}

/// The same by walking over the fields, since a line break may be inside one.
fn frame_quoted(format: &CsvFormat, bytes: &[u8], is_end: bool) -> Frame {
    let mut at = 0;
    let mut is_field_start = true;
    let mut is_quoted = false;
    while let Some(&byte) = bytes.get(at) {
        if format.escape == Some(byte) {
            at += 1;
            is_field_start = false;
        } else if is_quoted {
            // A doubled quote closes and opens again, which leaves the walk where it should be.
            is_quoted = format.quote != Some(byte);
            if !is_quoted && bytes.get(at + 1).copied() == format.quote {
                is_quoted = true;
                at += 1;
            }
        } else if is_field_start && format.quote == Some(byte) {
            is_quoted = true;
            is_field_start = false;
        } else if byte == format.delimiter {
            is_field_start = true;
        } else if byte == b'\n' || byte == b'\r' {
            return match line_end(bytes, at, is_end) {
                Some((content, total)) => Frame::Record { content, total },
                None => Frame::Incomplete,
            };
        } else {
            is_field_start = false;
        }
        at += 1;
    }
    if is_end { Frame::Record { content: bytes.len(), total: bytes.len() } } else { Frame::Incomplete }
}

/// Content and total length of the line whose end is at or after `from`. A `\r` at the end of what is here may be half of a
/// line break.
fn line_end(bytes: &[u8], from: usize, is_end: bool) -> Option<(usize, usize)> {
    let rest = bytes.get(from..)?;
    let feed = find_byte(rest, b'\n');
    let carriage = find_byte(&rest[..feed.unwrap_or(rest.len())], b'\r');
    match (carriage, feed) {
        (Some(c), Some(f)) if c + 1 == f => Some((from + c, from + f + 1)),
        (Some(c), None) if c + 1 == rest.len() && !is_end => None,
        (Some(c), _) => Some((from + c, from + c + 1)),
        (None, Some(f)) => Some((from + f, from + f + 1)),
        (None, None) => None,
    }
}

/// Where a field's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the record.
    Record { start: usize, end: usize },
    /// In the unescaped text.
    Unescaped { start: usize, end: usize },
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldPlace {
    /// Byte of the record at which it starts, its quote included.
    pub(super) at: usize,
    pub(super) place: Place,
}

/// The fields of one record; reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) places: Vec<FieldPlace>,
    unescaped: String,
}

impl Fields {
    /// Splits `record`, which has no terminator.
    ///
    /// # Errors
    /// When a quote is not closed, or text follows a closing quote.
    pub(super) fn split(&mut self, format: &CsvFormat, record: &str) -> Result<(), RecordFault> {
        self.places.clear();
        self.unescaped.clear();
        let bytes = record.as_bytes();
        let mut at = 0;
        loop {
            let start = at;
            let place;
            if format.quote.is_some() && bytes.get(at).copied() == format.quote {
                (place, at) = self.quoted(format, record, at)?;
            } else {
                (place, at) = self.bare(format, record, at);
            }
            self.places.push(FieldPlace { at: start, place });
            if at >= bytes.len() {
                return Ok(());
            }
            // Behind the delimiter; a record that ends with one has an empty last field.
            at += 1;
        }
    }

    /// The text of field `index`.
    pub(super) fn text<'a>(&'a self, index: usize, record: &'a str) -> Option<&'a str> {
        match self.places.get(index)?.place {
            Place::Record { start, end } => record.get(start..end),
            Place::Unescaped { start, end } => self.unescaped.get(start..end),
        }
    }

    fn bare(&mut self, format: &CsvFormat, record: &str, start: usize) -> (Place, usize) {
        let bytes = record.as_bytes();
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            if byte == format.delimiter {
                break;
            }
            if format.escape == Some(byte) {
                return self.bare_escaped(format, record, start);
            }
            at += 1;
        }
        (Place::Record { start, end: at }, at)
    }

    fn bare_escaped(&mut self, format: &CsvFormat, record: &str, start: usize) -> (Place, usize) {
        let from = self.unescaped.len();
        let mut chars = record.get(start..).unwrap_or_default().char_indices();
        let mut end = record.len();
        while let Some((offset, c)) = chars.next() {
            if is(c, Some(format.delimiter)) {
                end = start + offset;
                break;
            }
            self.push(format, c, &mut chars);
        }
        (Place::Unescaped { start: from, end: self.unescaped.len() }, end)
    }

    fn quoted(
        &mut self,
        format: &CsvFormat,
        record: &str,
        opening: usize,
    ) -> Result<(Place, usize), RecordFault> {
        let start = opening + 1;
        let bytes = record.as_bytes();
        // Without doubled quotes and escapes the text is in the record as it is.
        let closing = bytes.get(start..).and_then(|rest| {
            rest.iter().position(|b| format.quote == Some(*b) || format.escape == Some(*b)).map(|p| start + p)
        });
        if let Some(closing) = closing
            && bytes.get(closing).copied() == format.quote
            && bytes.get(closing + 1).copied() != format.quote
        {
            let end = after_quote(format, bytes, closing + 1)?;
            return Ok((Place::Record { start, end: closing }, end));
        }
        let from = self.unescaped.len();
        let mut chars = record.get(start..).unwrap_or_default().char_indices();
        while let Some((offset, c)) = chars.next() {
            if is(c, format.quote) {
                if chars.as_str().chars().next().is_some_and(|next| is(next, format.quote)) {
                    chars.next();
                    self.unescaped.push(c);
                    continue;
                }
                let end = after_quote(format, bytes, start + offset + 1)?;
                return Ok((Place::Unescaped { start: from, end: self.unescaped.len() }, end));
            }
            self.push(format, c, &mut chars);
        }
        Err(RecordFault { at: opening, message: "the quote that opens here is not closed".to_owned() })
    }

    fn push(&mut self, format: &CsvFormat, c: char, rest: &mut std::str::CharIndices<'_>) {
        if !is(c, format.escape) {
            self.unescaped.push(c);
            return;
        }
        match rest.next().map(|(_, next)| next) {
            Some('n') => self.unescaped.push('\n'),
            Some('r') => self.unescaped.push('\r'),
            Some('t') => self.unescaped.push('\t'),
            Some('0') => self.unescaped.push('\0'),
            Some(other) => self.unescaped.push(other),
            None => self.unescaped.push(c),
        }
    }
}

fn is(c: char, byte: Option<u8>) -> bool {
    byte.is_some_and(|b| c == char::from(b))
}

/// The delimiter or the end behind a closing quote, blanks skipped.
fn after_quote(format: &CsvFormat, bytes: &[u8], from: usize) -> Result<usize, RecordFault> {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        if byte == format.delimiter {
            return Ok(at);
        }
        if !matches!(byte, b' ' | b'\t') {
            let message = "text follows the closing quote; write a quote inside a field twice".to_owned();
            return Err(RecordFault { at, message });
        }
        at += 1;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> CsvFormat {
        CsvFormat {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            null_literal: None,
            allows_comments: false,
            ignores_parse_errors: false,
            has_scientific_decimals: true,
        }
    }

    fn fields(format: &CsvFormat, record: &str) -> Result<Vec<String>, String> {
        let mut fields = Fields::default();
        fields.split(format, record).map_err(|f| format!("{}: {}", f.at, f.message))?;
        Ok((0..fields.places.len()).map(|i| fields.text(i, record).unwrap().to_owned()).collect())
    }

    #[test]
    fn records_split_into_fields() {
        let escaping = CsvFormat { escape: Some(b'\\'), ..format() };
        let bare = CsvFormat { quote: None, ..format() };
        let table: &[(&CsvFormat, &str, &[&str])] = &[
            (&format(), "a,b", &["a", "b"]),
            (&format(), "", &[""]),
            (&format(), ",", &["", ""]),
            (&format(), "a,\"\",", &["a", "", ""]),
            (&format(), "\"a,b\",c", &["a,b", "c"]),
            (&format(), "\"a\"\"b\"  ,c", &["a\"b", "c"]),
            (&format(), "a\"b, \"c\"", &["a\"b", " \"c\""]),
            (&format(), "\"two\nlines\",é", &["two\nlines", "é"]),
            (&format(), "\"\"\"\"", &["\""]),
            (&escaping, "a\\,b,\"q\\\"x\"", &["a,b", "q\"x"]),
            (&escaping, "\\n,c\\", &["\n", "c\\"]),
            (&escaping, "\"é\\té\",x", &["é\té", "x"]),
            (&bare, "\"a,b\"", &["\"a", "b\""]),
        ];
        for (format, record, expected) in table {
            assert_eq!(fields(format, record).unwrap(), *expected, "{record}");
        }
    }

    #[test]
    fn broken_quotes_are_found_where_they_break() {
        let table = [
            ("1,\"bad\"tail", "7: text follows the closing quote; write a quote inside a field twice"),
            ("1,\"a\"\"b\"x", "8: text follows the closing quote; write a quote inside a field twice"),
            ("1,\"open", "2: the quote that opens here is not closed"),
            ("\"", "0: the quote that opens here is not closed"),
        ];
        for (record, message) in table {
            assert_eq!(fields(&format(), record), Err(message.to_owned()), "{record}");
        }
    }

    #[test]
    fn records_end_at_line_breaks_outside_quotes() {
        let escaping = CsvFormat { escape: Some(b'\\'), ..format() };
        let comments = CsvFormat { allows_comments: true, ..format() };
        let record = |content, total| Frame::Record { content, total };
        let table: &[(&CsvFormat, &str, bool, Frame)] = &[
            (&format(), "a,b\nc", false, record(3, 4)),
            (&format(), "a,b\r\nc", false, record(3, 5)),
            (&format(), "a\rb\n", false, record(1, 2)),
            (&format(), "a,b\r", false, Frame::Incomplete),
            (&format(), "a,b\r", true, record(3, 4)),
            (&format(), "a,b", false, Frame::Incomplete),
            (&format(), "a,b", true, record(3, 3)),
            (&format(), "\n", false, record(0, 1)),
            (&format(), "1,\"a\nb\"\n2", false, record(7, 8)),
            (&format(), "1,\"a\"\"\nb\"\r\n2", false, record(9, 11)),
            (&format(), "1,\"a\n", false, Frame::Incomplete),
            (&format(), "1,\"a\n", true, record(5, 5)),
            (&format(), "1,a\"b\nc\"\n", false, record(5, 6)),
            (&escaping, "a\\\nb\nc", false, record(4, 5)),
            (&comments, "# it's \"quoted\nx", false, record(14, 15)),
        ];
        for (format, bytes, is_end, expected) in table {
            assert_eq!(frame(format, bytes.as_bytes(), *is_end), *expected, "{bytes:?}");
        }
    }

    #[test]
    fn comments_and_blank_lines() {
        for (line, expected) in
            [("# x", true), ("  #x", true), ("", true), (" \t", true), ("1,#x", false), ("\"#\"", false)]
        {
            assert_eq!(is_comment(line.as_bytes()), expected, "{line:?}");
        }
    }
}
