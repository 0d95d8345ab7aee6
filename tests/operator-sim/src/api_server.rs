//! A Kubernetes API server in memory: what the operator, the kubelet and people see of one.
//!
//! Owns objects, their versions and who owns which field. It has no network, no clock of its own and no background work: everything
//! happens in a call, and time comes with the call. `tests/behaviours.rs` puts the same questions to it and to the real one.
//!
//! It never does what no test compares: patches by JSON Patch, CEL and dry runs are refused.

mod apply;
mod delete;
mod kinds;
mod list;
mod merge;
mod refusal;
mod request;
mod schema;
mod selector;
mod store;
mod watch;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_lifecycle::time::Timestamp;
use serde_json::Value;
use tokio::sync::watch::{Receiver, Sender, channel};

pub use kinds::Kind;
pub use refusal::Refusal;
pub use request::{Ask, Verb};
pub use store::{Key, Store};
pub use watch::Watch;

/// What comes back.
pub enum Reply {
    /// One document.
    Document(u16, Value),
    /// Changes, as they happen.
    Changes(Box<Watch>),
}

/// The server. Clones are the same one.
#[derive(Clone)]
pub struct ApiServer {
    store: Arc<Mutex<Store>>,
    changed: Arc<Sender<u64>>,
}

impl ApiServer {
    /// One that holds this.
    pub fn new(store: Store) -> Self {
        let (changed, _) = channel(store.revision());
        Self { store: Arc::new(Mutex::new(store)), changed: Arc::new(changed) }
    }

    /// Answers a request.
    pub fn answer(&self, ask: &Ask, now: Timestamp) -> Reply {
        if let Verb::Watch = ask.verb {
            return match Watch::begin(self, ask) {
                Ok(watch) => Reply::Changes(Box::new(watch)),
                Err(refusal) => refusal.into_reply(),
            };
        }
        let mut store = self.lock();
        let before = store.revision();
        let answer = match ask.verb {
            Verb::Get => store.get(ask),
            Verb::List => list::list(&store, ask),
            Verb::Create => write::create(&mut store, ask, now),
            Verb::Update => write::update(&mut store, ask, now),
            Verb::MergePatch => write::merge_patch(&mut store, ask, now),
            Verb::Apply => apply::apply(&mut store, ask, now),
            Verb::Delete => delete::delete(&mut store, ask, now),
            Verb::Watch => Err(Refusal::bad_request("a watch is no document")),
        };
        self.tell(&store, before);
        match answer {
            Ok((code, object)) => Reply::Document(code, request::shown(ask, object)),
            Err(refusal) => refusal.into_reply(),
        }
    }

    /// Removes what belongs to objects that are gone, as the controller manager does a moment later. Whether there was any.
    pub fn collect_garbage(&self, now: Timestamp) -> bool {
        let mut store = self.lock();
        let before = store.revision();
        delete::collect_garbage(&mut store, now);
        self.tell(&store, before);
        store.revision() != before
    }

    /// Forgets all versions but the newest: who watches from an older one has to list again.
    pub fn compact(&self) {
        self.lock().compact();
        // Nothing changed, but who is behind has to be told.
        self.changed.send_modify(|_| {});
    }

    /// What is stored, to be looked at or to be changed past all rules.
    pub fn with<T>(&self, look: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.lock();
        let before = store.revision();
        let seen = look(&mut store);
        self.tell(&store, before);
        seen
    }

    /// Becomes another number with every change.
    pub(crate) fn revisions(&self) -> Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self, store: &Store, before: u64) {
        if store.revision() != before {
            self.changed.send_replace(store.revision());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
