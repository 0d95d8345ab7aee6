//! Lengths that compressed columns claim to have, looked at before memory is taken for them.
//!
//! Arrow's decoder allocates what a buffer says that it will be; a damaged one that says 2^55 bytes would end the process.

use arrow::ipc::root_as_message;

/// Marks the beginning of a message in an Arrow IPC stream; the length of its metadata follows.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// A buffer that was not made smaller says so instead of its length.
const NOT_COMPRESSED: i64 = -1;
/// LZ4 cannot make more out of a byte.
const LARGEST_RATIO: i64 = 255;
/// No column of a batch is longer: its offsets have 32 bits.
const LARGEST_BUFFER: i64 = i32::MAX as i64;

/// Looks at the messages up to the first one with rows. What is wrong otherwise, the decoder finds.
///
/// # Errors
/// Which length cannot be.
pub(super) fn check(frame: &[u8]) -> Result<(), String> {
    let mut rest = frame;
    while let Some((metadata, behind)) = message(rest) {
        let Ok(message) = root_as_message(metadata) else { return Ok(()) };
        if let Some(rows) = message.header_as_record_batch() {
            let buffers = rows.compression().and(rows.buffers());
            return buffers.iter().flatten().try_for_each(|buffer| {
                let part = |at: i64, length: i64| {
                    let at = usize::try_from(at).ok()?;
                    behind.get(at..at.checked_add(usize::try_from(length).ok()?)?)
                };
                // Too short for a length: the decoder says so.
                part(buffer.offset(), buffer.length()).map_or(Ok(()), check_buffer)
            });
        }
        let Some(behind) = usize::try_from(message.bodyLength()).ok().and_then(|body| behind.get(body..))
        else {
            return Ok(());
        };
        rest = behind;
    }
    Ok(())
}

/// The metadata of the first message, and what is behind them.
fn message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let bytes = bytes.strip_prefix(&CONTINUATION)?;
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    bytes.split_at_checked(u32::from_le_bytes(*length) as usize)
}

fn check_buffer(buffer: &[u8]) -> Result<(), String> {
    let Some((claimed, compressed)) = buffer.split_first_chunk::<8>() else { return Ok(()) };
    let claimed = i64::from_le_bytes(*claimed);
    let largest = LARGEST_RATIO.saturating_mul(compressed.len() as i64).min(LARGEST_BUFFER);
    if claimed == NOT_COMPRESSED || (0..=largest).contains(&claimed) {
        return Ok(());
    }
    Err(format!("{} compressed bytes claim to be {claimed}", compressed.len()))
}
