//! What can go wrong between a job and its bucket, classified by what has to happen next.

use millstream_checkpoint::{DecodeError, ResolveError};
use millstream_model::{Epoch, ErrorKind, Generation, JobError};
use millstream_storage::{Remedy, StorageError};

/// A step that failed. The variant is the step; `source` is the reason.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Storage did not answer as needed.
    #[error("could not {action}")]
    Storage {
        /// The step, as in "could not ...".
        action: &'static str,
        /// Why.
        source: StorageError,
    },
    /// Bytes are not the record that should be there.
    #[error("could not read {key}")]
    Record {
        /// The object.
        key: String,
        /// Why.
        source: DecodeError,
    },
    /// The epoch log contradicts itself.
    #[error("the epoch log of {job} is broken; nothing is started from it")]
    Log {
        /// Whose log.
        job: String,
        /// How.
        source: ResolveError,
    },
    /// A generation that wrote into the log has no record any more: nobody can tell whose output is visible, and older
    /// coordinators would not know that they are fenced.
    #[error(
        "generation/{generation} of {job} is gone, although the epoch log was written by it or after it; put the folder \
             back as it was, or begin anew in an empty one"
    )]
    GenerationLost {
        /// Whose folder.
        job: String,
        /// Which record.
        generation: Generation,
    },
    /// A newer coordinator has the job. Nothing may be written any more.
    #[error("fenced: generation {by} ({coordinator}) has taken over from generation {mine}")]
    Fenced {
        /// Whoever reads this.
        mine: Generation,
        /// The newer one.
        by: Generation,
        /// Who that is.
        coordinator: String,
    },
    /// A claim may or may not have been made, and patience has ended. The coordinator must end; the next one will know.
    #[error("it is unknown whether {what} was claimed, so this coordinator must stop")]
    Undecided {
        /// `epoch 7` or `generation 3`.
        what: String,
        /// The last answer.
        source: StorageError,
    },
    /// This incarnation has been fenced, closed, or left undecided before.
    #[error("generation {mine} has ended: {reason}")]
    Ended {
        /// Whoever reads this.
        mine: Generation,
        /// How it ended.
        reason: String,
    },
    /// The job was deleted.
    #[error("job {job} was deleted (its epoch log is closed); state in its folder is not used again")]
    Closed {
        /// Which job.
        job: String,
    },
    /// A manifest or one of its objects is damaged or gone.
    #[error("the checkpoint of epoch {epoch} cannot be used{}", hint(*previous))]
    Damaged {
        /// Which epoch.
        epoch: Epoch,
        /// The newest one before it that could be used instead.
        previous: Option<Epoch>,
        /// What is wrong.
        source: Box<StoreError>,
    },
    /// An object's content is not what its reference says.
    #[error("{key} is damaged: expected {expected}, found {found}")]
    ObjectDamaged {
        /// The object.
        key: String,
        /// Length and checksum by the reference.
        expected: String,
        /// Length and checksum of what is there, or that it is gone.
        found: String,
    },
    /// No checkpoint has this epoch.
    #[error("epoch {epoch} is no checkpoint of {job}")]
    NoSuchCheckpoint {
        /// The epoch.
        epoch: Epoch,
        /// The job.
        job: String,
    },
    /// What the job would continue from is older than it may be.
    #[error(
        "{job} has to go on from epoch {at_least} or a later one, and its newest here is {}; nothing was started: is this the \
         storage that it had, or was that deleted, or put back to an older state?", found.map_or("none".to_owned(), |e| e.to_string())
    )]
    TooOld {
        /// The job.
        job: String,
        /// The oldest that is allowed.
        at_least: Epoch,
        /// The newest that is there.
        found: Option<Epoch>,
    },
    /// The store breaks a promise that exactly-once rests on.
    #[error("{location} cannot be used for exactly-once: {lie}")]
    LyingStore {
        /// The store.
        location: String,
        /// What it did.
        lie: String,
    },
    /// The caller broke the protocol.
    #[error("{0}")]
    Misuse(String),
}

fn hint(previous: Option<Epoch>) -> String {
    previous.map_or_else(String::new, |p| {
        format!("; the newest one before it is epoch {p}, and output of the epochs after {p} would be written again")
    })
}

impl StoreError {
    /// What has to happen next.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Storage { source, .. } => match source.remedy() {
                Remedy::Retry | Remedy::ReadBack => ErrorKind::Transient,
                Remedy::Absent => ErrorKind::State,
                Remedy::GiveUp => ErrorKind::User,
            },
            Self::Undecided { .. } => ErrorKind::Transient,
            Self::Fenced { .. } | Self::Ended { .. } => ErrorKind::Fenced,
            Self::Record { .. }
            | Self::Log { .. }
            | Self::GenerationLost { .. }
            | Self::Damaged { .. }
            | Self::ObjectDamaged { .. }
            | Self::NoSuchCheckpoint { .. }
            | Self::TooOld { .. } => ErrorKind::State,
            Self::Closed { .. } | Self::LyingStore { .. } => ErrorKind::User,
            Self::Misuse(_) => ErrorKind::Bug,
        }
    }

    /// Whether this says that something in the bucket is wrong or gone, as opposed to that it could not be asked.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Record { .. } | Self::ObjectDamaged { .. } | Self::Damaged { .. } => true,
            Self::Storage { source, .. } => source.is_not_found(),
            _ => false,
        }
    }

    pub(crate) fn storage(action: &'static str) -> impl FnOnce(StorageError) -> Self {
        move |source| Self::Storage { action, source }
    }
}

impl From<StoreError> for JobError {
    /// The whole story in one line.
    fn from(error: StoreError) -> Self {
        Self::of(error.kind(), &error)
    }
}
