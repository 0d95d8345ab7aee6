//! `millstream status`, `checkpoints`, `exceptions`, `activate`, `rescale`, `stop` and `cancel`: asking a coordinator elsewhere.

use std::fmt::Write as _;
use std::io::Write as _;

use millstream_coordinator::control::CoordinatorClient;
use millstream_model::JobError;
use millstream_tls::Role;
use serde_json::Value;

use super::args::{PlanArguments, PlanFormat, RemoteArguments, RescaleArguments, StatusArguments};
use super::failure::Failure;
use super::security::security;
use crate::clock;

/// Prints where the job stands.
pub(super) fn status(arguments: &StatusArguments) -> Result<(), Failure> {
    show(arguments, as_text, |status| status)
}

/// Prints the last checkpoints.
pub(super) fn checkpoints(arguments: &StatusArguments) -> Result<(), Failure> {
    show(arguments, checkpoints_as_text, |status| &status["checkpoints"])
}

/// Prints the last failures.
pub(super) fn exceptions(arguments: &StatusArguments) -> Result<(), Failure> {
    show(arguments, exceptions_as_text, |status| &status["exceptions"])
}

/// Prints some part of the status.
fn show(
    arguments: &StatusArguments,
    as_text: impl Fn(&Value) -> String,
    part: impl Fn(&Value) -> &Value,
) -> Result<(), Failure> {
    let json = ask(&arguments.remote, async |mut client| client.status().await)?;
    let status: Value = serde_json::from_str(&json)
        .map_err(|e| Failure::Job(format!("the coordinator's status is no JSON: {e}")))?;
    match arguments.output {
        PlanFormat::Json => print(&format!("{}\n", part(&status))),
        PlanFormat::Text => print(&as_text(&status)),
    }
    Ok(())
}

/// Prints the plan of the job that a coordinator runs.
pub(super) fn plan(arguments: &PlanArguments) -> Result<(), Failure> {
    let remote = RemoteArguments {
        coordinator: arguments.coordinator.clone().unwrap_or_default(),
        security: arguments.security.clone(),
    };
    let output = arguments.output;
    print(&ask(&remote, async |mut client| {
        let (text, json) = client.plan().await?;
        Ok(match output {
            PlanFormat::Text => text,
            PlanFormat::Json => format!("{json}\n"),
        })
    })?);
    Ok(())
}

/// Lets a standby take over, and says as which generation.
pub(super) fn activate(arguments: &RemoteArguments) -> Result<(), Failure> {
    let generation =
        ask(arguments, async |mut client| client.activate().await.map(|generation| generation.to_string()))?;
    print(&format!("generation {generation} has the job\n"));
    Ok(())
}

/// Changes the parallelism, and says when records flow again.
pub(super) fn rescale(arguments: &RescaleArguments) -> Result<(), Failure> {
    let parallelism = arguments.parallelism;
    let attempt = ask(&arguments.remote, async |mut client| {
        client.rescale(parallelism).await.map(|attempt| attempt.to_string())
    })?;
    print(&format!("attempt {attempt} runs at parallelism {parallelism}\n"));
    Ok(())
}

/// Stops the job, and says how it ended.
pub(super) fn stop(arguments: &RemoteArguments) -> Result<(), Failure> {
    let outcome = ask(arguments, async |mut client| client.stop().await)?;
    print(&format!("{outcome}\n"));
    Ok(())
}

/// Ends the job, and says how it ended.
pub(super) fn cancel(arguments: &RemoteArguments) -> Result<(), Failure> {
    let outcome = ask(arguments, async |mut client| client.cancel().await)?;
    print(&format!("{outcome}\n"));
    Ok(())
}

fn ask(
    arguments: &RemoteArguments,
    question: impl AsyncFnOnce(CoordinatorClient) -> Result<String, JobError>,
) -> Result<String, Failure> {
    let security = security(&arguments.security, Role::Client)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Job(format!("cannot start the runtime: {e}")))?;
    runtime.block_on(async {
        let client = CoordinatorClient::connect(&arguments.coordinator, &security).await?;
        Ok(question(client).await?)
    })
}

/// What a person asks first: does it run, since which epoch, what was the last trouble, what comes next.
fn as_text(status: &Value) -> String {
    let word = |key: &str| match &status[key] {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let mut text = format!(
        "{}: {}\n",
        word("job").unwrap_or_else(|| "?".into()),
        word("phase").unwrap_or_else(|| "?".into())
    );
    let lines = [
        ("next", word("next")),
        ("parallelism", word("parallelism")),
        ("newest epoch", word("epoch").map(|epoch| format!("{epoch}{}", found(&status["newest_epoch"])))),
        ("restored from epoch", word("restored_from")),
        ("newest savepoint", savepoint(&status["last_savepoint"])),
        ("attempt", word("attempt")),
        ("restarts", word("restarts")),
        (
            "failed checkpoints",
            word("failed_checkpoints").map(|count| format!("{count}{}", behind_the_last(status))),
        ),
        ("last error", word("last_error")),
    ];
    for (label, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(text, "  {label}: {value}");
        }
    }
    text
}

/// How many checkpoints failed since one did not.
fn behind_the_last(status: &Value) -> String {
    match status["failed_checkpoints_in_a_row"].as_u64() {
        None | Some(0) => String::new(),
        Some(count) => format!(" ({count} of them since the last one that did not fail)"),
    }
}

/// Since when an epoch is there, how large it is, and where.
fn found(epoch: &Value) -> String {
    let (Some(at_ms), Some(manifest)) = (epoch["at_ms"].as_u64(), epoch["manifest"].as_str()) else {
        return String::new();
    };
    let bytes = epoch["bytes"].as_u64().unwrap_or(0);
    format!(" ({}, {bytes} bytes, {manifest})", clock::as_text(at_ms))
}

fn savepoint(report: &Value) -> Option<String> {
    let at = clock::as_text(report["at_ms"].as_u64()?);
    Some(format!("{} (epoch {}, {at})", report["location"].as_str()?, report["epoch"]))
}

fn checkpoints_as_text(status: &Value) -> String {
    let rows = list(status, "checkpoints").map(|checkpoint| {
        let number = |key: &str| checkpoint[key].as_u64().unwrap_or(0);
        [
            number("epoch").to_string(),
            clock::as_text(number("at_ms")),
            format!("{} ms", number("duration_ms")),
            number("bytes").to_string(),
            number("new_bytes").to_string(),
        ]
    });
    let text = table(["EPOCH", "AT", "TOOK", "BYTES", "NEW BYTES"], rows);
    let failed = status["failed_checkpoints"].as_u64().unwrap_or(0);
    if failed == 0 { text } else { format!("{text}{failed} failed; see `millstream exceptions`\n") }
}

fn exceptions_as_text(status: &Value) -> String {
    let rows = list(status, "exceptions").map(|exception| {
        [
            clock::as_text(exception["at_ms"].as_u64().unwrap_or(0)),
            exception["attempt"].to_string(),
            exception["message"].as_str().unwrap_or_default().to_owned(),
        ]
    });
    table(["AT", "ATTEMPT", "WHAT"], rows)
}

fn list<'a>(status: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    status[key].as_array().into_iter().flatten()
}

/// Columns under their heads; nothing if there is no row.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.collect();
    if rows.is_empty() {
        return "none\n".into();
    }
    let all: Vec<[String; N]> = std::iter::once(heads.map(str::to_owned)).chain(rows).collect();
    let mut text = String::new();
    for row in &all {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn print(text: &str) {
    // A closed pipe is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_shown() {
        let status = serde_json::json!({
            "job": "default.j.local", "phase": "WaitingForSlots", "epoch": null, "restarts": 2,
            "next": "start when 4 slots are there, now 2", "last_error": "worker 1 is lost",
        });
        let expected = "default.j.local: WaitingForSlots\n  next: start when 4 slots are there, now 2\n  restarts: 2\n  \
                        last error: worker 1 is lost\n";
        assert_eq!(as_text(&status), expected);
    }

    #[test]
    fn what_the_job_owns_is_shown_with_its_time_and_its_place() {
        let status = serde_json::json!({
            "job": "default.j.local", "phase": "Running", "parallelism": 4, "epoch": 41, "restored_from": 40,
            "newest_epoch": { "epoch": 41, "manifest": "s3://b/j/checkpoint/41.1/manifest", "bytes": 2_048, "at_ms": 1_000 },
            "last_savepoint": { "location": "s3://b/j/savepoint/nightly", "epoch": 39, "at_ms": 2_000 },
            "failed_checkpoints": 3, "failed_checkpoints_in_a_row": 2,
        });
        let expected = "default.j.local: Running\n  parallelism: 4\n  \
                        newest epoch: 41 (1970-01-01 00:00:01, 2048 bytes, s3://b/j/checkpoint/41.1/manifest)\n  \
                        restored from epoch: 40\n  newest savepoint: s3://b/j/savepoint/nightly (epoch 39, 1970-01-01 00:00:02)\n  \
                        failed checkpoints: 3 (2 of them since the last one that did not fail)\n";
        assert_eq!(as_text(&status), expected);
    }

    #[test]
    fn checkpoints_and_exceptions_are_tables() {
        let status = serde_json::json!({
            "checkpoints": [
                { "epoch": 9, "at_ms": 0, "duration_ms": 12, "bytes": 3_000, "new_bytes": 40 },
                { "epoch": 10, "at_ms": 1_000, "duration_ms": 7, "bytes": 3_000, "new_bytes": 0 },
            ],
            "exceptions": [{ "at_ms": 1_000, "attempt": 2, "message": "worker 1 is lost" }],
            "failed_checkpoints": 1,
        });
        let expected = "EPOCH  AT                   TOOK   BYTES  NEW BYTES\n\
                        9      1970-01-01 00:00:00  12 ms  3000   40\n\
                        10     1970-01-01 00:00:01  7 ms   3000   0\n\
                        1 failed; see `millstream exceptions`\n";
        assert_eq!(checkpoints_as_text(&status), expected);
        let expected = "AT                   ATTEMPT  WHAT\n1970-01-01 00:00:01  2        worker 1 is lost\n";
        assert_eq!(exceptions_as_text(&status), expected);
        assert_eq!(exceptions_as_text(&serde_json::json!({ "exceptions": [] })), "none\n");
    }
}
