//! What the end of a job means for the user and for the exit code.

use millstream_checkpoint_store::JobStore;
use millstream_coordinator::{JobOutcome, JobStatus};
use millstream_model::{ErrorKind, JobError};

use super::{advice, say};
use crate::cli::ending::Ending;
use crate::cli::failure::Failure;
use crate::job_file::JobFile;

/// Says how the job ended; `last` is its last status.
pub(in crate::cli) async fn judge(
    outcome: JobOutcome,
    last: &JobStatus,
    file: &JobFile,
    store: &JobStore,
    is_query: bool,
) -> Result<Ending, Failure> {
    let job = &file.identity.name;
    if let Some(hidden) = hidden(&outcome, last) {
        return Err(Failure::Unavailable(format!("{job}: {hidden}")));
    }
    for (count, what) in
        [(last.skipped, "malformed records were skipped"), (last.late_dropped, "late rows were dropped")]
    {
        if count > 0 {
            tracing::warn!("{count} {what} since the job began");
        }
    }
    match outcome {
        JobOutcome::Finished { epoch } => {
            if !is_query {
                say(&format!("{job}: finished at epoch {epoch}"));
            }
            Ok(Ending::Finished { epoch })
        }
        JobOutcome::Stopped { epoch } => {
            match epoch {
                _ if is_query => {}
                Some(epoch) => say(&format!("{job}: stopped at epoch {epoch}; run it again to continue")),
                None => {
                    say(&format!("{job}: stopped before its first checkpoint; run it again to start over"))
                }
            }
            Ok(Ending::Stopped { epoch })
        }
        JobOutcome::Failed(error) if error.kind == ErrorKind::State => {
            let error = JobError::new(error.kind, format!("{job}: {}", error.message));
            Err(advice::on(error, last.restored_from, store).await)
        }
        JobOutcome::Failed(error) if error.kind == ErrorKind::Unavailable => {
            // Of a job that was not taken over nobody knows what it has.
            let way_on = last.epoch.map(|_| way_on(last, is_query)).unwrap_or_default();
            Err(Failure::Unavailable(format!("{job}: {}{way_on}", error.message)))
        }
        JobOutcome::Failed(error) => {
            Err(Failure::Job(format!("{job}: {}{}", error.message, way_on(last, is_query))))
        }
        JobOutcome::Fenced { by } => Err(Failure::Fenced(format!(
            "{job}: fenced: generation {by} took the job over (another `millstream run` of the same job and storage?); nothing of it is lost"
        ))),
    }
}

/// A job that was ended before everything it owns was visible: that is no success, however well its tasks ended.
fn hidden(outcome: &JobOutcome, last: &JobStatus) -> Option<String> {
    let newest = match outcome {
        JobOutcome::Finished { epoch } | JobOutcome::Stopped { epoch: Some(epoch) } => *epoch,
        _ => return None,
    };
    let oldest = match u64::try_from(last.unpublished).ok()? {
        0 => return None,
        1 => format!("epoch {newest}"),
        epochs => format!("the last {epochs} epochs up to {newest}"),
    };
    let reason = last.last_error.as_ref().map(|e| format!(" ({e})")).unwrap_or_default();
    Some(format!(
        "ended at epoch {newest}, but the output of {oldest} is not all visible yet{reason}; it is kept: run the job again, \
         which makes it visible first and then continues"
    ))
}

/// What running the job again would do.
fn way_on(last: &JobStatus, is_query: bool) -> String {
    match last.epoch {
        _ if is_query => String::new(),
        Some(epoch) => format!("\n  running it again continues from epoch {epoch}"),
        None => "\n  there is no epoch yet: running it again starts from the beginning".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use millstream_checkpoint_store::StoreSettings;
    use millstream_model::Epoch;

    use super::*;
    use crate::job_file::JobOverrides;

    #[tokio::test]
    async fn what_is_to_blame_outside_is_no_failure_of_the_job() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.sql");
        std::fs::write(&path, "SELECT 1;").unwrap();
        let file = JobFile::read(&path, &JobOverrides::default()).unwrap();
        let storage = Arc::new(millstream_storage::MemoryStorage::new());
        let store = JobStore::open(storage, file.identity.clone(), StoreSettings::default());
        let owns = JobStatus { epoch: Some(Epoch(4)), unpublished: 1, ..JobStatus::default() };
        let failed = |kind| JobOutcome::Failed(JobError::new(kind, "no answer"));
        let table = [
            (failed(ErrorKind::Unavailable), JobStatus::default(), "Unavailable(\"j: no answer\")"),
            (
                failed(ErrorKind::Unavailable),
                owns.clone(),
                "Unavailable(\"j: no answer\\n  running it again continues from epoch 4\")",
            ),
            (failed(ErrorKind::Transient), owns.clone(), "Job(\"j: no answer"),
            (
                JobOutcome::Stopped { epoch: Some(Epoch(4)) },
                owns,
                "Unavailable(\"j: ended at epoch 4, but the output",
            ),
        ];
        for (outcome, last, expected) in table {
            let said = format!("{:?}", judge(outcome, &last, &file, &store, false).await.unwrap_err());
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn what_is_not_visible_is_no_success() {
        let status = |unpublished, error: Option<&str>| JobStatus {
            unpublished,
            last_error: error.map(str::to_owned),
            ..JobStatus::default()
        };
        let stopped = JobOutcome::Stopped { epoch: Some(Epoch(12)) };
        let full = status(3, Some("publishing epoch 10 failed: disk full"));
        let table = [
            (&stopped, status(0, Some("old news")), None),
            (
                &stopped,
                full,
                Some(
                    "ended at epoch 12, but the output of the last 3 epochs up to 12 is not all visible yet (publishing epoch \
                     10 failed: disk full); it is kept: run the job again, which makes it visible first and then continues",
                ),
            ),
            (
                &JobOutcome::Finished { epoch: Epoch(12) },
                status(1, None),
                Some(
                    "ended at epoch 12, but the output of epoch 12 is not all visible yet; it is kept: run the job again, which \
                     makes it visible first and then continues",
                ),
            ),
            (&JobOutcome::Stopped { epoch: None }, status(0, None), None),
            (&JobOutcome::Fenced { by: millstream_model::Generation(2) }, status(2, None), None),
        ];
        for (outcome, last, expected) in table {
            assert_eq!(hidden(outcome, &last).as_deref(), expected);
        }
    }
}
