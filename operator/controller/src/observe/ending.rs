//! How a coordinator ended: the word that it left in its termination message, else its exit code.
//!
//! The word is one JSON object, `{"ending": "Stopped", "epoch": 41}` (docs/cluster.md of the engine). A process that was killed leaves
//! nothing, and then Kubernetes puts the end of its log in the message, which says nothing about the job.

use millstream_lifecycle::observed::Exit;
use serde::Deserialize;

#[derive(Deserialize)]
struct Word {
    ending: String,
    #[serde(default)]
    message: String,
}

/// The end that this message and this exit code stand for.
pub(super) fn exit(message: &str, code: i32) -> Exit {
    match serde_json::from_str::<Word>(message) {
        Ok(word) => of_word(&word.ending, word.message).unwrap_or(Exit::Crashed(code)),
        Err(_) => Exit::Crashed(code),
    }
}

fn of_word(ending: &str, message: String) -> Option<Exit> {
    Some(match ending {
        "Finished" => Exit::Finished,
        "Stopped" | "Suspended" => Exit::Stopped,
        "Refused" => Exit::Refused(message),
        "NothingToRestore" => Exit::NothingToRestore(message),
        "Failed" | "Unavailable" => Exit::Failed(message),
        "Fenced" => Exit::Fenced,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_believed_and_all_else_is_a_crash() {
        let why = || "why".to_owned();
        let table = [
            (r#"{"ending":"Finished","epoch":9}"#, 0, Exit::Finished),
            (r#"{"ending":"Stopped"}"#, 0, Exit::Stopped),
            (r#"{"ending":"Refused","message":"why"}"#, 2, Exit::Refused(why())),
            (r#"{"ending":"NothingToRestore","message":"why"}"#, 2, Exit::NothingToRestore(why())),
            (r#"{"ending":"Failed","message":"why"}"#, 1, Exit::Failed(why())),
            (r#"{"ending":"Unavailable","message":"why"}"#, 1, Exit::Failed(why())),
            (r#"{"ending":"Fenced","message":"why"}"#, 1, Exit::Fenced),
            (r#"{"ending":"Exploded"}"#, 3, Exit::Crashed(3)),
            ("2026-11-22 INFO Running 41,204 rows in", 137, Exit::Crashed(137)),
            ("", 0, Exit::Crashed(0)),
            ("[1]", 1, Exit::Crashed(1)),
        ];
        for (message, code, expected) in table {
            assert_eq!(exit(message, code), expected, "{message}");
        }
    }
}
