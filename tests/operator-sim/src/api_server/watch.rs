//! Changes as they happen.
//!
//! Who watches sees objects through its selector: one that begins to fit it is added, one that fits it no more is deleted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::list::is_meant;
use super::store::Change;
use super::{ApiServer, Ask, Refusal, request};

/// How often a watch without changes says which version it has reached.
const BOOKMARK: Duration = Duration::from_secs(60);

/// A watch.
pub struct Watch {
    server: ApiServer,
    revisions: Receiver<u64>,
    ask: Ask,
    /// The version up to which everything was told.
    reached: u64,
    until: Instant,
    bookmark: Option<Instant>,
    /// What is told before anything else.
    first: Vec<Value>,
}

impl Watch {
    pub(super) fn begin(server: &ApiServer, ask: &Ask) -> Result<Self, Refusal> {
        let revisions = server.revisions();
        let newest = server.with(|store| store.revision());
        let version = ask.parameter("resourceVersion").unwrap_or("0");
        let asked: u64 = version.parse().map_err(|_| Refusal::bad_request("invalid resource version"))?;
        let timeout: u64 =
            ask.parameter("timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(1_800);
        let wants_bookmarks = ask.parameter("allowWatchBookmarks") == Some("true");
        let mut watch = Self {
            server: server.clone(),
            revisions,
            ask: ask.clone(),
            reached: if asked == 0 { newest } else { asked },
            until: Instant::now() + Duration::from_secs(timeout),
            bookmark: wants_bookmarks.then(|| Instant::now() + BOOKMARK),
            first: Vec::new(),
        };
        if asked == 0 {
            watch.first = watch.all()?;
        }
        Ok(watch)
    }

    /// Everything that is there, for who asks for changes since no version in particular.
    fn all(&self) -> Result<Vec<Value>, Refusal> {
        self.server.with(|store| {
            let mut events = Vec::new();
            for (key, object) in store.all() {
                if is_meant(&self.ask, key, object)? {
                    events.push(self.event("ADDED", object));
                }
            }
            Ok(events)
        })
    }

    /// The next events; `None` at the end of the watch.
    pub async fn next(&mut self) -> Option<Vec<Value>> {
        loop {
            let first = std::mem::take(&mut self.first);
            if !first.is_empty() {
                return Some(first);
            }
            match self.news() {
                Ok(events) if events.is_empty() => {}
                Ok(events) => return Some(events),
                Err(refusal) => {
                    self.until = Instant::now();
                    self.reached = u64::MAX;
                    return Some(vec![json!({"type": "ERROR", "object": refusal.document()})]);
                }
            }
            if self.until <= Instant::now() {
                return None;
            }
            let wake = self.bookmark.map_or(self.until, |at| at.min(self.until));
            tokio::select! {
                changed = self.revisions.changed() => changed.ok()?,
                () = sleep_until(wake) => {
                    if self.bookmark.is_some_and(|at| at <= Instant::now()) {
                        self.bookmark = Some(Instant::now() + BOOKMARK);
                        return Some(vec![self.mark()]);
                    }
                }
            }
        }
    }

    /// What happened since this was asked last.
    fn news(&mut self) -> Result<Vec<Value>, Refusal> {
        if self.reached == u64::MAX {
            return Ok(Vec::new());
        }
        let changes: Vec<Change> = self.server.with(|store| {
            if self.reached < store.compacted {
                return Err(Refusal::too_old(self.reached, store.compacted));
            }
            let newest = store.revision();
            let begin = store.changes.partition_point(|change| change.revision <= self.reached);
            self.reached = self.reached.max(newest);
            Ok(store.changes[begin..].to_vec())
        })?;
        changes.iter().filter_map(|change| self.told(change).transpose()).collect()
    }

    fn told(&self, change: &Change) -> Result<Option<Value>, Refusal> {
        let fits = |object: &Option<Arc<Value>>| match object {
            Some(object) => is_meant(&self.ask, &change.key, object),
            None => Ok(false),
        };
        let (before, after) = (fits(&change.before)?, fits(&change.after)?);
        let event =
            |kind, object: &Option<Arc<Value>>| object.as_ref().map(|object| self.event(kind, object));
        Ok(match (before, after) {
            (false, true) => event("ADDED", &change.after),
            (true, true) => event("MODIFIED", &change.after),
            (true, false) => match (&change.before, &change.after) {
                (Some(before), Some(after)) => {
                    // The last state that fitted, at the version at which it ceased to.
                    let mut last = Value::clone(before);
                    last["metadata"]["resourceVersion"] = after["metadata"]["resourceVersion"].clone();
                    Some(self.event("DELETED", &last))
                }
                (before, _) => event("DELETED", before),
            },
            (false, false) => None,
        })
    }

    fn event(&self, kind: &str, object: &Value) -> Value {
        json!({"type": kind, "object": request::shown(&self.ask, object.clone())})
    }

    fn mark(&self) -> Value {
        let metadata = json!({"resourceVersion": self.reached.to_string()});
        let object = json!({"kind": self.ask.kind.kind, "apiVersion": self.ask.kind.api_version(), "metadata": metadata});
        json!({"type": "BOOKMARK", "object": object})
    }
}
