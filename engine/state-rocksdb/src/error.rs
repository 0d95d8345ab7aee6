//! What RocksDB and the file system say, as [`SpillError`]s that name the remedy.
//!
//! Example: `IO error: No space left on device: While appending to file: ...` goes on with `the disk is full: free some
//! space there, or spill to another disk`.

use std::io;
use std::path::Path;

use millstream_state::SpillError;

/// Words that stand in a message, and what a person can do about it. RocksDB reports text only; these are the words of the
/// C library and of RocksDB's status codes.
const REMEDIES: &[(&str, &str)] = &[
    ("No space left on device", "the disk is full: free some space there, or spill to another disk"),
    ("Disk quota exceeded", "the quota of this user is used up: raise it, or spill to another disk"),
    ("Permission denied", "the user that runs Millstream must be able to write there"),
    ("Operation not permitted", "the user that runs Millstream must be able to write there"),
    ("Read-only file system", "spill to a folder that can be written"),
    ("Too many open files", "raise the limit of open files (ulimit -n)"),
    ("Write stall", "the disk does not keep up: look at what else uses it, or spill to another disk"),
    ("Input/output error", "the disk fails: look at the system's log, and spill to another disk"),
    ("Corruption", "a file is damaged: check the disk; the state itself is safe in the last checkpoint"),
    (
        "No such file or directory",
        "something removed files of the store: give it a folder that nothing else cleans",
    ),
    ("Not a directory", "something that is no folder has this name: remove it, or spill to another folder"),
    ("File exists", "something that is no folder has this name: remove it, or spill to another folder"),
];

/// An error with a cause of our own.
pub(crate) fn refused(action: &'static str, place: &Path, cause: impl Into<String>) -> SpillError {
    SpillError { action, place: place.display().to_string(), cause: cause.into() }
}

/// What the file system said.
pub(crate) fn file_failed(action: &'static str, place: &Path, error: &io::Error) -> SpillError {
    refused(action, place, with_remedy(&error.to_string()))
}

/// What RocksDB said.
pub(crate) fn store_failed(action: &'static str, place: &Path, error: &rocksdb::Error) -> SpillError {
    refused(action, place, with_remedy(error.as_ref()))
}

fn with_remedy(message: &str) -> String {
    let known = REMEDIES.iter().find(|(words, _)| message.contains(words));
    known.map_or_else(|| message.to_owned(), |(_, remedy)| format!("{message}; {remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_failures_say_what_to_do() {
        for (message, expected) in [
            ("IO error: No space left on device: While appending to file: 000012.sst", "free some space"),
            ("IO error: while open a file for lock: LOCK: Permission denied", "the user that runs"),
            ("IO error: Too many open files: While open a file", "ulimit -n"),
            ("Corruption: block checksum mismatch", "the last checkpoint"),
            ("IO error: Input/output error", "another disk"),
        ] {
            let told = with_remedy(message);
            assert!(told.starts_with(message) && told.contains(expected), "{told}");
        }
        assert_eq!(with_remedy("Busy"), "Busy");
    }

    #[test]
    fn the_error_names_what_was_tried_where() {
        let error = io::Error::from_raw_os_error(28);
        let told = file_failed("write", Path::new("spill/a"), &error).to_string();
        assert!(
            told.starts_with("could not write spilled state in spill/a: No space left on device"),
            "{told}"
        );
        assert!(
            told.ends_with("; the disk is full: free some space there, or spill to another disk"),
            "{told}"
        );
    }
}
