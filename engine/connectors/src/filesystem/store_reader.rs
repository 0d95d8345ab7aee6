//! Bytes of an object, read ahead on a thread of its own.
//!
//! While one piece is decoded the next one is on its way. Pieces have 1 MB, and at most three of them are in memory: one that is
//! read, one that waits, one that is being fetched.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::{Buf as _, Bytes};
use millstream_storage::wait::Waiter;
use millstream_storage::{ObjectStorage, Patience, StorageError, retry};

use crate::filesystem::place::refusal;

const PIECE_BYTES: u64 = 1 << 20;

/// The object from some byte to its end.
pub(super) struct StoreReader {
    pieces: Receiver<Result<Bytes, StorageError>>,
    piece: Bytes,
}

impl StoreReader {
    /// Begins to read `key`, which has `bytes` bytes, at byte `offset`. The thread ends at the end of the object, at an error, or
    /// when the reader is dropped.
    pub(super) fn start(
        storage: Arc<dyn ObjectStorage>,
        key: String,
        offset: u64,
        bytes: u64,
    ) -> std::io::Result<Self> {
        let (out, pieces) = sync_channel(1);
        let waiter = Waiter::new()?;
        std::thread::Builder::new().name("read object".to_owned()).spawn(move || {
            let patience = Patience::default();
            let mut start = offset;
            while start < bytes {
                let range = start..(start + PIECE_BYTES).min(bytes);
                let wanted = range.end - range.start;
                let piece = waiter.wait_for(retry::get_range(&*storage, &key, range, &patience));
                // An object that became shorter ends here; whoever reads knows how long it was.
                let is_last = piece.as_ref().map_or(true, |piece| (piece.len() as u64) < wanted);
                if out.send(piece).is_err() || is_last {
                    return;
                }
                start += wanted;
            }
        })?;
        Ok(Self { pieces, piece: Bytes::new() })
    }
}

impl Read for StoreReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.recv() {
                Ok(piece) => self.piece = piece.map_err(|error| refusal(&error))?,
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use millstream_storage::MemoryStorage;

    use super::*;

    #[test]
    fn pieces_follow_each_other_from_any_byte() {
        let content: Vec<u8> = (0..2 * PIECE_BYTES + 12).map(|n| (n % 251) as u8).collect();
        let storage: Arc<dyn ObjectStorage> = Arc::new(MemoryStorage::named("pieces"));
        let body = Bytes::from(content.clone());
        millstream_storage::wait::wait_for(storage.put_if_absent("a", body)).unwrap().unwrap();
        for offset in
            [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 11, content.len() as u64, content.len() as u64 + 5]
        {
            let length = content.len() as u64;
            let mut reader = StoreReader::start(storage.clone(), "a".into(), offset, length).unwrap();
            let mut found = Vec::new();
            reader.read_to_end(&mut found).unwrap();
            assert!(found == content.get(offset as usize..).unwrap_or_default(), "from {offset}");
        }
        let mut gone = StoreReader::start(storage, "b".into(), 0, 7).unwrap();
        let error = gone.read(&mut [0; 8]).unwrap_err().to_string();
        assert!(error.contains('b'), "{error}");
    }
}
