//! A cluster with one node, the engines on it, and the bucket.
//!
//! The API server holds what Kubernetes knows; [`Engines`] holds what it does not: processes, and the epochs in the bucket. Both are
//! plain data, so a world can be copied while it rests, and every fault begins in the same one.

mod bucket;
mod control;
mod engines;
mod node;
mod process;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use millstream_controller::Clock;
use millstream_lifecycle::time::Timestamp;
use serde_json::json;

use crate::api_server::{ApiServer, Ask, Key, Reply, Store, Verb};
use crate::connection::Calls;

pub use control::Switchboard;
pub use engines::Engines;

/// How often everybody in the world does something.
pub const TICK: Duration = Duration::from_millis(200);
/// The namespace of all jobs here.
pub const NAMESPACE: &str = "shop";

/// A world at rest.
#[derive(Clone, Debug)]
pub struct Snapshot {
    store: Store,
    engines: Engines,
    now: Timestamp,
}

/// A world in which time passes.
#[derive(Clone)]
pub struct World {
    /// What Kubernetes knows.
    pub server: ApiServer,
    /// The time.
    pub clock: Clock,
    /// What the operator asked for.
    pub calls: Arc<Calls>,
    engines: Arc<Mutex<Engines>>,
}

impl Snapshot {
    /// A world with a namespace in it.
    ///
    /// # Panics
    /// If the API server refuses that.
    pub fn empty() -> Self {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let server = ApiServer::new(Store::default());
        let world = World::new(server, Engines::default(), now);
        world.ask(
            Verb::Create,
            &Key::new("namespaces", "", NAMESPACE),
            json!({"metadata": {"name": NAMESPACE}}),
        );
        world.snapshot()
    }
}

impl World {
    /// The world from here on. Has to be called where timers run.
    pub fn begin(snapshot: &Snapshot) -> Self {
        let Snapshot { store, engines, now } = snapshot.clone();
        let server = ApiServer::new(store);
        server.compact();
        Self::new(server, engines, now)
    }

    fn new(server: ApiServer, engines: Engines, now: Timestamp) -> Self {
        let clock = Clock::of_timers(now);
        Self { server, clock, calls: Arc::default(), engines: Arc::new(Mutex::new(engines)) }
    }

    /// A copy of it as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let store = self.server.with(|store| store.clone());
        Snapshot { store, engines: self.engines().clone(), now: self.clock.now() }
    }

    /// Lets everybody but the operator do what they do, for ever.
    pub async fn turn(self) {
        let mut collected = 0;
        loop {
            tokio::time::sleep(TICK).await;
            let now = self.clock.now();
            let revision = self.server.with(|store| store.revision());
            if std::mem::replace(&mut collected, revision) != revision {
                self.server.collect_garbage(now);
            }
            let mut engines = self.engines();
            node::turn(&self.server, &mut engines, now);
            engines.turn(&self.server, now);
        }
    }

    /// What Kubernetes does not know.
    pub fn engines(&self) -> MutexGuard<'_, Engines> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A person asks the API server for something.
    ///
    /// # Panics
    /// If it refuses.
    pub fn ask(&self, verb: Verb, key: &Key, body: serde_json::Value) -> serde_json::Value {
        match self.server.answer(&Ask::by_a_person(verb, key, body), self.clock.now()) {
            Reply::Document(code, document) if code < 300 => document,
            Reply::Document(_, document) => panic!("{document}"),
            Reply::Changes(_) => panic!("a watch is no document"),
        }
    }

    /// The job of this name, if it is there.
    pub fn job(&self, name: &str) -> Option<serde_json::Value> {
        self.server.with(|store| store.object(&Key::new("streamjobs", NAMESPACE, name)).cloned())
    }
}
