//! Bytes on their way out: pieces that are written together without being copied together.

use std::collections::VecDeque;
use std::io::IoSlice;

use arrow::buffer::Buffer;
use bytes::{Buf, Bytes, BytesMut};

/// A piece of at most so many bytes is copied: a system call with many pieces costs more than copying them.
const COPIED_BYTES: usize = 4 * 1024;

/// Pieces to be written one after the other.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    pieces: VecDeque<Bytes>,
    remaining: usize,
    /// Small pieces at the end, still to be joined by others.
    open: BytesMut,
}

impl Chunks {
    /// Where small pieces are written.
    pub(super) fn small(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let before = self.open.len();
        write(&mut self.open);
        self.remaining += self.open.len() - before;
    }

    pub(super) fn push(&mut self, piece: Buffer) {
        if piece.len() <= COPIED_BYTES {
            self.small(|out| out.extend_from_slice(&piece));
            return;
        }
        self.close();
        self.remaining += piece.len();
        self.pieces.push_back(Bytes::from_owner(Shared(piece)));
    }

    /// Nothing joins the small pieces any more. To be called before the bytes are read.
    pub(super) fn close(&mut self) {
        if !self.open.is_empty() {
            self.pieces.push_back(self.open.split().freeze());
        }
    }
}

/// Bytes that stay where they are.
struct Shared(Buffer);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.pieces).map(|(slice, piece)| *slice = IoSlice::new(piece));
        filled.count()
    }

    fn advance(&mut self, count: usize) {
        self.remaining -= count;
        let mut rest = count;
        while rest > 0 {
            let Some(first) = self.pieces.front_mut() else { return };
            if first.len() > rest {
                first.advance(rest);
                return;
            }
            rest -= first.len();
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_their_order_and_small_ones_are_joined() {
        let mut chunks = Chunks::default();
        let large = |byte: u8| Buffer::from(vec![byte; COPIED_BYTES + 1]);
        chunks.small(|out| out.extend_from_slice(b"ab"));
        chunks.push(Buffer::from(b"c"));
        chunks.push(large(b'd'));
        chunks.push(large(b'e'));
        chunks.small(|out| out.extend_from_slice(b"f"));
        chunks.close();
        assert_eq!(chunks.remaining(), 4 + 2 * (COPIED_BYTES + 1));
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(chunks.chunks_vectored(&mut slices), 4);
        assert_eq!(chunks.chunk(), b"abc");
        chunks.advance(2);
        assert_eq!(chunks.chunk(), b"c");
        chunks.advance(1 + COPIED_BYTES + 1 + COPIED_BYTES);
        assert_eq!(chunks.chunk(), b"e");
        chunks.advance(1);
        assert_eq!((chunks.chunk(), chunks.remaining()), (&b"f"[..], 1));
        chunks.advance(1);
        assert!(!chunks.has_remaining());
    }
}
