//! The sending end of a connection: one for each worker that this one sends to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use millstream_model::control::BarrierKind;
use millstream_model::{Attempt, SubtaskId, Watermark};
use millstream_tls::Role;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::chunks::Chunks;
use super::codec::{BatchEncoder, Compression};
use super::frame::{HEADER_BYTES, Header, Kind, MAX_BODY_BYTES};
use super::handshake::introduce;
use super::hub::{LinkSettings, Peer};
use super::patience::within;
use super::reception::MAX_FAREWELL_BYTES;
use super::{CONNECT_TIMEOUT, Membership, PING, SILENCE, broken, write_out};
use crate::element::Element;
use crate::error::ExchangeError;
use crate::inbox::CHANNEL_CREDIT_BYTES;

/// So many bytes are collected before they are written, if they are there.
const WRITE_BYTES: usize = 256 * 1024;

/// Where a channel ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) subtask: SubtaskId,
    pub(super) channel: u32,
}

/// What a channel has sent and not got back.
#[derive(Debug, Default)]
struct Credit {
    outstanding: AtomicUsize,
    returned: Notify,
}

/// The newest watermark of a channel that is still to be written.
type Slot = Arc<Mutex<Option<Watermark>>>;

#[derive(Debug)]
struct Outgoing {
    attempt: Attempt,
    channel: u32,
    sequence: u64,
    load: Load,
}

#[derive(Debug)]
enum Load {
    Open(Target),
    Element { element: Element, charge: usize },
    Watermark(Slot),
    Close,
}

/// A connection, or one to be.
#[derive(Debug)]
pub(super) struct Link {
    /// Data in it is bounded by the credit of the channels, watermarks are one for each, all else is a few an attempt.
    queue: mpsc::UnboundedSender<Outgoing>,
    failure: OnceLock<String>,
    channels: Mutex<HashMap<u32, Arc<Credit>>>,
    next_channel: AtomicU32,
}

impl Link {
    /// Begins to connect; until then, what is sent waits.
    pub(super) fn open(
        peer: Peer,
        me: Membership,
        settings: LinkSettings,
        until: CancellationToken,
    ) -> Arc<Self> {
        let (queue, waiting) = mpsc::unbounded_channel();
        let link = Arc::new(Self {
            queue,
            failure: OnceLock::new(),
            channels: Mutex::default(),
            next_channel: AtomicU32::new(0),
        });
        let running = link.clone();
        tokio::spawn(async move {
            let outcome = until.run_until_cancelled(running.run(&peer, &me, &settings, waiting)).await;
            let reason = match outcome {
                Some(Err(reason)) => reason,
                Some(Ok(())) | None => "it is not needed any more".into(),
            };
            running.fail(format!(
                "the connection to worker {} ({}) is lost: {reason}",
                peer.worker, peer.address
            ));
        });
        link
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.get().is_some()
    }

    /// A channel to a subtask at the other end.
    pub(super) fn channel(self: &Arc<Self>, attempt: Attempt, target: Target) -> RemoteChannel {
        let channel = self.next_channel.fetch_add(1, Ordering::Relaxed);
        let credit = Arc::new(Credit::default());
        self.lock().insert(channel, credit.clone());
        let opened =
            RemoteChannel { link: self.clone(), credit, attempt, channel, next_sequence: 0, slot: None };
        opened.put(0, Load::Open(target));
        opened
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<Credit>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, reason: String) {
        // The first reason is the one that counts.
        let _ = self.failure.set(reason);
        self.lock().values().for_each(|credit| credit.returned.notify_one());
    }

    async fn run(
        &self,
        peer: &Peer,
        me: &Membership,
        settings: &LinkSettings,
        waiting: mpsc::UnboundedReceiver<Outgoing>,
    ) -> Result<(), String> {
        let connecting = async {
            let stream = TcpStream::connect(&peer.address).await.map_err(|e| e.to_string())?;
            let mut stream = settings.security.connect(stream, Role::Worker).await?;
            introduce(&mut stream, me, peer.worker).await?;
            Ok::<_, String>(stream)
        };
        let stream = within(CONNECT_TIMEOUT, connecting)
            .await
            .ok_or_else(|| format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))??;
        let (reader, writer) = stream.into_split();
        tokio::select! {
            outcome = self.take_credit(reader) => outcome,
            outcome = write_all(writer, waiting, settings.compression) => outcome,
        }
    }

    /// Reads what comes back.
    async fn take_credit(&self, mut reader: impl AsyncRead + Unpin) -> Result<(), String> {
        let mut bytes = [0; HEADER_BYTES];
        loop {
            within(SILENCE, reader.read_exact(&mut bytes))
                .await
                .ok_or_else(|| format!("it was silent for {} s", SILENCE.as_secs()))?
                .map_err(|e| broken(&e))?;
            let header = Header::read(&bytes)?;
            match header.kind {
                Kind::Credit => {
                    let credit = self.lock().get(&header.channel).cloned();
                    // None: the channel was closed meanwhile.
                    if let Some(credit) = credit {
                        let returned = usize::try_from(header.argument).unwrap_or(usize::MAX);
                        let less = |held: usize| Some(held.saturating_sub(returned));
                        let _ = credit.outstanding.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
                        credit.returned.notify_one();
                    }
                }
                Kind::Ping => {}
                Kind::Farewell => return Err(farewell(&mut reader, header.body).await),
                other => return Err(format!("it answered with a frame of kind {other:?}")),
            }
        }
    }
}

/// Why the receiver ends the connection.
async fn farewell(reader: &mut (impl AsyncRead + Unpin), length: u32) -> String {
    let length = (length as usize).min(MAX_FAREWELL_BYTES);
    let mut reason = Vec::with_capacity(length);
    // A reason that was cut off is better than none.
    let _ = within(PING, reader.take(length as u64).read_to_end(&mut reason)).await;
    format!("it ended the connection: {}", String::from_utf8_lossy(&reason))
}

/// Of the channels of a connection.
struct Encoders {
    of: HashMap<u32, BatchEncoder>,
    compression: Compression,
}

async fn write_all(
    mut writer: impl AsyncWrite + Unpin,
    mut waiting: mpsc::UnboundedReceiver<Outgoing>,
    compression: Compression,
) -> Result<(), String> {
    let mut encoders = Encoders { of: HashMap::new(), compression };
    let mut out = Chunks::default();
    let mut ping = interval(PING);
    ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            next = waiting.recv() => match next {
                Some(next) => encode(next, &mut encoders, &mut out)?,
                None => return Ok(()),
            },
            _ = ping.tick() => out.small(|out| Header::new(Kind::Ping, Attempt(0), 0).write(out)),
        }
        while bytes::Buf::remaining(&out) < WRITE_BYTES
            && let Ok(next) = waiting.try_recv()
        {
            encode(next, &mut encoders, &mut out)?;
        }
        out.close();
        if let Err(error) = write_out(&mut writer, &mut out).await {
            // The receiver closed the connection, and most likely says why: whoever reads from it gets that.
            tokio::time::sleep(PING).await;
            return Err(broken(&error));
        }
    }
}

fn encode(outgoing: Outgoing, encoders: &mut Encoders, out: &mut Chunks) -> Result<(), String> {
    let Outgoing { attempt, channel, sequence, load } = outgoing;
    let header = |kind| Header { sequence, ..Header::new(kind, attempt, channel) };
    let header = match load {
        Load::Open(Target { subtask, channel }) => {
            let body = postcard::to_stdvec(&(subtask, channel)).map_err(|e| e.to_string())?;
            let header = Header { body: length(body.len())?, ..header(Kind::Open) };
            out.small(|out| {
                header.write(out);
                out.extend_from_slice(&body);
            });
            return Ok(());
        }
        Load::Element { element: Element::Batch(batch), charge } => {
            let new = || BatchEncoder::new(encoders.compression);
            let encoder = encoders.of.entry(channel).or_insert_with(new);
            let (flags, body) = encoder.encode(&batch).map_err(|e| format!("rows cannot be sent: {e}"))?;
            let length = length(body.iter().map(arrow::buffer::Buffer::len).sum())?;
            let header = Header { body: length, flags, argument: charge as u64, ..header(Kind::Batch) };
            out.small(|out| header.write(out));
            body.into_iter().for_each(|part| out.push(part));
            return Ok(());
        }
        Load::Watermark(slot) => match slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(watermark) => Header { argument: watermark.0.cast_unsigned(), ..header(Kind::Watermark) },
            None => return Ok(()),
        },
        Load::Element { element: Element::Watermark(watermark), .. } => {
            Header { argument: watermark.0.cast_unsigned(), ..header(Kind::Watermark) }
        }
        Load::Element { element: Element::Idle(is_idle), .. } => {
            Header { flags: u8::from(is_idle), ..header(Kind::Idle) }
        }
        Load::Element { element: Element::Barrier(barrier), .. } => {
            let flags = match barrier.kind {
                BarrierKind::Checkpoint => 0,
                BarrierKind::Savepoint => 1,
                BarrierKind::Stop => 2,
                BarrierKind::Drain => 3,
            };
            Header { flags, argument: barrier.checkpoint.0, ..header(Kind::Barrier) }
        }
        Load::Element { element: Element::End, .. } => header(Kind::End),
        Load::Close => {
            encoders.of.remove(&channel);
            header(Kind::Close)
        }
    };
    out.small(|out| header.write(out));
    Ok(())
}

fn length(bytes: usize) -> Result<u32, String> {
    let fits = u32::try_from(bytes).ok().filter(|length| *length <= MAX_BODY_BYTES);
    fits.ok_or_else(|| format!("a batch of {bytes} bytes is more than {MAX_BODY_BYTES}: make rows smaller"))
}

/// The sending end of a channel to another process.
#[derive(Debug)]
pub(crate) struct RemoteChannel {
    link: Arc<Link>,
    credit: Arc<Credit>,
    attempt: Attempt,
    channel: u32,
    next_sequence: u64,
    /// Holds the last element that was sent if it was a watermark.
    slot: Option<Slot>,
}

impl RemoteChannel {
    pub(crate) fn has_credit(&self) -> bool {
        self.credit.outstanding.load(Ordering::Acquire) < CHANNEL_CREDIT_BYTES
    }

    pub(crate) async fn credit(&self) {
        while !self.has_credit() && !self.link.has_failed() {
            self.credit.returned.notified().await;
        }
    }

    pub(crate) fn push(&mut self, element: Element, charge: usize) {
        let load = if let Element::Watermark(watermark) = element {
            if let Some(slot) = &self.slot {
                let mut waiting = slot.lock().unwrap_or_else(PoisonError::into_inner);
                if waiting.is_some() {
                    *waiting = Some(watermark);
                    return;
                }
            }
            let slot = Arc::new(Mutex::new(Some(watermark)));
            self.slot = Some(slot.clone());
            Load::Watermark(slot)
        } else {
            self.slot = None;
            self.credit.outstanding.fetch_add(charge, Ordering::AcqRel);
            Load::Element { element, charge }
        };
        self.put(self.next_sequence, load);
        self.next_sequence += 1;
    }

    pub(crate) fn failure(&self) -> Option<ExchangeError> {
        self.link.failure.get().map(|reason| ExchangeError::ConnectionLost { reason: reason.clone() })
    }

    fn put(&self, sequence: u64, load: Load) {
        // A queue that is closed belongs to a connection that failed, which `failure` tells.
        let _ =
            self.link.queue.send(Outgoing { attempt: self.attempt, channel: self.channel, sequence, load });
    }
}

impl Drop for RemoteChannel {
    fn drop(&mut self) {
        self.link.lock().remove(&self.channel);
        self.put(self.next_sequence, Load::Close);
    }
}
