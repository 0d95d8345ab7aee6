//! The sending side of a chain: routes rows to target subtasks, coalesces small batches, waits for credit.
//!
//! Rows wait for company only while the producer has more to do: a target's rows leave at 1,000 rows or 64 KiB, before a
//! control element, and when the task runs dry.

use std::time::Duration;

use millstream_batch::{EXCHANGE_BATCH_BYTES, Partitioner, StreamBatch};
use millstream_model::Watermark;
use millstream_model::control::Barrier;
use millstream_model::graph::Partitioning;

use super::element::Element;
use super::inbox::ChannelSender;
use crate::clock::now;
use crate::error::TaskError;

/// Rows of one target that are sent at once even if they are few bytes.
const EXCHANGE_BATCH_ROWS: usize = 1_000;

#[derive(Debug)]
struct Target {
    sender: ChannelSender,
    waiting: Vec<StreamBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    backpressured: Duration,
}

impl Target {
    async fn push(&mut self, batch: StreamBatch) -> Result<(), TaskError> {
        self.waiting_rows += batch.num_rows();
        self.waiting_bytes += batch.queued_bytes();
        self.waiting.push(batch);
        if self.waiting_rows >= EXCHANGE_BATCH_ROWS || self.waiting_bytes >= EXCHANGE_BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), TaskError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let batch = StreamBatch::concat(&self.waiting)
            .map_err(|e| TaskError::bug("coalesce rows for the exchange", &e))?;
        self.waiting.clear();
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        if !self.sender.has_credit() {
            let since = now();
            self.sender.credit().await;
            self.backpressured += since.elapsed();
        }
        self.sender.send(Element::Batch(batch));
        Ok(())
    }
}

#[derive(Debug)]
enum Route {
    Hash(Partitioner),
    /// Every batch to the target whose turn it is.
    Rebalance {
        next: usize,
    },
    /// There is only one target for this subtask (forward, single).
    One,
}

/// One outgoing edge of a subtask.
#[derive(Debug)]
pub(crate) struct Outbox {
    route: Route,
    targets: Vec<Target>,
}

impl Outbox {
    /// An outbox over the channels to all target subtasks that this subtask can reach, in the order of their index.
    pub(crate) fn new(
        partitioning: &Partitioning,
        senders: Vec<ChannelSender>,
        max_parallelism: u32,
        index: u32,
    ) -> Self {
        let parallelism = u32::try_from(senders.len()).unwrap_or(u32::MAX);
        let route = match partitioning {
            Partitioning::Hash { columns } => {
                Route::Hash(Partitioner::new(columns.clone(), parallelism, max_parallelism))
            }
            // Senders start at different targets, so that few batches still spread.
            Partitioning::Rebalance => Route::Rebalance { next: index as usize % senders.len().max(1) },
            Partitioning::Forward | Partitioning::Single => Route::One,
        };
        let targets = senders
            .into_iter()
            .map(|sender| Target {
                sender,
                waiting: Vec::new(),
                waiting_rows: 0,
                waiting_bytes: 0,
                backpressured: Duration::ZERO,
            })
            .collect();
        Self { route, targets }
    }

    /// Routes the rows of a batch; waits while a target has no credit.
    ///
    /// # Errors
    /// When rows cannot be routed.
    pub(crate) async fn send(&mut self, batch: StreamBatch) -> Result<(), TaskError> {
        match &mut self.route {
            Route::One => self.targets[0].push(batch).await,
            Route::Rebalance { next } => {
                let target = *next;
                *next = (target + 1) % self.targets.len();
                self.targets[target].push(batch).await
            }
            Route::Hash(partitioner) => {
                let parts =
                    partitioner.partition(batch).map_err(|e| TaskError::bug("partition rows by key", &e))?;
                for (target, part) in parts {
                    self.targets[target as usize].push(part).await?;
                }
                Ok(())
            }
        }
    }

    /// Time that was spent waiting for credit.
    pub(crate) fn backpressured(&self) -> Duration {
        self.targets.iter().map(|t| t.backpressured).sum()
    }

    /// Bytes that wait for company.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.targets.iter().map(|t| t.waiting_bytes).sum()
    }

    /// Sends what waits for company.
    ///
    /// # Errors
    /// When rows cannot be joined.
    pub(crate) async fn flush(&mut self) -> Result<(), TaskError> {
        for target in &mut self.targets {
            target.flush().await?;
        }
        Ok(())
    }

    /// Sends a control element to every target, behind the rows that wait.
    async fn broadcast(&mut self, element: Element) -> Result<(), TaskError> {
        self.flush().await?;
        for target in &mut self.targets {
            target.sender.send(element.clone());
        }
        Ok(())
    }

    pub(crate) async fn watermark(&mut self, watermark: Watermark) -> Result<(), TaskError> {
        self.broadcast(Element::Watermark(watermark)).await
    }

    pub(crate) async fn idle(&mut self, is_idle: bool) -> Result<(), TaskError> {
        self.broadcast(Element::Idle(is_idle)).await
    }

    pub(crate) async fn barrier(&mut self, barrier: Barrier) -> Result<(), TaskError> {
        self.broadcast(Element::Barrier(barrier)).await
    }

    pub(crate) async fn end(&mut self) -> Result<(), TaskError> {
        self.broadcast(Element::End).await
    }
}

#[cfg(test)]
mod tests {
    use millstream_model::Attempt;

    use super::*;
    use crate::exchange::inbox::Inbox;
    use crate::test_rows::{batch, values};

    fn outbox(partitioning: Partitioning, targets: usize) -> (Outbox, Vec<Inbox>) {
        let inboxes: Vec<Inbox> = (0..targets).map(|_| Inbox::new(1)).collect();
        let senders = inboxes.iter().map(|i| i.sender(0, Attempt(1))).collect();
        (Outbox::new(&partitioning, senders, 256, 0), inboxes)
    }

    fn received(inbox: &Inbox) -> Vec<Vec<i64>> {
        let mut out = Vec::new();
        while let Some((_, frame)) = inbox.poll(0, |_| false) {
            if let Element::Batch(b) = frame.element {
                out.push(values(&b));
            }
        }
        out
    }

    #[tokio::test]
    async fn small_batches_wait_for_company_until_flushed() {
        let (mut outbox, inboxes) = outbox(Partitioning::Forward, 1);
        outbox.send(batch(&[1])).await.unwrap();
        outbox.send(batch(&[2, 3])).await.unwrap();
        assert!(received(&inboxes[0]).is_empty());
        outbox.flush().await.unwrap();
        assert_eq!(received(&inboxes[0]), [vec![1, 2, 3]]);
        outbox.send(batch(&(0..1_000).collect::<Vec<_>>())).await.unwrap();
        assert_eq!(received(&inboxes[0]).len(), 1, "a full batch does not wait");
    }

    #[tokio::test]
    async fn control_elements_stay_behind_the_rows_before_them() {
        let (mut outbox, inboxes) = outbox(Partitioning::Hash { columns: vec![0] }, 2);
        outbox.send(batch(&[1, 2, 3, 4, 5, 6, 7, 8])).await.unwrap();
        outbox.watermark(Watermark(9)).await.unwrap();
        let mut rows = 0;
        for inbox in &inboxes {
            let mut kinds = Vec::new();
            while let Some((_, frame)) = inbox.poll(0, |_| false) {
                match frame.element {
                    Element::Batch(b) => {
                        rows += b.num_rows();
                        kinds.push("rows");
                    }
                    Element::Watermark(_) => kinds.push("watermark"),
                    _ => kinds.push("other"),
                }
            }
            assert_eq!(kinds.last(), Some(&"watermark"));
        }
        assert_eq!(rows, 8);
    }

    #[tokio::test]
    async fn rebalance_takes_turns() {
        let (mut outbox, inboxes) = outbox(Partitioning::Rebalance, 3);
        for i in 0..4 {
            outbox.send(batch(&[i])).await.unwrap();
        }
        outbox.flush().await.unwrap();
        assert_eq!(
            inboxes.iter().map(received).collect::<Vec<_>>(),
            [vec![vec![0, 3]], vec![vec![1]], vec![vec![2]]]
        );
    }
}
