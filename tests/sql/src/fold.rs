//! From a changelog to final rows.
//!
//! Owns the counting of rows. A changelog is folded in any order: `-D x` before `+I x` is fine as long as the end is, because
//! an answer computed in parallel may reach its reader so.

use std::collections::BTreeMap;
use std::str::FromStr;

use thiserror::Error;

use crate::text::{Row, write_row};

/// What a change does to the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// `+I`
    Insert,
    /// `-U`
    UpdateBefore,
    /// `+U`
    UpdateAfter,
    /// `-D`
    Delete,
}

impl ChangeKind {
    /// `1` for a change that adds its row, `-1` for one that takes it away.
    pub fn weight(self) -> i64 {
        match self {
            Self::Insert | Self::UpdateAfter => 1,
            Self::UpdateBefore | Self::Delete => -1,
        }
    }
}

/// The text is none of `+I`, `-U`, `+U`, `-D`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no kind of change: +I, -U, +U or -D")]
pub struct UnknownKind(String);

impl FromStr for ChangeKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        match text {
            "+I" => Ok(Self::Insert),
            "-U" => Ok(Self::UpdateBefore),
            "+U" => Ok(Self::UpdateAfter),
            "-D" => Ok(Self::Delete),
            other => Err(UnknownKind(other.to_owned())),
        }
    }
}

/// The changelog takes a row away more often than it adds it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the changelog takes `{row}` away {times} times more than it adds it")]
pub struct NegativeCount {
    row: String,
    times: i64,
}

/// A multiset of rows that changes are applied to.
#[derive(Debug, Default)]
pub struct Fold {
    counts: BTreeMap<Row, i64>,
}

impl Fold {
    /// Applies one change.
    pub fn apply(&mut self, kind: ChangeKind, row: Row) {
        let entry = self.counts.entry(row);
        match entry {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(kind.weight());
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                *occupied.get_mut() += kind.weight();
                if *occupied.get() == 0 {
                    occupied.remove();
                }
            }
        }
    }

    /// The rows that are left, each as often as it counts.
    ///
    /// # Errors
    /// [`NegativeCount`] with the first row that was taken away more often than added.
    pub fn into_rows(self) -> Result<Vec<Row>, NegativeCount> {
        let mut rows = Vec::new();
        for (row, count) in self.counts {
            let times =
                usize::try_from(count).map_err(|_| NegativeCount { row: write_row(&row), times: -count })?;
            rows.extend(std::iter::repeat_n(row, times));
        }
        Ok(rows)
    }
}
