//! Objects that are too large for one request, in parts.
//!
//! S3 puts the parts together when the upload is completed, and only that request carries `If-None-Match: *`: the object appears
//! whole or not at all, and only if its key is free. Example: 100 MB are six parts of 16 MB and one of 4 MB.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStore};

/// More bytes go in parts.
pub(super) const LARGE_BYTES: u64 = 32 << 20;
/// S3 takes at least 5 MB a part, and at most 10,000 parts.
const PART_BYTES: u64 = 16 << 20;
/// Requests at a time.
const AT_A_TIME: usize = 4;

/// Sends the parts through `sends`, which may repeat requests, and completes the upload once through `completes`.
pub(super) async fn put(
    sends: &AmazonS3,
    completes: &AmazonS3,
    path: &Path,
    body: &Bytes,
) -> Result<(), Error> {
    let upload = sends.create_multipart(path).await?;
    let part = |(index, range): (usize, Range<u64>)| {
        let bytes = body.slice(range.start as usize..range.end as usize);
        let upload = &upload;
        async move { sends.put_part(path, upload, index, bytes.into()).await }
    };
    let sent = stream::iter(ranges(body.len() as u64).enumerate()).map(part).buffered(AT_A_TIME);
    let answer = match sent.try_collect::<Vec<PartId>>().await {
        Ok(parts) => completes.complete_multipart(path, &upload, parts).await.map(drop),
        Err(error) => Err(error),
    };
    if answer.is_err()
        && let Err(error) = sends.abort_multipart(path, &upload).await
    {
        tracing::debug!(%path, %error, "an upload that failed stays until the bucket's rules remove it");
    }
    answer
}

/// The object that `meta` describes, and no other one that took its place meanwhile.
pub(super) async fn get(reads: &AmazonS3, path: &Path, meta: &ObjectMeta) -> Result<Bytes, Error> {
    let part = |range: Range<u64>| async {
        let range = Some(GetRange::Bounded(range));
        let options = GetOptions { range, if_match: meta.e_tag.clone(), ..GetOptions::default() };
        reads.get_opts(path, options).await?.bytes().await
    };
    let mut parts = stream::iter(ranges(meta.size)).map(part).buffered(AT_A_TIME);
    let mut body = BytesMut::with_capacity(meta.size as usize);
    while let Some(part) = parts.try_next().await? {
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

fn ranges(bytes: u64) -> impl Iterator<Item = Range<u64>> {
    (0..bytes.div_ceil(PART_BYTES)).map(move |part| part * PART_BYTES..((part + 1) * PART_BYTES).min(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_object() {
        for (bytes, parts) in [(0, 0), (1, 1), (PART_BYTES, 1), (PART_BYTES + 1, 2), (100 << 20, 7)] {
            let ranges: Vec<_> = ranges(bytes).collect();
            assert_eq!(ranges.len(), parts, "{bytes} bytes");
            assert!(ranges.iter().all(|range| range.end - range.start <= PART_BYTES));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(ranges.last().map_or(0, |range| range.end), bytes);
        }
    }
}
