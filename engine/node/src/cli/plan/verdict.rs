//! The verdict of a plan, as the word that its process leaves.
//!
//! Kubernetes takes 4,096 bytes of it. What matters most comes first: operators that lose state, then new ones, then those of which the
//! input changed; what does not fit is counted. Example: `{"ending":"Judged","is_same_job":false,"newest":{"epoch":41,...},
//! "operators":[{"uid":"a","name":"Aggregate","verdict":"Lost"}],"omitted":0}`.

use serde_json::{Value, json};

use super::state::StateOutlook;
use crate::cli::ending::shortened;

/// Bytes of the word.
const MOST: usize = 4_000;
/// Bytes of the reason why the newest checkpoint cannot be gone on from.
const REASON: usize = 1_500;
/// Characters of an operator's name: it is for people, and SQL can make it long.
const NAME: usize = 60;

/// The word for this outlook.
pub(super) fn word(outlook: &StateOutlook) -> Value {
    let mut word = json!({"ending": "Judged"});
    let state = outlook.to_json()["state"].take();
    let Value::Object(mut state) = state else { return word };
    let mut operators = state.remove("operators").map(as_list).unwrap_or_default();
    operators.sort_by_key(|operator| rank(operator["verdict"].as_str().unwrap_or_default()));
    for (key, value) in state {
        word[key] = value;
    }
    if let Some(reason) = word["refused"].as_str() {
        word["refused"] = shortened(reason, REASON).into();
    } else {
        word.as_object_mut().map(|word| word.remove("refused"));
    }
    word["operators"] = json!([]);
    word["omitted"] = operators.len().into();
    let mut size = word.to_string().len();
    let mut fitting = Vec::new();
    for operator in &operators {
        let short = brief(operator);
        size += short.to_string().len() + 1;
        if size > MOST {
            break;
        }
        fitting.push(short);
    }
    word["omitted"] = (operators.len() - fitting.len()).into();
    word["operators"] = fitting.into();
    word
}

fn as_list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

fn rank(verdict: &str) -> usize {
    ["Lost", "New", "KeptInputChanged"].iter().position(|word| *word == verdict).unwrap_or(3)
}

fn brief(operator: &Value) -> Value {
    let name: String = operator["name"].as_str().unwrap_or_default().chars().take(NAME).collect();
    json!({"uid": operator["uid"], "name": name, "verdict": operator["verdict"]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::plan::state::fixture;

    #[test]
    fn what_is_lost_comes_first_and_the_rest_is_counted() {
        let word = word(&fixture(300));
        assert!(word.to_string().len() <= 4_096, "{}", word.to_string().len());
        assert_eq!((&word["ending"], &word["newest"]["epoch"]), (&json!("Judged"), &json!(41)));
        let operators = word["operators"].as_array().unwrap();
        assert_eq!(operators[0]["verdict"], "Lost");
        assert_eq!(operators.len() as u64 + word["omitted"].as_u64().unwrap(), 301);
    }

    #[test]
    fn nothing_is_omitted_that_fits() {
        let word = word(&fixture(3));
        assert_eq!(word["omitted"], 0);
        let verdicts: Vec<&Value> =
            word["operators"].as_array().unwrap().iter().map(|operator| &operator["verdict"]).collect();
        assert_eq!(verdicts, ["Lost", "Kept", "Kept", "Kept"]);
    }
    #[test]
    fn a_long_reason_fits() {
        for long in ["\u{1}".repeat(3_000), "ö€".repeat(3_000)] {
            let StateOutlook::Operators { newest, .. } = fixture(0) else { panic!() };
            let word = word(&StateOutlook::Refused { newest, reason: long.clone() });
            assert!(word.to_string().len() <= 4_096, "{}", word.to_string().len());
            let reason = word["refused"].as_str().unwrap();
            assert!(long.starts_with(reason.trim_end_matches('…')) && reason.len() > 100, "{reason}");
        }
    }
}
