//! Which names an object may have: the intersection of what S3 and file systems accept.

use crate::error::StorageError;

/// Temporary files of the local store start with this; no object may.
pub(crate) const TEMPORARY: &str = ".millstream-tmp.";

/// S3's limit.
const MAX_KEY_BYTES: usize = 1_024;
/// File systems allow 255 bytes a name; the rest is room for what tools append.
const MAX_PART_BYTES: usize = 240;

/// Accepts `a/b/c`, see [`crate::ObjectStorage`].
pub(crate) fn check(key: &str) -> Result<(), StorageError> {
    let refuse = |reason| Err(StorageError::InvalidKey { key: key.to_owned(), reason });
    if key.is_empty() {
        return refuse("it is empty");
    }
    if key.len() > MAX_KEY_BYTES {
        return refuse("it is longer than 1,024 bytes");
    }
    for part in key.split('/') {
        if part.is_empty() {
            return refuse("it has an empty part");
        }
        if part == "." || part == ".." {
            return refuse("it has a part that means a folder");
        }
        if part.len() > MAX_PART_BYTES {
            return refuse("it has a part longer than 240 bytes");
        }
        if part.chars().any(|c| c.is_control() || c == '\\') {
            return refuse("it has a control character or a backslash");
        }
        if part.starts_with(TEMPORARY) {
            return refuse("it has a part that is reserved for temporary files");
        }
    }
    Ok(())
}

/// Accepts the empty prefix and `a/b/`.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), StorageError> {
    if prefix.is_empty() {
        return Ok(());
    }
    match prefix.strip_suffix('/') {
        Some(folder) => check(folder),
        None => Err(StorageError::InvalidKey { key: prefix.to_owned(), reason: "a prefix ends with `/`" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_keys_are_refused_with_the_reason() {
        let long_part = "x".repeat(241);
        let long_key = "x/".repeat(512) + "x";
        let table = [
            ("", "empty"),
            ("/a", "empty part"),
            ("a/", "empty part"),
            ("a//b", "empty part"),
            ("a/../b", "means a folder"),
            ("./b", "means a folder"),
            ("a\nb", "control character"),
            ("a\\b", "backslash"),
            ("a/.millstream-tmp.1", "temporary"),
            (&long_part, "240"),
            (&long_key, "1,024"),
        ];
        for (key, reason) in table {
            let error = check(key).expect_err(key).to_string();
            assert!(error.contains(reason), "{key:?}: {error}");
        }
        for key in
            ["a", "a/b", "epoch/0000000001", "dt=2024-01-01/part 1.csv", ".hidden", "a..b", "zürich/x%2Fy"]
        {
            check(key).expect(key);
        }
    }

    #[test]
    fn a_prefix_is_a_folder() {
        assert!(check_prefix("").is_ok());
        assert!(check_prefix("a/b/").is_ok());
        for bad in ["a", "/", "a//", "../"] {
            assert!(check_prefix(bad).is_err(), "{bad}");
        }
    }
}
