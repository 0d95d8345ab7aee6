//! Options of tables: an allowlist with types, defaults and docs.

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
