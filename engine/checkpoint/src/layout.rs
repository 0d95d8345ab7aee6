//! Keys of the objects in a job's folder, in both directions.
//!
//! ```text
//! <namespace>.<name>.<uid>/
//!   generation/0000000003                                     epoch/0000000042
//!   checkpoint/0000000040.3/manifest                          checkpoint/0000000040.3/published
//!   state/<operator>/<table>/3.2.0-1.00c0ffee00c0ffee         staged/<sink>/3.2.4-0.00c0ffee00c0ffee
//!   pin/<name>
//! ```
//!
//! A writer is `<generation>.<attempt>.<chain>-<subtask>`. Operators, tables and names are escaped: everything but ASCII
//! letters, digits, `_` and `-` becomes `%` and two hexadecimal digits a byte, and what would be longer than 200 bytes is
//! cut to 160 and ends in `%~` and the hash of the whole. Nothing reads an escaped part back, the manifest has the original.

use std::fmt;

use millstream_model::{Attempt, CheckpointId, Epoch, Generation, JobIdentity, OperatorUid, SubtaskId};
use xxhash_rust::xxh3::xxh3_64;

/// Prefix of all generation claims.
pub const GENERATIONS: &str = "generation/";
/// Prefix of the epoch log.
pub const EPOCHS: &str = "epoch/";
/// Prefix of manifests and markers.
pub const CHECKPOINTS: &str = "checkpoint/";
/// Prefix of pins.
pub const PINS: &str = "pin/";

/// Part of a key longer than this is cut.
const LONGEST_PART: usize = 200;
/// What stays of it before the hash.
const CUT_PART: usize = 160;

/// The folder of a job within the storage root, with a `/` at its end. All keys below are relative to it.
#[must_use]
pub fn job_folder(job: &JobIdentity) -> String {
    format!("{}.{}.{}/", escaped(&job.namespace), escaped(&job.name), escaped(&job.uid))
}

/// Key of the claim of a generation.
#[must_use]
pub fn generation(generation: Generation) -> String {
    format!("{GENERATIONS}{:010}", generation.0)
}

/// Key of an entry of the epoch log.
#[must_use]
pub fn epoch(epoch: Epoch) -> String {
    format!("{EPOCHS}{:010}", epoch.0)
}

/// Key of a checkpoint's manifest.
#[must_use]
pub fn manifest(checkpoint: CheckpointId, generation: Generation) -> String {
    format!("{CHECKPOINTS}{:010}.{generation}/manifest", checkpoint.0)
}

/// Key of the marker that says that a checkpoint's output is visible.
#[must_use]
pub fn published(checkpoint: CheckpointId, generation: Generation) -> String {
    format!("{CHECKPOINTS}{:010}.{generation}/published", checkpoint.0)
}

/// Key of a pin.
#[must_use]
pub fn pin(name: &str) -> String {
    format!("{PINS}{}", escaped(name))
}

/// Key of a new segment of a state table. `nonce` is random: a subtask may write the same table many times.
#[must_use]
pub fn state(operator: &OperatorUid, table: &str, writer: Writer, nonce: u64) -> String {
    format!("state/{}/{}/{writer}.{nonce:016x}", escaped(&operator.0), escaped(table))
}

/// Key of a new segment of staged output.
#[must_use]
pub fn staged(sink: &OperatorUid, writer: Writer, nonce: u64) -> String {
    format!("staged/{}/{writer}.{nonce:016x}", escaped(&sink.0))
}

/// Who wrote an object that only manifests refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    /// The coordinator that deployed it.
    pub generation: Generation,
    /// The deployment.
    pub attempt: Attempt,
    /// The subtask.
    pub subtask: SubtaskId,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}-{}", self.generation, self.attempt, self.subtask.chain, self.subtask.index)
    }
}

/// What a key below a job's folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A claim of a generation; never deleted.
    Generation(Generation),
    /// An entry of the epoch log; never deleted.
    Epoch(Epoch),
    /// A manifest.
    Manifest(CheckpointId, Generation),
    /// The marker of a published checkpoint.
    Published(CheckpointId, Generation),
    /// A segment of state.
    State(Writer),
    /// A segment of staged output.
    Staged(Writer),
    /// A pin.
    Pin,
}

/// What this key, relative to the job's folder, is. `None` if it is not one of ours: such an object is left alone.
#[must_use]
pub fn parse(key: &str) -> Option<ObjectKind> {
    let parts: Vec<&str> = key.split('/').collect();
    match *parts.as_slice() {
        ["generation", number] => Some(ObjectKind::Generation(Generation(padded(number)?))),
        ["epoch", number] => Some(ObjectKind::Epoch(Epoch(padded(number)?))),
        ["checkpoint", folder, file] => {
            let (checkpoint, generation) = folder.split_once('.')?;
            let (checkpoint, generation) =
                (CheckpointId(padded(checkpoint)?), Generation(plain(generation)?));
            match file {
                "manifest" => Some(ObjectKind::Manifest(checkpoint, generation)),
                "published" => Some(ObjectKind::Published(checkpoint, generation)),
                _ => None,
            }
        }
        ["state", _operator, _table, name] => Some(ObjectKind::State(writer(name)?)),
        ["staged", _sink, name] => Some(ObjectKind::Staged(writer(name)?)),
        ["pin", _name] => Some(ObjectKind::Pin),
        _ => None,
    }
}

fn writer(name: &str) -> Option<Writer> {
    let parts: Vec<&str> = name.split('.').collect();
    let [generation, attempt, subtask, nonce] = *parts.as_slice() else { return None };
    let (chain, index) = subtask.split_once('-')?;
    let is_nonce = nonce.len() == 16 && nonce.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_nonce.then_some(Writer {
        generation: Generation(plain(generation)?),
        attempt: Attempt(u32::try_from(plain(attempt)?).ok()?),
        subtask: SubtaskId {
            chain: millstream_model::ChainId(u32::try_from(plain(chain)?).ok()?),
            index: u32::try_from(plain(index)?).ok()?,
        },
    })
}

/// A number as `{:010}` writes it, and in no other way.
fn padded(text: &str) -> Option<u64> {
    let number = digits(text)?;
    (format!("{number:010}") == text).then_some(number)
}

/// A number without leading zeros or signs.
fn plain(text: &str) -> Option<u64> {
    let number = digits(text)?;
    (number.to_string() == text).then_some(number)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A name as a part of a key, see the head of this module. Always the same for the same name; nothing reads it back.
#[must_use]
pub fn escaped(part: &str) -> String {
    use fmt::Write;
    let mut safe = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') {
            safe.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    if safe.is_empty() {
        safe.push('%');
    }
    if safe.len() > LONGEST_PART {
        safe.truncate(CUT_PART);
        let _ = write!(safe, "%~{:016x}", xxh3_64(part.as_bytes()));
    }
    safe
}

#[cfg(test)]
#[path = "layout/layout_test.rs"]
mod layout_test;
