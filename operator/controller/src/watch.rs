//! Watches of the objects that belong to jobs.

use std::sync::Arc;

use futures::StreamExt as _;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Client, ResourceExt as _};
use millstream_lifecycle::observed::ChildKind;
use millstream_model::error::with_causes;
use tokio::sync::{mpsc, watch as state};

use crate::children::{Children, JobKey};
use crate::observe::{self, MANAGED_BY, MANAGER};

/// Kinds of objects that are made for a job, and of which all is watched.
pub(crate) const KINDS: [ChildKind; 5] = [
    ChildKind::ConfigMap,
    ChildKind::Service,
    ChildKind::NetworkPolicy,
    ChildKind::PodDisruptionBudget,
    ChildKind::Pod,
];

/// The API of a kind.
pub(crate) fn resource(kind: ChildKind) -> ApiResource {
    let (group, version) = match kind {
        ChildKind::ConfigMap | ChildKind::Service | ChildKind::Pod | ChildKind::Secret => ("", "v1"),
        ChildKind::NetworkPolicy => ("networking.k8s.io", "v1"),
        ChildKind::PodDisruptionBudget => ("policy", "v1"),
    };
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind.to_string()))
}

/// Objects of one kind, of one namespace or of all.
pub(crate) fn api(client: &Client, resource: &ApiResource, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}

/// Keeps `children` up to date with one kind, for ever; `ready` becomes true when the first list is complete. Jobs with news go to
/// `news`.
pub(crate) async fn keep(
    kind: ChildKind,
    api: Api<DynamicObject>,
    children: Arc<Children>,
    ready: state::Sender<bool>,
    news: mpsc::UnboundedSender<JobKey>,
) {
    let config = watcher::Config::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
    let mut events = std::pin::pin!(watch(api, config).default_backoff());
    while let Some(event) = events.next().await {
        let changed = match event {
            Ok(Event::Init) => {
                children.begin(kind);
                Vec::new()
            }
            Ok(Event::InitApply(object) | Event::Apply(object)) => put(&children, kind, &object),
            Ok(Event::Delete(object)) => remove(&children, kind, &object),
            Ok(Event::InitDone) => {
                let changed = children.done(kind);
                ready.send_replace(true);
                changed
            }
            Err(error) => {
                tracing::warn!("watching {kind}: {}", with_causes(&error));
                Vec::new()
            }
        };
        for job in changed {
            let _ = news.send(job);
        }
    }
}

fn put(children: &Children, kind: ChildKind, object: &DynamicObject) -> Vec<JobKey> {
    match observe::child(kind, object) {
        Some(seen) => children.put(&object.namespace().unwrap_or_default(), seen),
        None => remove(children, kind, object),
    }
}

fn remove(children: &Children, kind: ChildKind, object: &DynamicObject) -> Vec<JobKey> {
    let namespace = object.namespace().unwrap_or_default();
    children.remove(kind, &namespace, &object.name_any()).into_iter().collect()
}
