//! What is on its way out of a connection, and who writes it.
//!
//! Whoever sends writes by itself while the connection takes all of it at once: to wake another thread for it takes longer than to
//! write. As soon as the connection is full, its task goes on when there is room again, and what is sent meanwhile waits for
//! the task, which writes much of it at a time. So does what follows the last write at once: to write it with others costs less.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Buf as _;
use millstream_model::Attempt;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::chunks::Chunks;
use super::codec::Compression;
use super::outgoing::{FrameEncoder, Load, Outgoing};
use super::{PING, broken};
use crate::clock::now;

/// So many bytes are collected before they are written, if they are there.
const WRITE_BYTES: usize = 256 * 1024;
/// What is sent so soon after a write is left to the task.
const AT_ONCE: Duration = Duration::from_micros(20);
/// Pieces that one call writes.
const WRITE_PIECES: usize = 64;

/// The writing side of a connection, or of one to be.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    /// Data in it is bounded by the credit of the channels, watermarks are one for each, all else is a few an attempt.
    queue: Mutex<VecDeque<Outgoing>>,
    writing: Mutex<Writing>,
    /// The task has to go on.
    blocked: Notify,
}

#[derive(Default)]
struct Writing {
    state: State,
    encoder: FrameEncoder,
    out: Chunks,
    written: Option<Instant>,
}

#[derive(Default)]
enum State {
    /// Nothing can be written yet.
    #[default]
    Opening,
    /// Whoever sends may write.
    Free(Box<dyn AsyncWrite + Send + Unpin>),
    /// Only the task may: it waits for room, and nobody else may ask for it.
    Blocked(Box<dyn AsyncWrite + Send + Unpin>),
    /// The task is to fail with this.
    Failed(String),
    /// Nothing will be written any more.
    Closed,
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing").field("out", &self.out).finish_non_exhaustive()
    }
}

impl Outbound {
    /// Sends, if nothing is in the way at once.
    pub(super) fn put(&self, outgoing: Outgoing) {
        self.waiting().push_back(outgoing);
        loop {
            let mut writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // Whoever holds it looks at the queue when it has let it go, and finds what was put there before.
                Err(TryLockError::WouldBlock) => return,
            };
            match &writing.state {
                State::Free(_) => {}
                State::Closed => return self.waiting().clear(),
                State::Opening | State::Blocked(_) | State::Failed(_) => return,
            }
            if writing.written.is_some_and(|at| now().duration_since(at) < AT_ONCE) {
                writing.block();
            } else {
                // Nobody is woken when there is room again; the task asks for it once more.
                let _ = writing.poll_write(&self.queue, &mut Context::from_waker(Waker::noop()));
            }
            if !matches!(writing.state, State::Free(_)) {
                self.blocked.notify_one();
                return;
            }
            drop(writing);
            if self.waiting().is_empty() {
                return;
            }
        }
    }

    /// Writes what waits, and what has to wait from now on, until the connection breaks; says why.
    pub(super) async fn run(
        &self,
        writer: impl AsyncWrite + Send + Unpin + 'static,
        compression: Compression,
    ) -> String {
        {
            let mut writing = self.writing();
            writing.encoder = FrameEncoder::new(compression);
            writing.state = State::Blocked(Box::new(writer));
        }
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ping.tick() => {
                    let load = Load::Ping;
                    self.waiting().push_back(Outgoing { attempt: Attempt(0), channel: 0, sequence: 0, load });
                }
                () = self.blocked.notified() => {}
            }
            loop {
                poll_fn(|cx| self.writing().poll_write(&self.queue, cx)).await;
                if let Some(reason) = self.failure() {
                    // If the receiver closed the connection, it most likely said why: whoever reads from it gets that.
                    tokio::time::sleep(PING).await;
                    return reason;
                }
                if self.waiting().is_empty() {
                    break;
                }
            }
        }
    }

    fn failure(&self) -> Option<String> {
        match &self.writing().state {
            State::Failed(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// Nothing is written any more.
    pub(super) fn close(&self) {
        *self.writing() = Writing { state: State::Closed, ..Writing::default() };
        self.waiting().clear();
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Outgoing>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    /// Leaves writing to the task.
    fn block(&mut self) {
        self.state = match std::mem::take(&mut self.state) {
            State::Free(writer) => State::Blocked(writer),
            other => other,
        };
    }

    /// Writes all that waits. `Pending`: there is no room, and only the task may ask again.
    fn poll_write(&mut self, queue: &Mutex<VecDeque<Outgoing>>, cx: &mut Context<'_>) -> Poll<()> {
        // What stays if this panics.
        let panicked = State::Failed("rows could not be written".into());
        let mut writer = match std::mem::replace(&mut self.state, panicked) {
            State::Free(writer) | State::Blocked(writer) => writer,
            other => {
                self.state = other;
                return Poll::Ready(());
            }
        };
        let written = self.poll_write_to(queue, &mut writer, cx);
        self.state = match &written {
            Poll::Pending => State::Blocked(writer),
            Poll::Ready(Ok(())) => State::Free(writer),
            Poll::Ready(Err(reason)) => State::Failed(reason.clone()),
        };
        written.map(|_| ())
    }

    fn poll_write_to(
        &mut self,
        queue: &Mutex<VecDeque<Outgoing>>,
        writer: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), String>> {
        loop {
            while self.out.remaining() < WRITE_BYTES {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(next) = next else { break };
                self.encoder.encode(next, &mut self.out)?;
            }
            self.out.close();
            if !self.out.has_remaining() {
                // What a TLS connection has taken is not on its way before it was flushed.
                return Pin::new(writer).poll_flush(cx).map_err(|e| broken(&e));
            }
            let mut pieces = [IoSlice::new(&[]); WRITE_PIECES];
            let filled = self.out.chunks_vectored(&mut pieces);
            let written = ready!(Pin::new(&mut *writer).poll_write_vectored(cx, &pieces[..filled]));
            match written {
                Ok(0) => return Poll::Ready(Err(broken(&io::Error::from(ErrorKind::WriteZero)))),
                Ok(count) => {
                    self.out.advance(count);
                    self.written = Some(now());
                }
                Err(error) => return Poll::Ready(Err(broken(&error))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::super::frame::{HEADER_BYTES, Header, Kind};
    use super::*;
    use crate::element::Element;

    /// Takes some bytes at a time, and none while it is full.
    #[derive(Clone, Default)]
    struct Pipe {
        bytes: Arc<Mutex<Vec<u8>>>,
        is_full: Arc<AtomicBool>,
        refused: Arc<AtomicUsize>,
        waker: Arc<Mutex<Option<Waker>>>,
    }

    impl Pipe {
        fn empty(&self) {
            self.is_full.store(false, Ordering::SeqCst);
            self.waker.lock().unwrap().take().into_iter().for_each(Waker::wake);
        }

        /// Channels and sequences of whole frames in the order in which they were written, but pings.
        fn written(&self) -> Vec<(u32, u64)> {
            let bytes = self.bytes.lock().unwrap();
            let headers =
                bytes.chunks_exact(HEADER_BYTES).map(|part| Header::read(part.try_into().unwrap()).unwrap());
            headers.filter(|h| h.kind != Kind::Ping).map(|h| (h.channel, h.sequence)).collect()
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            if self.is_full.load(Ordering::SeqCst) {
                *self.waker.lock().unwrap() = Some(cx.waker().clone());
                self.refused.fetch_add(1, Ordering::SeqCst);
                return Poll::Pending;
            }
            let count = bytes.len().min(50);
            self.bytes.lock().unwrap().extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn end(channel: u32, sequence: u64) -> Outgoing {
        let load = Load::Element { element: Element::End, charge: 0 };
        Outgoing { attempt: Attempt(1), channel, sequence, load }
    }

    async fn until(what: impl Fn() -> bool) {
        let waiting = async {
            while !what() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_connection_goes_on_when_there_is_room() {
        let (outbound, pipe) = (Arc::new(Outbound::default()), Pipe::default());
        outbound.put(end(0, 0));
        pipe.is_full.store(true, Ordering::SeqCst);
        let (running, writer) = (outbound.clone(), pipe.clone());
        let task = tokio::spawn(async move { running.run(writer, Compression::None).await });
        until(|| pipe.refused.load(Ordering::SeqCst) > 0).await;
        for sequence in 1..100 {
            outbound.put(end(0, sequence));
        }
        assert_eq!(pipe.refused.load(Ordering::SeqCst), 1, "only the task asks for room");
        pipe.empty();
        until(|| pipe.written().len() == 100).await;
        assert!(pipe.written().iter().map(|(_, sequence)| *sequence).eq(0..100));
        task.abort();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_sends_keeps_its_order_and_nothing_stays_behind() {
        const EACH: u64 = 5_000;
        let (outbound, pipe) = (Arc::new(Outbound::default()), Pipe::default());
        let (running, writer) = (outbound.clone(), pipe.clone());
        let task = tokio::spawn(async move { running.run(writer, Compression::None).await });
        let senders: Vec<_> = (0..3)
            .map(|channel| {
                let outbound = outbound.clone();
                std::thread::spawn(move || {
                    (0..EACH).for_each(|sequence| outbound.put(end(channel, sequence)))
                })
            })
            .collect();
        for turn in 0..50 {
            pipe.is_full.store(turn % 2 == 0, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_micros(200)).await;
            pipe.empty();
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        until(|| pipe.written().len() == 3 * EACH as usize).await;
        let written = pipe.written();
        for channel in 0..3 {
            let sequences = written.iter().filter(|(c, _)| *c == channel).map(|(_, sequence)| *sequence);
            assert!(sequences.eq(0..EACH), "channel {channel}");
        }
        task.abort();
    }
}
