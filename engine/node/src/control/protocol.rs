//! What is said: requests and answers.

use millstream_coordinator::{AfterSavepoint, SavepointReport};
use millstream_model::JobError;
use serde::{Deserialize, Serialize};

/// Longest line of either side; a report has a path and a few numbers.
pub(super) const LONGEST_LINE: u64 = 64 << 10;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Ask {
    /// Write a savepoint, and answer when it is complete.
    Savepoint(SavepointAsk),
}

/// Which savepoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SavepointAsk {
    /// Its folder, absolute; `None` is the folder of this name in the job's own storage.
    pub(crate) to: Option<String>,
    /// Its name in the job's own storage.
    pub(crate) name: String,
    /// What becomes of the job.
    pub(crate) then: SavepointThen,
}

/// What becomes of a job behind its savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SavepointThen {
    /// It goes on.
    GoOn,
    /// It stops.
    Stop,
    /// Its input ends, and with it the job.
    Drain,
}

impl From<SavepointThen> for AfterSavepoint {
    fn from(then: SavepointThen) -> Self {
        match then {
            SavepointThen::GoOn => Self::GoOn,
            SavepointThen::Stop => Self::Stop,
            SavepointThen::Drain => Self::Drain,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// The savepoint is complete.
    Savepoint(SavepointReport),
    /// It was not done.
    Refused(JobError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_one_line_that_a_person_can_type() {
        let ask = SavepointAsk { to: None, name: "nightly".into(), then: SavepointThen::GoOn };
        let line = serde_json::to_string(&Ask::Savepoint(ask.clone())).unwrap();
        assert_eq!(line, r#"{"savepoint":{"to":null,"name":"nightly","then":"goOn"}}"#);
        assert_eq!(serde_json::from_str::<Ask>(&line).unwrap(), Ask::Savepoint(ask));
    }
}
