//! What this process wrote and has not seen in its watch yet.
//!
//! A watch is behind: right after a status was written it still shows the one before. A decision made from that would be made twice. So
//! the answer to a write stands for the object until the watch has caught up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::core::DynamicObject;

/// Newest answers to writes, by the uid of the object.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    of: Mutex<HashMap<String, Written>>,
}

#[derive(Debug)]
struct Written {
    /// Versions that are older than the newest write: the one it was based on, and those of writes before.
    past: Vec<String>,
    newest: Arc<DynamicObject>,
}

impl Writes {
    /// The object as it is after the newest write, if the watch does not show that yet; else as the watch shows it.
    pub(crate) fn newest(&self, seen: Arc<DynamicObject>) -> Arc<DynamicObject> {
        let (Some(uid), Some(version)) = (&seen.metadata.uid, &seen.metadata.resource_version) else {
            return seen;
        };
        let mut of = self.lock();
        match of.get(uid) {
            Some(written) if written.past.contains(version) => written.newest.clone(),
            _ => {
                of.remove(uid);
                seen
            }
        }
    }

    /// A write that was based on this version has been answered by this object.
    pub(crate) fn wrote(&self, based_on: Option<String>, answer: Arc<DynamicObject>) {
        let (Some(uid), Some(based_on)) = (answer.metadata.uid.clone(), based_on) else { return };
        if answer.metadata.resource_version.as_ref() == Some(&based_on) {
            return;
        }
        let mut of = self.lock();
        let mut past = of.remove(&uid).map(|written| written.past).unwrap_or_default();
        past.push(based_on);
        of.insert(uid, Written { past, newest: answer });
    }

    /// Forgets an object.
    pub(crate) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Written>> {
        // Every change is complete before anything can panic.
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(version: &str) -> Arc<DynamicObject> {
        let metadata = json!({"name": "j", "uid": "u", "resourceVersion": version});
        Arc::new(serde_json::from_value(json!({"metadata": metadata})).unwrap())
    }

    fn version(object: &DynamicObject) -> &str {
        object.metadata.resource_version.as_deref().unwrap()
    }

    #[test]
    fn a_write_stands_until_the_watch_has_caught_up() {
        let writes = Writes::default();
        writes.wrote(Some("10".into()), object("11"));
        writes.wrote(Some("11".into()), object("15"));
        assert_eq!(version(&writes.newest(object("10"))), "15");
        assert_eq!(version(&writes.newest(object("11"))), "15");
        assert_eq!(version(&writes.newest(object("16"))), "16", "somebody else wrote since");
        assert_eq!(version(&writes.newest(object("15"))), "15");
        assert_eq!(version(&writes.newest(object("10"))), "10", "nothing is kept for ever");
    }

    #[test]
    fn a_write_that_changed_nothing_is_none() {
        let writes = Writes::default();
        writes.wrote(Some("10".into()), object("10"));
        assert_eq!(version(&writes.newest(object("10"))), "10");
    }
}
