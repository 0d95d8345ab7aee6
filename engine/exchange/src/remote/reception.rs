//! The receiving end of a connection.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::FutureExt as _;
use millstream_model::control::{Barrier, BarrierKind, WorkerId};
use millstream_model::{Attempt, CheckpointId, SubtaskId, Watermark};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use super::codec::BatchDecoder;
use super::frame::{Header, Kind};
use super::hub::Hub;
use super::patience::within;
use super::returns::{CreditReturn, Returns};
use super::{GONE, PING, SILENCE, broken, read_header, write_out};
use crate::element::Element;
use crate::inbox::Entry;

/// Headers and small bodies are read together.
const READ_BYTES: usize = 64 * 1024;

/// How long a peer may take to read why its connection ends. Nobody waits for it but the connection itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// Longest reason that a peer is told.
pub(super) const MAX_FAREWELL_BYTES: usize = 1_024;

/// One channel of the connection.
#[derive(Debug)]
struct Receiving {
    attempt: Attempt,
    target: (SubtaskId, u32),
    next_sequence: u64,
    decoder: BatchDecoder,
    entry: Door,
}

/// Where the frames of a channel go.
#[derive(Debug)]
enum Door {
    /// Nothing came yet. The sender may have been deployed before this side was.
    Unknown,
    Open(Entry),
    /// Its attempt is over.
    Shut,
}

/// Takes what a worker sends until the connection breaks or this worker's work ends, then fails the subtasks that wait for more
/// and tells the worker why.
pub(super) async fn receive(
    hub: Arc<Hub>,
    from: WorkerId,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    until: &CancellationToken,
) {
    let returns = Arc::new(Returns::default());
    let mut reception = Reception { hub, returns: returns.clone(), channels: HashMap::new() };
    let mut reader = BufReader::with_capacity(READ_BYTES, reader);
    let reason = {
        let reading = reception.read(&mut reader);
        // Arrow panics when the lengths in a frame do not fit each other.
        let reading = AssertUnwindSafe(reading).catch_unwind();
        tokio::select! {
            reason = reading => reason.unwrap_or_else(|_| "it sent rows that are damaged".into()),
            reason = give_back(&mut writer, &returns) => reason,
            () = until.cancelled() => "this worker's part in the job ended".into(),
        }
    };
    tracing::info!("the connection from worker {from} ended: {reason}");
    for channel in reception.channels.into_values() {
        if let Door::Open(entry) = channel.entry {
            entry.fail(&format!("the connection from worker {from} is lost: {reason}"));
        }
    }
    if reason != GONE {
        let _ = timeout(FAREWELL, part(reader, writer, &reason)).await;
    }
}

/// Says why the connection ends. What the peer has sent is read before the connection is closed: what nobody reads makes the
/// closed connection a broken one, and the peer may then not find the reason.
async fn part(mut reader: impl AsyncRead + Unpin, mut writer: impl AsyncWrite + Unpin, reason: &str) {
    let reason: String = reason.chars().take(MAX_FAREWELL_BYTES / 4).collect();
    let mut out = BytesMut::new();
    let body = u32::try_from(reason.len()).unwrap_or(0);
    Header { body, ..Header::new(Kind::Farewell, Attempt(0), 0) }.write(&mut out);
    out.put_slice(reason.as_bytes());
    if write_out(&mut writer, &mut out).await.is_ok() && writer.shutdown().await.is_ok() {
        let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
    }
}

/// Writes credit as it comes back, and signs of life.
async fn give_back(writer: &mut (impl AsyncWrite + Unpin), returns: &Returns) -> String {
    let mut ping = interval(PING);
    ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut out = BytesMut::new();
    loop {
        tokio::select! {
            () = returns.ready() => {}
            _ = ping.tick() => Header::new(Kind::Ping, Attempt(0), 0).write(&mut out),
        }
        for (channel, bytes) in returns.take() {
            Header { argument: bytes as u64, ..Header::new(Kind::Credit, Attempt(0), channel) }
                .write(&mut out);
        }
        if let Err(error) = write_out(writer, &mut out).await {
            return broken(&error);
        }
    }
}

struct Reception {
    hub: Arc<Hub>,
    returns: Arc<Returns>,
    channels: HashMap<u32, Receiving>,
}

impl Reception {
    /// Reads until it cannot go on, and says why.
    async fn read(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> String {
        loop {
            let outcome = match within(SILENCE, frame(reader)).await {
                Some(Ok((header, body))) => self.accept(header, body).await,
                Some(Err(reason)) => Err(reason),
                None => Err(format!("it was silent for {} s", SILENCE.as_secs())),
            };
            if let Err(reason) = outcome {
                return reason;
            }
        }
    }

    async fn accept(&mut self, header: Header, body: Bytes) -> Result<(), String> {
        match header.kind {
            Kind::Ping => return Ok(()),
            Kind::Close => {
                self.channels.remove(&header.channel);
                return Ok(());
            }
            Kind::Open => {
                let target = postcard::from_bytes(&body)
                    .map_err(|e| format!("it opened a channel that cannot be read: {e}"))?;
                let opened = Receiving {
                    attempt: header.attempt,
                    target,
                    next_sequence: 0,
                    decoder: BatchDecoder::default(),
                    entry: Door::Unknown,
                };
                if self.channels.contains_key(&header.channel) {
                    // The one that is there stays, because its subtask has to fail.
                    return Err(format!("it opened channel {} twice", header.channel));
                }
                self.channels.insert(header.channel, opened);
                return Ok(());
            }
            _ => {}
        }
        let Some(channel) = self.channels.get_mut(&header.channel) else {
            return Err(format!("it used channel {} before it opened it", header.channel));
        };
        if header.attempt != channel.attempt || header.sequence != channel.next_sequence {
            return Err(format!(
                "channel {} of attempt {} skipped from element {} to {} of attempt {}: rows were lost on the way",
                header.channel, channel.attempt, channel.next_sequence, header.sequence, header.attempt
            ));
        }
        channel.next_sequence += 1;
        if matches!(channel.entry, Door::Unknown) {
            let (subtask, number) = channel.target;
            channel.entry = match self.hub.entry(channel.attempt, subtask, number).await? {
                Some(entry) => {
                    entry.return_credit_to(CreditReturn::new(self.returns.clone(), header.channel));
                    Door::Open(entry)
                }
                None => Door::Shut,
            };
        }
        let Door::Open(entry) = &mut channel.entry else { return Ok(()) };
        let (element, charge) = element(header, body, &mut channel.decoder)?;
        entry.push(element, charge);
        Ok(())
    }
}

async fn frame(reader: &mut (impl AsyncRead + Unpin)) -> Result<(Header, Bytes), String> {
    let header = read_header(reader).await?;
    let body = body(reader, header.body as usize).await?;
    Ok((header, body))
}

fn element(header: Header, body: Bytes, decoder: &mut BatchDecoder) -> Result<(Element, usize), String> {
    Ok(match header.kind {
        Kind::Batch => {
            let batch =
                decoder.decode(header.flags, body).map_err(|e| format!("it sent damaged rows: {e}"))?;
            (Element::Batch(batch), usize::try_from(header.argument).unwrap_or(usize::MAX))
        }
        Kind::Watermark => (Element::Watermark(Watermark(header.argument.cast_signed())), 0),
        Kind::Idle => (Element::Idle(header.flags != 0), 0),
        Kind::Barrier => {
            let kind = match header.flags {
                0 => BarrierKind::Checkpoint,
                1 => BarrierKind::Savepoint,
                2 => BarrierKind::Stop,
                3 => BarrierKind::Drain,
                other => return Err(format!("it sent a barrier of unknown kind {other}")),
            };
            (Element::Barrier(Barrier { checkpoint: CheckpointId(header.argument), kind }), 0)
        }
        Kind::End => (Element::End, 0),
        other => return Err(format!("it sent a frame of kind {other:?}, which is for the other direction")),
    })
}

/// Reads a body into memory of its own, which the columns in it share afterwards.
async fn body(reader: &mut (impl AsyncRead + Unpin), length: usize) -> Result<Bytes, String> {
    let mut body = BytesMut::with_capacity(length);
    while body.len() < length {
        let missing = length - body.len();
        let read = reader.read_buf(&mut (&mut body).limit(missing)).await.map_err(|e| broken(&e))?;
        if read == 0 {
            return Err("it closed the connection within a frame".into());
        }
    }
    Ok(body.freeze())
}
