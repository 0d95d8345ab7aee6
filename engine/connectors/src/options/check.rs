//! A table's options against the allowlist of its connector.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::ConnectorError;
use crate::options::{OptionKind, OptionSpec, parse_bytes, parse_duration};
use crate::table::TableConfig;

/// Checks every option of `table`: that it is known, that its text fits its kind, and that none is missing.
///
/// # Errors
/// `Options`, with what is wrong and what is allowed; the first in the order unknown or refused, wrong, missing.
pub fn check_options(table: &TableConfig, specs: &[OptionSpec]) -> Result<ParsedOptions, ConnectorError> {
    let refuse = |message: String| ConnectorError::Options { table: table.name.clone(), message };
    for (key, text) in &table.options {
        let spec = specs.iter().find(|s| s.covers(key)).ok_or_else(|| refuse(unknown(table, key, specs)))?;
        check_text(key, text, &spec.kind).map_err(&refuse)?;
    }
    if let Some(missing) = specs.iter().find(|s| s.is_required && table.option(s.key).is_none()) {
        return Err(refuse(format!("the option '{}' is missing: {}", missing.key, missing.doc)));
    }
    let mut texts = table.options.clone();
    for spec in specs {
        if let Some(default) = spec.default
            && !texts.contains_key(spec.key)
        {
            texts.insert(spec.key.to_owned(), default.to_owned());
        }
    }
    Ok(ParsedOptions { table: table.name.clone(), texts, given: table.options.clone() })
}

/// Options that passed the check, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedOptions {
    table: String,
    texts: BTreeMap<String, String>,
    given: BTreeMap<String, String>,
}

impl ParsedOptions {
    /// The text of an option, its default if it was not given.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// Whether the user wrote the option.
    #[must_use]
    pub fn is_given(&self, key: &str) -> bool {
        self.given.contains_key(key)
    }

    /// A switch; false if it has neither text nor default.
    #[must_use]
    pub fn boolean(&self, key: &str) -> bool {
        self.text(key).is_some_and(|t| t.eq_ignore_ascii_case("true"))
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.text(key)?.trim().parse().ok()
    }

    /// A number of bytes.
    #[must_use]
    pub fn bytes(&self, key: &str) -> Option<u64> {
        parse_bytes(self.text(key)?)
    }

    /// A duration.
    #[must_use]
    pub fn duration(&self, key: &str) -> Option<Duration> {
        parse_duration(self.text(key)?)
    }

    /// A character, escapes resolved.
    #[must_use]
    pub fn character(&self, key: &str) -> Option<char> {
        single_character(self.text(key)?)
    }

    /// An error that names the table.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> ConnectorError {
        ConnectorError::Options { table: self.table.clone(), message: message.into() }
    }
}

fn check_text(key: &str, text: &str, kind: &OptionKind) -> Result<(), String> {
    let fits = match kind {
        OptionKind::Text => true,
        OptionKind::Boolean => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        OptionKind::Integer(least) => text.trim().parse::<i64>().is_ok_and(|n| n >= *least),
        OptionKind::Bytes => parse_bytes(text).is_some(),
        OptionKind::Duration => parse_duration(text).is_some(),
        OptionKind::OneOf(words) => words.contains(&text),
        OptionKind::Character => single_character(text).is_some(),
        OptionKind::Refused(reason) => return Err(format!("the option '{key}' is not supported: {reason}")),
    };
    if fits { Ok(()) } else { Err(format!("'{key}' = '{text}': {}", expected(text, kind))) }
}

fn expected(text: &str, kind: &OptionKind) -> String {
    match kind {
        OptionKind::Boolean => "must be 'true' or 'false'".to_owned(),
        OptionKind::Integer(least) if *least == i64::MIN => "must be a whole number".to_owned(),
        OptionKind::Integer(least) => format!("must be a whole number, at least {least}"),
        OptionKind::Bytes => "must be a number of bytes, as in '64 mb', '512kb' or '1048576'".to_owned(),
        OptionKind::Duration => "must be a duration, as in '10 s', '1 min' or '500 ms'".to_owned(),
        OptionKind::OneOf(words) => match closest(text, words.iter().copied()) {
            Some(word) => format!("did you mean '{word}'? Allowed: {}", words.join(", ")),
            None => format!("must be one of: {}", words.join(", ")),
        },
        OptionKind::Character => "must be exactly one character; a tab is written '\\t'".to_owned(),
        OptionKind::Text | OptionKind::Refused(_) => String::new(),
    }
}

fn unknown(table: &TableConfig, key: &str, specs: &[OptionSpec]) -> String {
    let allowed = || specs.iter().filter(|s| !matches!(s.kind, OptionKind::Refused(_))).map(|s| s.key);
    match closest(key, allowed()) {
        Some(near) => {
            format!("the connector '{}' has no option '{key}'; did you mean '{near}'?", table.connector)
        }
        None => format!(
            "the connector '{}' has no option '{key}'; it has: {}",
            table.connector,
            allowed().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The word that a misspelling most likely stands for.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let most = (word.chars().count() / 3).max(1);
    candidates
        .map(|c| (strsim::damerau_levenshtein(&word, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

fn single_character(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let rest = chars.as_str();
    if rest.is_empty() {
        return Some(first);
    }
    match (first, rest) {
        ('\\', "t") => Some('\t'),
        ('\\', "n") => Some('\n'),
        ('\\', "r") => Some('\r'),
        ('\\', "\\") => Some('\\'),
        ('\\', _) => {
            let hex = rest.strip_prefix('u').filter(|h| h.len() == 4)?;
            char::from_u32(u32::from_str_radix(hex, 16).ok()?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_table::table;

    const SPECS: &[OptionSpec] = &[
        OptionSpec::required("path", OptionKind::Text, "where the files are"),
        OptionSpec::with_default(
            "format",
            OptionKind::OneOf(&["json", "csv"]),
            "json",
            "how rows are written",
        ),
        OptionSpec::optional("strict", OptionKind::Boolean, "x"),
        OptionSpec::optional("size", OptionKind::Bytes, "x"),
        OptionSpec::optional("every", OptionKind::Duration, "x"),
        OptionSpec::optional("rows", OptionKind::Integer(1), "x"),
        OptionSpec::optional("delimiter", OptionKind::Character, "x"),
        OptionSpec::optional("fields.*", OptionKind::Text, "x"),
        OptionSpec::refused("auto-compaction", "files are never rewritten"),
    ];

    #[test]
    fn wrong_options_say_what_is_allowed() {
        let table_of_errors: &[(&[(&str, &str)], &str)] = &[
            (&[], "the option 'path' is missing: where the files are"),
            (
                &[("path", "x"), ("pth", "y")],
                "the connector 'test' has no option 'pth'; did you mean 'path'?",
            ),
            (
                &[("path", "x"), ("Format", "csv")],
                "the connector 'test' has no option 'Format'; did you mean 'format'?",
            ),
            (
                &[("path", "x"), ("zzz", "y")],
                "the connector 'test' has no option 'zzz'; it has: path, format, strict, size, every, rows, delimiter, \
                 fields.*",
            ),
            (&[("path", "x"), ("format", "cvs")], "'format' = 'cvs': did you mean 'csv'? Allowed: json, csv"),
            (&[("path", "x"), ("format", "orc")], "'format' = 'orc': must be one of: json, csv"),
            (&[("path", "x"), ("strict", "yes")], "'strict' = 'yes': must be 'true' or 'false'"),
            (
                &[("path", "x"), ("size", "64 pounds")],
                "'size' = '64 pounds': must be a number of bytes, as in '64 mb', '512kb' or '1048576'",
            ),
            (
                &[("path", "x"), ("every", "soon")],
                "'every' = 'soon': must be a duration, as in '10 s', '1 min' or '500 ms'",
            ),
            (&[("path", "x"), ("rows", "0")], "'rows' = '0': must be a whole number, at least 1"),
            (&[("path", "x"), ("rows", "many")], "'rows' = 'many': must be a whole number, at least 1"),
            (
                &[("path", "x"), ("delimiter", "||")],
                "'delimiter' = '||': must be exactly one character; a tab is written '\\t'",
            ),
            (
                &[("path", "x"), ("delimiter", "")],
                "'delimiter' = '': must be exactly one character; a tab is written '\\t'",
            ),
            (
                &[("path", "x"), ("auto-compaction", "true")],
                "the option 'auto-compaction' is not supported: files are never rewritten",
            ),
        ];
        for (options, message) in table_of_errors {
            let error = check_options(&table("t", &[], options), SPECS).unwrap_err();
            assert_eq!(error.to_string(), format!("table `t`: {message}"));
        }
    }

    #[test]
    fn good_options_are_typed_and_defaults_filled_in() {
        let options = [
            ("path", "x"),
            ("strict", "TRUE"),
            ("size", "1kb"),
            ("every", "2 s"),
            ("rows", "7"),
            ("delimiter", "\\t"),
            ("fields.a.kind", "random"),
        ];
        let parsed = check_options(&table("t", &[], &options), SPECS).unwrap();
        assert_eq!(parsed.text("format"), Some("json"));
        assert!(!parsed.is_given("format") && parsed.is_given("path"));
        assert!(parsed.boolean("strict") && !parsed.boolean("absent"));
        assert_eq!((parsed.bytes("size"), parsed.integer("rows")), (Some(1024), Some(7)));
        assert_eq!(
            (parsed.duration("every"), parsed.character("delimiter")),
            (Some(Duration::from_secs(2)), Some('\t'))
        );
        assert_eq!(parsed.text("fields.a.kind"), Some("random"));
    }

    #[test]
    fn escapes_of_characters() {
        for (text, expected) in
            [("\\u0001", Some('\u{1}')), ("\\u00zz", None), ("é", Some('é')), ("\\", Some('\\'))]
        {
            assert_eq!(single_character(text), expected, "{text}");
        }
    }
}
