//! Key bytes of dense group numbers.
//!
//! A key of up to 12 bytes, as of a BIGINT, lies beside its length, so that comparing it reads one place of memory and no other.
//! Longer ones lie back to back in one buffer, and beside the length are the first bytes, which tell most keys apart, and the
//! place. Example: after `set(0, "a long key at 0")`, `set(1, "short")`, `set(2, "a long key at 2")` the buffer is
//! `a long key at 0a long key at 2`; `clear(0)` leaves a gap that is closed when more than half of the buffer is gaps.

/// Gaps smaller than this are not worth closing.
const MIN_GAP_BYTES: usize = 64 * 1024;

/// Longest key that lies beside its length.
const INLINE_BYTES: usize = 12;
/// Bytes of a longer one that do.
const HEAD_BYTES: usize = 4;

/// A key that is looked for, or the place of one that is there: its length, then all of it, or the first bytes and where it
/// starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyView {
    length: u32,
    bytes: [u8; INLINE_BYTES],
}

impl KeyView {
    /// Of a key that starts at `start` if it is long.
    fn new(key: &[u8], start: usize) -> Self {
        let mut bytes = [0; INLINE_BYTES];
        if key.len() <= INLINE_BYTES {
            bytes[..key.len()].copy_from_slice(key);
        } else {
            bytes[..HEAD_BYTES].copy_from_slice(&key[..HEAD_BYTES]);
            bytes[HEAD_BYTES..].copy_from_slice(&(start as u64).to_le_bytes());
        }
        Self { length: key.len() as u32, bytes }
    }

    /// To be looked for.
    pub(crate) fn wanted(key: &[u8]) -> Self {
        Self::new(key, 0)
    }

    const fn is_inline(&self) -> bool {
        self.length as usize <= INLINE_BYTES
    }

    fn start(&self) -> usize {
        let [_, _, _, _, start @ ..] = self.bytes;
        u64::from_le_bytes(start) as usize
    }
}

/// Owns one key for each number that was set.
#[derive(Debug, Default)]
pub(crate) struct KeyArena {
    bytes: Vec<u8>,
    views: Vec<KeyView>,
    gap_bytes: usize,
}

impl KeyArena {
    /// The key of a number; empty if it has none.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let view = &self.views[number as usize];
        let length = view.length as usize;
        if view.is_inline() {
            &view.bytes[..length]
        } else {
            &self.bytes[view.start()..view.start() + length]
        }
    }

    /// Whether a number has this key, of which `wanted` is the view.
    pub(crate) fn is(&self, number: u32, wanted: &KeyView, key: &[u8]) -> bool {
        let view = &self.views[number as usize];
        if wanted.is_inline() {
            return view == wanted;
        }
        view.length == wanted.length
            && view.bytes[..HEAD_BYTES] == wanted.bytes[..HEAD_BYTES]
            && self.bytes[view.start()..view.start() + key.len()] == *key
    }

    /// One past the highest number ever set.
    pub(crate) const fn slots(&self) -> usize {
        self.views.len()
    }

    /// Gives a number its key: a number that was cleared, or the next one.
    pub(crate) fn set(&mut self, number: u32, key: &[u8]) {
        if number as usize == self.views.len() {
            self.views.push(KeyView::default());
        }
        if key.len() > INLINE_BYTES {
            // Rather close gaps than grow: a table that lets keys go as fast as it takes them keeps its size.
            let is_full = self.bytes.len() + key.len() > self.bytes.capacity();
            if is_full && self.gap_bytes > MIN_GAP_BYTES && self.gap_bytes > self.bytes.len() / 8 {
                self.close_gaps();
            }
        }
        self.views[number as usize] = KeyView::new(key, self.bytes.len());
        if key.len() > INLINE_BYTES {
            self.bytes.extend_from_slice(key);
        }
    }

    /// Takes a number's key away.
    pub(crate) fn clear(&mut self, number: u32) {
        let view = std::mem::take(&mut self.views[number as usize]);
        if view.is_inline() {
            return;
        }
        self.gap_bytes += view.length as usize;
        if self.gap_bytes > MIN_GAP_BYTES && self.gap_bytes > self.bytes.len() / 2 {
            self.close_gaps();
        }
    }

    /// Takes all keys away but keeps the memory.
    pub(crate) fn clear_all(&mut self) {
        self.bytes.clear();
        self.views.clear();
        self.gap_bytes = 0;
    }

    fn close_gaps(&mut self) {
        let live = self.bytes.len() - self.gap_bytes;
        let mut bytes = Vec::with_capacity(live + live / 4);
        for view in self.views.iter_mut().filter(|view| !view.is_inline()) {
            let key = &self.bytes[view.start()..view.start() + view.length as usize];
            *view = KeyView::new(key, bytes.len());
            bytes.extend_from_slice(key);
        }
        self.bytes = bytes;
        self.gap_bytes = 0;
    }

    /// Allocates exactly as much as numbers `0..slots` need, if that is more than there is.
    pub(crate) fn reserve(&mut self, slots: usize) {
        self.views.reserve_exact(slots.saturating_sub(self.views.len()));
    }

    /// Allocated bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.capacity() + self.views.capacity() * size_of::<KeyView>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_closed_and_keys_stay() {
        let mut arena = KeyArena::default();
        let key = |n: u32| format!("{n:0>64}").into_bytes();
        for n in 0..4_000 {
            arena.set(n, &key(n));
        }
        for n in (0..4_000).filter(|n| n % 8 != 0) {
            arena.clear(n);
        }
        assert!(arena.bytes.len() < 130 * 1024, "{} bytes left", arena.bytes.len());
        for n in (0..4_000).step_by(8) {
            assert_eq!(arena.get(n), key(n));
        }
        assert_eq!(arena.get(1), b"");
        arena.set(1, b"again");
        arena.clear(2);
        assert_eq!((arena.get(1), arena.get(8)), (&b"again"[..], &key(8)[..]));
    }

    #[test]
    fn keys_of_every_length_are_told_apart() {
        let all: Vec<Vec<u8>> = (0..40).map(|length| vec![7; length]).collect();
        let mut others = all.clone();
        others.iter_mut().filter_map(|key| key.last_mut()).for_each(|last| *last = 8);
        let mut arena = KeyArena::default();
        for (number, key) in (0..).zip(&all) {
            arena.set(number, key);
        }
        for (number, key) in (0..).zip(&all) {
            assert_eq!(arena.get(number), key);
            for wanted in all.iter().chain(&others) {
                assert_eq!(arena.is(number, &KeyView::wanted(wanted), wanted), wanted == key, "{wanted:?}");
            }
        }
    }
}
