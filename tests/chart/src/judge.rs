//! What others make of an object.

use serde_json::Value;

use crate::program::{answer, program};

/// What one of them says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One of its own words.
    pub status: String,
    /// Its reason.
    pub message: String,
}

/// What all of them say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// kstatus, and all that is built on it.
    pub kstatus: Verdict,
    /// Argo CD with the health checks of `deploy/argocd`.
    pub argocd: Verdict,
    /// Flux with the expressions of `deploy/flux`.
    pub flux: Verdict,
}

/// Their words about each object, in the order of the objects.
///
/// # Panics
/// If one of the health checks cannot be carried out.
pub fn judge(objects: &[Value]) -> Vec<Verdicts> {
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let files = ["deploy/argocd/argocd-cm.yaml", "deploy/flux/streams.yaml"];
    let said = answer(program("judge").args(files), &lines).unwrap_or_else(|error| panic!("{error}"));
    let verdicts: Vec<_> = said.lines().map(|line| verdicts(&serde_json::from_str(line).unwrap())).collect();
    assert_eq!(verdicts.len(), objects.len());
    verdicts
}

fn verdicts(line: &Value) -> Verdicts {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |who: &str| Verdict { status: text(&line[who]["status"]), message: text(&line[who]["message"]) };
    Verdicts { kstatus: of("kstatus"), argocd: of("argocd"), flux: of("flux") }
}
