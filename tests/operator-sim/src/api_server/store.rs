//! Objects and their versions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::request::Ask;
use super::{Kind, schema};

/// The version at which an empty store begins: a client that asks for version 1 asks for one that is forgotten.
const FIRST: u64 = 100;

/// What names an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its namespace; empty for one that is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// A key.
    ///
    /// # Panics
    /// If no such kind is served.
    pub fn new(plural: &str, namespace: &str, name: &str) -> Self {
        let kind = Kind::named(plural).unwrap_or_else(|| panic!("{plural} are not served"));
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// A field: the names that lead to it.
pub(super) type Field = Vec<String>;

/// An object with what is known of it beside its fields.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) object: Arc<Value>,
    /// Fields by who applied or wrote them.
    pub(super) owners: BTreeMap<String, BTreeSet<Field>>,
}

/// A version of an object: from here on it is so, or is gone.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) revision: u64,
    pub(super) key: Key,
    pub(super) before: Option<Arc<Value>>,
    pub(super) after: Option<Arc<Value>>,
}

/// Everything that is stored. A clone is a copy.
#[derive(Clone, Debug)]
pub struct Store {
    revision: u64,
    uids: u64,
    pub(super) objects: BTreeMap<Key, Stored>,
    /// Objects as they were when versions were forgotten last, and all changes since.
    pub(super) base: BTreeMap<Key, Arc<Value>>,
    pub(super) changes: Vec<Change>,
    /// The version up to which all is forgotten.
    pub(super) compacted: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            revision: FIRST,
            uids: 0,
            objects: BTreeMap::new(),
            base: BTreeMap::new(),
            changes: Vec::new(),
            compacted: FIRST,
        }
    }
}

impl Store {
    /// The newest version.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// An object.
    pub fn object(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key).map(|stored| stored.object.as_ref())
    }

    /// All objects of a kind.
    pub fn of_kind<'a>(&'a self, plural: &'a str) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        let all = self.objects.iter().filter(move |(key, _)| key.kind.plural == plural);
        all.map(|(key, stored)| (key, stored.object.as_ref()))
    }

    /// All objects of a kind, to be kept while others change.
    pub fn shared(&self, plural: &str) -> Vec<(Key, Arc<Value>)> {
        let all = self.objects.iter().filter(|(key, _)| key.kind.plural == plural);
        all.map(|(key, stored)| (key.clone(), stored.object.clone())).collect()
    }

    /// All objects.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter().map(|(key, stored)| (key, stored.object.as_ref()))
    }

    /// Changes an object past all rules of requests, as a kubelet's status does; whether anything changed.
    pub fn edit(&mut self, key: &Key, change: impl FnOnce(&mut Value)) -> bool {
        let Some(stored) = self.objects.get(key) else { return false };
        let (mut object, owners) = (Value::clone(&stored.object), stored.owners.clone());
        change(&mut object);
        if object == *stored.object {
            return false;
        }
        self.put(key.clone(), object, owners);
        true
    }

    /// Removes an object past all rules.
    pub fn remove(&mut self, key: &Key) {
        let Some(stored) = self.objects.remove(key) else { return };
        self.revision += 1;
        let mut last = Value::clone(&stored.object);
        last["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        // What is told of a deletion is the last state, at the version of the deletion.
        self.log(key.clone(), Some(Arc::new(last)), None);
    }

    pub(super) fn get(&self, ask: &Ask) -> Result<(u16, Value), Refusal> {
        let key = ask.key();
        let object = self.object(&key).ok_or_else(|| Refusal::not_found(&key))?;
        Ok((200, object.clone()))
    }

    /// Stores an object under the next version; the object as it is now.
    pub(super) fn put(
        &mut self,
        key: Key,
        mut object: Value,
        owners: BTreeMap<String, BTreeSet<Field>>,
    ) -> Value {
        self.revision += 1;
        schema::complete(key.kind, &mut object);
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let version = key.kind.api_version();
        object["metadata"]["managedFields"] = owners
            .keys()
            .map(|manager| json!({"manager": manager, "operation": "Apply", "apiVersion": version}))
            .collect();
        let after = Arc::new(object.clone());
        let before = self.objects.insert(key.clone(), Stored { object: after.clone(), owners });
        self.log(key, before.map(|stored| stored.object), Some(after));
        object
    }

    fn log(&mut self, key: Key, before: Option<Arc<Value>>, after: Option<Arc<Value>>) {
        self.changes.push(Change { revision: self.revision, key, before, after });
    }

    /// A uid that no object had.
    pub(super) fn new_uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-4000-8000-{:012}", self.uids)
    }

    /// Objects as they were at a version.
    pub(super) fn at(&self, revision: u64) -> Result<BTreeMap<Key, Arc<Value>>, Refusal> {
        if revision < self.compacted {
            return Err(Refusal::expired());
        }
        let mut objects = self.base.clone();
        for change in self.changes.iter().take_while(|change| change.revision <= revision) {
            match &change.after {
                Some(object) => objects.insert(change.key.clone(), object.clone()),
                None => objects.remove(&change.key),
            };
        }
        Ok(objects)
    }

    /// Forgets all versions but the newest.
    pub(super) fn compact(&mut self) {
        self.base = self.objects.iter().map(|(key, stored)| (key.clone(), stored.object.clone())).collect();
        self.changes.clear();
        self.compacted = self.revision;
    }
}
