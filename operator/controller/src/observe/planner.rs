//! What a planner's pod found, from the word that it left in its termination message.
//!
//! `{"ending":"Judged","newest":{...},"is_same_job":false,"operators":[...]}` or `{"ending":"Refused","message":"..."}` (docs/cluster.md
//! of the engine). All else is no verdict, and no reason to believe that there is something wrong with the SQL.

use millstream_api::k8s_openapi::api::core::v1::PodStatus;
use millstream_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use millstream_api::status::OperatorVerdict;
use millstream_lifecycle::observed::{Epoch, Judgement, PlannerState, PodState};
use millstream_lifecycle::time::Timestamp;
use serde::Deserialize;

use super::pod;

#[derive(Deserialize)]
#[serde(tag = "ending")]
enum Word {
    Judged(Judged),
    Refused {
        message: String,
    },
    Failed {
        message: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Judged {
    newest: Option<Newest>,
    #[serde(default)]
    is_same_job: bool,
    #[serde(default)]
    operators: Vec<OperatorVerdict>,
    /// How many more operators there are than the word has room for.
    #[serde(default)]
    omitted: u32,
    /// Why the job cannot go on from the newest checkpoint at all.
    refused: Option<String>,
}

#[derive(Deserialize)]
struct Newest {
    epoch: i64,
    manifest: String,
    created_at_ms: i64,
    bytes: Option<i64>,
}

/// How far a planner's pod is.
pub(super) fn state(metadata: &ObjectMeta, status: &PodStatus) -> PlannerState {
    let since = metadata.creation_timestamp.as_ref().map(|time| time.0).unwrap_or_default();
    let looked =
        pod::Looked { status, container: pod::COORDINATOR, restarts: pod::Restarts::Never, created: since };
    if !matches!(looked.state(), PodState::Ended { .. }) {
        return PlannerState::Pending { since };
    }
    let ended = looked.ended();
    let at = ended.and_then(|ended| ended.finished_at.as_ref()).map_or(since, |time| time.0);
    let message = ended.and_then(|ended| ended.message.as_deref()).unwrap_or_default();
    match serde_json::from_str(message) {
        Ok(Word::Judged(judged)) => PlannerState::Judged(judgement(judged)),
        Ok(Word::Refused { message }) => PlannerState::Refused(message),
        Ok(Word::Failed { message }) => PlannerState::Failed { message, at },
        Ok(Word::Other) | Err(_) => {
            let code = ended.map_or(-1, |ended| ended.exit_code);
            let reason = status.reason.clone().or_else(|| ended.and_then(|ended| ended.reason.clone()));
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            PlannerState::Failed { message: format!("the planner's pod ended with code {code}{reason}"), at }
        }
    }
}

fn judgement(judged: Judged) -> Judgement {
    let newest = judged.newest.and_then(|newest| {
        Some(Epoch {
            number: newest.epoch,
            uri: newest.manifest,
            completed: Timestamp::from_millisecond(newest.created_at_ms).ok()?,
            bytes: newest.bytes,
            duration: None,
        })
    });
    Judgement {
        operators: judged.operators,
        omitted: judged.omitted,
        is_same_plan: judged.is_same_job,
        newest,
        refused: judged.refused,
    }
}

#[cfg(test)]
mod tests {
    use millstream_api::status::OperatorFate;
    use serde_json::{Value, json};

    use super::*;

    fn of(status: Value) -> PlannerState {
        let metadata = json!({"name": "p", "creationTimestamp": "1970-01-01T00:00:10Z"});
        state(&serde_json::from_value(metadata).unwrap(), &serde_json::from_value(status).unwrap())
    }

    fn ended(code: i32, message: &str) -> PlannerState {
        of(json!({
            "phase": if code == 0 { "Succeeded" } else { "Failed" },
            "containerStatuses": [{
                "name": "coordinator", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {
                    "exitCode": code, "message": message, "reason": "Error", "finishedAt": "1970-01-01T00:00:20Z",
                }},
            }],
        }))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn one_that_has_not_ended_is_pending_since_it_was_made() {
        for status in [json!({}), json!({"phase": "Pending"}), json!({"phase": "Running"})] {
            assert_eq!(of(status), PlannerState::Pending { since: at(10) });
        }
    }

    #[test]
    fn a_verdict() {
        let word = r#"{"ending":"Judged","newest":{"epoch":41,"manifest":"s3://b/m","created_at_ms":5000,"bytes":9,
            "is_finished":false},"is_same_job":true,"operators":[{"uid":"a","name":"Agg","verdict":"Lost"},
            {"uid":"b","name":"Join","verdict":"Kept"}],"omitted":298}"#;
        let PlannerState::Judged(judgement) = ended(0, word) else { panic!("{:?}", ended(0, word)) };
        assert!(judgement.is_same_plan);
        assert_eq!(judgement.omitted, 298);
        let fates: Vec<OperatorFate> = judgement.operators.iter().map(|operator| operator.verdict).collect();
        assert_eq!(fates, [OperatorFate::Lost, OperatorFate::Kept]);
        let newest = judgement.newest.unwrap();
        assert_eq!((newest.number, newest.uri.as_str(), newest.completed), (41, "s3://b/m", at(5)));
        let nothing = r#"{"ending":"Judged","newest":null,"operators":[]}"#;
        assert_eq!(ended(0, nothing), PlannerState::Judged(Judgement::default()));
    }

    #[test]
    fn refusals_are_told_from_what_says_nothing_about_the_sql() {
        let refused = PlannerState::Refused("no column x".into());
        assert_eq!(ended(2, r#"{"ending":"Refused","message":"no column x"}"#), refused);
        let word = r#"{"ending":"Judged","newest":null,"refused":"too many key groups"}"#;
        let judged = Judgement { refused: Some("too many key groups".into()), ..Judgement::default() };
        assert_eq!(ended(0, word), PlannerState::Judged(judged));
        let failed = |message: &str| PlannerState::Failed { message: message.into(), at: at(20) };
        assert_eq!(ended(1, r#"{"ending":"Failed","message":"S3 is away"}"#), failed("S3 is away"));
        assert_eq!(ended(137, "killed"), failed("the planner's pod ended with code 137 (Error)"));
        let evicted = of(json!({"phase": "Failed", "reason": "Evicted"}));
        let message = "the planner's pod ended with code -1 (Evicted)".into();
        assert_eq!(evicted, PlannerState::Failed { message, at: at(10) });
    }
}
