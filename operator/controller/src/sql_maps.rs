//! The config maps that jobs have their SQL in.
//!
//! A cluster has thousands of config maps, some of them large, and jobs refer to few. So one watch brings the metadata of all of them,
//! which are thrown away but for the versions of those that are referred to, and a map is read when its version is another one: a change
//! is noticed at once, a look at a job costs no call, and only the texts of jobs are in memory. A watch for each map would be a
//! connection for each job. Nothing is watched as long as no job has its SQL in a config map.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Client, ResourceExt as _};
use millstream_api::k8s_openapi::api::core::v1::ConfigMap;
use millstream_lifecycle::observed::SqlText;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::children::JobKey;
use millstream_model::error::with_causes;

/// Namespace and name of a config map.
type MapKey = (String, String);

/// What is known of the config maps that jobs refer to.
pub(crate) struct SqlMaps {
    client: Client,
    namespace: Option<String>,
    news: mpsc::UnboundedSender<JobKey>,
    known: Arc<Mutex<Known>>,
    watching: Mutex<Option<AbortHandle>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Whether changes come in. Until then nothing that was read may be used again.
    is_live: bool,
    maps: HashMap<MapKey, Map>,
    /// Which map each job refers to.
    used: HashMap<JobKey, MapKey>,
    /// What a list that is under way has brought so far of the maps that are referred to.
    listing: HashSet<MapKey>,
}

#[derive(Debug, Default)]
struct Map {
    jobs: HashSet<JobKey>,
    /// Counts changes, so that what was read before one is not kept behind it.
    changes: u64,
    /// The version that was read; `None` when there was no such map, or nothing was read since the last change.
    version: Option<String>,
    /// What was found, by key.
    texts: HashMap<String, SqlText>,
}

impl Drop for SqlMaps {
    fn drop(&mut self) {
        if let Some(watching) = self.watching.lock().unwrap_or_else(PoisonError::into_inner).take() {
            watching.abort();
        }
    }
}

impl SqlMaps {
    /// Those of a namespace, or of all. Jobs whose map has changed go to `news`.
    pub(crate) fn new(
        client: Client,
        namespace: Option<String>,
        news: mpsc::UnboundedSender<JobKey>,
    ) -> Self {
        Self { client, namespace, news, known: Arc::default(), watching: Mutex::default() }
    }

    /// The text that a job refers to. It is read at the first time and after each change.
    ///
    /// # Errors
    /// It had to be read and could not be.
    pub(crate) async fn text(&self, job: &JobKey, name: &str, entry: &str) -> Result<SqlText, kube::Error> {
        self.watch();
        let key = (job.namespace.clone(), name.to_owned());
        let changes = match lock(&self.known).refer(job, &key, entry) {
            Ok(text) => return Ok(text),
            Err(changes) => changes,
        };
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &job.namespace);
        let map = maps.get_opt(name).await?;
        let version = map.as_ref().and_then(|map| map.resource_version());
        let text = found(map, name, entry);
        lock(&self.known).read(&key, changes, version, entry, text.clone());
        Ok(text)
    }

    /// A job refers to no map any more.
    pub(crate) fn forget(&self, job: &JobKey) {
        lock(&self.known).forget(job);
    }

    /// Begins to watch, unless that was begun.
    fn watch(&self) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.is_none() {
            let api: Api<PartialObjectMeta<ConfigMap>> = match &self.namespace {
                Some(namespace) => Api::namespaced(self.client.clone(), namespace),
                None => Api::all(self.client.clone()),
            };
            *watching = Some(tokio::spawn(keep(api, self.known.clone(), self.news.clone())).abort_handle());
        }
    }
}

async fn keep(
    api: Api<PartialObjectMeta<ConfigMap>>,
    known: Arc<Mutex<Known>>,
    news: mpsc::UnboundedSender<JobKey>,
) {
    let mut events = std::pin::pin!(watch(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        let changed = match event {
            Ok(event) => lock(&known).hear(&event),
            Err(error) => {
                tracing::warn!("watching config maps: {}", with_causes(&error));
                Vec::new()
            }
        };
        for job in changed {
            let _ = news.send(job);
        }
    }
}

impl Known {
    /// Notes which map a job refers to. The text, if it is known; else how often the map had changed until now.
    fn refer(&mut self, job: &JobKey, key: &MapKey, entry: &str) -> Result<SqlText, u64> {
        if self.used.get(job).is_some_and(|used| used != key) {
            self.forget(job);
        }
        self.used.insert(job.clone(), key.clone());
        let map = self.maps.entry(key.clone()).or_default();
        map.jobs.insert(job.clone());
        map.texts.get(entry).filter(|_| self.is_live).cloned().ok_or(map.changes)
    }

    /// A map was read. What was read before a change says nothing any more.
    fn read(&mut self, key: &MapKey, changes: u64, version: Option<String>, entry: &str, text: SqlText) {
        let Some(map) = self.maps.get_mut(key).filter(|map| map.changes == changes) else { return };
        if map.version != version {
            map.texts.clear();
        }
        map.version = version;
        map.texts.insert(entry.to_owned(), text);
    }

    fn forget(&mut self, job: &JobKey) {
        let Some(key) = self.used.remove(job) else { return };
        if let Some(map) = self.maps.get_mut(&key) {
            map.jobs.remove(job);
            if map.jobs.is_empty() {
                self.maps.remove(&key);
            }
        }
    }

    /// The jobs for which an event is news.
    fn hear(&mut self, event: &Event<PartialObjectMeta<ConfigMap>>) -> Vec<JobKey> {
        match event {
            Event::Init => {
                self.listing.clear();
                Vec::new()
            }
            Event::InitApply(map) => {
                let key = key(map);
                if self.maps.contains_key(&key) {
                    self.listing.insert(key.clone());
                }
                self.is_at(&key, map.resource_version())
            }
            Event::Apply(map) => self.is_at(&key(map), map.resource_version()),
            Event::Delete(map) => self.is_at(&key(map), None),
            Event::InitDone => {
                self.is_live = true;
                let listed = std::mem::take(&mut self.listing);
                let gone: Vec<MapKey> =
                    self.maps.keys().filter(|key| !listed.contains(key)).cloned().collect();
                gone.iter().flat_map(|key| self.is_at(key, None)).collect()
            }
        }
    }

    /// A map has this version now, or is not there.
    fn is_at(&mut self, key: &MapKey, version: Option<String>) -> Vec<JobKey> {
        let Some(map) = self.maps.get_mut(key).filter(|map| map.texts.is_empty() || map.version != version)
        else {
            return Vec::new();
        };
        map.changes += 1;
        map.version = None;
        map.texts.clear();
        map.jobs.iter().cloned().collect()
    }
}

fn key(map: &PartialObjectMeta<ConfigMap>) -> MapKey {
    (map.namespace().unwrap_or_default(), map.name_any())
}

fn found(map: Option<ConfigMap>, name: &str, entry: &str) -> SqlText {
    let Some(map) = map else {
        return SqlText::Missing(format!("there is no ConfigMap {name} in this namespace"));
    };
    let text = map.data.and_then(|mut data| data.remove(entry));
    text.map_or_else(|| SqlText::Missing(format!("the ConfigMap {name} has no key {entry}")), SqlText::Found)
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    // Every change is complete before anything can panic.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(name: &str) -> JobKey {
        JobKey { namespace: "n".into(), name: name.into() }
    }

    fn at() -> MapKey {
        ("n".into(), "sql".into())
    }

    fn map(name: &str, version: &str) -> PartialObjectMeta<ConfigMap> {
        let metadata = json!({"name": name, "namespace": "n", "resourceVersion": version});
        let (api, kind) = ("meta.k8s.io/v1", "PartialObjectMetadata");
        serde_json::from_value(json!({"apiVersion": api, "kind": kind, "metadata": metadata})).unwrap()
    }

    fn text(sql: &str) -> SqlText {
        SqlText::Found(sql.to_owned())
    }

    fn live() -> Known {
        let mut known = Known::default();
        known.hear(&Event::Init);
        known.hear(&Event::InitDone);
        known
    }

    #[test]
    fn a_map_is_read_once_until_it_changes() {
        let mut known = live();
        let changes = known.refer(&job("a"), &at(), "k").unwrap_err();
        known.read(&at(), changes, Some("5".into()), "k", text("SELECT 1"));
        assert_eq!(known.refer(&job("a"), &at(), "k"), Ok(text("SELECT 1")));
        assert_eq!(known.hear(&Event::Apply(map("sql", "5"))), [], "that is what was read");
        assert_eq!(known.hear(&Event::Apply(map("other", "6"))), [], "nobody refers to it");
        assert_eq!(known.maps.len(), 1, "and nothing is kept of it");
        assert_eq!(known.hear(&Event::Apply(map("sql", "7"))), [job("a")]);
        assert!(known.refer(&job("a"), &at(), "k").is_err());
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_behind_it() {
        let mut known = live();
        let changes = known.refer(&job("a"), &at(), "k").unwrap_err();
        assert_eq!(known.hear(&Event::Apply(map("sql", "6"))), [job("a")]);
        known.read(&at(), changes, Some("5".into()), "k", text("SELECT 1"));
        assert!(known.refer(&job("a"), &at(), "k").is_err());
    }

    #[test]
    fn nothing_is_used_twice_before_changes_come_in() {
        let mut known = Known::default();
        let changes = known.refer(&job("a"), &at(), "k").unwrap_err();
        known.read(&at(), changes, Some("5".into()), "k", text("SELECT 1"));
        assert!(known.refer(&job("a"), &at(), "k").is_err(), "it may have changed since");
        known.hear(&Event::Init);
        assert_eq!(known.hear(&Event::InitApply(map("sql", "6"))), [job("a")]);
        assert_eq!(known.hear(&Event::InitDone), []);
    }

    #[test]
    fn maps_that_come_and_go_are_news() {
        let mut known = live();
        let changes = known.refer(&job("a"), &at(), "k").unwrap_err();
        known.read(&at(), changes, None, "k", SqlText::Missing("there is none".into()));
        assert!(known.refer(&job("a"), &at(), "k").is_ok(), "that it is missing is known, too");
        assert_eq!(known.hear(&Event::Apply(map("sql", "5"))), [job("a")]);
        let changes = known.refer(&job("a"), &at(), "k").unwrap_err();
        known.read(&at(), changes, Some("5".into()), "k", text("SELECT 1"));
        assert_eq!(known.hear(&Event::Delete(map("sql", "6"))), [job("a")]);
        let changes = known.refer(&job("a"), &at(), "k").unwrap_err();
        known.read(&at(), changes, Some("9".into()), "k", text("SELECT 1"));
        // It went while the watch was broken.
        known.hear(&Event::Init);
        assert_eq!(known.hear(&Event::InitDone), [job("a")]);
    }

    #[test]
    fn a_map_that_nobody_refers_to_is_forgotten() {
        let mut known = live();
        let _ = known.refer(&job("a"), &at(), "k");
        let _ = known.refer(&job("b"), &at(), "k");
        let _ = known.refer(&job("a"), &("n".into(), "new".into()), "k");
        assert_eq!(known.hear(&Event::Apply(map("sql", "5"))), [job("b")]);
        known.forget(&job("b"));
        assert!(!known.maps.contains_key(&at()));
        assert_eq!(known.hear(&Event::Apply(map("new", "6"))), [job("a")]);
    }
}
