//! The word that a coordinator leaves when it ends.
//!
//! An exit code says who has to act, not what became of the job. Example: a job that was stopped leaves
//! `{"ending":"Stopped","epoch":41}`, one of which the SQL is refused
//! `{"ending":"Refused","message":"error: column customer does not exist ..."}`. Whoever finds nothing there knows that the process was
//! killed or crashed.

use std::fs;
use std::path::Path;

use millstream_model::Epoch;
use serde_json::{Value, json};

use super::failure::Failure;

/// Kubernetes takes 4,096 bytes of a termination message.
const MESSAGE_BYTES: usize = 3_500;

/// How a job came to a good end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All input was read.
    Finished { epoch: Epoch },
    /// It was stopped; without an epoch it begins anew.
    Stopped { epoch: Option<Epoch> },
    /// It was not to run.
    Suspended,
}

/// Takes back the word of an earlier run.
pub(crate) fn begin(file: &Path) -> Result<(), Failure> {
    fs::write(file, "")
        .map_err(|e| Failure::Mistake(format!("--ending {}: cannot be written: {e}", file.display())))
}

/// Leaves word of how a job ended.
pub(crate) fn leave(file: &Path, ended: &Result<Ending, Failure>) {
    write(file, &word(ended));
}

/// Writes a word. Nothing ends otherwise because that fails.
pub(crate) fn write(file: &Path, word: &Value) {
    if let Err(error) = fs::write(file, word.to_string()) {
        tracing::warn!("{}: how the job ended could not be written: {error}", file.display());
    }
}

fn word(ended: &Result<Ending, Failure>) -> Value {
    match ended {
        Ok(Ending::Finished { epoch }) => json!({"ending": "Finished", "epoch": epoch.0}),
        Ok(Ending::Stopped { epoch: Some(epoch) }) => json!({"ending": "Stopped", "epoch": epoch.0}),
        Ok(Ending::Stopped { epoch: None }) => json!({"ending": "Stopped"}),
        Ok(Ending::Suspended) => json!({"ending": "Suspended"}),
        Err(failure) => word_of(failure),
    }
}

/// The word for what came to no good end.
pub(crate) fn word_of(failure: &Failure) -> Value {
    let (ending, message) = match failure {
        Failure::Mistake(message) => ("Refused", message),
        Failure::NothingToRestore(message) => ("NothingToRestore", message),
        Failure::Job(message) => ("Failed", message),
        Failure::Unavailable(message) => ("Unavailable", message),
        Failure::Fenced(message) => ("Fenced", message),
    };
    json!({"ending": ending, "message": shortened(message, MESSAGE_BYTES)})
}

/// The beginning of a message that takes up to `most` bytes of JSON, escapes included.
pub(super) fn shortened(message: &str, most: usize) -> String {
    let bytes = |text: &str| Value::from(text).to_string().len();
    if bytes(message) <= most {
        return message.to_owned();
    }
    let mut size = 0;
    let fits = |c: &char| {
        size += bytes(c.encode_utf8(&mut [0; 4])) - 2;
        size < most
    };
    message.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_word() {
        let text = || "why".to_owned();
        let table = [
            (Ok(Ending::Finished { epoch: Epoch(9) }), r#"{"ending":"Finished","epoch":9}"#),
            (Ok(Ending::Stopped { epoch: Some(Epoch(4)) }), r#"{"ending":"Stopped","epoch":4}"#),
            (Ok(Ending::Stopped { epoch: None }), r#"{"ending":"Stopped"}"#),
            (Ok(Ending::Suspended), r#"{"ending":"Suspended"}"#),
            (Err(Failure::Mistake(text())), r#"{"ending":"Refused","message":"why"}"#),
            (Err(Failure::NothingToRestore(text())), r#"{"ending":"NothingToRestore","message":"why"}"#),
            (Err(Failure::Job(text())), r#"{"ending":"Failed","message":"why"}"#),
            (Err(Failure::Unavailable(text())), r#"{"ending":"Unavailable","message":"why"}"#),
            (Err(Failure::Fenced(text())), r#"{"ending":"Fenced","message":"why"}"#),
        ];
        for (ended, expected) in table {
            assert_eq!(word(&ended).to_string(), expected);
        }
    }

    #[test]
    fn a_long_message_is_cut_to_what_kubernetes_takes() {
        for long in ["x".repeat(9_000), "\"\n".repeat(5_000), "ö€".repeat(3_000)] {
            let word = word(&Err(Failure::Job(long))).to_string();
            assert!((3_400..4_096).contains(&word.len()), "{}", word.len());
            assert!(word.ends_with("…\"}"));
        }
    }
}
