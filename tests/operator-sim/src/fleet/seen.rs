//! What the API server tells of jobs, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::StreamExt as _;
use kube::Api;
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use tokio::time::Instant;

/// Jobs as they were seen; clones see the same.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    applied: BTreeMap<String, Instant>,
    acted: BTreeMap<String, Instant>,
    ready: BTreeSet<String>,
    last: Option<Instant>,
    changes: usize,
}

impl Seen {
    /// A job is about to be applied.
    pub(super) fn applied(&self, name: &str) {
        self.lock().applied.insert(name.to_owned(), Instant::now());
    }

    /// Jobs that are ready.
    pub fn ready(&self) -> usize {
        self.lock().ready.len()
    }

    /// Since when nothing was told.
    pub fn quiet(&self) -> Duration {
        self.lock().last.map_or(Duration::MAX, |last| last.elapsed())
    }

    /// Changes of jobs that were told so far.
    pub fn changes(&self) -> usize {
        self.lock().changes
    }

    /// From the moment before a job was applied until the operator's first write to it was told, in order.
    pub fn latencies(&self) -> Vec<Duration> {
        let inner = self.lock();
        let of = |(name, acted): (&String, &Instant)| Some(acted.duration_since(*inner.applied.get(name)?));
        let mut all: Vec<Duration> = inner.acted.iter().filter_map(of).collect();
        all.sort_unstable();
        all
    }

    pub(super) async fn watch(self, jobs: Api<DynamicObject>) {
        let mut events = std::pin::pin!(watcher(jobs, watcher::Config::default()).default_backoff());
        while let Some(event) = events.next().await {
            if let Ok(Event::Apply(job) | Event::InitApply(job)) = event {
                self.see(&job);
            }
        }
    }

    fn see(&self, job: &DynamicObject) {
        let mut inner = self.lock();
        inner.changes += 1;
        inner.last = Some(Instant::now());
        let name = job.metadata.name.clone().unwrap_or_default();
        let is_acted_on = job.metadata.finalizers.is_some() || job.data.get("status").is_some();
        if is_acted_on {
            inner.acted.entry(name.clone()).or_insert_with(Instant::now);
        }
        let conditions = job.data.pointer("/status/conditions").and_then(|list| list.as_array());
        let is_ready =
            conditions.is_some_and(|list| list.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
        if is_ready {
            inner.ready.insert(name);
        } else {
            inner.ready.remove(&name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}
