//! The sending end of a connection: one for each worker that this one sends to.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::FutureExt as _;
use millstream_model::Attempt;
use millstream_tls::{Role, Stream};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::frame::Kind;
use super::handshake::introduce;
use super::hub::{LinkSettings, Peer};
use super::outbound::Outbound;
use super::outgoing::{Load, Outgoing, Slot, Target};
use super::patience::within;
use super::reception::MAX_FAREWELL_BYTES;
use super::{CONNECT_TIMEOUT, Membership, PING, SILENCE, read_header};
use crate::element::Element;
use crate::error::ExchangeError;
use crate::inbox::CHANNEL_CREDIT_BYTES;

/// What a channel has sent and not got back.
#[derive(Debug, Default)]
struct Credit {
    outstanding: AtomicUsize,
    returned: Notify,
}

/// A connection, or one to be.
#[derive(Debug)]
pub(super) struct Link {
    outbound: Outbound,
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
        let link = Arc::new(Self {
            outbound: Outbound::default(),
            failure: OnceLock::new(),
            channels: Mutex::default(),
            next_channel: AtomicU32::new(0),
        });
        let running = link.clone();
        tokio::spawn(async move {
            // Arrow may panic over rows; whoever waits for this connection must learn of it all the same.
            let run = AssertUnwindSafe(running.run(&peer, &me, &settings)).catch_unwind();
            let reason = match until.run_until_cancelled(run).await {
                Some(Ok(reason)) => reason,
                Some(Err(_)) => "rows could not be written".into(),
                None => "it is not needed any more".into(),
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
        self.outbound.close();
        self.lock().values().for_each(|credit| credit.returned.notify_one());
    }

    /// Connects, and says why the connection ended.
    async fn run(&self, peer: &Peer, me: &Membership, settings: &LinkSettings) -> String {
        let stream = match within(CONNECT_TIMEOUT, connect(peer, me, settings)).await {
            Some(Ok(stream)) => stream,
            Some(Err(reason)) => return reason,
            None => return format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
        };
        let (reader, writer) = stream.into_split();
        tokio::select! {
            reason = self.take_credit(reader) => reason,
            reason = self.outbound.run(writer, settings.compression) => reason,
        }
    }

    /// Reads what comes back.
    async fn take_credit(&self, mut reader: impl AsyncRead + Unpin) -> String {
        loop {
            let header = match within(SILENCE, read_header(&mut reader)).await {
                Some(Ok(header)) => header,
                Some(Err(reason)) => return reason,
                None => return format!("it was silent for {} s", SILENCE.as_secs()),
            };
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
                Kind::Farewell => return farewell(&mut reader, header.body).await,
                other => return format!("it answered with a frame of kind {other:?}"),
            }
        }
    }
}

async fn connect(peer: &Peer, me: &Membership, settings: &LinkSettings) -> Result<Stream, String> {
    let stream = TcpStream::connect(&peer.address).await.map_err(|e| e.to_string())?;
    let mut stream = settings.security.connect(stream, Role::Worker).await?;
    introduce(&mut stream, me, peer.worker).await?;
    Ok(stream)
}

/// Why the receiver ends the connection.
async fn farewell(reader: &mut (impl AsyncRead + Unpin), length: u32) -> String {
    let length = (length as usize).min(MAX_FAREWELL_BYTES);
    let mut reason = Vec::with_capacity(length);
    // A reason that was cut off is better than none.
    let _ = within(PING, reader.take(length as u64).read_to_end(&mut reason)).await;
    format!("it ended the connection: {}", String::from_utf8_lossy(&reason))
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
        // What is sent over a connection that failed goes nowhere, which `failure` tells.
        self.link.outbound.put(Outgoing { attempt: self.attempt, channel: self.channel, sequence, load });
    }
}

impl Drop for RemoteChannel {
    fn drop(&mut self) {
        self.link.lock().remove(&self.channel);
        self.put(self.next_sequence, Load::Close);
    }
}
