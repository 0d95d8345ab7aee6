//! Makes owned output visible: files first, then the epoch's progress record.
//!
//! Names are fixed by the manifest and every object is created once, so a repetition by this or another process leaves the
//! same result: a name that is taken by equal content is done, by other content it belongs to somebody else. Whoever reads
//! the folder and ignores names that start with `_` sees complete files only; whoever wants whole epochs reads the records.
//!
//! A file is in memory while it is created: one file at a time, at most `sink.rolling-policy.file-size` and one segment (8 MB)
//! long, for the coordinator cuts what is pending at that size. Example: 10 GB that waited for an hour
//! become 80 files of 128 MB, published one after the other in some 150 MB of memory.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use millstream_model::Epoch;
use millstream_storage::retry::{self, Patience};
use millstream_storage::{CreateOutcome, ObjectStorage, Remedy, StorageError};

use crate::error::ConnectorError;
use crate::filesystem::progress::{self, ProgressRecord, PublishedFile};
use crate::sink::{Publisher, StagedOutput, StagedReader};

/// See the module.
#[derive(Debug)]
pub struct FilePublisher {
    table: String,
    extension: &'static str,
    storage: Arc<dyn ObjectStorage>,
    patience: Patience,
    owner: String,
    /// The newest record known to be there, and whether it lists no files.
    newest: Option<Newest>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    epoch: Epoch,
    is_empty: bool,
}

impl FilePublisher {
    /// A publisher of the sink `table` to `storage`, whose root is the table's path. Files end with `.<extension>`.
    #[must_use]
    pub fn new(table: &str, extension: &'static str, storage: Arc<dyn ObjectStorage>) -> Self {
        Self {
            table: table.to_owned(),
            extension,
            storage,
            patience: Patience::default(),
            owner: String::new(),
            newest: None,
        }
    }

    /// The same with other limits for an unresponsive store.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    fn file_name(&self, output: &StagedOutput) -> String {
        let folder =
            if output.partition.is_empty() { String::new() } else { format!("{}/", output.partition) };
        format!("{folder}part-{}.{}", output.id, self.extension)
    }

    /// Reads the newest record, unless it is known.
    async fn newest(&mut self) -> Result<Option<Newest>, ConnectorError> {
        if self.newest.is_none() {
            let folder = progress::folder(&self.table);
            let listed = retry::list(self.storage.as_ref(), &folder, &self.patience)
                .await
                .map_err(|e| self.storage_error(None, &e))?;
            if let Some(epoch) = listed.iter().filter_map(|o| progress::epoch_of(&o.key)).max() {
                let record = self.record(epoch).await?.ok_or_else(|| ConnectorError::Io {
                    table: self.table.clone(),
                    action: format!("cannot read {}", progress::key(&self.table, epoch)),
                    cause: "it was listed, and then it was gone".to_owned(),
                })?;
                self.newest = Some(Newest { epoch, is_empty: record.files.is_empty() });
            }
        }
        Ok(self.newest)
    }

    /// The record of an epoch, if there is one.
    async fn record(&self, epoch: Epoch) -> Result<Option<ProgressRecord>, ConnectorError> {
        let key = progress::key(&self.table, epoch);
        let body = match retry::get(self.storage.as_ref(), &key, &self.patience).await {
            Ok(body) => body,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(self.storage_error(None, &error)),
        };
        let place = format!("{}/{key}", self.storage.location());
        let record = ProgressRecord::decode(&body).map_err(|message| {
            self.refused(epoch, format!("{place}: {message}; restore it or write to another path"))
        })?;
        if record.epoch != epoch.0 || record.sink != self.table {
            let message = format!(
                "{place} is about epoch {} of `{}`; somebody moved it; write to another path",
                record.epoch, record.sink
            );
            return Err(self.refused(epoch, message));
        }
        if !self.owner.is_empty() && !record.owner.is_empty() && record.owner != self.owner {
            let message = format!(
                "{place} belongs to `{}`, and this is `{}`: another job, or this one before it was started afresh; write to \
                 another path, or remove that output",
                record.owner, self.owner
            );
            return Err(self.refused(epoch, message));
        }
        Ok(Some(record))
    }

    /// An epoch that the target calls published must be the one that is asked for.
    async fn check_published(&self, epoch: Epoch, outputs: &[StagedOutput]) -> Result<(), ConnectorError> {
        let record = self.record(epoch).await?;
        // Records without files are removed when a newer one is there.
        let published: Vec<String> =
            record.iter().flat_map(|r| r.files.iter().map(|f| f.file.clone())).collect();
        let expected: Vec<String> = outputs.iter().map(|o| self.file_name(o)).collect();
        if published == expected {
            return Ok(());
        }
        let newest = self.newest.map_or(epoch, |n| n.epoch);
        let message = format!(
            "{} is at epoch {newest} already, with {} files of epoch {epoch} where this job has {} others: the folder belongs to \
             another job, or to this one before it was started afresh; write to another path, or remove that output",
            self.storage.location(),
            published.len(),
            expected.len()
        );
        Err(self.refused(epoch, message))
    }

    async fn publish_file(
        &self,
        epoch: Epoch,
        output: &StagedOutput,
        staged: &dyn StagedReader,
    ) -> Result<PublishedFile, ConnectorError> {
        let body = self.content(output, staged).await?;
        let file = self.file_name(output);
        let bytes = body.len() as u64;
        self.create(epoch, &file, body).await?;
        Ok(PublishedFile { file, bytes, rows: output.segments.iter().map(|s| s.rows).sum() })
    }

    async fn content(
        &self,
        output: &StagedOutput,
        staged: &dyn StagedReader,
    ) -> Result<Bytes, ConnectorError> {
        let read = |segment: &millstream_model::snapshot::StagedSegment| {
            let object = segment.object.clone();
            async move {
                staged.read(&object).await.map_err(|cause| ConnectorError::Io {
                    table: self.table.clone(),
                    action: format!("cannot read the staged output {}", object.key),
                    cause,
                })
            }
        };
        if let [only] = output.segments.as_slice() {
            return read(only).await;
        }
        let bytes: u64 = output.segments.iter().map(|s| s.object.length).sum();
        // Room for all at once: growing by doubling would need three times as much for a moment.
        let mut joined = BytesMut::with_capacity(usize::try_from(bytes).unwrap_or(0));
        for segment in &output.segments {
            joined.extend_from_slice(&read(segment).await?);
        }
        Ok(joined.freeze())
    }

    async fn create(&self, epoch: Epoch, key: &str, body: Bytes) -> Result<(), ConnectorError> {
        match retry::create(self.storage.as_ref(), key, body, &self.patience).await {
            Ok(CreateOutcome::Created) => Ok(()),
            Ok(CreateOutcome::Taken(_)) => {
                let message = format!(
                    "{}/{key} exists with other content: it belongs to another job, or to this one before it was started \
                     afresh; write to another path, or remove that output",
                    self.storage.location()
                );
                Err(self.refused(epoch, message))
            }
            Err(error) => Err(self.storage_error(Some(epoch), &error)),
        }
    }

    /// Keeps the number of records at that of the epochs with files: a record without any is of no use behind a newer one.
    async fn drop_empty_predecessor(&mut self) {
        if let Some(Newest { epoch, is_empty: true }) = self.newest {
            let key = progress::key(&self.table, epoch);
            if let Err(error) = self.storage.delete(&key).await {
                tracing::debug!(%key, %error, "an empty progress record stays");
            }
        }
    }

    fn refused(&self, epoch: Epoch, message: String) -> ConnectorError {
        ConnectorError::Refused { table: self.table.clone(), epoch: epoch.0, message }
    }

    fn storage_error(&self, epoch: Option<Epoch>, error: &StorageError) -> ConnectorError {
        let cause = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
        match (error.remedy(), epoch) {
            (Remedy::GiveUp, Some(epoch)) => self.refused(epoch, format!("{error}: {cause}")),
            _ => ConnectorError::Io { table: self.table.clone(), action: error.to_string(), cause },
        }
    }
}

#[async_trait]
impl Publisher for FilePublisher {
    fn set_owner(&mut self, owner: &str) {
        self.owner = owner.to_owned();
        self.newest = None;
    }

    async fn progress(&mut self) -> Result<Option<Epoch>, ConnectorError> {
        self.newest = None;
        Ok(self.newest().await?.map(|n| n.epoch))
    }

    async fn publish(
        &mut self,
        epoch: Epoch,
        outputs: &[StagedOutput],
        staged: &dyn StagedReader,
    ) -> Result<(), ConnectorError> {
        if self.newest().await?.is_some_and(|n| epoch <= n.epoch) {
            return self.check_published(epoch, outputs).await;
        }
        let mut files = Vec::with_capacity(outputs.len());
        for output in outputs {
            files.push(self.publish_file(epoch, output, staged).await?);
        }
        let is_empty = files.is_empty();
        let record = ProgressRecord {
            version: 1,
            sink: self.table.clone(),
            owner: self.owner.clone(),
            epoch: epoch.0,
            files,
        };
        self.create(epoch, &progress::key(&self.table, epoch), Bytes::from(record.encode())).await?;
        self.drop_empty_predecessor().await;
        self.newest = Some(Newest { epoch, is_empty });
        Ok(())
    }
}

#[cfg(test)]
mod publisher_test;
