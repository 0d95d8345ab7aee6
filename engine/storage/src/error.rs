//! What went wrong with an object, classified by what the caller may do next.

use std::error::Error;
use std::fmt;

/// A call that storage did not answer as asked. Every variant names the object and the store.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The object does not exist. A definite answer.
    #[error("there is no object {key} in {store}")]
    NotFound {
        /// The store.
        store: String,
        /// The object.
        key: String,
    },
    /// Nothing was changed, and the same call may work later.
    #[error("could not {action} {key} in {store}")]
    Transient {
        /// What was tried.
        action: Action,
        /// The store.
        store: String,
        /// The object, or the prefix of a listing.
        key: String,
        /// The store's own words.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A write that may or may not have happened: only reading back tells.
    #[error("no definite answer to {action} {key} in {store}")]
    Ambiguous {
        /// What was tried.
        action: Action,
        /// The store.
        store: String,
        /// The object.
        key: String,
        /// The store's own words.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store refuses, and will refuse again until somebody changes something.
    #[error("{store} refuses to {action} {key}")]
    Permanent {
        /// What was tried.
        action: Action,
        /// The store.
        store: String,
        /// The object, or the prefix of a listing.
        key: String,
        /// The store's own words.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The name cannot be an object's name in every store.
    #[error("`{key}` cannot name an object: {reason}")]
    InvalidKey {
        /// The name.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The location that the user wrote cannot be opened.
    #[error("`{uri}` is not a storage location: {reason}")]
    InvalidLocation {
        /// What was written.
        uri: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
}

/// What was asked of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read an object or a part of it.
    Get,
    /// Look whether an object is there.
    Head,
    /// Create an object.
    Create,
    /// List a folder.
    List,
    /// Remove an object.
    Delete,
}

/// What the caller may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Accept that the object is not there.
    Absent,
    /// Call again.
    Retry,
    /// Read back and compare before anything else.
    ReadBack,
    /// Ask a person: permissions, configuration, a broken store.
    GiveUp,
}

impl StorageError {
    /// What the caller may do next.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::NotFound { .. } => Remedy::Absent,
            Self::Transient { .. } => Remedy::Retry,
            Self::Ambiguous { .. } => Remedy::ReadBack,
            Self::Permanent { .. } | Self::InvalidKey { .. } | Self::InvalidLocation { .. } => Remedy::GiveUp,
        }
    }

    /// Whether this says that the object is not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// A failure of `action` after which it is unknown whether anything changed: a write becomes ambiguous, a read may
    /// simply be repeated, and so may a delete, because deleting twice is deleting once.
    pub(crate) fn unanswered(
        action: Action,
        store: &str,
        key: &str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let (store, key, source) = (store.to_owned(), key.to_owned(), source.into());
        match action {
            Action::Create => Self::Ambiguous { action, store, key, source },
            _ => Self::Transient { action, store, key, source },
        }
    }

    pub(crate) fn transient(
        action: Action,
        store: &str,
        key: &str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Transient { action, store: store.to_owned(), key: key.to_owned(), source: source.into() }
    }

    pub(crate) fn permanent(
        action: Action,
        store: &str,
        key: &str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Permanent { action, store: store.to_owned(), key: key.to_owned(), source: source.into() }
    }

    pub(crate) fn not_found(store: &str, key: &str) -> Self {
        Self::NotFound { store: store.to_owned(), key: key.to_owned() }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "read",
            Self::Head => "look for",
            Self::Create => "create",
            Self::List => "list",
            Self::Delete => "delete",
        })
    }
}
