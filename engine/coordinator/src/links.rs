//! Connections to workers: ordered, never blocking the driver, noticed when they break.

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_jobmaster::Event;
use millstream_model::control::{FromWorker, ToWorker, WorkerId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Messages that may wait for one worker. The largest burst is a deployment: 16,384 is a worker with 1,000 slots and 16
/// chains. A worker that lets more wait does not take its messages at all.
const QUEUE: usize = 16_384;

/// How a coordinator and its workers talk.
#[derive(Debug)]
pub struct Transport {
    /// Workers that come. A worker is heard only after it came this way.
    pub joining: mpsc::Receiver<WorkerLink>,
    /// What all of them say.
    pub incoming: mpsc::Receiver<FromWorker>,
}

/// The way to one worker. A worker that ends drops the receiver; a coordinator that gives it up drops the sender.
#[derive(Clone, Debug)]
pub struct WorkerLink {
    /// Who is at the other end.
    pub worker: WorkerId,
    /// Takes what is for that worker. Its capacity does not matter here.
    pub sender: mpsc::Sender<ToWorker>,
}

/// All connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Links {
    queues: BTreeMap<WorkerId, mpsc::Sender<ToWorker>>,
    forwarders: JoinSet<()>,
}

impl Links {
    /// Opens a connection. Its break is told as `WorkerLost`.
    pub(crate) fn open(&mut self, link: WorkerLink, events: mpsc::Sender<Event>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        self.queues.insert(link.worker, queue);
        self.forwarders.spawn(forward(link, waiting, events));
    }

    /// Puts a message behind all others for this worker. False if the worker does not take any, or is not connected.
    pub(crate) fn send(&self, worker: WorkerId, message: ToWorker) -> bool {
        self.queues.get(&worker).is_some_and(|queue| queue.try_send(message).is_ok())
    }

    /// Whether the worker is connected.
    pub(crate) fn has(&self, worker: WorkerId) -> bool {
        self.queues.contains_key(&worker)
    }

    /// Gives a worker up. What waits for it is still delivered if it takes it, then it sees the end.
    pub(crate) fn release(&mut self, worker: WorkerId) {
        self.queues.remove(&worker);
    }

    /// Gives all workers up and waits a moment for the last messages to be taken.
    pub(crate) async fn close(mut self, patience: Duration) {
        self.queues.clear();
        let all_taken = async { while self.forwarders.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all_taken).await.is_err() {
            tracing::debug!("a worker did not take its last messages");
        }
    }
}

async fn forward(link: WorkerLink, mut waiting: mpsc::Receiver<ToWorker>, events: mpsc::Sender<Event>) {
    let WorkerLink { worker, sender } = link;
    loop {
        let message = tokio::select! {
            message = waiting.recv() => message,
            () = sender.closed() => break,
        };
        let Some(message) = message else { return };
        if sender.send(message).await.is_err() {
            break;
        }
    }
    let reason = "its connection closed".to_owned();
    // The driver may be gone; then nobody needs to know.
    let _ = events.send(Event::WorkerLost { worker, reason }).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_model::Attempt;

    fn start(attempt: u32) -> ToWorker {
        ToWorker::Start { attempt: Attempt(attempt) }
    }

    #[tokio::test]
    async fn messages_keep_their_order_and_a_slow_worker_does_not_block() {
        let (sender, mut worker) = mpsc::channel(1);
        let (events, _kept) = mpsc::channel(1);
        let mut links = Links::default();
        links.open(WorkerLink { worker: 1, sender }, events);
        assert!((0..100).all(|attempt| links.send(1, start(attempt))));
        assert!(!links.send(2, start(0)), "nobody there");
        let closing = tokio::spawn(links.close(Duration::from_secs(10)));
        for attempt in 0..100 {
            assert_eq!(worker.recv().await, Some(start(attempt)));
        }
        assert_eq!(worker.recv().await, None);
        closing.await.unwrap();
    }

    #[tokio::test]
    async fn a_worker_that_ends_is_lost_and_one_that_is_released_is_not() {
        let (events, mut lost) = mpsc::channel(4);
        let mut links = Links::default();
        let (sender, released) = mpsc::channel(1);
        links.open(WorkerLink { worker: 1, sender }, events.clone());
        let (sender, ended) = mpsc::channel(1);
        links.open(WorkerLink { worker: 2, sender }, events);
        links.release(1);
        assert!(!links.has(1) && links.has(2));
        drop(ended);
        let reason = "its connection closed".to_owned();
        assert_eq!(lost.recv().await, Some(Event::WorkerLost { worker: 2, reason }));
        assert_eq!(lost.recv().await, None, "both forwarders are gone, and one spoke");
        drop(released);
    }
}
