//! What would become of a job's state: its newest checkpoint beside what the file says now.
//!
//! Nothing is claimed, written or started, and a job that runs meanwhile does not notice.

use std::fmt::Write as _;

use millstream_checkpoint::restore::{Loss, LossKind, RestorePlan, plan_restore};
use millstream_checkpoint::{Manifest, Outcome, OwnedCheckpoint};
use millstream_checkpoint_store::JobStore;
use millstream_model::OperatorUid;
use millstream_model::graph::JobGraph;
use serde_json::{Value, json};

use crate::cli::failure::Failure;

/// What the job would go on from, and with what of it.
#[derive(Debug)]
pub(super) enum StateOutlook {
    /// There is no checkpoint: it would begin with what spec.restore names, or anew.
    Nothing { restore: Option<String> },
    /// It cannot go on from the newest one at all, and why.
    Refused { newest: Newest, reason: String },
    /// What each operator with something to keep would have.
    Operators { newest: Newest, is_same_job: bool, operators: Vec<OperatorOutlook> },
}

/// The newest checkpoint that the job owns.
#[derive(Debug)]
pub(super) struct Newest {
    epoch: u64,
    manifest: String,
    created_at_ms: u64,
    bytes: u64,
    is_finished: bool,
}

/// What an operator would have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OperatorOutlook {
    uid: OperatorUid,
    name: String,
    verdict: Verdict,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It goes on as it was.
    Kept,
    /// It keeps its state, but what it computes, or its input, changed.
    KeptInputChanged,
    /// It is new and begins without state.
    New,
    /// It is gone, and this with it.
    Lost(LossKind),
}

/// Looks into the job's folder.
pub(super) async fn outlook(
    store: &JobStore,
    graph: &JobGraph,
    restore: Option<&str>,
) -> Result<StateOutlook, Failure> {
    let overview = store.look().await?;
    if let Some(damage) = overview.damage {
        return Err(damage.into());
    }
    let Some((owned, manifest)) = &overview.restorable else {
        return Ok(StateOutlook::Nothing { restore: restore.map(str::to_owned) });
    };
    let newest = newest(store, owned, manifest);
    Ok(match plan_restore(manifest, graph, &[].into()) {
        Err(error) => StateOutlook::Refused { newest, reason: error.to_string() },
        Ok(plan) => StateOutlook::Operators {
            newest,
            is_same_job: manifest.fingerprint == graph.fingerprint,
            operators: operators(&plan, graph),
        },
    })
}

fn newest(store: &JobStore, owned: &OwnedCheckpoint, manifest: &Manifest) -> Newest {
    Newest {
        epoch: owned.epoch.0,
        manifest: format!("{}/{}", store.objects().storage().location(), owned.manifest.key),
        created_at_ms: manifest.created_at_ms,
        bytes: manifest.operators.iter().flat_map(|o| &o.segments).map(|s| s.object.length).sum(),
        is_finished: manifest.outcome == Outcome::Finished,
    }
}

fn operators(plan: &RestorePlan, graph: &JobGraph) -> Vec<OperatorOutlook> {
    let name = |uid: &OperatorUid| {
        let node = graph.operators().find(|(_, node)| node.uid == *uid);
        node.map_or_else(String::new, |(_, node)| node.name.clone())
    };
    let of_graph = |uids: &[OperatorUid], verdict: fn() -> Verdict| {
        let outlook =
            |uid: &OperatorUid| OperatorOutlook { uid: uid.clone(), name: name(uid), verdict: verdict() };
        uids.iter().map(outlook).collect::<Vec<_>>()
    };
    let lost = |loss: &Loss| OperatorOutlook {
        uid: loss.uid.clone(),
        name: loss.name.clone(),
        verdict: Verdict::Lost(loss.what),
    };
    let mut operators = of_graph(&plan.kept, || Verdict::Kept);
    operators.extend(of_graph(&plan.changed, || Verdict::KeptInputChanged));
    operators.extend(of_graph(&plan.new, || Verdict::New));
    operators.extend(plan.lost.iter().map(lost));
    operators
}

impl StateOutlook {
    pub(super) fn to_text(&self) -> String {
        let mut text = String::from("State\n");
        let _ = match self {
            Self::Nothing { restore: None } => {
                writeln!(text, "  there is no checkpoint: the job would begin anew")
            }
            Self::Nothing { restore: Some(from) } => {
                writeln!(text, "  there is no checkpoint: the job would be restored from {from}")
            }
            Self::Refused { newest, reason } => {
                writeln!(text, "  the job cannot go on from epoch {}: {reason}", newest.epoch)
            }
            Self::Operators { newest, is_same_job, operators } => {
                let end = if newest.is_finished { ", at which its input was read to the end" } else { "" };
                let same = if *is_same_job { "the same job" } else { "a changed job" };
                let _ = writeln!(text, "  {same}, from epoch {}{end}", newest.epoch);
                operators
                    .iter()
                    .try_for_each(|o| writeln!(text, "  {}: {} ({})", o.uid, o.verdict.text(), o.name))
            }
        };
        text
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Nothing { restore } => {
                json!({"state": {"newest": null, "restore": restore, "operators": []}})
            }
            Self::Refused { newest, reason } => {
                json!({"state": {"newest": newest.to_json(), "refused": reason}})
            }
            Self::Operators { newest, is_same_job, operators } => {
                let operators: Vec<Value> = operators.iter().map(OperatorOutlook::to_json).collect();
                json!({"state": {
                    "newest": newest.to_json(), "is_same_job": is_same_job, "operators": operators,
                }})
            }
        }
    }
}

impl Newest {
    fn to_json(&self) -> Value {
        json!({
            "epoch": self.epoch, "manifest": self.manifest, "created_at_ms": self.created_at_ms,
            "bytes": self.bytes, "is_finished": self.is_finished,
        })
    }
}

impl OperatorOutlook {
    fn to_json(&self) -> Value {
        let mut outlook = json!({"uid": self.uid.0, "name": self.name, "verdict": self.verdict.word()});
        if let Verdict::Lost(what) = &self.verdict {
            outlook["lost"] = what.to_string().into();
        }
        outlook
    }
}

impl Verdict {
    const fn word(&self) -> &'static str {
        match self {
            Self::Kept => "Kept",
            Self::KeptInputChanged => "KeptInputChanged",
            Self::New => "New",
            Self::Lost(_) => "Lost",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Kept => "is kept".to_owned(),
            Self::KeptInputChanged => "is kept, but what it computes, or its input, changed".to_owned(),
            Self::New => "is new".to_owned(),
            Self::Lost(what) => format!("is lost: {what}"),
        }
    }
}

/// An outlook with this many operators that are kept, and one behind them that is lost.
#[cfg(test)]
pub(super) fn fixture(kept: usize) -> StateOutlook {
    let operator = |number: usize, verdict| OperatorOutlook {
        uid: OperatorUid(format!("operator-{number}")),
        name: format!("Aggregate of a query with a long text {number}").repeat(3),
        verdict,
    };
    let mut operators: Vec<OperatorOutlook> =
        (0..kept).map(|number| operator(number, Verdict::Kept)).collect();
    operators.push(operator(kept, Verdict::Lost(LossKind::State { rows: 7 })));
    let manifest = "s3://bucket/job/manifest".to_owned();
    let newest = Newest { epoch: 41, manifest, created_at_ms: 1_000, bytes: 300, is_finished: false };
    StateOutlook::Operators { newest, is_same_job: false, operators }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest() -> Newest {
        let manifest = "s3://b/x/manifest".to_owned();
        Newest { epoch: 41, manifest, created_at_ms: 1_000, bytes: 300, is_finished: false }
    }

    fn operator(uid: &str, verdict: Verdict) -> OperatorOutlook {
        OperatorOutlook { uid: OperatorUid(uid.to_owned()), name: uid.to_uppercase(), verdict }
    }

    #[test]
    fn each_outlook_is_said_to_people_and_to_programs() {
        let operators = vec![
            operator("a", Verdict::Kept),
            operator("b", Verdict::KeptInputChanged),
            operator("c", Verdict::New),
            operator("d", Verdict::Lost(LossKind::State { rows: 7 })),
        ];
        let table = [
            (
                StateOutlook::Nothing { restore: None },
                "State\n  there is no checkpoint: the job would begin anew\n",
                json!({"newest": null, "restore": null, "operators": []}),
            ),
            (
                StateOutlook::Nothing { restore: Some("s3://b/kept".to_owned()) },
                "State\n  there is no checkpoint: the job would be restored from s3://b/kept\n",
                json!({"newest": null, "restore": "s3://b/kept", "operators": []}),
            ),
            (
                StateOutlook::Refused { newest: newest(), reason: "why".to_owned() },
                "State\n  the job cannot go on from epoch 41: why\n",
                json!({"newest": newest().to_json(), "refused": "why"}),
            ),
            (
                StateOutlook::Operators { newest: newest(), is_same_job: false, operators },
                "State\n  a changed job, from epoch 41\n  a: is kept (A)\n  \
                 b: is kept, but what it computes, or its input, changed (B)\n  c: is new (C)\n  \
                 d: is lost: state of 7 rows (D)\n",
                json!({
                    "newest": {
                        "epoch": 41, "manifest": "s3://b/x/manifest", "created_at_ms": 1_000, "bytes": 300,
                        "is_finished": false,
                    },
                    "is_same_job": false,
                    "operators": [
                        {"uid": "a", "name": "A", "verdict": "Kept"},
                        {"uid": "b", "name": "B", "verdict": "KeptInputChanged"},
                        {"uid": "c", "name": "C", "verdict": "New"},
                        {"uid": "d", "name": "D", "verdict": "Lost", "lost": "state of 7 rows"},
                    ],
                }),
            ),
        ];
        for (outlook, text, json) in table {
            assert_eq!(outlook.to_text(), text);
            assert_eq!(outlook.to_json(), json!({"state": json}));
        }
    }
}
