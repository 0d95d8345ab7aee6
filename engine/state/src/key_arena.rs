//! Key bytes of dense group numbers.
//!
//! A key of up to 12 bytes, as of a BIGINT, lies beside its length, so that comparing it reads one place of memory and no other.
//! Longer ones lie back to back in blocks, and beside the length are the first bytes, which tell most keys apart, and the place.
//! That is the layout of Arrow's views: a copy for a checkpoint shares the blocks, which never change once they are full.
//!
//! Example: after `set(0, "a long key at 0")`, `set(1, "short")`, `set(2, "a long key at 2")` the block is
//! `a long key at 0a long key at 2`; `clear(0)` leaves a gap that is closed when more than half of all bytes are gaps.

use arrow::array::BinaryViewArray;
use arrow::buffer::Buffer;
use arrow::error::ArrowError;

use crate::copy_buffers::CopyBuffers;

/// Gaps smaller than this are not worth closing.
const MIN_GAP_BYTES: usize = 64 * 1024;

/// Long keys fill a block before the next one begins. A copy takes the last one whole. Tests fill some with a few keys.
const BLOCK_BYTES: usize = if cfg!(test) { 512 } else { 1024 * 1024 };

/// Longest key that lies beside its length.
const INLINE_BYTES: usize = 12;
/// Bytes of a longer one that do.
const HEAD_BYTES: usize = 4;

/// A key that is looked for, or the place of one that is there: its length, then all of it, or the first bytes, its block and
/// where in that it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyView {
    length: u32,
    bytes: [u8; INLINE_BYTES],
}

impl KeyView {
    /// Of a key that starts there if it is long.
    fn new(key: &[u8], block: usize, start: usize) -> Self {
        let mut bytes = [0; INLINE_BYTES];
        if key.len() <= INLINE_BYTES {
            bytes[..key.len()].copy_from_slice(key);
        } else {
            bytes[..HEAD_BYTES].copy_from_slice(&key[..HEAD_BYTES]);
            bytes[HEAD_BYTES..8].copy_from_slice(&(block as u32).to_le_bytes());
            bytes[8..].copy_from_slice(&(start as u32).to_le_bytes());
        }
        Self { length: key.len() as u32, bytes }
    }

    /// To be looked for.
    pub(crate) fn wanted(key: &[u8]) -> Self {
        Self::new(key, 0, 0)
    }

    const fn is_inline(&self) -> bool {
        self.length as usize <= INLINE_BYTES
    }

    const fn length(&self) -> usize {
        self.length as usize
    }

    fn block(&self) -> usize {
        let [_, _, _, _, a, b, c, d, ..] = self.bytes;
        u32::from_le_bytes([a, b, c, d]) as usize
    }

    fn start(&self) -> usize {
        let [.., a, b, c, d] = self.bytes;
        u32::from_le_bytes([a, b, c, d]) as usize
    }

    fn as_arrow(&self) -> u128 {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&self.length.to_le_bytes());
        view[4..].copy_from_slice(&self.bytes);
        u128::from_le_bytes(view)
    }
}

/// Owns one key for each number that was set.
#[derive(Debug, Default)]
pub(crate) struct KeyArena {
    /// Full ones.
    blocks: Vec<Buffer>,
    /// The one behind them, which grows up to [`BLOCK_BYTES`], or beyond for a key that is longer.
    open: Vec<u8>,
    /// Of all blocks.
    long_bytes: usize,
    gap_bytes: usize,
    views: Vec<KeyView>,
}

impl KeyArena {
    /// The key of a number; empty if it has none.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let view = &self.views[number as usize];
        if view.is_inline() { &view.bytes[..view.length()] } else { self.long(view) }
    }

    fn long(&self, view: &KeyView) -> &[u8] {
        let block = self.blocks.get(view.block()).map_or(&*self.open, Buffer::as_slice);
        &block[view.start()..view.start() + view.length()]
    }

    /// Whether a number has this key, of which `wanted` is the view.
    pub(crate) fn is(&self, number: u32, wanted: &KeyView, key: &[u8]) -> bool {
        let view = &self.views[number as usize];
        if wanted.is_inline() {
            return view == wanted;
        }
        view.length == wanted.length
            && view.bytes[..HEAD_BYTES] == wanted.bytes[..HEAD_BYTES]
            && self.long(view) == key
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
        self.views[number as usize] = self.put(key);
    }

    /// Takes a number's key away.
    pub(crate) fn clear(&mut self, number: u32) {
        let view = std::mem::take(&mut self.views[number as usize]);
        if view.is_inline() {
            return;
        }
        self.gap_bytes += view.length();
        if self.gap_bytes > MIN_GAP_BYTES && self.gap_bytes > self.long_bytes / 2 {
            self.close_gaps();
        }
    }

    /// Takes all keys away but keeps the memory of one block.
    pub(crate) fn clear_all(&mut self) {
        self.blocks.clear();
        self.open.clear();
        self.views.clear();
        (self.long_bytes, self.gap_bytes) = (0, 0);
    }

    fn put(&mut self, key: &[u8]) -> KeyView {
        if key.len() <= INLINE_BYTES {
            return KeyView::new(key, 0, 0);
        }
        // Rather close gaps than grow: a table that lets keys go as fast as it takes them keeps its size.
        if self.is_full_for(key) && self.gap_bytes > MIN_GAP_BYTES && self.gap_bytes > self.long_bytes / 4 {
            self.close_gaps();
        }
        if self.is_full_for(key) {
            self.begin_block();
        }
        let view = KeyView::new(key, self.blocks.len(), self.open.len());
        self.open.extend_from_slice(key);
        self.long_bytes += key.len();
        view
    }

    fn is_full_for(&self, key: &[u8]) -> bool {
        !self.open.is_empty() && self.open.len() + key.len() > BLOCK_BYTES
    }

    fn begin_block(&mut self) {
        let mut full = std::mem::replace(&mut self.open, Vec::with_capacity(BLOCK_BYTES));
        // Keys of nearly a block's length leave most of it.
        full.shrink_to_fit();
        self.blocks.push(full.into());
    }

    fn close_gaps(&mut self) {
        let mut closed = Self { views: std::mem::take(&mut self.views), ..Self::default() };
        for at in 0..closed.views.len() {
            let view = closed.views[at];
            if !view.is_inline() {
                closed.views[at] = closed.put(self.long(&view));
            }
        }
        *self = closed;
    }

    /// Allocates exactly as much as numbers `0..slots` need, if that is more than there is.
    pub(crate) fn reserve(&mut self, slots: usize) {
        self.views.reserve_exact(slots.saturating_sub(self.views.len()));
    }

    /// The keys of these numbers, of which those in full blocks stay where they are.
    ///
    /// # Errors
    /// Never, unless a block is not what it was.
    pub(crate) fn shared(
        &self,
        numbers: &[u32],
        buffers: &CopyBuffers,
    ) -> Result<BinaryViewArray, ArrowError> {
        let views = buffers.buffer(numbers.iter().map(|number| self.views[*number as usize].as_arrow()));
        let mut open = buffers.take(self.open.len());
        open.extend_from_slice(&self.open);
        let blocks = self.blocks.iter().cloned().chain([open.into()]);
        BinaryViewArray::try_new(views, blocks.collect::<Vec<_>>(), None)
    }

    /// Bytes of full blocks: those that a copy shares.
    pub(crate) fn block_bytes(&self) -> usize {
        self.long_bytes - self.open.len()
    }

    /// Allocated bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.block_bytes() + self.open.capacity() + self.views.capacity() * size_of::<KeyView>()
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
        assert!(arena.long_bytes < 130 * 1024, "{} bytes left", arena.long_bytes);
        for n in (0..4_000).step_by(8) {
            assert_eq!(arena.get(n), key(n));
        }
        assert_eq!(arena.get(1), b"");
        arena.set(1, b"again");
        arena.clear(2);
        assert_eq!((arena.get(1), arena.get(8)), (&b"again"[..], &key(8)[..]));
    }

    #[test]
    fn keys_fill_blocks_and_a_copy_shares_the_full_ones() {
        let mut arena = KeyArena::default();
        let key = |n: u32| format!("{n:0>300}").into_bytes();
        for n in 0..10_000 {
            let key = if n == 5_000 { b"short".to_vec() } else { key(n) };
            arena.set(n, &key);
        }
        assert!(arena.blocks.len() > 2);
        assert_eq!(arena.long_bytes, 9_999 * 300);
        let numbers: Vec<u32> = (0..10_000).rev().collect();
        let copy = arena.shared(&numbers, &CopyBuffers::default()).unwrap();
        assert!(copy.data_buffers()[0].ptr_eq(&arena.blocks[0]));
        // What changes afterwards is not the copy's concern.
        (0..9_000).for_each(|n| arena.clear(n));
        (0..9_000).for_each(|n| arena.set(n, b"another key for this number"));
        for (row, number) in numbers.iter().enumerate() {
            let expected = if *number == 5_000 { b"short".to_vec() } else { key(*number) };
            assert_eq!(copy.value(row), expected);
        }
        let expected = |n: u32| if n < 9_000 { b"another key for this number".to_vec() } else { key(n) };
        assert!((0..10_000).all(|n| arena.get(n) == expected(n)));
        assert_eq!(arena.long_bytes - arena.gap_bytes, 9_000 * 27 + 1_000 * 300);
    }

    #[test]
    fn a_key_may_be_longer_than_a_block() {
        let mut arena = KeyArena::default();
        let huge = vec![7; BLOCK_BYTES + 2 * MIN_GAP_BYTES];
        for (number, key) in
            [&b"a key before the huge one"[..], &huge, b"a key behind the huge one"].into_iter().enumerate()
        {
            arena.set(number as u32, key);
        }
        assert_eq!((arena.get(1), arena.get(2)), (&huge[..], &b"a key behind the huge one"[..]));
        arena.clear(1);
        assert_eq!(
            (arena.get(0), arena.get(2)),
            (&b"a key before the huge one"[..], &b"a key behind the huge one"[..])
        );
        assert!(arena.bytes() < MIN_GAP_BYTES);
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
