//! The order of output, as a reader of whole epochs sees it: epochs by their lists, files as listed, lines as they lie there.
//!
//! Example: `{"id":7,...}` and `{"id":20,...}` have the key `k10` and come from one input file. If 20 is in epoch 3 and 7 in epoch
//! 4, the key's rows are out of order.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every line of a sink with its folder (`k=k3`), in the order of publication.
pub(crate) fn published(sink: &Path) -> Vec<(String, String)> {
    let mut lists: Vec<PathBuf> = Vec::new();
    for folder in fs::read_dir(sink.join("_millstream")).into_iter().flatten().flatten() {
        let files = fs::read_dir(folder.path()).unwrap().flatten();
        // What a killed process had begun to write begins with a dot.
        lists.extend(
            files.filter(|f| f.file_name().to_string_lossy().starts_with("epoch-")).map(|f| f.path()),
        );
    }
    lists.sort();
    let mut lines = Vec::new();
    for list in lists {
        let list: serde_json::Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
        for file in list["files"].as_array().unwrap() {
            let name = file["file"].as_str().unwrap();
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let text = fs::read_to_string(sink.join(name)).unwrap();
            lines.extend(text.lines().map(|line| (folder.to_owned(), line.to_owned())));
        }
    }
    lines
}

/// The first rows of a key that come before one with a smaller place.
pub(crate) fn out_of_order<K: Ord + std::fmt::Debug, P: Ord + std::fmt::Debug>(
    rows: impl IntoIterator<Item = (K, P)>,
) -> Option<String> {
    let mut newest: BTreeMap<K, P> = BTreeMap::new();
    for (key, place) in rows {
        if let Some(before) = newest.get(&key)
            && *before > place
        {
            return Some(format!("{key:?}: {place:?} comes after {before:?}"));
        }
        newest.insert(key, place);
    }
    None
}

#[test]
fn rows_of_a_key_that_change_places_are_found() {
    assert_eq!(out_of_order([("a", 1), ("b", 9), ("a", 2), ("b", 9), ("a", 3)]), None);
    let found = out_of_order([("a", 1), ("b", 9), ("a", 3), ("b", 8)]);
    assert_eq!(found.as_deref(), Some("\"b\": 8 comes after 9"));
}
