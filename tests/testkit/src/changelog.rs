//! Folding of changelogs: which rows are left when all changes are done.
//!
//! Example: `+I a 1, -U a 1, +U a 2, +I b 1, -D b 1` folds to one `a 2`.

use std::collections::BTreeMap;

use millstream_batch::StreamBatch;

use crate::table::print_rows;

/// Rows with how often they are there, keyed by their printed cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    rows: BTreeMap<String, i64>,
}

impl Folded {
    /// Applies changes.
    ///
    /// # Errors
    /// The first change that a correct changelog cannot have: a removal of a row that is not there.
    pub fn apply(&mut self, batches: &[StreamBatch]) -> Result<(), String> {
        for batch in batches {
            for (row, line) in print_rows(batch).into_iter().enumerate() {
                let cells = line.split_once(" | ").map_or("", |(_, cells)| cells).to_owned();
                let count = self.rows.entry(cells).or_default();
                *count += batch.op(row).sign();
                match *count {
                    ..0 => return Err(format!("{line} removes a row that is not there")),
                    0 => self.rows.retain(|_, count| *count != 0),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The rows, each as often as it is there, in the order of their text.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        let repeated =
            self.rows.iter().flat_map(|(row, count)| vec![row.clone(); usize::try_from(*count).unwrap_or(0)]);
        repeated.collect()
    }
}

/// The rows that are left when all changes are done.
///
/// # Errors
/// See [`Folded::apply`].
pub fn fold(batches: &[StreamBatch]) -> Result<Vec<String>, String> {
    let mut folded = Folded::default();
    folded.apply(batches)?;
    Ok(folded.rows())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::batch;

    #[test]
    fn changes_fold_to_rows() {
        let changes = batch("k STRING\n +I | b\n +I | a\n -U | a\n +U | c\n +I | c\n +I | d\n -D | d");
        assert_eq!(fold(&[changes]).unwrap(), ["b", "c", "c"]);
    }

    #[test]
    fn a_removal_of_nothing_is_an_error() {
        let error = fold(&[batch("k STRING\n +I | a\n -D | b")]).unwrap_err();
        assert_eq!(error, "-D | b removes a row that is not there");
    }
}
