//! `millstream status`, `rescale`, `stop` and `cancel`: asking a coordinator elsewhere.

use std::fmt::Write as _;
use std::io::Write as _;

use millstream_coordinator::control::CoordinatorClient;
use millstream_model::JobError;
use millstream_tls::Role;
use serde_json::Value;

use super::args::{PlanFormat, RemoteArguments, RescaleArguments, StatusArguments};
use super::failure::Failure;
use super::security::security;

/// Prints where the job stands.
pub(super) fn status(arguments: &StatusArguments) -> Result<(), Failure> {
    let json = ask(&arguments.remote, async |mut client| client.status().await)?;
    match arguments.output {
        PlanFormat::Json => print(&format!("{json}\n")),
        PlanFormat::Text => {
            let status = serde_json::from_str(&json)
                .map_err(|e| Failure::Job(format!("the coordinator's status is no JSON: {e}")))?;
            print(&as_text(&status));
        }
    }
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
        ("next", "next"),
        ("epoch", "newest epoch"),
        ("restored_from", "restored from epoch"),
        ("attempt", "attempt"),
        ("restarts", "restarts"),
        ("failed_checkpoints", "failed checkpoints"),
        ("last_error", "last error"),
    ];
    for (key, label) in lines {
        if let Some(value) = word(key) {
            let _ = writeln!(text, "  {label}: {value}");
        }
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
}
