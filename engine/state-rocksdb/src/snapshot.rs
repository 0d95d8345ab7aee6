//! Reading a store as it was, while it is written to.
//!
//! An iterator of RocksDB borrows its database, so it cannot be handed out beside a shared one. A thread owns both instead,
//! and sends chunks. It ends when all is read or when nobody listens any more; until then the database stays open and its
//! folder stays, whatever becomes of the store.
//!
//! Example: of 10 MB of entries, the reader holds one chunk of 1 MiB while two wait in the channel and the thread fills
//! a fourth.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use millstream_state::{SpillChunk, SpillError};

use crate::error::{file_failed, refused, store_failed};
use crate::options::range_options;
use crate::store::Database;

/// A chunk is sent when its entries have as many bytes.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What a vector of an entry takes besides its bytes; small entries would make chunks of many times their size otherwise.
const ENTRY_OVERHEAD: usize = 64;

/// Chunks that wait to be read.
const WAITING_CHUNKS: usize = 2;

/// What the thread says, in this order: ready, chunks, and a failure or the end.
enum Message {
    Ready,
    Chunk(SpillChunk),
    Failed(SpillError),
    End,
}

/// The reader's side. Dropping it ends the thread at its next chunk.
#[derive(Debug)]
pub(crate) struct Chunks {
    /// `None` after the end.
    messages: Option<Receiver<Message>>,
    place: PathBuf,
}

/// Starts to read `from..to` as it is now. What is written after the return is not seen.
///
/// # Errors
/// No thread can be started.
pub(crate) fn read(database: &Arc<Database>, from: &[u8], to: &[u8]) -> Result<Chunks, SpillError> {
    let (sender, messages) = sync_channel(WAITING_CHUNKS);
    let (owned, from, to) = (Arc::clone(database), from.to_vec(), to.to_vec());
    thread::Builder::new()
        .name("spill-snapshot".to_owned())
        .spawn(move || send_all(&owned, &from, &to, &sender))
        .map_err(|error| file_failed("start a snapshot of", database.place(), &error))?;
    let mut chunks = Chunks { messages: Some(messages), place: database.place().to_owned() };
    match chunks.receive() {
        Message::Failed(error) => Err(error),
        Message::End => {
            chunks.messages = None;
            Ok(chunks)
        }
        Message::Ready | Message::Chunk(_) => Ok(chunks),
    }
}

impl Chunks {
    fn receive(&self) -> Message {
        let message = self.messages.as_ref().map_or(Ok(Message::End), Receiver::recv);
        // The thread says how it ends unless it dies: without this, half a snapshot would look like a whole one.
        message.unwrap_or_else(|_| {
            Message::Failed(refused("read a snapshot of", &self.place, "its thread has died"))
        })
    }
}

impl Iterator for Chunks {
    type Item = Result<SpillChunk, SpillError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.receive() {
            Message::Chunk(chunk) => Some(Ok(chunk)),
            Message::Failed(error) => {
                self.messages = None;
                Some(Err(error))
            }
            Message::Ready | Message::End => {
                self.messages = None;
                None
            }
        }
    }
}

/// The thread. A send that fails means that nobody listens.
fn send_all(database: &Database, from: &[u8], to: &[u8], sender: &SyncSender<Message>) {
    // A snapshot is a number of RocksDB's. Making an iterator reads blocks, which a barrier must not wait for.
    let snapshot = database.snapshot();
    if sender.send(Message::Ready).is_err() {
        return;
    }
    let mut entries = snapshot.raw_iterator_opt(range_options(from, to, false));
    let (mut chunk, mut bytes) = (SpillChunk::new(), 0);
    entries.seek_to_first();
    while let Some((key, value)) = entries.item() {
        bytes += key.len() + value.len() + ENTRY_OVERHEAD;
        chunk.push((key.to_vec(), value.to_vec()));
        if bytes >= CHUNK_BYTES {
            bytes = 0;
            if sender.send(Message::Chunk(std::mem::take(&mut chunk))).is_err() {
                return;
            }
        }
        entries.next();
    }
    let end = match entries.status() {
        Ok(()) => Message::End,
        Err(error) => Message::Failed(store_failed("read a snapshot of", database.place(), &error)),
    };
    if !chunk.is_empty() && sender.send(Message::Chunk(chunk)).is_err() {
        return;
    }
    // Nothing is lost when nobody listens to the end.
    let _ = sender.send(end);
}
