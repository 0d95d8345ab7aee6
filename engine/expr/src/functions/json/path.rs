//! Paths: `$`, `.name`, `['name']`, `[0]`, `[-1]`, `.*`, `[*]`, `..name`, with `lax` or `strict` in front.
//!
//! Owns what a path finds. A path with a wildcard finds a list, whatever its length; any other finds one value. For example
//! in `{"a": [{"b": 1}, {"b": 2}, {}]}` the path `$.a[0].b` finds `1` and `$.a[*].b` the list of `1` and `2`.

use super::scan::Scanner;

/// A path that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) mode: Mode,
    steps: Vec<Step>,
}

/// What becomes of a document that does not fit the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is an error, which `ON ERROR` answers; Flink's mode for paths that do not say.
    Strict,
    /// Nothing is found, which `ON EMPTY` answers, even in a text that is not JSON.
    Lax,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    /// From the end when negative.
    Index(i64),
    /// Every member or element.
    All,
    /// The members of this name at any depth.
    Anywhere(String),
}

impl Step {
    fn finds_many(&self) -> bool {
        matches!(self, Self::All | Self::Anywhere(_))
    }
}

/// What a path finds in a document. Values are slices of its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'d> {
    /// One value; a null is as good as nothing.
    One(&'d str),
    /// The list of a path with a wildcard.
    Many(Vec<&'d str>),
    /// Nothing, by a lax path.
    Nothing,
    /// A strict path finds nothing, or the document is not JSON.
    Failed(&'static str),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// Filters and other steps that are not supported, as a message.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mode, plain) = mode_of(text.trim_start());
        let unsupported =
            || format!("the path '{text}' is not supported; it takes names and indexes: $.a['b'][0]");
        // A path without `$` starts with the name of a member.
        let rooted = format!("$.{plain}");
        let mut rest = match plain.strip_prefix('$') {
            Some(rest) => rest,
            None => rooted.strip_prefix('$').unwrap_or_default(),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, behind) = if let Some(behind) = rest.strip_prefix("..") {
                let (name, behind) = member(behind).ok_or_else(unsupported)?;
                (Step::Anywhere(name), behind)
            } else if let Some(behind) = rest.strip_prefix(".*") {
                (Step::All, behind)
            } else if let Some(behind) = rest.strip_prefix('.') {
                let (name, behind) = member(behind).ok_or_else(unsupported)?;
                (Step::Name(name), behind)
            } else {
                let behind = rest.strip_prefix('[').ok_or_else(unsupported)?;
                bracket(behind).ok_or_else(unsupported)?
            };
            // Every `..` multiplies what is found by the depth of the document.
            if matches!(step, Step::Anywhere(_)) && steps.iter().any(|s| matches!(s, Step::Anywhere(_))) {
                return Err(unsupported());
            }
            steps.push(step);
            rest = behind;
        }
        Ok(Self { mode, steps })
    }

    /// What the path finds in `document`.
    pub(super) fn find<'d>(&self, document: &'d str) -> Found<'d> {
        // The whole first value must be sound, as if it had been read.
        let Some(root) = Scanner::new(document).value() else {
            return match self.mode {
                Mode::Lax => Found::Nothing,
                Mode::Strict => Found::Failed("the text is not JSON"),
            };
        };
        let mut found = vec![root];
        let mut is_list = false;
        for step in &self.steps {
            let mut next = Vec::new();
            for value in &found {
                take(step, value, &mut next);
            }
            is_list |= step.finds_many();
            if next.is_empty() && !is_list {
                return self.nothing();
            }
            found = next;
        }
        match (is_list, found.first()) {
            (true, _) => Found::Many(found),
            (false, Some(value)) if *value != "null" => Found::One(value),
            (false, _) => self.nothing(),
        }
    }

    /// What there is where the document does not go on as the path does.
    fn nothing<'d>(&self) -> Found<'d> {
        match self.mode {
            // A lax path with a wildcard finds a list in any document.
            Mode::Lax if self.steps.iter().any(Step::finds_many) => Found::Many(Vec::new()),
            Mode::Lax => Found::Nothing,
            Mode::Strict => Found::Failed("the path finds nothing"),
        }
    }
}

/// Adds what one step finds in one value.
fn take<'d>(step: &Step, value: &'d str, found: &mut Vec<&'d str>) {
    let mut inside = Scanner::new(value);
    match step {
        Step::Name(name) => found.extend(inside.member(name)),
        Step::Index(index) => found.extend(inside.element(*index)),
        Step::All => found.extend(inside.children().into_iter().map(|(_, child)| child)),
        Step::Anywhere(name) => {
            found.extend(inside.member(name));
            // Iterative, because a document may be as deep as the scanner allows.
            let mut pending: Vec<&'d str> = children_of(value);
            while let Some(child) = pending.pop() {
                found.extend(Scanner::new(child).member(name));
                pending.extend(children_of(child));
            }
        }
    }
}

/// Members or elements, the first one last.
fn children_of(value: &str) -> Vec<&str> {
    Scanner::new(value).children().into_iter().rev().map(|(_, child)| child).collect()
}

/// The mode and the path behind it. The word needs a blank behind it.
fn mode_of(text: &str) -> (Mode, &str) {
    for (word, mode) in [("strict", Mode::Strict), ("lax", Mode::Lax)] {
        if let Some((start, rest)) = text.split_at_checked(word.len())
            && start.eq_ignore_ascii_case(word)
            && rest.starts_with(char::is_whitespace)
        {
            return (mode, rest.trim());
        }
    }
    (Mode::Strict, text.trim_end())
}

/// The name behind a point, and what is behind it.
fn member(text: &str) -> Option<(String, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    let is_name = !name.is_empty() && !name.contains(['(', ')', '?', '@', ' ', '*']);
    is_name.then(|| (name.to_string(), behind))
}

/// A step behind an opening bracket, and what is behind the closing one.
fn bracket(text: &str) -> Option<(Step, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    if let Some(quote) = quote {
        let (name, behind) = text[1..].split_once(quote)?;
        return Some((Step::Name(name.to_string()), behind.strip_prefix(']')?));
    }
    let (index, behind) = text.split_once(']')?;
    let step = match index.trim() {
        "*" => Step::All,
        index => Step::Index(index.parse().ok()?),
    };
    Some((step, behind))
}
