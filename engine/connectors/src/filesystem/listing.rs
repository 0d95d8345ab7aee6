//! Which files of this machine a path means.
//!
//! A file is itself; a folder is every file below it; a glob (`*`, `?`, `[..]`, `**`) is what matches, folders with all below
//! them. Names that start with `.` or `_` are skipped, whether of files or of folders, unless the path writes the `.` or `_` out:
//! progress records and files that are still being written under such a name are not read. Sorted by path, bytewise.

use std::path::{Path, PathBuf};

/// A path of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathPattern {
    /// Absolute, or relative to the working directory if the base was.
    path: PathBuf,
    base: PathBuf,
    is_glob: bool,
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// Relative to the base folder if it is below it; so that a job can move with its data.
    pub(super) name: String,
    pub(super) bytes: u64,
}

impl PathPattern {
    /// Resolves the text of the option against the folder of the file that names it.
    pub(super) fn new(text: &str, base: &Path) -> Result<Self, String> {
        let local = match text.split_once("://") {
            None if text.trim().is_empty() => return Err("'path' is empty".to_owned()),
            None => text,
            Some(("file", path)) => {
                let path = path.strip_prefix("localhost").unwrap_or(path);
                if !path.starts_with('/') {
                    return Err(format!(
                        "'path' = '{text}': write file:// and an absolute path, as in file:///data/in"
                    ));
                }
                path
            }
            Some((scheme, _)) => {
                return Err(format!(
                    "'path' = '{text}': files cannot be read from {scheme}://; write a local path, file:// or s3://"
                ));
            }
        };
        let is_glob = local.contains(['*', '?', '[']);
        let path = base.join(local);
        if is_glob && let Err(error) = glob::Pattern::new(&path.to_string_lossy()) {
            return Err(format!("'path' = '{text}': not a glob: {error}"));
        }
        Ok(Self { path, base: base.to_path_buf(), is_glob })
    }

    /// As messages show it.
    pub(super) fn display(&self) -> String {
        self.path.display().to_string()
    }

    /// Where a found file lies.
    pub(super) fn locate(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// All files, sorted by name. A path that does not exist has none.
    pub(super) fn list(&self) -> std::io::Result<Vec<FoundFile>> {
        let mut paths = Vec::new();
        if self.is_glob {
            // Brackets and stars in the base folder's own name are not part of the pattern, but the pattern is absolute.
            let (base, pattern) = match self.path.strip_prefix(&self.base) {
                Ok(pattern) => (self.base.as_path(), pattern.to_string_lossy()),
                Err(_) => (Path::new(""), self.path.to_string_lossy()),
            };
            let text = Path::new(&glob::Pattern::escape(&base.to_string_lossy())).join(&*pattern);
            let text = text.to_string_lossy();
            let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
            let matches = glob::glob_with(&text, options).map_err(std::io::Error::other)?;
            for found in matches {
                let found = found.map_err(std::io::Error::from)?;
                let behind_base = found.strip_prefix(base).unwrap_or(&found).to_string_lossy();
                if !is_passed_over(&pattern, &behind_base) {
                    collect(&found, &mut paths)?;
                }
            }
        } else {
            collect(&self.path, &mut paths)?;
        }
        let mut files: Vec<_> =
            paths.into_iter().map(|(path, bytes)| FoundFile { name: self.name_of(&path), bytes }).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.dedup_by(|a, b| a.name == b.name);
        Ok(files)
    }

    fn name_of(&self, path: &Path) -> String {
        path.strip_prefix(&self.base).unwrap_or(path).to_string_lossy().into_owned()
    }
}

fn collect(path: &Path, files: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        // Gone since it was listed, a dangling link, or never there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.is_file() {
        files.push((path.to_path_buf(), metadata.len()));
        return Ok(());
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let path = entry?.path();
            if !is_hidden(&path) {
                collect(&path, files)?;
            }
        }
    }
    Ok(())
}

pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']))
}

/// Whether a match of a glob has a hidden part that the glob does not write out as one. Both are relative to the same folder.
pub(super) fn is_passed_over(pattern: &str, matched: &str) -> bool {
    let is_hidden = |part: &&str| part.starts_with(['.', '_']);
    let mut written = pattern.split('/').filter(is_hidden).filter_map(|part| glob::Pattern::new(part).ok());
    matched.split('/').filter(is_hidden).any(|part| !written.any(|pattern| pattern.matches(part)))
}

/// What patterns mean, of this machine and of a store: the files that there are, and what each pattern finds among them.
#[cfg(test)]
pub(super) mod cases {
    pub(in super::super) const FILES: [&str; 8] = [
        "in/b.json",
        "in/a.json",
        "in/sub/c.json",
        "in/_progress/x.json",
        "in/.hidden.json",
        "in/_tmp",
        "inner.json",
        "other/a.json",
    ];

    pub(in super::super) const FOUND: [(&str, &[&str]); 16] = [
        ("in/a.json", &["in/a.json"]),
        ("in", &["in/a.json", "in/b.json", "in/sub/c.json"]),
        ("in/", &["in/a.json", "in/b.json", "in/sub/c.json"]),
        ("in/*.json", &["in/a.json", "in/b.json"]),
        ("in/[ab].json", &["in/a.json", "in/b.json"]),
        ("in/?.json", &["in/a.json", "in/b.json"]),
        ("in/*", &["in/a.json", "in/b.json", "in/sub/c.json"]),
        ("i*", &["in/a.json", "in/b.json", "in/sub/c.json", "inner.json"]),
        ("in/*/*.json", &["in/sub/c.json"]),
        ("in/_*/*.json", &["in/_progress/x.json"]),
        ("in/_progress/*", &["in/_progress/x.json"]),
        ("**/*.json", &["in/a.json", "in/b.json", "in/sub/c.json", "inner.json", "other/a.json"]),
        ("**/a.json", &["in/a.json", "other/a.json"]),
        ("in/.hidden.json", &["in/.hidden.json"]),
        ("absent", &[]),
        ("absent/*.json", &[]),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(pattern: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("a[1]");
        for file in cases::FILES {
            let path = base.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        let pattern = PathPattern::new(pattern, &base).unwrap();
        pattern.list().unwrap().into_iter().map(|f| f.name).collect()
    }

    #[test]
    fn files_folders_and_globs() {
        for (pattern, expected) in cases::FOUND {
            assert_eq!(listed(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn paths_that_cannot_be_read_say_what_to_write() {
        let table = [
            ("", "'path' is empty"),
            (
                "hdfs://host/in",
                "'path' = 'hdfs://host/in': files cannot be read from hdfs://; write a local path, file:// or s3://",
            ),
            ("file://in", "'path' = 'file://in': write file:// and an absolute path, as in file:///data/in"),
            (
                "in/***",
                "'path' = 'in/***': not a glob: Pattern syntax error near position 8: wildcards are either regular `*` or recursive `**`",
            ),
        ];
        for (text, message) in table {
            assert_eq!(PathPattern::new(text, Path::new("/b")).unwrap_err(), message);
        }
        assert_eq!(PathPattern::new("file:///data", Path::new("/b")).unwrap().display(), "/data");
    }
}
