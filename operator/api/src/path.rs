//! Paths of fields, as errors show them: `spec.secrets[1].name`, `spec.config["table.local-time-zone"]`.
//!
//! One place makes them, so that an error found in the typed job finds its line in the text.

/// The path of `key` below `parent`.
pub(crate) fn child(parent: &str, key: &str) -> String {
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !key.is_empty();
    match (parent.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{parent}.{key}"),
        (_, false) => format!("{parent}[{key:?}]"),
    }
}

/// The path of item `index` below `parent`.
pub(crate) fn item(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

/// Whether `path` is `ancestor` or lies below it.
pub(crate) fn is_within(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor)
        .is_some_and(|rest| ancestor.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(child("", "spec"), "spec");
        assert_eq!(child("spec", "sql"), "spec.sql");
        assert_eq!(child("spec.config", "a.b"), "spec.config[\"a.b\"]");
        assert_eq!(child("spec.variables", ""), "spec.variables[\"\"]");
        assert_eq!(item("spec.secrets", 1), "spec.secrets[1]");
        for (path, ancestor, expected) in [
            ("spec.sql", "spec", true),
            ("spec.sql", "spec.sql", true),
            ("spec.sqlFrom", "spec.sql", false),
            ("spec.secrets[0].name", "spec.secrets", true),
            ("spec", "spec.sql", false),
            ("spec", "", true),
        ] {
            assert_eq!(is_within(path, ancestor), expected, "{path} in {ancestor}");
        }
    }
}
