//! The certificates of a deployment, as far as they are public.

use crate::time::Timestamp;

/// What is known of a deployment's certificates: their keys are in secrets, which nobody reads back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// CAs that the deployment's processes trust (PEM, one each), the newest first.
    pub authorities: Vec<String>,
    /// From when until when what is in the secrets is valid; `None` while not all of it was written.
    pub valid: Option<Validity>,
    /// Since when the newest CA is trusted, while nothing that it signed is in use.
    pub announced: Option<Timestamp>,
}

/// The time of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// When they were made.
    pub since: Timestamp,
    /// When they expire.
    pub until: Timestamp,
}
