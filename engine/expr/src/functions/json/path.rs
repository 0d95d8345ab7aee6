//! Paths: `$`, `.name`, `['name']`, `[0]`, `[-1]`.

use super::scan::Scanner;

/// A path that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    steps: Vec<Step>,
    /// The path is not one of ours but one that finds no single value, such as a name without `$`.
    nowhere: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    /// From the end when negative.
    Index(i64),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// Filters and other steps that are not supported, as a message.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let plain = ["strict ", "lax "].into_iter().find_map(|mode| trimmed.strip_prefix(mode));
        let plain = plain.unwrap_or(trimmed).trim();
        let unsupported =
            || format!("the path '{text}' is not supported; it takes names and indexes: $.a['b'][0]");
        let Some(mut rest) = plain.strip_prefix('$') else {
            return Ok(Self { steps: Vec::new(), nowhere: true });
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if rest.starts_with("..") || rest.starts_with("[*]") || rest.starts_with(".*") {
                // Such a path finds a list, and a list is no value.
                return Ok(Self { steps: Vec::new(), nowhere: true });
            }
            if let Some(behind) = rest.strip_prefix('.') {
                let end = behind.find(['.', '[']).unwrap_or(behind.len());
                let name = &behind[..end];
                if name.is_empty() || name.contains(['(', ')', '?', '@', ' ']) {
                    return Err(unsupported());
                }
                steps.push(Step::Name(name.to_string()));
                rest = &behind[end..];
            } else if let Some(behind) = rest.strip_prefix('[') {
                let (step, behind) = bracket(behind).ok_or_else(unsupported)?;
                steps.push(step);
                rest = behind;
            } else {
                return Err(unsupported());
            }
        }
        Ok(Self { steps, nowhere: false })
    }

    /// The text of the value at the path, or `None` when there is none or the document is not JSON.
    pub(super) fn find<'d>(&self, document: &'d str) -> Option<&'d str> {
        if self.nowhere {
            return None;
        }
        let mut scanner = Scanner::new(document);
        // The whole first value must be sound, as if it had been read.
        let mut value = scanner.value()?;
        for step in &self.steps {
            let mut inside = Scanner::new(value);
            value = match step {
                Step::Name(name) => inside.member(name)?,
                Step::Index(index) => inside.element(*index)?,
            };
        }
        Some(value)
    }
}

/// A step behind an opening bracket, and what is behind the closing one.
fn bracket(text: &str) -> Option<(Step, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    if let Some(quote) = quote {
        let (name, behind) = text[1..].split_once(quote)?;
        return Some((Step::Name(name.to_string()), behind.strip_prefix(']')?));
    }
    let (index, behind) = text.split_once(']')?;
    Some((Step::Index(index.trim().parse().ok()?), behind))
}
