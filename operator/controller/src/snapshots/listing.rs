//! The snapshots of each job, as the job's own decisions see them: how many the schedule has made, and how far they are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::runtime::watcher::Event;
use kube::{Resource as _, ResourceExt as _};
use millstream_api::names::SCHEDULED_LABEL;
use millstream_api::streamsnapshot::SnapshotPhase;
use millstream_lifecycle::observed::Snapshot;
use tokio::sync::mpsc;

use super::SnapshotKey;
use super::kept::Kept;
use crate::children::JobKey;

/// All snapshots, by job.
#[derive(Debug)]
pub(crate) struct Listing {
    news: mpsc::UnboundedSender<JobKey>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    of: HashMap<JobKey, BTreeMap<String, Listed>>,
    job_of: HashMap<SnapshotKey, JobKey>,
    /// What a list that is under way has brought so far.
    listing: Option<HashSet<SnapshotKey>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    fact: Snapshot,
    /// The job that owns it.
    owner: Option<String>,
}

impl Listing {
    /// Jobs whose schedule has something new to look at go to `news`.
    pub(crate) fn new(news: mpsc::UnboundedSender<JobKey>) -> Self {
        Self { news, known: Mutex::default() }
    }

    /// The snapshots of a job. One that is going counts no more; the schedule's are those that this very job owns.
    pub(crate) fn of(&self, job: &JobKey, uid: &str) -> Vec<Snapshot> {
        let known = self.lock();
        let listed = known.of.get(job).into_iter().flat_map(BTreeMap::values);
        listed
            .map(|listed| Snapshot {
                is_scheduled: listed.fact.is_scheduled && listed.owner.as_deref() == Some(uid),
                ..listed.fact.clone()
            })
            .collect()
    }

    /// Takes in what a watch of snapshots says.
    pub(super) fn hear(&self, event: &Event<Kept>) {
        let changed = self.lock().hear(event);
        for job in changed {
            let _ = self.news.send(job);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is complete before anything can panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The jobs for which an event is news.
    fn hear(&mut self, event: &Event<Kept>) -> Vec<JobKey> {
        match event {
            Event::Init => {
                self.listing = Some(HashSet::new());
                Vec::new()
            }
            Event::InitApply(kept) | Event::Apply(kept) => self.put(kept),
            Event::Delete(kept) => key(kept).and_then(|key| self.remove(&key)).into_iter().collect(),
            Event::InitDone => {
                let listed = self.listing.take().unwrap_or_default();
                let gone: Vec<_> = self.job_of.keys().filter(|key| !listed.contains(key)).cloned().collect();
                gone.iter().filter_map(|key| self.remove(key)).collect()
            }
        }
    }

    fn put(&mut self, kept: &Kept) -> Vec<JobKey> {
        let Some(key) = key(kept) else { return Vec::new() };
        if let Some(listed) = &mut self.listing {
            listed.insert(key.clone());
        }
        let Some((job, listed)) = listed(kept, &key) else { return self.remove(&key).into_iter().collect() };
        self.job_of.insert(key.clone(), job.clone());
        let of_job = self.of.entry(job.clone()).or_default();
        let is_news = listed.fact.is_scheduled && of_job.get(&key.name) != Some(&listed);
        of_job.insert(key.name, listed);
        is_news.then_some(job).into_iter().collect()
    }

    fn remove(&mut self, key: &SnapshotKey) -> Option<JobKey> {
        let job = self.job_of.remove(key)?;
        let of_job = self.of.get_mut(&job)?;
        let removed = of_job.remove(&key.name);
        if of_job.is_empty() {
            self.of.remove(&job);
        }
        removed.filter(|listed| listed.fact.is_scheduled).map(|_| job)
    }
}

fn key(kept: &Kept) -> Option<SnapshotKey> {
    Some(SnapshotKey { namespace: kept.namespace()?, name: kept.name_any() })
}

/// The job of a snapshot, and what it knows of it; `None` for one that is going, or names no job.
fn listed(kept: &Kept, key: &SnapshotKey) -> Option<(JobKey, Listed)> {
    let spec = kept.spec.as_ref().ok()?;
    let job = JobKey { namespace: key.namespace.clone(), name: spec.job_ref.name.clone() };
    let owner = kept.owner_references().iter().find(|owner| owner.controller == Some(true));
    let fact = Snapshot {
        name: key.name.clone(),
        is_scheduled: kept.labels().contains_key(SCHEDULED_LABEL),
        created: kept.creation_timestamp().map(|time| time.0)?,
        phase: kept.status.phase.unwrap_or(SnapshotPhase::Pending),
    };
    let stays = kept.meta().deletion_timestamp.is_none();
    stays.then(|| (job, Listed { fact, owner: owner.map(|owner| owner.uid.clone()) }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::kept::tests::kept;
    use super::*;

    fn scheduled(name: &str, phase: &str, more: Value) -> Kept {
        let mut metadata = json!({
            "name": name, "labels": {"millstream.dev/scheduled": "true"},
            "ownerReferences": [{"apiVersion": "millstream.dev/v1alpha1", "kind": "StreamJob", "name": "orders",
                "uid": "u-1", "controller": true}],
        });
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        kept(json!({"jobRef": {"name": "orders"}}), json!({"phase": phase}), metadata)
    }

    fn job() -> JobKey {
        JobKey { namespace: "shop".into(), name: "orders".into() }
    }

    #[test]
    fn a_job_hears_of_its_schedules_snapshots_and_of_nothing_that_is_as_before() {
        let mut known = Known::default();
        assert_eq!(known.hear(&Event::Apply(scheduled("a", "Pending", json!({})))), [job()]);
        assert_eq!(known.hear(&Event::Apply(scheduled("a", "Pending", json!({})))), []);
        assert_eq!(known.hear(&Event::Apply(scheduled("a", "Completed", json!({})))), [job()]);
        let mine = kept(json!({"jobRef": {"name": "orders"}}), json!({}), json!({}));
        assert_eq!(known.hear(&Event::Apply(mine)), [], "nothing is decided about what a person made");
        let going = json!({"deletionTimestamp": "2026-03-02T00:00:00Z"});
        assert_eq!(known.hear(&Event::Apply(scheduled("a", "Completed", going))), [job()]);
        assert_eq!(known.of[&job()].keys().collect::<Vec<_>>(), ["nightly"]);
    }

    #[test]
    fn what_a_list_does_not_bring_is_gone() {
        let mut known = Known::default();
        for name in ["a", "b"] {
            known.hear(&Event::Apply(scheduled(name, "Completed", json!({}))));
        }
        known.hear(&Event::Init);
        known.hear(&Event::InitApply(scheduled("b", "Completed", json!({}))));
        assert_eq!(known.hear(&Event::InitDone), [job()]);
        assert_eq!(known.of[&job()].len(), 1);
        assert_eq!(known.hear(&Event::Delete(scheduled("b", "Completed", json!({})))), [job()]);
        assert!(known.of.is_empty() && known.job_of.is_empty());
    }

    #[test]
    fn snapshots_of_a_predecessor_are_not_the_schedules() {
        let listing = Listing::new(mpsc::unbounded_channel().0);
        listing.hear(&Event::Apply(scheduled("a", "Completed", json!({}))));
        let is_scheduled = |uid: &str| listing.of(&job(), uid)[0].is_scheduled;
        assert!(is_scheduled("u-1") && !is_scheduled("u-2"));
    }
}
