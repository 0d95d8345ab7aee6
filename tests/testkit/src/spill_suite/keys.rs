//! Random keys, values and bounds that are unkind to ordered stores.
//!
//! Example: of 100 keys some 30 begin with the same 8 bytes, some 20 end with `ff`, one has 1,000 bytes. Few different bytes
//! make keys that meet again, and keys that begin with other keys.

use std::collections::BTreeSet;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// The ends of the range, their neighbours, and one between.
const BYTES: [u8; 5] = [0x00, 0x01, 0x61, 0xfe, 0xff];

const PREFIXES: [&[u8]; 4] = [b"", b"\x00\x07", b"\x00\x07shared", b"\xff\xff"];

/// More keys than a store may take in one go.
const MANY: usize = 600;

/// A key of 0 to 1,024 bytes, mostly few.
pub(super) fn key(random: &mut StdRng) -> Vec<u8> {
    let mut key = PREFIXES.choose(random).map_or_else(Vec::new, |prefix| prefix.to_vec());
    let length = match random.random_range(0..100) {
        0 => random.random_range(0..=1_016),
        1..10 => random.random_range(0..40),
        _ => random.random_range(0..4),
    };
    key.extend((0..length).map(|_| BYTES[random.random_range(0..BYTES.len())]));
    key
}

/// A value of 0 to 65,536 bytes, mostly few, often none.
pub(super) fn value(random: &mut StdRng) -> Vec<u8> {
    let length = match random.random_range(0..400) {
        0 => random.random_range(0..=65_536),
        1..100 => 0,
        _ => random.random_range(1..40),
    };
    let fill: u8 = random.random();
    (0..length).map(|at: usize| fill.wrapping_add(at.to_le_bytes()[0])).collect()
}

/// Different keys in order: mostly few, sometimes more than a store takes in one go. Some of them are `present`.
pub(super) fn sorted(random: &mut StdRng, present: &[&Vec<u8>]) -> Vec<Vec<u8>> {
    if !random.random_bool(0.03) {
        let number = random.random_range(0..30);
        return (0..number)
            .map(|_| known_or_new(random, present))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
    }
    let mut keys: BTreeSet<_> = present.iter().take(MANY).map(|key| (*key).clone()).collect();
    while keys.len() < MANY {
        let mut key = key(random);
        key.truncate(1_016);
        key.extend(random.random::<u64>().to_be_bytes());
        keys.insert(key);
    }
    keys.into_iter().collect()
}

/// Bounds of a range; now and then the wrong way round, equal, or around everything.
pub(super) fn bounds(random: &mut StdRng, present: &[&Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let (from, to) = (known_or_new(random, present), known_or_new(random, present));
    match random.random_range(0..20) {
        0 => (from.clone(), from),
        1 => (from.clone().max(to.clone()), from.min(to)),
        2..6 => (Vec::new(), super::BEYOND_ALL_KEYS.to_vec()),
        _ => (from.clone().min(to.clone()), from.max(to)),
    }
}

fn known_or_new(random: &mut StdRng, present: &[&Vec<u8>]) -> Vec<u8> {
    let known = if random.random_bool(0.5) { present.choose(random) } else { None };
    known.map_or_else(|| key(random), |known| (*known).clone())
}
