//! From encoded keys to dense group numbers.
//!
//! Columns of accumulators are indexed by these numbers. Freed numbers are used again, last freed first, so the columns stay
//! dense. Example: the keys `a b a c` get the numbers `0 1 0 2`; after `b` is removed, `d` gets 1.

use arrow::array::BinaryViewArray;
use arrow::error::ArrowError;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::copy_buffers::CopyBuffers;
use crate::key_arena::{KeyArena, KeyView};

/// 8 bytes an entry: half of the hash tells most other keys apart without a look at the key.
#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    group: u32,
}

/// A map from key bytes to dense numbers. Iteration order never depends on hashes.
#[derive(Debug, Default)]
pub struct GroupIndex {
    table: HashTable<Slot>,
    /// Mixed hash of each group, for growing the table and for removal.
    hashes: Vec<u64>,
    keys: KeyArena,
    free: Vec<u32>,
}

impl GroupIndex {
    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// One past the highest group number in use: the length that columns must have.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.keys.slots()
    }

    /// The key of a group. Panics if the number was never given.
    #[must_use]
    pub fn key(&self, group: u32) -> &[u8] {
        self.keys.get(group)
    }

    /// The keys of these groups, sharing most of their bytes.
    ///
    /// # Errors
    /// Never, unless a block of keys is not what it was.
    pub(crate) fn shared_keys(
        &self,
        groups: &[u32],
        buffers: &CopyBuffers,
    ) -> Result<BinaryViewArray, ArrowError> {
        self.keys.shared(groups, buffers)
    }

    /// Bytes of keys that [`GroupIndex::shared_keys`] shares.
    pub(crate) fn shared_bytes(&self) -> usize {
        self.keys.block_bytes()
    }

    /// The group of a key, if it has one. `hash` must be the one that it was inserted with.
    #[must_use]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let (hash, wanted) = (mix(hash), KeyView::wanted(key));
        self.table
            .find(hash, |slot| slot.tag == tag(hash) && self.keys.is(slot.group, &wanted, key))
            .map(|slot| slot.group)
    }

    /// The group of a key, and whether it is new. Equal keys must come with equal hashes.
    pub fn find_or_insert(&mut self, hash: u64, key: &[u8]) -> (u32, bool) {
        let (hash, wanted) = (mix(hash), KeyView::wanted(key));
        let Self { table, hashes, keys, free } = self;
        let entry = table.entry(
            hash,
            |slot| slot.tag == tag(hash) && keys.is(slot.group, &wanted, key),
            |slot| hashes[slot.group as usize],
        );
        match entry {
            Entry::Occupied(found) => (found.get().group, false),
            Entry::Vacant(vacant) => {
                let group = free.pop().unwrap_or(keys.slots() as u32);
                vacant.insert(Slot { tag: tag(hash), group });
                keys.set(group, key);
                match hashes.get_mut(group as usize) {
                    Some(slot) => *slot = hash,
                    None => hashes.push(hash),
                }
                (group, true)
            }
        }
    }

    /// Forgets a group's key; the number will be given to another one.
    pub fn remove(&mut self, group: u32) {
        let hash = self.hashes[group as usize];
        if let Ok(found) = self.table.find_entry(hash, |slot| slot.group == group) {
            found.remove();
            self.keys.clear(group);
            self.free.push(group);
        }
    }

    /// Forgets everything but keeps the memory for as many keys, and for a block of long ones.
    pub fn clear(&mut self) {
        self.table.clear();
        self.hashes.clear();
        self.keys.clear_all();
        self.free.clear();
    }

    /// Allocates exactly as much as numbers `0..slots` need beside their keys' bytes, if that is more than there is.
    pub fn reserve(&mut self, slots: usize) {
        self.table.reserve(slots.saturating_sub(self.table.len()), |slot| self.hashes[slot.group as usize]);
        self.hashes.reserve_exact(slots.saturating_sub(self.hashes.len()));
        self.keys.reserve(slots);
    }

    /// Allocated bytes, by estimate.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.allocation_size()
            + self.hashes.capacity() * 8
            + self.keys.bytes()
            + self.free.capacity() * 4
    }
}

/// The keys of one subtask share their key groups, hence the remainder of their hash: without mixing, the low bits, which
/// place an entry in the table, would take only a few values.
const fn mix(hash: u64) -> u64 {
    let product = hash as u128 * 0x9e37_79b9_7f4a_7c15_u128;
    (product as u64) ^ ((product >> 64) as u64)
}

const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use millstream_model::key_group::key_hash;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_dense_and_used_again() {
        let mut index = GroupIndex::default();
        let mut number = |key: &str| index.find_or_insert(key_hash(key.as_bytes()), key.as_bytes());
        assert_eq!(["a", "b", "a", "c"].map(&mut number), [(0, true), (1, true), (0, false), (2, true)]);
        index.remove(1);
        assert_eq!(index.find(key_hash(b"b"), b"b"), None);
        assert_eq!(index.find_or_insert(key_hash(b"d"), b"d"), (1, true));
        assert_eq!((index.len(), index.slots(), index.key(1)), (3, 3, &b"d"[..]));
        index.clear();
        assert_eq!((index.len(), index.slots(), index.find(key_hash(b"a"), b"a")), (0, 0, None));
        assert_eq!(index.find_or_insert(key_hash(b"c"), b"c"), (0, true));
    }

    #[test]
    fn keys_of_one_key_group_are_spread() {
        // All hashes are equal modulo 256, as the keys of one key group are.
        let mut low_bits = std::collections::HashSet::new();
        for n in 0..10_000_u64 {
            low_bits.insert(mix(n.wrapping_mul(0x1234_5678_9abc_de00) << 8 | 7) & 0xff);
        }
        assert!(low_bits.len() > 250, "only {} of 256 places", low_bits.len());
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((any::<bool>(), 0_u8..40), 0..400)) {
            let mut index = GroupIndex::default();
            let mut model: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            for (is_insert, key) in steps {
                // Few hashes, so that different keys collide.
                let (bytes, hash) = (vec![key; key as usize % 5], u64::from(key % 5));
                if is_insert {
                    let (group, is_new) = index.find_or_insert(hash, &bytes);
                    prop_assert_eq!(is_new, !model.contains_key(&bytes));
                    prop_assert_eq!(*model.entry(bytes).or_insert(group), group);
                } else if let Some(group) = model.remove(&bytes) {
                    index.remove(group);
                }
                prop_assert_eq!(index.len(), model.len());
                let groups: std::collections::BTreeSet<u32> = model.values().copied().collect();
                prop_assert_eq!(groups.len(), model.len());
                prop_assert!(groups.iter().all(|g| (*g as usize) < index.slots()));
            }
            for (key, group) in &model {
                prop_assert_eq!(index.key(*group), &key[..]);
            }
        }
    }
}
