//! Log lines for whoever is on call: what happened, from which epoch the job goes on, what comes next.
//!
//! Made from two successive reports, so that a line says what changed and nothing is said twice. Example:
//! `attempt 1 failed: chain 0 (0/0): cannot read data/a.csv; next: attempt 2 in 1000 ms from epoch 41`. Where no attempt
//! follows, the reason is in the last line, `failed: ...`.

use millstream_jobmaster::{JobPhase, StatusReport};

/// Target of the line that says why the job failed, for a log beside which the reason is told in another way.
pub const OUTCOME: &str = "millstream_outcome";

/// How urgent a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Routine.
    Debug,
    /// A step in the job's life.
    Info,
    /// Somebody may have to look.
    Warn,
    /// The end of a job that failed.
    Outcome,
}

/// What to say when `before` became `after`.
pub(crate) fn lines(before: &StatusReport, after: &StatusReport) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    if let Some(last) = after.last_checkpoint
        && before.last_checkpoint != after.last_checkpoint
    {
        let text = format!(
            "checkpoint {} is epoch {}: {} bytes, {} of them new, {} ms from its trigger, {} us of it in the way of records",
            last.checkpoint, last.epoch, last.bytes, last.new_bytes, last.duration_ms, last.freeze_us
        );
        lines.push((Tone::Debug, text));
    }
    let error = after.last_error.as_ref().filter(|e| before.last_error.as_ref() != Some(e));
    if before.phase == after.phase {
        lines.extend(error.map(|error| (Tone::Warn, error.clone())));
        return lines;
    }
    if let Some(line) = phase_line(after, error) {
        lines.push(line);
    }
    lines
}

fn phase_line(after: &StatusReport, error: Option<&String>) -> Option<(Tone, String)> {
    let attempt = after.attempt;
    let from = after.restored_from.map_or_else(|| "the beginning".into(), |epoch| format!("epoch {epoch}"));
    let next = after.next.as_ref().map(|next| format!("; next: {next}")).unwrap_or_default();
    let newest = after.epoch.map_or_else(|| "no epoch yet".into(), |epoch| format!("newest epoch {epoch}"));
    let text = match after.phase {
        JobPhase::Starting | JobPhase::Standby | JobPhase::TakingOver => return None,
        JobPhase::Recovering if after.unpublished == 0 => return None,
        JobPhase::Recovering => {
            format!("publishing {} of an earlier run before any task starts", owned(after.unpublished))
        }
        JobPhase::WaitingForSlots => format!("waiting for workers{next}"),
        JobPhase::Deploying => format!("deploying attempt {attempt} from {from}"),
        JobPhase::Running => format!("attempt {attempt} runs, restored from {from}"),
        JobPhase::Stopping => "stopping: a final checkpoint first, then its output becomes visible".into(),
        JobPhase::Cancelling => match error {
            Some(error) if after.next.is_some() => {
                return Some((Tone::Warn, format!("attempt {attempt} failed: {error}{next}")));
            }
            Some(_) => format!("attempt {attempt} failed for good: ending its tasks"),
            None => format!("ending the tasks of attempt {attempt}{next}"),
        },
        JobPhase::Backoff => return next.strip_prefix("; ").map(|next| (Tone::Debug, next.to_owned())),
        JobPhase::Publishing => {
            format!("no more records; publishing {} before the end", owned(after.unpublished))
        }
        JobPhase::Finished => format!("finished: all input is read and all output visible, {newest}"),
        JobPhase::Stopped => format!("stopped, {newest}; running the job again continues from there"),
        JobPhase::Failed => {
            let error = after.last_error.as_deref().unwrap_or("no reason known");
            return Some((Tone::Outcome, format!("failed: {error}; {newest}")));
        }
        JobPhase::Fenced => {
            let error = after.last_error.as_deref().unwrap_or("a newer coordinator owns the job");
            return Some((Tone::Warn, error.to_owned()));
        }
    };
    Some((Tone::Info, text))
}

/// `1 owned epoch`, `2 owned epochs`.
fn owned(epochs: usize) -> String {
    format!("{epochs} owned epoch{}", if epochs == 1 { "" } else { "s" })
}

/// Writes the lines to the log.
pub(crate) fn announce(before: &StatusReport, after: &StatusReport) {
    for (tone, line) in lines(before, after) {
        match tone {
            Tone::Debug => tracing::debug!("{line}"),
            Tone::Info => tracing::info!("{line}"),
            Tone::Warn => tracing::warn!("{line}"),
            Tone::Outcome => tracing::error!(target: OUTCOME, "{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_jobmaster::CheckpointReport;
    use millstream_model::{Attempt, CheckpointId, Epoch};

    fn report(phase: JobPhase) -> StatusReport {
        StatusReport { phase, attempt: Attempt(2), epoch: Some(Epoch(41)), ..StatusReport::default() }
    }

    #[test]
    fn each_step_has_its_line() {
        let error = Some("disk full".to_owned());
        let next = Some("attempt 3 in 1000 ms from epoch 41".to_owned());
        let restored_from = Some(Epoch(41));
        let cases = [
            (report(JobPhase::Recovering), None),
            (
                StatusReport { unpublished: 2, ..report(JobPhase::Recovering) },
                Some("publishing 2 owned epochs of an earlier run before any task starts"),
            ),
            (
                StatusReport { unpublished: 1, ..report(JobPhase::Publishing) },
                Some("no more records; publishing 1 owned epoch before the end"),
            ),
            (report(JobPhase::Deploying), Some("deploying attempt 2 from the beginning")),
            (
                StatusReport { restored_from, ..report(JobPhase::Running) },
                Some("attempt 2 runs, restored from epoch 41"),
            ),
            (
                StatusReport {
                    last_error: error.clone(),
                    next: next.clone(),
                    ..report(JobPhase::Cancelling)
                },
                Some("attempt 2 failed: disk full; next: attempt 3 in 1000 ms from epoch 41"),
            ),
            (report(JobPhase::Cancelling), Some("ending the tasks of attempt 2")),
            (
                StatusReport { last_error: error.clone(), ..report(JobPhase::Cancelling) },
                Some("attempt 2 failed for good: ending its tasks"),
            ),
            (
                StatusReport { next, ..report(JobPhase::Backoff) },
                Some("next: attempt 3 in 1000 ms from epoch 41"),
            ),
            (
                report(JobPhase::Stopped),
                Some("stopped, newest epoch 41; running the job again continues from there"),
            ),
            (
                StatusReport { last_error: error.clone(), ..report(JobPhase::Failed) },
                Some("failed: disk full; newest epoch 41"),
            ),
            (StatusReport { last_error: error, ..report(JobPhase::Fenced) }, Some("disk full")),
        ];
        for (after, expected) in cases {
            let said = lines(&StatusReport::default(), &after);
            let said: Vec<_> = said.iter().map(|(_, line)| line.as_str()).collect();
            assert_eq!(said, Vec::from_iter(expected), "{:?}", after.phase);
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        let after = StatusReport { last_error: Some("disk full".into()), ..report(JobPhase::Running) };
        assert_eq!(lines(&report(JobPhase::Running), &after), [(Tone::Warn, "disk full".into())]);
        assert_eq!(lines(&after, &after), []);
    }

    #[test]
    fn a_checkpoint_is_routine() {
        let last_checkpoint = Some(CheckpointReport {
            epoch: Epoch(42),
            checkpoint: CheckpointId(7),
            bytes: 100,
            new_bytes: 40,
            duration_ms: 5,
            freeze_us: 9,
            at_ms: 0,
        });
        let after = StatusReport { last_checkpoint, ..report(JobPhase::Running) };
        let said = lines(&report(JobPhase::Running), &after);
        assert_eq!(said[0].0, Tone::Debug);
        assert!(
            said[0].1.starts_with("checkpoint 7 is epoch 42: 100 bytes, 40 of them new, 5 ms"),
            "{said:?}"
        );
    }
}
