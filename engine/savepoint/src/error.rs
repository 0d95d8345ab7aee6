//! What can go wrong with a savepoint, classified by what has to happen next.

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use millstream_checkpoint::DecodeError;
use millstream_checkpoint_store::StoreError;
use millstream_model::{Epoch, ErrorKind, Generation, JobError, OperatorUid};
use millstream_state::StateError;
use millstream_storage::{Remedy, StorageError};
use parquet::errors::ParquetError;

use crate::evolve::Difference;

/// What to do about damage in a checkpoint that a savepoint is made from.
pub(crate) const OTHER_EPOCH: &str = "take the savepoint from another epoch";
/// What to do about damage in a savepoint.
pub(crate) const OTHER_COPY: &str = "use another copy of the savepoint, or another savepoint";

/// A step that failed. The variant is the step; `source` is the reason.
#[derive(Debug, thiserror::Error)]
pub enum SavepointError {
    /// The job's checkpoints did not answer as needed.
    #[error("could not {action}")]
    Store {
        /// The step, as in "could not ...".
        action: &'static str,
        /// Why.
        source: StoreError,
    },
    /// Storage did not answer as needed.
    #[error("could not {action}")]
    Storage {
        /// The step, as in "could not ...".
        action: &'static str,
        /// Why.
        source: StorageError,
    },
    /// A file is not what it must be. Nothing of it is used.
    #[error("{file} is damaged: expected {expected}, found {found}; {advice}")]
    Damaged {
        /// The object, with its store.
        file: String,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A name that cannot be a savepoint's.
    #[error("`{name}` cannot be the name of a savepoint: {reason}")]
    Name {
        /// What was written.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name is taken by a complete savepoint.
    #[error("there is a savepoint {location} already; take another name, or delete it first")]
    Exists {
        /// Where.
        location: String,
    },
    /// There is no savepoint.
    #[error(
        "there is no savepoint {location}: expected {file}, found {found}; check the name, or use another copy"
    )]
    Absent {
        /// Where.
        location: String,
        /// The object that makes a savepoint.
        file: String,
        /// What is there instead.
        found: String,
    },
    /// A savepoint was begun and has no manifest.
    #[error(
        "the savepoint {location} was begun and is not finished: expected {file}, found {found}; if nobody is writing it any \
         more, take it again under this name, or delete it"
    )]
    Unfinished {
        /// Where.
        location: String,
        /// The object that is missing.
        file: String,
        /// What is there instead.
        found: &'static str,
    },
    /// Somebody deleted the savepoint or took its name while it was being written.
    #[error(
        "the name of the savepoint {location} was taken away while it was being written: it was deleted or begun again"
    )]
    NameLost {
        /// Where.
        location: String,
    },
    /// The epoch's output is not visible yet, or never will be.
    #[error(
        "the output of epoch {epoch} is not published, so it cannot be a savepoint yet; wait until it is"
    )]
    Unpublished {
        /// Which epoch.
        epoch: Epoch,
    },
    /// The epoch keeps output back.
    #[error(
        "epoch {epoch} keeps staged output back for a later epoch (sinks {sinks}), and a savepoint holds none; take a \
         checkpoint that publishes everything first"
    )]
    PendingOutput {
        /// Which epoch.
        epoch: Epoch,
        /// Whose output.
        sinks: String,
    },
    /// A column of state has a type that the format does not know.
    #[error(
        "column {column} of state table {operator}.{table} has the type {data_type}, which savepoints cannot hold"
    )]
    ColumnType {
        /// Whose state.
        operator: OperatorUid,
        /// Which table.
        table: String,
        /// Which column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// A Parquet file could not be made.
    #[error("could not encode {file}")]
    Encode {
        /// The object.
        file: String,
        /// Why.
        source: ParquetError,
    },
    /// Rows could not be brought into another form.
    #[error("could not convert rows of state table {table}")]
    Convert {
        /// Which table.
        table: String,
        /// Why.
        source: ArrowError,
    },
    /// A state segment could not be made.
    #[error("could not make a segment of state table {table}")]
    Segment {
        /// Which table.
        table: String,
        /// Why.
        source: StateError,
    },
    /// The savepoint's manifest could not be read back.
    #[error("could not write {file}")]
    Manifest {
        /// The object.
        file: String,
        /// Why.
        source: DecodeError,
    },
    /// The job's tables are not those of the savepoint.
    #[error("the savepoint does not fit the job; nothing was restored:{}", list(differences))]
    Differs {
        /// Every difference.
        differences: Vec<Difference>,
    },
    /// The job that should be restored into still has output to publish.
    #[error(
        "epoch {epoch} of {job} is owned but not published; publish it before something else is restored"
    )]
    TargetUnpublished {
        /// Whose folder.
        job: String,
        /// The oldest such epoch.
        epoch: Epoch,
    },
    /// Another coordinator has the job that should be restored into.
    #[error("fenced: generation {by} ({coordinator}) has taken the job over; nothing was restored")]
    Fenced {
        /// The newer one.
        by: Generation,
        /// Who that is.
        coordinator: String,
    },
    /// A thread of this process was stopped.
    #[error("the work on a savepoint was interrupted")]
    Interrupted,
}

fn list(differences: &[Difference]) -> String {
    differences.iter().map(|d| format!("\n  {d}")).collect()
}

impl SavepointError {
    /// What has to happen next.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store { source, .. } => source.kind(),
            Self::Storage { source, .. } => match source.remedy() {
                Remedy::Retry | Remedy::ReadBack => ErrorKind::Transient,
                Remedy::Absent => ErrorKind::State,
                Remedy::GiveUp => ErrorKind::User,
            },
            Self::Damaged { .. } | Self::Differs { .. } | Self::Manifest { .. } => ErrorKind::State,
            Self::Name { .. }
            | Self::Exists { .. }
            | Self::Absent { .. }
            | Self::Unfinished { .. }
            | Self::ColumnType { .. } => ErrorKind::User,
            Self::NameLost { .. }
            | Self::Unpublished { .. }
            | Self::PendingOutput { .. }
            | Self::TargetUnpublished { .. }
            | Self::Interrupted => ErrorKind::Transient,
            Self::Fenced { .. } => ErrorKind::Fenced,
            Self::Encode { .. } | Self::Convert { .. } | Self::Segment { .. } => ErrorKind::Bug,
        }
    }

    /// Whether this says that there is no complete savepoint, as opposed to a damaged one.
    #[must_use]
    pub const fn is_not_there(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::Unfinished { .. })
    }

    pub(crate) fn storage(action: &'static str) -> impl FnOnce(StorageError) -> Self {
        move |source| Self::Storage { action, source }
    }

    /// A failure to read a checkpoint: damage becomes `Damaged`, anything else keeps its source.
    pub(crate) fn of_checkpoint(action: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |error| Self::damaged_checkpoint(action, error)
    }

    fn damaged_checkpoint(action: &'static str, error: StoreError) -> Self {
        let advice = OTHER_EPOCH;
        match error {
            StoreError::ObjectDamaged { key, expected, found } => {
                Self::Damaged { file: key, expected, found, advice }
            }
            StoreError::Record { key, source } => {
                let expected = "a record of this version or an older one".to_owned();
                Self::Damaged { file: key, expected, found: source.to_string(), advice }
            }
            StoreError::Damaged { source, .. } => Self::damaged_checkpoint(action, *source),
            source => Self::Store { action, source },
        }
    }
}

impl From<SavepointError> for JobError {
    /// The whole story in one message.
    fn from(error: SavepointError) -> Self {
        Self::of(error.kind(), &error)
    }
}
