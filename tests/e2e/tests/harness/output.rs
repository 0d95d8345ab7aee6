//! Output read as a stranger reads it: every file whose path has no part that begins with `_` or `.`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The visible files of a folder, each with its path below the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<PathBuf, String>);

impl Files {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut files = Self::default();
        files.collect(folder, Path::new(""));
        files
    }

    fn collect(&mut self, folder: &Path, below: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            let name = entry.file_name();
            if matches!(name.to_string_lossy().bytes().next(), Some(b'_' | b'.')) {
                continue;
            }
            let (path, below) = (entry.path(), below.join(&name));
            if path.is_dir() {
                self.collect(&path, &below);
            } else {
                self.0.insert(below, fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Each line with the folder of its file (`k=k3`; empty at the top), counted.
    pub(crate) fn lines(&self) -> BTreeMap<(String, String), usize> {
        let mut lines = BTreeMap::new();
        for (path, text) in &self.0 {
            let folder = path.parent().unwrap().display().to_string();
            assert!(text.is_empty() || text.ends_with('\n'), "{} ends within a line", path.display());
            for line in text.lines() {
                *lines.entry((folder.clone(), line.to_owned())).or_insert(0) += 1;
            }
        }
        lines
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.0.values().map(|text| text.lines().count()).sum()
    }

    /// Takes the files away that `other` names.
    pub(crate) fn without(&self, other: &[PathBuf]) -> Self {
        Self(self.0.iter().filter(|(p, _)| !other.contains(p)).map(|(p, t)| (p.clone(), t.clone())).collect())
    }

    /// Only the files that `other` names.
    pub(crate) fn only(&self, other: &[PathBuf]) -> Self {
        Self(self.0.iter().filter(|(p, _)| other.contains(p)).map(|(p, t)| (p.clone(), t.clone())).collect())
    }
}

/// All lines of a folder's visible files, sorted.
pub(crate) fn lines_of(folder: &Path) -> Vec<String> {
    let mut lines: Vec<String> =
        Files::read(folder).0.values().flat_map(|t| t.lines().map(str::to_owned)).collect();
    lines.sort();
    lines
}

/// How output differs from what was expected, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    lost: Vec<(String, String)>,
    foreign: Vec<(String, String)>,
    doubled: Vec<((String, String), usize)>,
}

impl Difference {
    /// Compares counted rows; the expected ones are all different.
    pub(crate) fn between(
        found: &BTreeMap<(String, String), usize>,
        expected: &BTreeMap<(String, String), usize>,
    ) -> Self {
        let mut difference = Self::default();
        for (row, count) in expected {
            match found.get(row) {
                None => difference.lost.push(row.clone()),
                Some(found) if found > count => difference.doubled.push((row.clone(), *found)),
                Some(_) => {}
            }
        }
        difference.foreign = found.keys().filter(|row| !expected.contains_key(*row)).cloned().collect();
        difference
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |(folder, line): &(String, String)| {
            if folder.is_empty() { line.clone() } else { format!("{folder}: {line}") }
        };
        writeln!(
            f,
            "{} rows lost, {} doubled, {} that should not be there",
            self.lost.len(),
            self.doubled.len(),
            self.foreign.len()
        )?;
        for lost in self.lost.iter().take(5) {
            writeln!(f, "  lost: {}", row(lost))?;
        }
        for (doubled, count) in self.doubled.iter().take(5) {
            writeln!(f, "  {count} times: {}", row(doubled))?;
        }
        for foreign in self.foreign.iter().take(5) {
            writeln!(f, "  unexpected: {}", row(foreign))?;
        }
        Ok(())
    }
}

#[test]
fn a_difference_names_the_row() {
    let counted = |rows: &[(&str, usize)]| {
        rows.iter().map(|(r, n)| ((String::new(), (*r).to_owned()), *n)).collect::<BTreeMap<_, _>>()
    };
    let difference = Difference::between(
        &counted(&[("1", 1), ("2", 2), ("9", 1)]),
        &counted(&[("1", 1), ("2", 1), ("3", 1)]),
    );
    let text = difference.to_string();
    assert_eq!(
        text,
        "1 rows lost, 1 doubled, 1 that should not be there\n  lost: 3\n  2 times: 2\n  unexpected: 9\n"
    );
    assert!(Difference::between(&counted(&[("1", 2)]), &counted(&[("1", 2)])).is_none());
}
