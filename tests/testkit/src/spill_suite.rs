//! What every store for spilled state must do, as random sequences of operations against a plain map.
//!
//! One opened store goes through all sequences and is emptied in between, because opening costs more than a sequence.
//! Example: sequence 17 of seed 1 writes 40 entries, removes `61..61ff`, takes a snapshot, writes on, and must find in the
//! snapshot what the map had then.

mod keys;
mod sequence;

use std::ops::ControlFlow;

use millstream_state::{ScanOrder, Spill, SpillFactory};

use self::sequence::Sequence;

/// Greater than every key of the suite, which have at most 1,024 bytes.
const BEYOND_ALL_KEYS: &[u8] = &[0xff; 1_025];

/// How many sequences to run: `MILLSTREAM_SPILL_CASES`, or as many as given.
#[must_use]
pub fn sequences(usual: u64) -> u64 {
    std::env::var("MILLSTREAM_SPILL_CASES").ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// Runs sequences on an empty store and leaves it empty.
///
/// # Errors
/// What the store did wrong first: the sequence, the operations that led there, the expected and the actual result.
pub fn check(store: &dyn Spill, seed: u64, sequences: u64) -> Result<(), String> {
    for number in 0..sequences {
        let mut sequence = Sequence::new(store, seed, number);
        let outcome = sequence.run();
        outcome.map_err(|error| format!("sequence {number} of seed {seed}: {error}\nafter:\n{sequence}"))?;
        drop(sequence);
        store.delete_range(b"", BEYOND_ALL_KEYS).map_err(|error| error.to_string())?;
        if let Some(key) = first_key(store)? {
            return Err(format!(
                "sequence {number} of seed {seed}: {key:02x?} is there after all was removed"
            ));
        }
    }
    Ok(())
}

/// Checks what stores of one factory promise among each other: they are empty when they are opened, they do not see each
/// other's entries, and a snapshot outlives its store, even if one of the same name is opened meanwhile.
///
/// # Errors
/// The promise that was broken.
pub fn check_factory(factory: &dyn SpillFactory) -> Result<(), String> {
    let said = |error: millstream_state::SpillError| error.to_string();
    let first = factory.open("first").map_err(said)?;
    let second = factory.open("second").map_err(said)?;
    for round in 0..10_000_u32 {
        first.write(&[(&round.to_be_bytes(), Some(&[7; 100]))]).map_err(said)?;
    }
    if first_key(&*second)?.is_some() {
        return Err("a store sees the entries of another".to_owned());
    }
    let snapshot = first.snapshot(b"", BEYOND_ALL_KEYS).map_err(said)?;
    drop(first);
    let reopened = factory.open("first").map_err(said)?;
    if first_key(&*reopened)?.is_some() {
        return Err("a store is not empty when it is opened".to_owned());
    }
    let mut entries = 0;
    for chunk in snapshot {
        entries += chunk.map_err(said)?.len();
    }
    if entries != 10_000 {
        return Err(format!("a snapshot of 10,000 entries had {entries} when its store was gone"));
    }
    Ok(())
}

fn first_key(store: &dyn Spill) -> Result<Option<Vec<u8>>, String> {
    let mut first = None;
    let mut visit = |key: &[u8], _: &[u8]| {
        first = Some(key.to_vec());
        ControlFlow::Break(())
    };
    store.scan(b"", BEYOND_ALL_KEYS, ScanOrder::Ascending, &mut visit).map_err(|error| error.to_string())?;
    Ok(first)
}

#[cfg(test)]
mod spill_suite_test;
