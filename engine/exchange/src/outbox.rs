//! The sending side of a chain: routes rows to target subtasks, coalesces small batches, waits for credit.
//!
//! Rows wait for company only while the producer has more to do: a target's rows leave at 1,000 rows or 64 KiB, before a
//! control element, and when the task runs dry.

use std::time::Duration;

use millstream_batch::{EXCHANGE_BATCH_BYTES, Partitioner, StreamBatch};
use millstream_model::Watermark;
use millstream_model::control::Barrier;
use millstream_model::graph::Partitioning;

use crate::clock::now;
use crate::element::Element;
use crate::error::ExchangeError;
use crate::sender::ChannelSender;

/// Rows of one target that are sent at once even if they are few bytes.
const EXCHANGE_BATCH_ROWS: usize = 1_000;

/// Rows for at most so many targets are gathered before they are cut: 4 MiB. With more targets elements are smaller.
const MOST_GATHERED: usize = 64;

/// Rows that wait for company.
#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<StreamBatch>,
    rows: usize,
    bytes: usize,
}

impl Waiting {
    fn push(&mut self, batch: StreamBatch) {
        self.rows += batch.num_rows();
        self.bytes += batch.queued_bytes();
        self.batches.push(batch);
    }

    /// Whether they make an element for each of so many targets.
    const fn is_enough_for(&self, targets: usize) -> bool {
        self.rows >= EXCHANGE_BATCH_ROWS * targets || self.bytes >= EXCHANGE_BATCH_BYTES * targets
    }

    /// All of them as one batch.
    fn take(&mut self) -> Result<Option<StreamBatch>, ExchangeError> {
        if self.batches.is_empty() {
            return Ok(None);
        }
        let batch = StreamBatch::concat(&self.batches)
            .map_err(|e| ExchangeError::bug("coalesce rows for the exchange", &e))?;
        self.batches.clear();
        (self.rows, self.bytes) = (0, 0);
        Ok(Some(batch))
    }
}

#[derive(Debug)]
struct Target {
    sender: ChannelSender,
    waiting: Waiting,
    backpressured: Duration,
}

impl Target {
    async fn push(&mut self, batch: StreamBatch) -> Result<(), ExchangeError> {
        self.waiting.push(batch);
        if self.waiting.is_enough_for(1) { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), ExchangeError> {
        if let Some(batch) = self.waiting.take()? {
            self.send(batch).await?;
        }
        Ok(())
    }

    async fn send(&mut self, batch: StreamBatch) -> Result<(), ExchangeError> {
        if !self.sender.has_credit() {
            let since = now();
            self.sender.credit().await;
            self.backpressured += since.elapsed();
        }
        self.sender.send(Element::Batch(batch));
        self.sender.failure().map_or(Ok(()), Err)
    }
}

#[derive(Debug)]
enum Route {
    /// Rows wait here and not at their targets: what is gathered for 64 targets at once is copied once.
    Hash { partitioner: Partitioner, waiting: Waiting },
    /// Every batch to the target whose turn it is.
    Rebalance { next: usize },
    /// There is only one target for this subtask (forward, single).
    One,
}

/// One outgoing edge of a subtask.
#[derive(Debug)]
pub struct Outbox {
    route: Route,
    targets: Vec<Target>,
}

impl Outbox {
    /// An outbox over the channels to all target subtasks that this subtask can reach, in the order of their index.
    #[must_use]
    pub fn new(
        partitioning: &Partitioning,
        senders: Vec<ChannelSender>,
        max_parallelism: u32,
        index: u32,
    ) -> Self {
        let parallelism = u32::try_from(senders.len()).unwrap_or(u32::MAX);
        let route = match partitioning {
            Partitioning::Hash { columns } => Route::Hash {
                partitioner: Partitioner::new(columns.clone(), parallelism, max_parallelism),
                waiting: Waiting::default(),
            },
            // Senders start at different targets, so that few batches still spread.
            Partitioning::Rebalance => Route::Rebalance { next: index as usize % senders.len().max(1) },
            Partitioning::Forward | Partitioning::Single => Route::One,
        };
        let target = |sender| Target { sender, waiting: Waiting::default(), backpressured: Duration::ZERO };
        Self { route, targets: senders.into_iter().map(target).collect() }
    }

    /// Routes the rows of a batch; waits while a target has no credit.
    ///
    /// # Errors
    /// When rows cannot be routed, or a connection is lost.
    pub async fn send(&mut self, batch: StreamBatch) -> Result<(), ExchangeError> {
        match &mut self.route {
            Route::One => self.targets[0].push(batch).await,
            Route::Rebalance { next } => {
                let target = *next;
                *next = (target + 1) % self.targets.len();
                self.targets[target].push(batch).await
            }
            Route::Hash { waiting, .. } => {
                waiting.push(batch);
                if waiting.is_enough_for(self.targets.len().min(MOST_GATHERED)) {
                    self.cut().await?;
                }
                Ok(())
            }
        }
    }

    /// Routes the rows that wait for being cut by their key.
    async fn cut(&mut self) -> Result<(), ExchangeError> {
        let Route::Hash { partitioner, waiting } = &mut self.route else { return Ok(()) };
        let Some(batch) = waiting.take()? else { return Ok(()) };
        let parts =
            partitioner.partition(batch).map_err(|e| ExchangeError::bug("partition rows by key", &e))?;
        for (target, part) in parts {
            self.targets[target as usize].send(part).await?;
        }
        Ok(())
    }

    /// Time that was spent waiting for credit.
    #[must_use]
    pub fn backpressured(&self) -> Duration {
        self.targets.iter().map(|t| t.backpressured).sum()
    }

    /// Bytes that wait for company.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        let to_be_cut = if let Route::Hash { waiting, .. } = &self.route { waiting.bytes } else { 0 };
        to_be_cut + self.targets.iter().map(|t| t.waiting.bytes).sum::<usize>()
    }

    /// Sends what waits for company.
    ///
    /// # Errors
    /// When rows cannot be joined, or a connection is lost.
    pub async fn flush(&mut self) -> Result<(), ExchangeError> {
        self.cut().await?;
        for target in &mut self.targets {
            target.flush().await?;
        }
        Ok(())
    }

    /// Sends a control element to every target, behind the rows that wait.
    async fn broadcast(&mut self, element: Element) -> Result<(), ExchangeError> {
        self.flush().await?;
        for target in &mut self.targets {
            target.sender.send(element.clone());
            if let Some(failure) = target.sender.failure() {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Sends a watermark to every target, behind the rows that wait.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn watermark(&mut self, watermark: Watermark) -> Result<(), ExchangeError> {
        self.broadcast(Element::Watermark(watermark)).await
    }

    /// Tells every target whether this sender is idle.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn idle(&mut self, is_idle: bool) -> Result<(), ExchangeError> {
        self.broadcast(Element::Idle(is_idle)).await
    }

    /// Sends a barrier to every target, behind the rows that wait.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn barrier(&mut self, barrier: Barrier) -> Result<(), ExchangeError> {
        self.broadcast(Element::Barrier(barrier)).await
    }

    /// Tells every target that no rows come any more.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn end(&mut self) -> Result<(), ExchangeError> {
        self.broadcast(Element::End).await
    }
}

#[cfg(test)]
mod tests {
    use millstream_model::Attempt;

    use super::*;
    use crate::inbox::Inbox;
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
