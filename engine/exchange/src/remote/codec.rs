//! Batches as bytes: an Arrow IPC stream for each channel, and behind each batch of it what it has beside its columns.
//!
//! Neither side copies columns: the sender writes the buffers as they are, the receiver's columns share the frame that
//! they came in. The schema goes with the first batch. Behind the columns follow, as the flags say: watermarks of rows (8
//! bytes each), hashes of keys (8), kinds of change (1).

use arrow::array::RecordBatch;
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamEncoder};
use bytes::Bytes;
use millstream_batch::{Ops, RowOp, StreamBatch};
use millstream_model::error::with_causes;

use super::lengths;

const WATERMARKS: u8 = 1;
const HASHES: u8 = 2;
const OPS: u8 = 4;
/// The schema is in this frame.
const FIRST: u8 = 8;
/// A byte follows the columns, which have none: Arrow's decoder wants more input to see that nothing is missing.
const PADDED: u8 = 16;

/// Whether columns are made smaller on their way. The receiver sees by itself what it gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are: on a fast network, compressing costs more than it saves.
    #[default]
    None,
    /// LZ4.
    Lz4,
}

/// The sender's side of one channel.
pub(super) struct BatchEncoder {
    stream: Option<(SchemaRef, StreamEncoder)>,
    compression: Compression,
}

impl BatchEncoder {
    pub(super) const fn new(compression: Compression) -> Self {
        Self { stream: None, compression }
    }

    fn options(&self) -> Result<IpcWriteOptions, ArrowError> {
        let codec = match self.compression {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
        };
        IpcWriteOptions::default().try_with_compression(codec)
    }

    /// The flags and the body of a frame.
    ///
    /// # Errors
    /// When a column's type has no form in Arrow IPC.
    pub(super) fn encode(&mut self, batch: &StreamBatch) -> Result<(u8, Vec<Buffer>), ArrowError> {
        let schema = batch.schema();
        let mut flags = 0;
        if self.stream.as_ref().is_none_or(|(known, _)| *known != schema) {
            self.stream =
                Some((schema.clone(), StreamEncoder::try_new_with_options(&schema, self.options()?)?));
            flags |= FIRST;
        }
        let mut body = match &mut self.stream {
            Some((_, encoder)) => encoder.encode(batch.columns())?,
            None => Vec::new(),
        };
        if batch.num_rows() == 0 || batch.columns().num_columns() == 0 {
            flags |= PADDED;
            body.push(vec![0_u8].into());
        }
        if let Some(watermarks) = batch.row_watermark() {
            flags |= WATERMARKS;
            body.push(watermarks.inner().clone());
        }
        if let Some(hashes) = batch.key_hash() {
            flags |= HASHES;
            body.push(hashes.inner().clone());
        }
        if let Some(ops) = batch.ops() {
            flags |= OPS;
            body.push(ops.iter().map(|op| *op as u8).collect::<Vec<u8>>().into());
        }
        Ok((flags, body))
    }
}

/// The receiver's side of one channel.
#[derive(Debug, Default)]
pub(super) struct BatchDecoder {
    stream: StreamDecoder,
}

impl BatchDecoder {
    /// The batch in a frame.
    ///
    /// # Errors
    /// What is wrong with it.
    ///
    /// # Panics
    /// In Arrow, when its inner lengths do not fit each other.
    pub(super) fn decode(&mut self, flags: u8, body: Bytes) -> Result<StreamBatch, String> {
        lengths::check(&body)?;
        if flags & FIRST != 0 {
            self.stream = StreamDecoder::new();
        }
        let mut rest = Buffer::from(body);
        let columns = self.columns(&mut rest)?;
        let rows = columns.num_rows();
        if flags & PADDED != 0 {
            cut(&mut rest, 1)?;
        }
        let mut batch = StreamBatch::new(columns);
        if flags & WATERMARKS != 0 {
            batch = batch.with_row_watermark(Some(numbers(&mut rest, rows)?));
        }
        if flags & HASHES != 0 {
            batch = batch.with_key_hash(Some(numbers(&mut rest, rows)?));
        }
        if flags & OPS != 0 {
            let codes = cut(&mut rest, rows)?;
            let ops: Option<Ops> = codes.iter().map(|code| RowOp::from_code(*code)).collect();
            batch = batch.with_ops(Some(ops.ok_or("a row has an unknown kind of change")?));
        }
        if rest.is_empty() { Ok(batch) } else { Err(format!("{} bytes are left over", rest.len())) }
    }

    fn columns(&mut self, rest: &mut Buffer) -> Result<RecordBatch, String> {
        match self.stream.decode(rest) {
            Ok(Some(batch)) => Ok(batch),
            Ok(None) => Err("its columns are not complete".into()),
            Err(error) => Err(with_causes(&error)),
        }
    }
}

fn numbers<T: ArrowNativeType>(rest: &mut Buffer, rows: usize) -> Result<ScalarBuffer<T>, String> {
    let bytes = cut(rest, rows * size_of::<T>())?;
    // What was read may begin anywhere; numbers may not.
    let is_aligned = bytes.as_ptr().align_offset(align_of::<T>()) == 0;
    let aligned = if is_aligned { bytes } else { Buffer::from(bytes.as_slice()) };
    Ok(ScalarBuffer::new(aligned, 0, rows))
}

fn cut(rest: &mut Buffer, length: usize) -> Result<Buffer, String> {
    if rest.len() < length {
        return Err(format!("{length} bytes beside its columns are missing"));
    }
    let part = rest.slice_with_length(0, length);
    rest.advance(length);
    Ok(part)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::RecordBatchOptions;
    use arrow::datatypes::Schema;
    use bytes::BytesMut;

    use super::*;
    use crate::test_rows::batch;

    fn sent(batch: &StreamBatch, encoder: &mut BatchEncoder) -> (u8, BytesMut) {
        let (flags, body) = encoder.encode(batch).unwrap();
        let mut bytes = BytesMut::new();
        body.iter().for_each(|part| bytes.extend_from_slice(part));
        (flags, bytes)
    }

    fn full() -> StreamBatch {
        batch(&[1, 2, 3])
            .with_ops(Some([RowOp::Insert, RowOp::Delete, RowOp::UpdateAfter].into()))
            .with_row_watermark(Some(vec![i64::MIN, 5, 6].into()))
            .with_key_hash(Some(vec![u64::MAX, 8, 9].into()))
    }

    #[test]
    fn everything_of_a_batch_comes_back_and_the_schema_goes_once() {
        for compression in [Compression::None, Compression::Lz4] {
            everything_comes_back(compression);
        }
    }

    fn everything_comes_back(compression: Compression) {
        let (mut encoder, mut decoder) = (BatchEncoder::new(compression), BatchDecoder::default());
        let sliced = full().slice(1, 2);
        let mut lengths = Vec::new();
        let no_columns = RecordBatchOptions::new().with_row_count(Some(3));
        let no_columns = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &no_columns);
        let no_columns = StreamBatch::new(no_columns.unwrap()).with_key_hash(Some(vec![1, 2, 3].into()));
        for batch in [&full(), &batch(&[]), &sliced, &no_columns, &batch(&[7; 5_000]), &full()] {
            let (flags, bytes) = sent(batch, &mut encoder);
            lengths.push(bytes.len());
            let back = decoder.decode(flags, bytes.freeze()).unwrap();
            assert_eq!(back.columns(), batch.columns());
            assert_eq!(back.ops(), batch.ops());
            assert_eq!(back.row_watermark(), batch.row_watermark());
            assert_eq!(back.key_hash(), batch.key_hash());
        }
        assert!(lengths[0] > lengths[5], "the second time without a schema: {lengths:?}");
        // 5,000 equal numbers.
        assert_eq!(lengths[4] < 2_000, compression == Compression::Lz4, "{lengths:?}");
    }

    #[test]
    fn a_frame_may_begin_at_any_address() {
        let (flags, bytes) = sent(&full(), &mut BatchEncoder::new(Compression::None));
        for shift in 0..16 {
            let mut shifted = BytesMut::zeroed(shift);
            shifted.extend_from_slice(&bytes);
            let back = BatchDecoder::default().decode(flags, shifted.freeze().slice(shift..)).unwrap();
            assert_eq!(back.key_hash(), full().key_hash());
        }
    }

    #[test]
    fn what_is_cut_off_or_too_much_is_an_error() {
        let (flags, bytes) = sent(&full(), &mut BatchEncoder::new(Compression::None));
        let decode = |flags: u8, bytes: &[u8]| {
            let error = BatchDecoder::default().decode(flags, Bytes::copy_from_slice(bytes));
            error.map(|_| ()).unwrap_err()
        };
        for length in 0..bytes.len() {
            decode(flags, &bytes[..length]);
        }
        assert_eq!(decode(flags, &bytes[..bytes.len() - 1]), "3 bytes beside its columns are missing");
        let mut more = bytes.to_vec();
        more.push(0);
        assert_eq!(decode(flags, &more), "1 bytes are left over");
        more.pop();
        *more.last_mut().unwrap() = 9;
        assert_eq!(decode(flags, &more), "a row has an unknown kind of change");
    }

    #[test]
    fn a_compressed_column_cannot_claim_any_length() {
        let (flags, bytes) = sent(&batch(&[7; 5_000]), &mut BatchEncoder::new(Compression::Lz4));
        // The column's length before it was compressed.
        let claim = 40_000_i64.to_le_bytes();
        let at = bytes.windows(8).position(|window| window == claim).unwrap();
        for claimed in [1 << 55, i64::MIN, -2, i64::from(i32::MAX) + 1, 1_000_000] {
            let mut damaged = bytes.to_vec();
            damaged[at..at + 8].copy_from_slice(&i64::to_le_bytes(claimed));
            let error = BatchDecoder::default().decode(flags, damaged.into()).unwrap_err();
            assert!(error.ends_with(&format!("compressed bytes claim to be {claimed}")), "{error}");
        }
        assert!(BatchDecoder::default().decode(flags, bytes.freeze()).is_ok());
    }

    #[test]
    fn damaged_frames_do_not_end_the_process() {
        let damaged = |compression| {
            let (flags, bytes) = sent(&full(), &mut BatchEncoder::new(compression));
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.to_vec();
                flipped[bit / 8] ^= 1 << (bit % 8);
                // Whether it is seen or the rows are others: no more memory is taken than there is. Arrow may panic, which the
                // connection catches.
                let decode = || BatchDecoder::default().decode(flags, flipped.clone().into()).map(drop);
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode));
            }
        };
        damaged(Compression::None);
        damaged(Compression::Lz4);
    }
}
