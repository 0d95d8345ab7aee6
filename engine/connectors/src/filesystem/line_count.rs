//! Which line a byte is on, for messages. Counted only when something is wrong, so that reading need not count.

use std::io::Read as _;
use std::path::Path;

use crate::filesystem::input::{Compression, Input};

/// The number, from 1, of the line that holds byte `offset`; `None` if the file cannot be read again.
pub(super) fn line_at(path: &Path, compression: Compression, offset: u64) -> Option<u64> {
    let mut before = Input::open(path, compression).ok()?.take(offset);
    let mut buffer = vec![0; 64 * 1024];
    let (mut lines, mut is_after_carriage) = (1, false);
    loop {
        let count = before.read(&mut buffer).ok()?;
        if count == 0 {
            return Some(lines);
        }
        for &byte in buffer.get(..count)? {
            // `\r\n` is one line break, counted at its `\r`.
            lines += u64::from(byte == b'\r' || (byte == b'\n' && !is_after_carriage));
            is_after_carriage = byte == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "a\nb\r\nc\rd\n").unwrap();
        for (offset, line) in [(0, 1), (1, 1), (2, 2), (5, 3), (7, 4), (8, 4), (9, 5), (99, 5)] {
            assert_eq!(line_at(&path, Compression::None, offset), Some(line), "{offset}");
        }
        assert_eq!(line_at(&folder.path().join("b"), Compression::None, 0), None);
    }
}
