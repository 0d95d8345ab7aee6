//! What a coordinator says about its job.

use std::time::Duration;

use crate::time::Timestamp;

/// What is known of a deployment's coordinator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Nobody asked yet, or nobody is there.
    #[default]
    Unknown,
    /// It was asked and does not answer.
    Silent {
        /// Since when.
        since: Timestamp,
    },
    /// It answered just now.
    Answered(Box<Answer>),
}

/// A coordinator's status, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where the job stands.
    pub phase: EnginePhase,
    /// The newest epoch that the job owns.
    pub newest: Option<Epoch>,
    /// The newest savepoint that this coordinator wrote.
    pub savepoint: Option<Epoch>,
    /// Savepoints that it was asked for and that are not complete.
    pub savepoints_under_way: u32,
    /// The epoch that the newest attempt was restored from.
    pub restored_from: Option<i64>,
    /// Restarts of tasks since this coordinator began.
    pub restarts: i32,
    /// Checkpoints that failed since one succeeded.
    pub failed_checkpoints: u32,
    /// Subtasks of each operator.
    pub parallelism: i32,
    /// The newest failure, in one line.
    pub error: Option<String>,
}

/// Phases of the engine, as far as they make a difference to the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnginePhase {
    /// It claims nothing until it is activated.
    Standby,
    /// It takes over or publishes what a predecessor owned.
    TakingOver,
    /// It waits for slots.
    WaitingForSlots,
    /// Subtasks are restored.
    Restoring,
    /// Records flow.
    Running,
    /// Inside a pause after a failure.
    Backoff,
    /// On the way to its end.
    Stopping,
    /// Over: all input read.
    Finished,
    /// Over: stopped.
    Stopped,
    /// Over: failed.
    Failed,
}

/// An epoch that a job owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub number: i64,
    /// Address of its manifest, or of the savepoint.
    pub uri: String,
    /// When it was complete.
    pub completed: Timestamp,
    /// Bytes that it refers to.
    pub bytes: Option<i64>,
    /// How long it took.
    pub duration: Option<Duration>,
}

impl Engine {
    /// The answer, if there is one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Unknown | Self::Silent { .. } => None,
        }
    }

    /// Whether the same is said, whatever checkpoints came in between.
    pub fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Answered(one), Self::Answered(other)) => {
                Answer { newest: other.newest.clone(), ..Answer::clone(one) } == **other
            }
            (one, other) => one == other,
        }
    }

    /// Whether records flow.
    pub fn is_running(&self) -> bool {
        self.answer().is_some_and(|answer| answer.phase == EnginePhase::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_checkpoint_is_nothing_new_and_all_else_is() {
        let answer = |epoch: i64, restarts: i32| {
            Engine::Answered(Box::new(Answer {
                phase: EnginePhase::Running,
                newest: Some(Epoch {
                    number: epoch,
                    uri: format!("s3://b/{epoch}"),
                    completed: Timestamp::UNIX_EPOCH,
                    bytes: None,
                    duration: None,
                }),
                savepoint: None,
                savepoints_under_way: 0,
                restored_from: None,
                restarts,
                failed_checkpoints: 0,
                parallelism: 1,
                error: None,
            }))
        };
        assert!(answer(1, 0).is_alike(&answer(2, 0)));
        assert!(!answer(1, 0).is_alike(&answer(1, 1)));
        assert!(!answer(1, 0).is_alike(&Engine::Silent { since: Timestamp::UNIX_EPOCH }));
        assert!(Engine::Unknown.is_alike(&Engine::Unknown));
    }
}
