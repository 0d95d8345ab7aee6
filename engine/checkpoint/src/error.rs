//! Why bytes in the bucket are not the record that was expected.

use millstream_model::ErrorKind;

use crate::envelope::RecordKind;

/// A record that cannot be read. None of these is ever treated as "there is no record".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Shorter than it says, or than any record is.
    #[error("the {expected} is cut off: {found} of {needed} bytes")]
    Truncated {
        /// What was expected.
        expected: RecordKind,
        /// Bytes that are there.
        found: u64,
        /// Bytes that there should be.
        needed: u64,
    },
    /// Does not begin as our records do.
    #[error("this is no {expected} of Millstream")]
    Foreign {
        /// What was expected.
        expected: RecordKind,
    },
    /// The checksum does not match, or bytes follow the end.
    #[error("the {expected} is damaged: its checksum does not match its content")]
    Damaged {
        /// What was expected.
        expected: RecordKind,
    },
    /// An intact record of another kind.
    #[error("expected: {expected}; found: {found}")]
    WrongKind {
        /// What was expected.
        expected: RecordKind,
        /// What it is.
        found: String,
    },
    /// An intact record in a format of the future.
    #[error(
        "the {expected} was written by a newer Millstream (format {found}, this one reads up to {supported}); run that version or a newer one"
    )]
    Newer {
        /// What was expected.
        expected: RecordKind,
        /// The format that it has.
        found: u16,
        /// The newest format that this version reads.
        supported: u16,
    },
    /// Larger than any record of this kind may be.
    #[error("the {expected} is too large: {found} bytes, at most {limit} are allowed")]
    TooLarge {
        /// What was expected.
        expected: RecordKind,
        /// Bytes that are there.
        found: u64,
        /// Bytes that may be.
        limit: u64,
    },
    /// The checksum matches but a field makes no sense.
    #[error("the {expected} is invalid: {reason}")]
    Invalid {
        /// What was expected.
        expected: RecordKind,
        /// Which field, and why.
        reason: String,
    },
    /// A manifest of another job, for example copied by hand.
    #[error("the manifest belongs to job {found}, not to {expected}")]
    OtherJob {
        /// The job that reads.
        expected: String,
        /// The job that wrote.
        found: String,
    },
}

impl DecodeError {
    /// What has to happen next: a person must look, whatever it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::State
    }
}
