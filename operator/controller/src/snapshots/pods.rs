//! Pods that work for snapshots, kept up to date by a watch of their own: there are few, and they have no job's label.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Client, ResourceExt as _};
use millstream_api::k8s_openapi::api::core::v1::Pod;
use millstream_api::names::COMPONENT_LABEL;
use millstream_lifecycle::build::TOOL;
use millstream_lifecycle::snapshot::ToolPod;
use tokio::sync::{mpsc, watch as state};

use super::SnapshotKey;
use crate::observe::{MANAGED_BY, MANAGER, ToolSeen, tool};
use millstream_model::error::with_causes;

/// All pods that work for snapshots, by their own uid.
#[derive(Debug, Default)]
pub(super) struct ToolPods {
    known: Mutex<HashMap<String, ToolSeen>>,
}

impl ToolPods {
    /// The pods of a snapshot.
    pub(super) fn of(&self, uid: &str) -> Vec<ToolPod> {
        let known = self.lock();
        known.values().filter(|seen| seen.owner == uid).map(|seen| seen.pod.clone()).collect()
    }

    /// Keeps itself up to date for ever; `ready` becomes true when the first list is complete. Snapshots with news go to `news`.
    pub(super) async fn keep(
        &self,
        client: Client,
        namespace: Option<String>,
        ready: state::Sender<bool>,
        news: mpsc::UnboundedSender<SnapshotKey>,
    ) {
        let api: Api<Pod> = match &namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let labels = format!("{MANAGED_BY}={MANAGER},{COMPONENT_LABEL}={TOOL}");
        let config = watcher::Config::default().labels(&labels);
        let mut events = std::pin::pin!(watch(api, config).default_backoff());
        let mut listing = HashMap::new();
        while let Some(event) = events.next().await {
            let changed = match event {
                Ok(Event::Init) => {
                    listing.clear();
                    Vec::new()
                }
                Ok(Event::InitApply(pod)) => {
                    listing.extend(seen(&pod));
                    Vec::new()
                }
                Ok(Event::InitDone) => {
                    let old = std::mem::replace(&mut *self.lock(), std::mem::take(&mut listing));
                    ready.send_replace(true);
                    old.into_values().chain(self.lock().values().cloned()).collect()
                }
                Ok(Event::Apply(pod)) => {
                    let changed = seen(&pod);
                    self.lock().extend(changed.clone());
                    changed.into_iter().map(|(_, seen)| seen).collect()
                }
                Ok(Event::Delete(pod)) => {
                    self.lock().remove(&pod.uid().unwrap_or_default());
                    seen(&pod).into_iter().map(|(_, seen)| seen).collect::<Vec<_>>()
                }
                Err(error) => {
                    tracing::warn!("watching pods of snapshots: {}", with_causes(&error));
                    Vec::new()
                }
            };
            for ToolSeen { namespace, snapshot: name, .. } in changed {
                let _ = news.send(SnapshotKey { namespace, name });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, ToolSeen>> {
        // Every change is complete before anything can panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seen(pod: &Pod) -> Option<(String, ToolSeen)> {
    let seen = tool(pod)?;
    Some((seen.pod.uid.clone(), seen))
}
