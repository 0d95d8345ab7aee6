//! What people do to a job, and the world that comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::api_server::{Key, Verb};
use crate::world::{NAMESPACE, World};

/// The job of every story.
pub const JOB: &str = "orders";

/// A story.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// What it is called.
    pub name: &'static str,
    /// What the job is like before; nothing for a job that is new.
    pub given: Option<fn() -> Value>,
    /// What happens.
    pub event: fn(&World),
    /// Whether a world at rest is one in which it has come to its end.
    pub is_over: fn(&World) -> bool,
}

/// All stories.
pub const STORIES: [Story; 6] = [
    Story {
        name: "create",
        given: None,
        event: |world| apply(world, spec(json!({}))),
        is_over: |w| runs(w, 1),
    },
    Story {
        name: "upgrade",
        given: Some(|| spec(json!({}))),
        event: |world| apply(world, spec(json!({"sql": "SELECT 2"}))),
        is_over: |world| runs(world, 2),
    },
    Story {
        name: "rescale",
        given: Some(|| spec(json!({}))),
        event: |world| apply(world, spec(json!({"parallelism": 5}))),
        is_over: |world| is_settled(world) && status(world)["parallelism"]["current"] == 5,
    },
    Story {
        name: "rollback",
        given: Some(|| spec(json!({"rollback": {"deadline": "20s"}}))),
        event: |world| {
            world.engines().poison = Some("SELECT bad".to_owned());
            apply(world, spec(json!({"sql": "SELECT bad", "rollback": {"deadline": "20s"}})));
        },
        is_over: |world| {
            status(world)["phase"] == "Running" && !status(world)["rolledBack"].is_null() && is_settled(world)
        },
    },
    Story {
        name: "suspend and resume",
        given: Some(|| spec(json!({"desiredState": "Suspended"}))),
        event: |world| apply(world, spec(json!({"desiredState": "Running"}))),
        is_over: |world| runs(world, 2),
    },
    Story {
        name: "delete",
        given: Some(|| spec(json!({"deletionPolicy": "Savepoint"}))),
        event: |world| {
            world.ask(Verb::Delete, &job(), json!({}));
        },
        is_over: |world| world.job(JOB).is_none() && objects(world).is_empty(),
    },
];

fn job() -> Key {
    Key::new("streamjobs", NAMESPACE, JOB)
}

/// A spec with these fields in place of the usual ones. Times are short, so that a story is.
fn spec(fields: Value) -> Value {
    let mut spec = json!({
        "sql": "SELECT 1", "parallelism": 2, "state": {"storage": format!("s3://bucket/{JOB}")},
        "desiredState": "Running",
        // Longer than a look that is never answered.
        "upgrade": {"savepointTimeout": "90s"},
        "stability": {"minRunning": "5s", "minCheckpoints": 1, "maxRestarts": 0},
    });
    for (name, value) in fields.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec
}

/// `kubectl apply`.
pub fn apply(world: &World, spec: Value) {
    let body = json!({
        "apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob", "metadata": {"name": JOB, "namespace": NAMESPACE},
        "spec": spec,
    });
    world.ask(Verb::Apply, &job(), body);
}

fn status(world: &World) -> Value {
    world.job(JOB).map(|job| job["status"].clone()).unwrap_or_default()
}

fn runs(world: &World, attempt: i64) -> bool {
    let status = status(world);
    status["phase"] == "Running" && status["attempt"] == attempt && is(&status, "Ready") && is_settled(world)
}

fn is(status: &Value, condition: &str) -> bool {
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.any(|c| c["type"] == condition && c["status"] == "True")
}

/// Whether the job is as its spec says, or nothing more is done about it.
pub fn is_settled(world: &World) -> bool {
    let status = status(world);
    status["trial"].is_null() && (is(&status, "Ready") || is(&status, "Stalled"))
}

/// Waits until this holds and nothing was written for a while.
///
/// # Errors
/// That takes longer than the limit.
pub async fn rest(world: &World, limit: Duration, is_over: fn(&World) -> bool) -> Result<(), String> {
    const QUIET: Duration = Duration::from_secs(20);
    let (mut since, mut revision) = (Duration::ZERO, 0);
    let mut passed = Duration::ZERO;
    while passed < limit {
        let now = world.server.with(|store| store.revision());
        let is_quiet = now == revision && !world.calls.are_silent();
        since = if is_quiet { since + Duration::from_secs(1) } else { Duration::ZERO };
        revision = now;
        if since >= QUIET && is_over(world) {
            return Ok(());
        }
        sleep(Duration::from_secs(1)).await;
        passed += Duration::from_secs(1);
    }
    Err(format!("no rest after {limit:?}: {:#}", world.job(JOB).unwrap_or_default()))
}

/// Kinds and names of the objects that belong to jobs, with the labels by which the operator knows them. Their plan is another one
/// where the running job had to be stopped in another way.
pub fn objects(world: &World) -> BTreeMap<String, Value> {
    world.server.with(|store| {
        let of_jobs =
            store.all().filter(|(key, _)| !matches!(key.kind.plural, "streamjobs" | "events" | "namespaces"));
        of_jobs
            .map(|(key, object)| {
                let metadata = &object["metadata"];
                let mut known = json!({
                    "labels": metadata["labels"], "data": object["data"], "phase": object["status"]["phase"],
                });
                known["labels"].as_object_mut().map(|labels| labels.remove("millstream.dev/plan"));
                (format!("{}/{}", key.kind.kind, key.name), known)
            })
            .collect()
    })
}

/// A world as two runs of a story must agree on it: without uids, times and the numbers of epochs, which depend on the time.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    objects: BTreeMap<String, Value>,
    spec: Value,
    status: Value,
    finalizers: Value,
}

impl Picture {
    /// The world as it is now.
    pub fn of(world: &World) -> Self {
        let job = world.job(JOB).unwrap_or_default();
        let mut status = job["status"].clone();
        strip(&mut status);
        Self {
            objects: objects(world).into_iter().map(|(name, object)| (name, without_uids(object))).collect(),
            spec: job["spec"].clone(),
            status,
            finalizers: job["metadata"]["finalizers"].clone(),
        }
    }

    /// What differs, in words; nothing when they agree.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut said = Vec::new();
        let names: BTreeSet<&String> = self.objects.keys().chain(other.objects.keys()).collect();
        for name in names {
            match (self.objects.get(name), other.objects.get(name)) {
                (Some(a), Some(b)) if a != b => said.push(format!("{name}: {a} became {b}")),
                (Some(_), None) => said.push(format!("{name} is missing")),
                (None, Some(_)) => said.push(format!("{name} is too many")),
                _ => {}
            }
        }
        for (what, a, b) in
            [("spec", &self.spec, &other.spec), ("finalizers", &self.finalizers, &other.finalizers)]
        {
            if a != b {
                said.push(format!("{what}: {a} became {b}"));
            }
        }
        let fields = |status: &Value| status.as_object().cloned().unwrap_or_default();
        let (mine, theirs) = (fields(&self.status), fields(&other.status));
        let names: BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
        for name in names.into_iter().filter(|name| mine.get(*name) != theirs.get(*name)) {
            let show = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            said.push(format!("status.{name}: {} became {}", show(mine.get(name)), show(theirs.get(name))));
        }
        said
    }
}

/// Takes out of a status what depends on the time. So does what was seen of a revision by the time that it was taken back: that its coordinator
/// ended, or that it was not stable by then. That it was, and which, stays.
fn strip(value: &mut Value) {
    const OF_TIME: [&str; 24] = [
        "own",
        "time",
        "lastTransitionTime",
        "completedAt",
        "epoch",
        "fromEpoch",
        "floor",
        "uri",
        "age",
        "since",
        "runningSince",
        "at",
        "last",
        "lastCheckpoint",
        "lastSavepoint",
        "seal",
        "history",
        "silentSince",
        "scheduledAt",
        "sizeBytes",
        "duration",
        "repeatedOutput",
        "pod",
        "rollbackReason",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OF_TIME.contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::String(text) => {
            if let Some((said, _)) = text.split_once(", change the spec: ") {
                *value = said.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The uid of the job stands in the manifest of its config map.
fn without_uids(object: Value) -> Value {
    let text = object.to_string();
    let mut parts = text.split("00000000-0000-4000-8000-");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean += "UID";
        clean += part.get(12..).unwrap_or_default();
    }
    serde_json::from_str(&clean).unwrap()
}
