//! Options of tables: an allowlist with types, defaults and docs, and the check of a table against it.
//!
//! Keys and spellings are Flink's. Example: `'source.split.size' = '64 mb'` is 67,108,864 bytes, `'10 s'` is a duration of
//! ten seconds, and `'formt' = 'json'` is refused with "did you mean `format`?".

mod amount;
mod check;

pub use amount::{parse_bytes, parse_duration};
pub use check::{ParsedOptions, check_options, closest};

/// What an option's text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number, at least this.
    Integer(i64),
    /// A number of bytes: `64kb`, `128 mb`, `1024`.
    Bytes,
    /// A duration: `10 s`, `1min`, `500ms`.
    Duration,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Exactly one character; `\t`, `\n`, `\r`, `\\` and `\uXXXX` may be written as escapes.
    Character,
    /// An option that Flink has and that is not there yet: refused with this sentence.
    Refused(&'static str),
}

/// One allowed option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its key; a trailing `*` allows any key that starts so.
    pub key: &'static str,
    /// What its text must be.
    pub kind: OptionKind,
    /// Whether it must be given.
    pub is_required: bool,
    /// The text that is assumed when it is not given.
    pub default: Option<&'static str>,
    /// One sentence for people.
    pub doc: &'static str,
}

impl OptionSpec {
    /// An option that may be left out and has no default.
    #[must_use]
    pub const fn optional(key: &'static str, kind: OptionKind, doc: &'static str) -> Self {
        Self { key, kind, is_required: false, default: None, doc }
    }

    /// An option that is assumed when it is left out.
    #[must_use]
    pub const fn with_default(
        key: &'static str,
        kind: OptionKind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { key, kind, is_required: false, default: Some(default), doc }
    }

    /// An option that must be given.
    #[must_use]
    pub const fn required(key: &'static str, kind: OptionKind, doc: &'static str) -> Self {
        Self { key, kind, is_required: true, default: None, doc }
    }

    /// An option of Flink's that is refused.
    #[must_use]
    pub const fn refused(key: &'static str, reason: &'static str) -> Self {
        Self {
            key,
            kind: OptionKind::Refused(reason),
            is_required: false,
            default: None,
            doc: "not there yet",
        }
    }

    /// Whether this is the specification of `key`.
    #[must_use]
    pub fn covers(&self, key: &str) -> bool {
        match self.key.strip_suffix('*') {
            Some(prefix) => key.starts_with(prefix),
            None => self.key == key,
        }
    }
}
