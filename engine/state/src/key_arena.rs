//! Key bytes of dense group numbers, back to back in one buffer.
//!
//! Example: after `set(0, "ab")`, `set(1, "c")` the buffer is `abc`; `clear(0)` leaves a gap that is closed when more than half
//! of the buffer is gaps.

/// Gaps smaller than this are not worth closing.
const MIN_GAP_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    length: u32,
}

/// Owns one key for each number that was set.
#[derive(Debug, Default)]
pub(crate) struct KeyArena {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    gap_bytes: usize,
}

impl KeyArena {
    /// The key of a number; empty if it has none.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let span = self.spans[number as usize];
        &self.bytes[span.start..span.start + span.length as usize]
    }

    /// One past the highest number ever set.
    pub(crate) const fn slots(&self) -> usize {
        self.spans.len()
    }

    /// Gives a number its key: a number that was cleared, or the next one.
    pub(crate) fn set(&mut self, number: u32, key: &[u8]) {
        if number as usize == self.spans.len() {
            self.spans.push(Span::default());
        }
        // Rather close gaps than grow: a table that lets keys go as fast as it takes them keeps its size.
        let is_full = self.bytes.len() + key.len() > self.bytes.capacity();
        if is_full && self.gap_bytes > MIN_GAP_BYTES && self.gap_bytes > self.bytes.len() / 8 {
            self.close_gaps();
        }
        self.spans[number as usize] = Span { start: self.bytes.len(), length: key.len() as u32 };
        self.bytes.extend_from_slice(key);
    }

    /// Takes a number's key away.
    pub(crate) fn clear(&mut self, number: u32) {
        let span = std::mem::take(&mut self.spans[number as usize]);
        self.gap_bytes += span.length as usize;
        if self.gap_bytes > MIN_GAP_BYTES && self.gap_bytes > self.bytes.len() / 2 {
            self.close_gaps();
        }
    }

    /// Takes all keys away but keeps the memory.
    pub(crate) fn clear_all(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.gap_bytes = 0;
    }

    fn close_gaps(&mut self) {
        let live = self.bytes.len() - self.gap_bytes;
        let mut bytes = Vec::with_capacity(live + live / 4);
        for span in &mut self.spans {
            let key = &self.bytes[span.start..span.start + span.length as usize];
            span.start = bytes.len();
            bytes.extend_from_slice(key);
        }
        self.bytes = bytes;
        self.gap_bytes = 0;
    }

    /// Allocates exactly as much as numbers `0..slots` need, if that is more than there is.
    pub(crate) fn reserve(&mut self, slots: usize) {
        self.spans.reserve_exact(slots.saturating_sub(self.spans.len()));
    }

    /// Allocated bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.capacity() + self.spans.capacity() * size_of::<Span>()
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
        assert_eq!((arena.get(1), arena.get(8)), (&b"again"[..], &key(8)[..]));
    }
}
