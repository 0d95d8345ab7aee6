//! What is told to the author of a statement: what is wrong, where, and what to write instead.
//!
//! Inside this crate a [`Problem`] carries positions of the text after `${NAME}` was filled in; [`Diagnostics`] is what
//! leaves the crate, with positions of the text as the author wrote it. A column counts characters from 1: in
//! `SELECT nme FROM t` the column `nme` is at line 1, column 8, length 3.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use datafusion_sql::sqlparser::tokenizer;

/// A place in the author's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Number of characters underlined; what follows the first line of a longer place is not counted.
    pub length: usize,
}

/// One thing that is wrong, or worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; absent when it concerns the whole file.
    pub span: Option<Span>,
    /// Short text beside the underlined place.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
    bytes: Option<Range<usize>>,
}

/// Everything that is wrong with a text, renderable like a compiler's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// Name shown before line and column.
    pub file_name: String,
    /// What was found, in the order of the text. Never empty in an error.
    pub items: Vec<Diagnostic>,
    text: Arc<str>,
}

impl Diagnostics {
    pub(crate) fn new(file_name: &str, text: Arc<str>, items: Vec<Diagnostic>) -> Self {
        Self { file_name: file_name.to_owned(), items, text }
    }

    /// The report: message, the lines concerned with the place underlined, and the advice; one block an item.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.render_as(&Level::ERROR, color)
    }

    /// The same report headed `warning`.
    #[must_use]
    pub fn render_warnings(&self, color: bool) -> String {
        self.render_as(&Level::WARNING, color)
    }

    fn render_as(&self, level: &Level<'_>, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let blocks: Vec<String> =
            self.items.iter().map(|item| self.render_item(item, level, &renderer)).collect();
        blocks.join("\n\n")
    }

    fn render_item(&self, item: &Diagnostic, level: &Level<'_>, renderer: &Renderer) -> String {
        let title = level.clone().primary_title(item.message.as_str());
        let mut group: Group<'_> = match &item.bytes {
            Some(bytes) => {
                let annotation = AnnotationKind::Primary.span(bytes.clone()).label(item.label.as_str());
                let snippet =
                    Snippet::source(&*self.text).path(self.file_name.as_str()).annotation(annotation);
                title.element(snippet)
            }
            None => Group::with_title(title),
        };
        if let Some(help) = &item.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// A diagnostic before its place is translated to the author's text. The error type of everything inside this crate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) span: tokenizer::Span,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Problem {
    pub(crate) fn new(span: tokenizer::Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: String::new(), help: None }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a help line only where there is one.
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Gives the problem a place if it has none yet.
    pub(crate) fn or_at(mut self, span: tokenizer::Span) -> Self {
        if self.span == tokenizer::Span::empty() {
            self.span = span;
        }
        self
    }
}

/// A file-wide or line-bound diagnostic of the author's text.
pub(crate) fn diagnostic(problem: Problem, place: Option<(Span, Range<usize>)>) -> Diagnostic {
    let (span, bytes) = place.unzip();
    Diagnostic { message: problem.message, span, label: problem.label, help: problem.help, bytes }
}

/// `did you mean `x`?` for the candidate closest to a misspelled word, if one is close.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = word.to_lowercase();
    let best = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))?;
    // A third of the letters may differ: more than that is another word. Of one letter, only the case.
    let length = lower.chars().count().max(best.1.chars().count());
    let allowed = if length == 1 { 0 } else { (length / 3).max(1) };
    (best.0 <= allowed).then(|| format!("did you mean `{}`?", best.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_close_words() {
        let names = ["amount", "account", "ts"];
        assert_eq!(did_you_mean("amuont", names), Some("did you mean `amount`?".into()));
        assert_eq!(did_you_mean("Amount", names), Some("did you mean `amount`?".into()));
        assert_eq!(did_you_mean("customer", names), None);
        assert_eq!(did_you_mean("x", []), None);
        assert_eq!(did_you_mean("x", ["y"]), None);
        assert_eq!(did_you_mean("X", ["y", "x"]), Some("did you mean `x`?".into()));
    }
}
