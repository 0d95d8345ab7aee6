//! A worker's end of all edges to other processes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_model::control::WorkerId;
use millstream_model::{Attempt, SubtaskId};
use millstream_tls::Security;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::codec::Compression;
use super::handshake::receive as receive_hello;
use super::link::Link;
use super::outgoing::Target;
use super::patience::within;
use super::{CONNECT_TIMEOUT, Membership, SILENCE, reception};
use crate::inbox::{Entry, Inbox};
use crate::sender::ChannelSender;

/// Another worker of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its number.
    pub worker: WorkerId,
    /// Host and port at which it listens for rows.
    pub address: String,
}

/// How rows travel.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// Whom a worker connects to, and whom it lets in.
    pub security: Security,
    /// Of what it sends.
    pub compression: Compression,
}

impl From<Security> for LinkSettings {
    fn from(security: Security) -> Self {
        Self { security, compression: Compression::default() }
    }
}

/// Connections to and from the other workers of a job. They end when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Network {
    hub: Arc<Hub>,
    _until_dropped: Arc<DropGuard>,
}

/// What the connections share.
#[derive(Debug)]
pub(super) struct Hub {
    me: Membership,
    settings: LinkSettings,
    running: watch::Sender<Option<Running>>,
    links: Mutex<BTreeMap<WorkerId, Arc<Link>>>,
    until: CancellationToken,
}

#[derive(Debug)]
struct Running {
    attempt: Attempt,
    inboxes: BTreeMap<SubtaskId, Inbox>,
}

impl Network {
    /// Accepts connections from workers of the same job and coordinator. To be called inside a runtime.
    #[must_use]
    pub fn start(listener: Arc<TcpListener>, me: Membership, settings: impl Into<LinkSettings>) -> Self {
        let until = CancellationToken::new();
        let hub = Arc::new(Hub {
            me,
            settings: settings.into(),
            running: watch::Sender::new(None),
            links: Mutex::default(),
            until: until.clone(),
        });
        tokio::spawn(accept(listener, hub.clone()));
        Self { hub, _until_dropped: Arc::new(until.drop_guard()) }
    }

    /// Rows of this attempt go to these inboxes; those of older ones are dropped from now on.
    pub fn deploy(&self, attempt: Attempt, inboxes: BTreeMap<SubtaskId, Inbox>) {
        let running = Running { attempt, inboxes };
        self.hub.running.send_replace(Some(running));
    }

    /// The sending end of a channel of `subtask`, which runs at `peer`.
    #[must_use]
    pub fn sender(&self, peer: &Peer, attempt: Attempt, subtask: SubtaskId, channel: usize) -> ChannelSender {
        let mut links = self.hub.links.lock().unwrap_or_else(PoisonError::into_inner);
        let hub = &self.hub;
        let open = || Link::open(peer.clone(), hub.me.clone(), hub.settings.clone(), hub.until.clone());
        let link = links.entry(peer.worker).or_insert_with(open);
        if link.has_failed() {
            *link = open();
        }
        let channel = u32::try_from(channel).unwrap_or(u32::MAX);
        ChannelSender::remote(link.channel(attempt, Target { subtask, channel }))
    }
}

impl Hub {
    /// Where rows for a channel go; `None` when their attempt is over. A sender may have been deployed before this worker heard of
    /// the attempt, which is waited for.
    ///
    /// # Errors
    /// There is no such channel.
    pub(super) async fn entry(
        &self,
        attempt: Attempt,
        subtask: SubtaskId,
        channel: u32,
    ) -> Result<Option<Entry>, String> {
        let mut deployed = self.running.subscribe();
        let is_known = |running: &Option<Running>| running.as_ref().is_some_and(|r| r.attempt >= attempt);
        let running = within(SILENCE, deployed.wait_for(is_known)).await;
        let Some(running) = running.and_then(Result::ok) else {
            return Err(format!("it sent rows of attempt {attempt}, which was not deployed here"));
        };
        let Some(running) = running.as_ref() else { return Ok(None) };
        if running.attempt > attempt {
            return Ok(None);
        }
        let channel = channel as usize;
        let inbox = running.inboxes.get(&subtask).filter(|inbox| channel < inbox.channels());
        let inbox = inbox
            .ok_or_else(|| format!("it sent rows for channel {channel} of {subtask}, which is not here"))?;
        Ok(Some(inbox.entry(channel, attempt)))
    }
}

async fn accept(listener: Arc<TcpListener>, hub: Arc<Hub>) {
    let until = hub.until.clone();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, from)) => {
                    let (hub, until) = (hub.clone(), until.clone());
                    tokio::spawn(welcome(hub, stream, from.to_string(), until));
                }
                Err(error) => {
                    // Most likely there is no file descriptor left; whoever closes one makes room.
                    tracing::warn!("cannot accept a connection for rows: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    };
    until.run_until_cancelled(accepting).await;
}

async fn welcome(hub: Arc<Hub>, stream: TcpStream, from: String, until: CancellationToken) {
    let introduced = async {
        // A worker lets nobody in but workers.
        let (mut stream, _) = hub.settings.security.accept(stream).await?;
        let worker = receive_hello(&mut stream, &hub.me).await?;
        Ok::<_, String>((stream, worker))
    };
    let Some(introduced) = until.run_until_cancelled(within(CONNECT_TIMEOUT, introduced)).await else {
        return;
    };
    match introduced.unwrap_or_else(|| Err("it did not say who it is".into())) {
        Ok((stream, worker)) => {
            let (reader, writer) = stream.into_split();
            reception::receive(hub, worker, reader, writer, &until).await;
        }
        Err(reason) => tracing::warn!("a connection for rows from {from} was closed: {reason}"),
    }
}
