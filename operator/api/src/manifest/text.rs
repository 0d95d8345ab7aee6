//! The manifest as plain text: what is refused before it is parsed, and where its SQL begins.

use super::{MAX_MANIFEST, Position, Problem};

/// Refuses what is not the text of a manifest.
pub(super) fn check(text: &str) -> Result<(), Problem> {
    let start = Position { line: 1, column: 1 };
    if text.len() > MAX_MANIFEST {
        let message = format!("the manifest has {} bytes, more than {MAX_MANIFEST}", text.len());
        return Err(Problem::new(start, "", message).with_hint(
            "an object that Kubernetes stores cannot be larger: split the job, or keep data out of the SQL",
        ));
    }
    if let Some(at) = text.find('\0') {
        return Err(Problem::new(position_of(text, at), "", "holds a NUL byte")
            .with_hint("a manifest is UTF-8 text: was the file cut off, or saved as UTF-16?"));
    }
    if text.trim().is_empty() {
        return Err(Problem::new(start, "", "is empty")
            .with_hint("a manifest begins with apiVersion: millstream.dev/v1alpha1 and kind: StreamJob"));
    }
    Ok(())
}

/// The place of byte `at`.
fn position_of(text: &str, at: usize) -> Position {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

/// Where the text of `spec.sql` begins, so that a place in the SQL can be shown as a place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlOrigin {
    first: Position,
    lines: Lines,
}

/// How lines of the SQL lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// Line after line, each behind so many blanks.
    Block { indent: usize },
    /// In one line of the file, up to this column.
    One { last_column: usize },
}

impl SqlOrigin {
    /// The origin of the scalar whose content begins at `at`. `None` where lines of the SQL are not lines of the file:
    /// folded blocks, and quoted texts with escapes.
    pub(super) fn find(text: &str, at: Position) -> Option<SqlOrigin> {
        let lines: Vec<&str> = text.lines().take(at.line).collect();
        let (content, before) = lines.split_last()?;
        let indent = content.chars().take_while(|c| *c == ' ').count();
        if indent + 1 == at.column {
            // The content begins its line: the header of a block, if it is one, is the last line above with text.
            let header = before.iter().rposition(|line| !line.trim().is_empty())?;
            // An indentation indicator (`|2`) allows leading blanks, which would be taken for indentation here.
            let uncommented = before[header].split(" #").next().unwrap_or_default().trim_end();
            match uncommented.rsplit(' ').next()? {
                "|" | "|-" | "|+" => {
                    let first = Position { line: header + 2, column: at.column };
                    return Some(SqlOrigin { first, lines: Lines::Block { indent } });
                }
                token if token.starts_with(['|', '>']) => return None,
                _ => {}
            }
        }
        let rest: String = content.chars().skip(at.column.checked_sub(1)?).collect();
        let quoted = rest.starts_with(['\'', '"']);
        if quoted && (rest.contains('\\') || rest.contains("''")) {
            return None;
        }
        let first = Position { line: at.line, column: at.column + usize::from(quoted) };
        Some(SqlOrigin { first, lines: Lines::One { last_column: content.chars().count() } })
    }

    /// The place in the file of line and column `(line, column)` of the SQL, both counted from 1. `None` when it cannot
    /// be told.
    pub fn locate(&self, line: usize, column: usize) -> Option<Position> {
        let below = line.checked_sub(1)?;
        let right = column.checked_sub(1)?;
        match self.lines {
            Lines::Block { indent } => {
                Some(Position { line: self.first.line + below, column: indent + 1 + right })
            }
            Lines::One { last_column } => {
                let column = self.first.column + right;
                (below == 0 && column <= last_column + 1)
                    .then_some(Position { line: self.first.line, column })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        assert_eq!(position_of("aé\0", 3), Position { line: 1, column: 3 });
        assert_eq!(position_of("a\nbc\0", 4), Position { line: 2, column: 3 });
    }

    #[test]
    fn sql_positions_become_file_positions() {
        let at = |line, column| Position { line, column };
        let block = "spec:\n  sql: |  # the job\n\n    SELECT 1,\n      x\n";
        let origin = SqlOrigin::find(block, at(4, 5)).unwrap();
        assert_eq!(origin.locate(2, 1), Some(at(4, 5)), "the first line of the block is empty");
        assert_eq!(origin.locate(3, 3), Some(at(5, 7)));
        assert_eq!(origin.locate(0, 1), None);
        for (text, column, expected) in [
            ("sql: SELECT 1", 6, Some(at(1, 13))),
            ("sql: 'SELECT 1'", 6, Some(at(1, 14))),
            ("sql: \"SELECT 1\"", 6, Some(at(1, 14))),
        ] {
            let origin = SqlOrigin::find(text, at(1, column)).unwrap();
            assert_eq!(origin.locate(1, 8), expected, "{text}");
            assert_eq!(origin.locate(2, 1), None);
            assert_eq!(origin.locate(1, 80), None);
        }
        let plain = SqlOrigin::find("sql:\n  SELECT\n  1", at(2, 3)).unwrap();
        assert_eq!(plain.locate(1, 3), Some(at(2, 5)));
        assert_eq!(plain.locate(1, 20), None, "on a line that was folded");
        for (text, line, column) in [
            ("sql: >\n  SELECT 1", 2, 3),
            ("sql: |2\n    SELECT 1", 2, 5),
            ("sql: 'SELECT ''a'''", 1, 6),
            ("sql: \"a\\nb\"", 1, 6),
        ] {
            assert_eq!(SqlOrigin::find(text, at(line, column)), None, "{text}");
        }
    }

    #[test]
    fn an_error_in_the_sql_of_a_manifest_finds_its_line() {
        let head = "apiVersion: millstream.dev/v1alpha1\nkind: StreamJob\nspec:\n";
        let text = format!("{head}  sql: |-\n    SELECT\n      oops\n");
        let manifest = crate::Manifest::read(&text, "job.yaml").unwrap();
        assert_eq!(manifest.job.spec.sql.as_deref(), Some("SELECT\n  oops"));
        let place = manifest.sql_origin.unwrap().locate(2, 3).unwrap();
        assert_eq!(place.to_string(), "6:7");
    }
}
