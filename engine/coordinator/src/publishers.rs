//! Makes owned output visible at every sink of an epoch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use millstream_checkpoint::{Manifest, SinkState};
use millstream_checkpoint_store::JobObjects;
use millstream_connectors::ConnectorError;
use millstream_connectors::sink::{Publisher, Sink, StagedOutput, StagedReader};
use millstream_model::graph::JobGraph;
use millstream_model::snapshot::ObjectRef;
use millstream_model::{Epoch, ErrorKind, JobError, OperatorUid};
use tokio::sync::Mutex;

use crate::progress::Expected;

/// The publishers of a job's staged sinks. Used for one epoch at a time.
pub(crate) struct Publishers {
    /// What progress records say about whose they are.
    owner: String,
    sinks: BTreeMap<OperatorUid, Arc<dyn Sink>>,
    staged: Staged,
    deadline: Duration,
    /// Publishers that have not failed. After any error a new one is made: the old one cannot know what its target did.
    open: Mutex<BTreeMap<OperatorUid, Box<dyn Publisher>>>,
}

impl Publishers {
    /// None is open yet.
    pub(crate) fn new(
        owner: String,
        sinks: BTreeMap<OperatorUid, Arc<dyn Sink>>,
        objects: JobObjects,
        deadline: Duration,
    ) -> Self {
        Self { owner, sinks, staged: Staged::new(objects), deadline, open: Mutex::default() }
    }

    /// Makes everything of `epoch` visible, sink by sink. Sinks without output in it are not touched: their progress stays
    /// at the last epoch that had some.
    ///
    /// # Errors
    /// The first sink's that fails; those before it are done, and publishing again finds that out.
    pub(crate) async fn publish(&self, epoch: Epoch, manifest: &Manifest) -> Result<(), JobError> {
        let mut open = self.open.lock().await;
        for sink in manifest.sinks.iter().filter(|s| !s.publications.is_empty()) {
            let mut publisher = match open.remove(&sink.uid) {
                Some(publisher) => publisher,
                None => self.opened(&sink.uid, epoch)?,
            };
            let outputs = outputs(sink);
            let answer =
                tokio::time::timeout(self.deadline, publisher.publish(epoch, &outputs, &self.staged)).await;
            match answer {
                Ok(answer) => answer.map_err(|e| self.staged.judge(failure(&e)))?,
                Err(_) => return Err(self.silent(&sink.uid)),
            }
            open.insert(sink.uid.clone(), publisher);
        }
        Ok(())
    }

    /// Compares what the targets say with what the job's storage says: the progress record must have reached the newest
    /// epoch that published there. One that has not was deleted or belongs elsewhere, and nobody can tell any more what is
    /// visible. A sink whose definition changed may point to another target, which knows nothing yet.
    ///
    /// # Errors
    /// `State` for a record that is missing or behind; the target's own error if it cannot be asked.
    pub(crate) async fn check(&self, expected: &[Expected], graph: &JobGraph) -> Result<(), JobError> {
        for Expected { sink, epoch, meaning } in expected {
            let now = graph.operators().find(|(_, o)| o.uid == *sink).map(|(_, o)| &o.meaning);
            if now != meaning.as_ref() || !self.sinks.contains_key(sink) {
                continue;
            }
            let mut publisher = self.opened(sink, *epoch)?;
            let progress = tokio::time::timeout(self.deadline, publisher.progress())
                .await
                .map_err(|_| self.silent(sink))?
                .map_err(|e| failure(&e))?;
            if progress < Some(*epoch) {
                let found = progress.map_or_else(|| "is missing".into(), |p| format!("says epoch {p}"));
                let message = format!(
                    "table {}: output up to epoch {epoch} was published, but the target's progress record {found}; if its \
                     output was removed on purpose, start the job over from the beginning",
                    sink
                );
                return Err(JobError::new(ErrorKind::State, message));
            }
        }
        Ok(())
    }

    fn silent(&self, sink: &OperatorUid) -> JobError {
        let message = format!("table {sink}: no answer from the target in {} s", self.deadline.as_secs());
        JobError::new(ErrorKind::Transient, message)
    }

    fn opened(&self, uid: &OperatorUid, epoch: Epoch) -> Result<Box<dyn Publisher>, JobError> {
        let publisher = match self.sinks.get(uid) {
            Some(sink) => sink.publisher().map_err(|e| failure(&e))?,
            None => None,
        };
        if let Some(mut publisher) = publisher {
            publisher.set_owner(&self.owner);
            return Ok(publisher);
        }
        Err({
            let message = format!(
                "epoch {epoch} has output for table {uid}, which the job does not publish any more; put the table back \
                 until that output is visible, or discard epoch {epoch} by name"
            );
            JobError::new(ErrorKind::State, message)
        })
    }
}

fn outputs(sink: &SinkState) -> Vec<StagedOutput> {
    let output = |p: &millstream_checkpoint::Publication| StagedOutput {
        id: p.id.clone(),
        slot: p.slot,
        partition: p.partition.clone(),
        segments: p.segments.clone(),
    };
    sink.publications.iter().map(output).collect()
}

fn failure(error: &ConnectorError) -> JobError {
    JobError::new(error.kind(), error.to_string())
}

/// Staged segments, as the job's storage has them.
struct Staged {
    objects: JobObjects,
    /// Whether a segment was damaged or gone since the last verdict. Publishers pass reading errors on as text, and to them
    /// each may pass; that this one does not is known here.
    is_damaged: AtomicBool,
}

impl Staged {
    const fn new(objects: JobObjects) -> Self {
        Self { objects, is_damaged: AtomicBool::new(false) }
    }

    /// A publish that failed because of damage must not be tried again and again: a person has to look.
    fn judge(&self, error: JobError) -> JobError {
        if self.is_damaged.swap(false, Ordering::Relaxed) && error.kind == ErrorKind::Transient {
            return JobError::new(ErrorKind::State, error.message);
        }
        error
    }
}

#[async_trait]
impl StagedReader for Staged {
    async fn read(&self, object: &ObjectRef) -> Result<Bytes, String> {
        self.objects.fetch(object).await.map_err(|error| {
            if error.is_damage() {
                self.is_damaged.store(true, Ordering::Relaxed);
            }
            JobError::from(error).message
        })
    }
}

#[cfg(test)]
mod publishers_test;
