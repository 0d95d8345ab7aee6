//! Rows that a job wrote to the bucket, read once it has ended.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A row of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the source counted.
    pub id: u64,
    /// What the SQL made of it.
    pub k: u64,
}

/// All rows below a folder, in no order. Names that begin with `_` or `.` are not visible to readers.
///
/// # Panics
/// If a line is no row.
pub fn rows(folder: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for file in visible(folder) {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let row: Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {e}: {line}", file.display()));
            rows.push(Row { id: row["id"].as_u64().unwrap(), k: row["k"].as_u64().unwrap() });
        }
    }
    rows
}

fn visible(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let is_hidden = entry.file_name().unwrap().to_string_lossy().starts_with(['_', '.']);
        match (is_hidden, entry.is_dir()) {
            (true, _) => {}
            (false, true) => found.extend(visible(&entry)),
            (false, false) => found.push(entry),
        }
    }
    found
}

/// Every id from 1 to the highest one is there once, and was made by one of the moduli; each of them took over at one id, in this order,
/// since a job that is upgraded goes on where it stopped. Returns the highest id.
///
/// # Errors
/// What is wrong with the rows.
pub fn check(rows: &[Row], moduli: &[u64]) -> Result<u64, String> {
    let mut by_id: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for row in rows {
        by_id.entry(row.id).or_default().push(row.k);
    }
    let twice: Vec<_> = by_id.iter().filter(|(_, ks)| ks.len() > 1).take(5).collect();
    if !twice.is_empty() {
        return Err(format!("written more than once: {twice:?}"));
    }
    let highest = by_id.keys().next_back().copied().unwrap_or(0);
    let missing: Vec<_> = (1..=highest).filter(|id| !by_id.contains_key(id)).take(5).collect();
    if !missing.is_empty() {
        return Err(format!("missing below {highest}: {missing:?} and perhaps more"));
    }
    // Where the two agree, the earlier one stays.
    let mut left = moduli.iter();
    let mut modulus = left.next();
    for (id, ks) in by_id {
        while modulus.is_some_and(|modulus| id % modulus != ks[0]) {
            modulus = left.next();
        }
        if modulus.is_none() {
            return Err(format!("row {id} has {}, which no SQL of that time gives", ks[0]));
        }
    }
    match left.next() {
        None => Ok(highest),
        Some(modulus) => Err(format!("no row was made with {modulus}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(modulus: u64, ids: impl IntoIterator<Item = u64>) -> Vec<Row> {
        ids.into_iter().map(|id| Row { id, k: id % modulus }).collect()
    }

    #[test]
    fn rows_of_one_sql_after_the_other_are_right() {
        let rows = [rows_of(7, 1..=20), rows_of(5, 21..=40)].concat();
        assert_eq!(check(&rows, &[7, 5]), Ok(40));
    }

    #[test]
    fn a_row_that_is_there_twice_is_found() {
        let rows = [rows_of(7, 1..=20), rows_of(7, [3])].concat();
        assert_eq!(check(&rows, &[7]), Err("written more than once: [(3, [3, 3])]".to_owned()));
    }

    #[test]
    fn a_row_that_is_missing_is_found() {
        let found = check(&rows_of(7, (1..=20).filter(|id| *id != 6)), &[7]);
        assert_eq!(found, Err("missing below 20: [6] and perhaps more".to_owned()));
    }

    #[test]
    fn a_row_of_the_old_sql_behind_one_of_the_new_is_found() {
        let rows = [rows_of(7, 1..=20), rows_of(5, 21..=40), rows_of(7, 41..=50)].concat();
        assert_eq!(check(&rows, &[7, 5]), Err("row 41 has 6, which no SQL of that time gives".to_owned()));
    }

    #[test]
    fn an_upgrade_that_no_row_has_seen_is_found() {
        assert_eq!(check(&rows_of(7, 1..=20), &[7, 5]), Err("no row was made with 5".to_owned()));
    }
}
