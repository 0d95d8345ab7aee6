//! What the end of a job means for the user and for the exit code.

use millstream_coordinator::JobOutcome;
use millstream_model::ErrorKind;

use super::say;
use crate::cli::failure::Failure;
use crate::job_file::JobFile;

/// Says how the job ended.
pub(super) fn judge(outcome: JobOutcome, file: &JobFile, is_query: bool) -> Result<(), Failure> {
    let job = &file.identity.name;
    match outcome {
        JobOutcome::Finished { .. } | JobOutcome::Stopped { .. } if is_query => Ok(()),
        JobOutcome::Finished { epoch } => {
            say(&format!("{job}: finished at epoch {epoch}"));
            Ok(())
        }
        JobOutcome::Stopped { epoch: Some(epoch) } => {
            say(&format!("{job}: stopped at epoch {epoch}; run it again to continue"));
            Ok(())
        }
        JobOutcome::Stopped { epoch: None } => {
            say(&format!("{job}: stopped before its first checkpoint; run it again to start over"));
            Ok(())
        }
        JobOutcome::Failed(error) if error.kind == ErrorKind::User => {
            Err(Failure::Job(format!("{job}: {}", error.message)))
        }
        JobOutcome::Failed(error) => Err(Failure::from(error)),
        JobOutcome::Fenced { by } => Err(Failure::Job(format!(
            "{job}: fenced: generation {by} took the job over (another `millstream run` of the same job and storage?); nothing of it is lost"
        ))),
    }
}
