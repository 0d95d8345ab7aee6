//! Files that are made of others and committed.

use std::fs;

use millstream_test_kube::checkout;

/// Compares a file with what it should be, or writes it: with `MILLSTREAM_RECORD=1`, which is what `make manifests` does.
///
/// # Panics
/// If they differ.
#[track_caller]
pub fn recorded(path: &str, text: &str) {
    let file = checkout().join(path);
    if std::env::var_os("MILLSTREAM_RECORD").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        return;
    }
    let found = fs::read_to_string(file).unwrap_or_default();
    let differs = found.lines().zip(text.lines()).position(|(found, wanted)| found != wanted);
    let line = differs.unwrap_or_else(|| found.lines().count().min(text.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("nothing").to_owned();
    assert!(
        found == text,
        "{path}:{}: has {:?} instead of {:?}; write it with: make manifests",
        line + 1,
        at(&found),
        at(text)
    );
}
