//! One sequence of operations: each is done to the store and to a map, and both must agree.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::ControlFlow;
use std::thread::{self, JoinHandle};

use millstream_state::{ScanOrder, Spill, SpillChunk, SpillError};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{BEYOND_ALL_KEYS, keys};

/// Snapshots that are open at a time.
const SNAPSHOTS: usize = 3;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;
type Entries = Vec<(Vec<u8>, Vec<u8>)>;
type Chunks = Box<dyn Iterator<Item = Result<SpillChunk, SpillError>> + Send>;

/// A store, what must be in it, and what was done to it.
pub(super) struct Sequence<'a> {
    store: &'a dyn Spill,
    random: StdRng,
    model: Map,
    snapshots: Vec<Snapshot>,
    done: Vec<String>,
}

/// A snapshot that is yet to be looked at, and what must be in it.
struct Snapshot {
    reader: Reader,
    expected: Entries,
}

enum Reader {
    /// Read by another thread at once, while the sequence goes on.
    Beside(JoinHandle<Result<Entries, String>>),
    /// Read when the sequence comes to it, wholly or in part.
    Later(Chunks),
}

impl<'a> Sequence<'a> {
    pub(super) fn new(store: &'a dyn Spill, seed: u64, number: u64) -> Self {
        let random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number));
        Self { store, random, model: Map::new(), snapshots: Vec::new(), done: Vec::new() }
    }

    /// # Errors
    /// The first difference.
    pub(super) fn run(&mut self) -> Result<(), String> {
        for _ in 0..self.random.random_range(1..40) {
            match self.random.random_range(0..100) {
                0..25 => self.get()?,
                25..60 => self.write()?,
                60..66 => self.delete_range()?,
                66..84 => self.scan()?,
                84..92 => self.take_snapshot()?,
                _ => self.finish_snapshot()?,
            }
        }
        while !self.snapshots.is_empty() {
            self.finish_snapshot()?;
        }
        self.scan_and_compare(b"", BEYOND_ALL_KEYS, ScanOrder::Ascending, usize::MAX)?;
        // Accounts are estimates, but asking must work.
        let _ = (self.store.memory_bytes(), self.store.disk_bytes());
        Ok(())
    }

    fn get(&mut self) -> Result<(), String> {
        let keys = keys::sorted(&mut self.random, &self.model.keys().collect::<Vec<_>>());
        self.done.push(format!("get {} keys", keys.len()));
        let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let mut found = Vec::new();
        let mut note = |position: usize, value: &[u8]| found.push((position, value.to_vec()));
        self.store.get(&borrowed, &mut note).map_err(|error| error.to_string())?;
        let there = keys.iter().enumerate();
        let expected: Vec<_> =
            there.filter_map(|(at, key)| Some((at, self.model.get(key)?.clone()))).collect();
        if found == expected {
            return Ok(());
        }
        Err(format!(
            "get {keys:02x?} found the positions {:?}, not {:?}, or values that differ",
            found.iter().map(|(at, _)| at).collect::<Vec<_>>(),
            expected.iter().map(|(at, _)| at).collect::<Vec<_>>(),
        ))
    }

    fn write(&mut self) -> Result<(), String> {
        let keys = keys::sorted(&mut self.random, &self.model.keys().collect::<Vec<_>>());
        let random = &mut self.random;
        let changes: Vec<_> = keys
            .into_iter()
            .map(|key| (key, if random.random_bool(0.25) { None } else { Some(keys::value(random)) }))
            .collect();
        self.done.push(format!(
            "write {}",
            changes.iter().fold(String::new(), |text, (key, value)| {
                text + &format!(
                    "{} {} ",
                    hex(key),
                    value.as_ref().map_or_else(|| "-".to_owned(), |v| v.len().to_string())
                )
            })
        ));
        let borrowed: Vec<_> =
            changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
        self.store.write(&borrowed).map_err(|error| error.to_string())?;
        for (key, value) in changes {
            match value {
                Some(value) => self.model.insert(key, value),
                None => self.model.remove(&key),
            };
        }
        Ok(())
    }

    fn delete_range(&mut self) -> Result<(), String> {
        let (from, to) = keys::bounds(&mut self.random, &self.model.keys().collect::<Vec<_>>());
        self.done.push(format!("delete {}..{}", hex(&from), hex(&to)));
        self.store.delete_range(&from, &to).map_err(|error| error.to_string())?;
        self.model.retain(|key, _| *key < from || *key >= to);
        Ok(())
    }

    fn scan(&mut self) -> Result<(), String> {
        let (from, to) = keys::bounds(&mut self.random, &self.model.keys().collect::<Vec<_>>());
        let order = if self.random.random_bool(0.5) { ScanOrder::Ascending } else { ScanOrder::Descending };
        let limit = if self.random.random_bool(0.5) { self.random.random_range(1..10) } else { usize::MAX };
        self.done.push(format!("scan {}..{} {order:?}, at most {limit}", hex(&from), hex(&to)));
        self.scan_and_compare(&from, &to, order, limit)
    }

    fn scan_and_compare(&self, from: &[u8], to: &[u8], order: ScanOrder, limit: usize) -> Result<(), String> {
        let mut seen = Entries::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            seen.push((key.to_vec(), value.to_vec()));
            if seen.len() >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        self.store.scan(from, to, order, &mut visit).map_err(|error| error.to_string())?;
        let mut expected = self.entries(from, to);
        if order == ScanOrder::Descending {
            expected.reverse();
        }
        expected.truncate(limit);
        compare("scan", &seen, &expected)
    }

    fn take_snapshot(&mut self) -> Result<(), String> {
        if self.snapshots.len() == SNAPSHOTS {
            return self.finish_snapshot();
        }
        let (from, to) = keys::bounds(&mut self.random, &self.model.keys().collect::<Vec<_>>());
        self.done.push(format!("take snapshot {}..{}", hex(&from), hex(&to)));
        let chunks = self.store.snapshot(&from, &to).map_err(|error| error.to_string())?;
        let reader = if self.random.random_bool(0.5) {
            Reader::Beside(thread::spawn(move || read(chunks, usize::MAX)))
        } else {
            Reader::Later(chunks)
        };
        self.snapshots.push(Snapshot { reader, expected: self.entries(&from, &to) });
        Ok(())
    }

    fn finish_snapshot(&mut self) -> Result<(), String> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        let at = self.random.random_range(0..self.snapshots.len());
        let Snapshot { reader, mut expected } = self.snapshots.remove(at);
        self.done.push(format!("finish snapshot {at}"));
        let seen = match reader {
            Reader::Beside(thread) => {
                thread.join().map_err(|_| "reading a snapshot panicked".to_owned())??
            }
            Reader::Later(chunks) => {
                // Left unread in part: the store has to let go of the rest.
                let limit = if self.random.random_bool(0.3) { 1 } else { usize::MAX };
                let seen = read(chunks, limit)?;
                expected.truncate(if limit == usize::MAX { limit } else { seen.len() });
                seen
            }
        };
        compare("snapshot", &seen, &expected)
    }

    fn entries(&self, from: &[u8], to: &[u8]) -> Entries {
        let inside = self.model.iter().filter(|(key, _)| key.as_slice() >= from && key.as_slice() < to);
        inside.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// What was done, an operation a line.
impl fmt::Display for Sequence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.done.iter().try_for_each(|operation| writeln!(f, "  {operation}"))
    }
}

/// The entries of the first `limit` chunks.
fn read(chunks: Chunks, limit: usize) -> Result<Entries, String> {
    let mut entries = Entries::new();
    for chunk in chunks.take(limit) {
        let chunk = chunk.map_err(|error| error.to_string())?;
        if chunk.is_empty() {
            return Err("a chunk is empty".to_owned());
        }
        entries.extend(chunk);
    }
    Ok(entries)
}

fn compare(what: &str, seen: &Entries, expected: &Entries) -> Result<(), String> {
    if seen == expected {
        return Ok(());
    }
    let at = seen.iter().zip(expected).take_while(|(seen, expected)| seen == expected).count();
    let show = |entries: &Entries| match entries.get(at) {
        Some((key, value)) => format!("{} with {} bytes", hex(key), value.len()),
        None => "no more".to_owned(),
    };
    let (seen_len, expected_len) = (seen.len(), expected.len());
    Err(format!(
        "{what}: {seen_len} entries instead of {expected_len}; entry {at} is {}, not {}",
        show(seen),
        show(expected)
    ))
}

/// Long keys are cut: the sequence can be repeated by its number.
fn hex(key: &[u8]) -> String {
    let mut text = String::new();
    for byte in key.iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    if key.len() > 16 {
        let _ = write!(text, "~{}", key.len());
    }
    if text.is_empty() { "''".to_owned() } else { text }
}
