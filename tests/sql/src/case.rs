//! One case: a script with a header, and the folder they all live in.
//!
//! Owns the header. It is the run of `-- key: value` lines at the top of the script:
//!
//! ```text
//! -- feature: late rows
//! -- about: the watermark is the stream's, not the key's
//! -- oracle: flink 2.3.0
//! -- marks: order-dependent
//! ```
//!
//! `feature`, `about` and `oracle` are always there. An unknown key is an error, so that a misspelled mark cannot go unseen.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::expected::{Expected, ExpectedError};

/// Who gave the recorded rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oracle {
    /// Real Flink of this version.
    Flink(String),
    /// SQLite over the same bounded input.
    Sqlite,
}

/// What keeps a case from running like any other in every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The answer depends on the order of the input: only at parallelism 1.
    OrderDependent,
    /// The answer depends on the clock: only with one that is given.
    ProcessingTime,
}

/// A golden case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The path below the folder of the cases, without the ending: `window/late_keys`.
    pub name: String,
    /// The feature that it counts for in the table of coverage.
    pub feature: String,
    /// What it shows, in half a sentence.
    pub about: String,
    /// Who answered.
    pub oracle: Oracle,
    /// What it depends on besides its input.
    pub marks: Vec<Mark>,
    /// Why our rows differ from the oracle's on purpose; the oracle's are then in a `.flink` file beside ours.
    pub differs: Option<String>,
    /// Words of the message with which the engine refuses the script when it plans it, for what is not supported yet.
    pub refused: Option<String>,
    /// The whole script. `${DATA}` in it stands for the folder of the input files.
    pub script: String,
    path: PathBuf,
}

/// A case that cannot be read.
#[derive(Debug, Error)]
pub enum CaseError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key of the header is missing.
    #[error("{name} has no `-- {key}:` in its header")]
    Missing {
        /// The case.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// A line of the header has an unknown key or value.
    #[error("{name}: `{line}` is not understood")]
    Header {
        /// The case.
        name: String,
        /// The line.
        line: String,
    },
    /// The recorded rows are damaged.
    #[error("the recorded rows of {name} cannot be read")]
    Expected {
        /// The case.
        name: String,
        /// What is wrong with them.
        source: ExpectedError,
    },
}

impl Case {
    /// The folder of the cases in this source tree; the input files are in `data` below it.
    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
    }

    /// Reads every case below a folder, sorted by name.
    ///
    /// # Errors
    /// The first file that cannot be read or has a wrong header.
    pub fn all(folder: &Path) -> Result<Vec<Self>, CaseError> {
        let mut pending = vec![folder.to_owned()];
        let mut cases = Vec::new();
        while let Some(current) = pending.pop() {
            let failed = |source| CaseError::Read { path: current.clone(), source };
            for entry in fs::read_dir(&current).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path.is_dir() {
                    pending.push(path);
                } else if path.extension().is_some_and(|extension| extension == "sql") {
                    cases.push(Self::read(folder, &path)?);
                }
            }
        }
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cases)
    }

    /// Reads one case, whose name is its path below `folder`.
    ///
    /// # Errors
    /// The file cannot be read or has a wrong header.
    pub fn read(folder: &Path, path: &Path) -> Result<Self, CaseError> {
        let script =
            fs::read_to_string(path).map_err(|source| CaseError::Read { path: path.to_owned(), source })?;
        let relative = path.strip_prefix(folder).unwrap_or(path).with_extension("");
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        Self::parse(&parts.join("/"), &script, path)
    }

    fn parse(name: &str, script: &str, path: &Path) -> Result<Self, CaseError> {
        let (mut feature, mut about, mut oracle, mut differs, mut refused) = (None, None, None, None, None);
        let mut marks = Vec::new();
        for line in script.lines() {
            let Some(comment) = line.strip_prefix("-- ") else { break };
            let wrong = || CaseError::Header { name: name.to_owned(), line: line.to_owned() };
            // A comment after the header is no part of it; it has no key.
            let Some((key, value)) = comment.split_once(':') else { break };
            let value = value.trim();
            match key {
                "feature" => feature = Some(value.to_owned()),
                "about" => about = Some(value.to_owned()),
                "oracle" => oracle = Some(parse_oracle(value).ok_or_else(wrong)?),
                "marks" => {
                    for mark in value.split(',') {
                        marks.push(parse_mark(mark.trim()).ok_or_else(wrong)?);
                    }
                }
                "differs" => differs = Some(value.to_owned()),
                "refused" => refused = Some(value.to_owned()),
                _ => return Err(wrong()),
            }
        }
        let missing = |key| CaseError::Missing { name: name.to_owned(), key };
        Ok(Self {
            name: name.to_owned(),
            feature: feature.ok_or_else(|| missing("feature"))?,
            about: about.ok_or_else(|| missing("about"))?,
            oracle: oracle.ok_or_else(|| missing("oracle"))?,
            marks,
            differs,
            refused,
            script: script.to_owned(),
            path: path.to_owned(),
        })
    }

    /// Whether the case has this mark.
    pub fn is_marked(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// The rows that the case must give.
    ///
    /// # Errors
    /// The file beside the script is missing or damaged.
    pub fn expected(&self) -> Result<Expected, CaseError> {
        let path = self.path.with_extension("expected");
        let content = fs::read_to_string(&path).map_err(|source| CaseError::Read { path, source })?;
        Expected::parse(&content).map_err(|source| CaseError::Expected { name: self.name.clone(), source })
    }
}

fn parse_oracle(value: &str) -> Option<Oracle> {
    match value.split_once(' ') {
        Some(("flink", version)) => Some(Oracle::Flink(version.to_owned())),
        None if value == "sqlite" => Some(Oracle::Sqlite),
        _ => None,
    }
}

fn parse_mark(value: &str) -> Option<Mark> {
    match value {
        "order-dependent" => Some(Mark::OrderDependent),
        "processing-time" => Some(Mark::ProcessingTime),
        _ => None,
    }
}
