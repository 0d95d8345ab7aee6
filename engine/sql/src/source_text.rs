//! The text of a job, with `${NAME}` filled in, and the way back from a place in the result to the author's text.
//!
//! Filling in happens before the text is cut into tokens: inside a string literal the value's quotes are doubled, so that
//! a value never ends the literal; elsewhere it is inserted as it is. In a comment nothing is replaced. `$${` stands for
//! `${`. Example: with `N=10`, `LIMIT ${N}` becomes `LIMIT 10`, and both characters of `10` point at `${N}`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use datafusion_sql::sqlparser::tokenizer::{self, Location};

use crate::diagnostic::{Diagnostic, Diagnostics, Problem, Span, diagnostic, did_you_mean};

/// A run of the filled-in text and where it came from.
#[derive(Clone, Debug)]
struct Piece {
    out: Range<usize>,
    original: Range<usize>,
    verbatim: bool,
}

/// The author's text and the text that is compiled.
#[derive(Clone, Debug)]
pub(crate) struct SourceText {
    file_name: String,
    original: Arc<str>,
    filled: String,
    pieces: Vec<Piece>,
    /// Byte offset of each line of `filled`.
    lines: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Code,
    Text,
    Identifier,
    LineComment,
    BlockComment,
}

impl SourceText {
    /// Fills in the variables.
    ///
    /// # Errors
    /// A `${` without `}`, or a name that is not among `variables`: with the place in the author's text.
    pub(crate) fn fill(
        file_name: &str,
        text: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, Diagnostics> {
        let mut source = Self {
            file_name: file_name.to_owned(),
            original: text.into(),
            filled: String::with_capacity(text.len()),
            pieces: Vec::new(),
            lines: Vec::new(),
        };
        let mut wrong = Vec::new();
        let mut mode = Mode::Code;
        // Some editors begin a file with a byte order mark.
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let (mut at, mut copied) = (start, start);
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = &text[at..];
            if mode != Mode::LineComment && mode != Mode::BlockComment && rest.starts_with("$${") {
                source.copy(copied..at);
                copied = at + 1;
                at += 3;
                continue;
            }
            if mode != Mode::LineComment && mode != Mode::BlockComment && rest.starts_with("${") {
                let end = rest.find('}').map(|n| at + n + 1);
                let name = end.map_or("", |end| text[at + 2..end - 1].trim());
                source.copy(copied..at);
                match (end, variables.get(name)) {
                    (Some(end), Some(value)) => source.insert(at..end, value, mode),
                    (end, _) => wrong.push(source.unknown(at..end.unwrap_or(at + 2), name, variables)),
                }
                at = end.unwrap_or(at + 2);
                copied = at;
                continue;
            }
            let (next, width) = step(mode, rest, c);
            mode = next;
            at += width;
        }
        source.copy(copied..text.len());
        source.lines = line_starts(&source.filled);
        if wrong.is_empty() { Ok(source) } else { Err(source.report(wrong)) }
    }

    /// The text to compile.
    pub(crate) fn text(&self) -> &str {
        &self.filled
    }

    /// Turns problems into what the author reads.
    pub(crate) fn diagnostics(&self, problems: impl IntoIterator<Item = Problem>) -> Diagnostics {
        self.report(problems.into_iter().map(|problem| self.diagnostic(problem)).collect())
    }

    /// Line and column of a place in the author's text.
    #[cfg(test)]
    pub(crate) fn locate(&self, span: tokenizer::Span) -> Option<Span> {
        self.original_bytes(span).map(|bytes| self.span_of(&bytes))
    }

    fn diagnostic(&self, problem: Problem) -> Diagnostic {
        let place = self.original_bytes(problem.span).map(|bytes| (self.span_of(&bytes), bytes));
        diagnostic(problem, place)
    }

    fn report(&self, items: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new(&self.file_name, self.original.clone(), items)
    }

    fn copy(&mut self, original: Range<usize>) {
        if !original.is_empty() {
            let start = self.filled.len();
            self.filled.push_str(&self.original.clone()[original.clone()]);
            self.pieces.push(Piece { out: start..self.filled.len(), original, verbatim: true });
        }
    }

    fn insert(&mut self, original: Range<usize>, value: &str, mode: Mode) {
        let start = self.filled.len();
        match mode {
            Mode::Text => self.filled.push_str(&value.replace('\'', "''")),
            Mode::Identifier => self.filled.push_str(&value.replace('`', "``")),
            _ => self.filled.push_str(value),
        }
        self.pieces.push(Piece { out: start..self.filled.len(), original, verbatim: false });
    }

    fn unknown(&self, bytes: Range<usize>, name: &str, variables: &BTreeMap<String, String>) -> Diagnostic {
        let closed = self.original[bytes.clone()].ends_with('}');
        let problem = if closed {
            Problem::new(tokenizer::Span::empty(), format!("unknown variable `{name}`"))
                .label("has no value")
                .help(did_you_mean(name, variables.keys().map(String::as_str)).unwrap_or_else(|| {
                    format!("give it one in `variables` of the manifest, or with `--var {name}=...`")
                }))
        } else {
            Problem::new(tokenizer::Span::empty(), "`${` without `}`")
                .label("opened here")
                .help("write `$${` for the characters themselves")
        };
        diagnostic(problem, Some((self.span_of(&bytes), bytes)))
    }

    /// Bytes of the author's text that a place of the filled-in text stands for; none for an empty span.
    fn original_bytes(&self, span: tokenizer::Span) -> Option<Range<usize>> {
        if span.start.line == 0 {
            return None;
        }
        let start = self.to_original(self.offset(span.start), false);
        let end = self.to_original(self.offset(span.end), true);
        Some(start..end.max(start))
    }

    fn offset(&self, at: Location) -> usize {
        let line = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.lines.get(line).copied() else { return self.filled.len() };
        let column = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
        let rest = &self.filled[start..];
        start + rest.char_indices().nth(column).map_or(rest.len(), |(n, _)| n)
    }

    fn to_original(&self, offset: usize, is_end: bool) -> usize {
        // An end lies behind its last byte: the piece that holds this byte decides.
        let probe = if is_end { offset.saturating_sub(1) } else { offset };
        let index = self.pieces.partition_point(|piece| piece.out.end <= probe);
        match self.pieces.get(index) {
            Some(piece) if piece.verbatim => piece.original.start + (offset - piece.out.start.min(offset)),
            Some(piece) if is_end => piece.original.end,
            Some(piece) => piece.original.start,
            None => self.original.len(),
        }
    }

    fn span_of(&self, bytes: &Range<usize>) -> Span {
        let before = &self.original[..bytes.start];
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        let place = &self.original[bytes.clone()];
        Span {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            length: place.lines().next().unwrap_or("").chars().count(),
        }
    }
}

/// The mode after the next characters of `rest`, and how many bytes they take.
fn step(mode: Mode, rest: &str, c: char) -> (Mode, usize) {
    match mode {
        Mode::Code if rest.starts_with("--") => (Mode::LineComment, 2),
        Mode::Code if rest.starts_with("/*") => (Mode::BlockComment, 2),
        Mode::Code if c == '\'' => (Mode::Text, 1),
        Mode::Code if c == '`' => (Mode::Identifier, 1),
        Mode::Text if c == '\'' => (Mode::Code, 1),
        Mode::Identifier if c == '`' => (Mode::Code, 1),
        Mode::LineComment if c == '\n' => (Mode::Code, 1),
        Mode::BlockComment if rest.starts_with("*/") => (Mode::Code, 2),
        _ => (mode, c.len_utf8()),
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(n, _)| n + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn fills_in_by_context() {
        let vars = variables(&[("N", "10"), ("S", "it's"), ("EMPTY", "")]);
        let table = [
            ("a ${N} b", "a 10 b"),
            ("'${S}'", "'it''s'"),
            ("`${N}`", "`10`"),
            ("-- ${X}\n${N}", "-- ${X}\n10"),
            ("/* ${X} */${N}", "/* ${X} */10"),
            ("'$${N}'", "'${N}'"),
            ("${ N }${EMPTY}x", "10x"),
            ("$N {}", "$N {}"),
            ("\u{feff}SELECT", "SELECT"),
        ];
        for (text, expected) in table {
            let source = SourceText::fill("f", text, &vars).map_err(|e| e.to_string());
            assert_eq!(source.map(|s| s.filled), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn places_lead_back_to_the_authors_text() {
        let source =
            SourceText::fill("f", "a\nb ${NAME} ccc", &variables(&[("NAME", "longer value")])).unwrap();
        let at = |column: u64, end: u64| {
            source.locate(tokenizer::Span::new(Location::new(2, column), Location::new(2, end)))
        };
        assert_eq!(at(1, 2), Some(Span { line: 2, column: 1, length: 1 }));
        assert_eq!(at(3, 9), Some(Span { line: 2, column: 3, length: 7 }));
        assert_eq!(at(16, 19), Some(Span { line: 2, column: 11, length: 3 }));
        assert_eq!(source.locate(tokenizer::Span::empty()), None);
    }

    #[test]
    fn unknown_variables_are_all_named() {
        let error = SourceText::fill("f", "${TOPC} ${x} ${", &variables(&[("TOPIC", "t")])).unwrap_err();
        let found: Vec<_> =
            error.items.iter().map(|i| (i.message.as_str(), i.span.unwrap().column)).collect();
        assert_eq!(
            found,
            [("unknown variable `TOPC`", 1), ("unknown variable `x`", 9), ("`${` without `}`", 14)]
        );
        assert_eq!(error.items[0].help.as_deref(), Some("did you mean `TOPIC`?"));
    }
}
