//! Which line a byte is on, for messages. Counted only when something is wrong, so that reading need not count.

use std::io::Read as _;

use crate::filesystem::input::Input;

/// The number, from 1, of the line that holds byte `offset` of a file that was opened at its start; `None` if it cannot be read.
pub(super) fn line_at(file: Input, offset: u64) -> Option<u64> {
    let mut before = file.take(offset);
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
    use crate::filesystem::input::Compression;

    #[test]
    fn lines_are_counted_from_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "a\nb\r\nc\rd\n").unwrap();
        for (offset, line) in [(0, 1), (1, 1), (2, 2), (5, 3), (7, 4), (8, 4), (9, 5), (99, 5)] {
            let file = Input::open_at(&path, Compression::None, 0).unwrap();
            assert_eq!(line_at(file, offset), Some(line), "{offset}");
        }
    }
}
