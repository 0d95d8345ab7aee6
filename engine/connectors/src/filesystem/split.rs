//! What a split is, as bytes in checkpoints. The encoding is a persistent format: variants are only ever added.
//!
//! Example: `data/x.json@67108864..134217728` of a file of 200,000,000 bytes holds the lines that begin behind byte
//! 67,108,864 and not behind byte 134,217,728.

use serde::{Deserialize, Serialize};

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileSplit {
    /// Relative to the table's base folder, or absolute.
    pub(super) file: String,
    /// Lines that begin behind this byte belong here; at 0, the one that begins at it too.
    pub(super) start: u64,
    /// Lines that begin behind this byte belong to the next split. For compressed files both are bytes of the file, 0 and
    /// its length.
    pub(super) end: u64,
    /// Length of the file when it was found.
    pub(super) file_bytes: u64,
}

#[derive(Serialize, Deserialize)]
enum Versioned {
    V1(FileSplit),
}

impl FileSplit {
    /// Cuts a file into splits of about `split_bytes`; the last one is at least half as long.
    pub(super) fn cut(file: &str, file_bytes: u64, split_bytes: u64) -> Vec<Self> {
        let split = |start, end| Self { file: file.to_owned(), start, end, file_bytes };
        let mut splits = Vec::new();
        let mut start = 0;
        while file_bytes - start > split_bytes.saturating_add(split_bytes / 2) {
            splits.push(split(start, start + split_bytes));
            start += split_bytes;
        }
        splits.push(split(start, file_bytes));
        splits
    }

    /// Unique within the table.
    pub(super) fn id(&self) -> String {
        format!("{}@{}..{}", self.file, self.start, self.end)
    }

    /// Whether it holds the end of the file.
    pub(super) const fn is_last(&self) -> bool {
        self.end == self.file_bytes
    }

    /// For a checkpoint.
    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(&Versioned::V1(self.clone())).unwrap_or_default()
    }

    /// From a checkpoint.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        match postcard::from_bytes(bytes) {
            Ok(Versioned::V1(split)) if split.start <= split.end && split.end <= split.file_bytes => {
                Ok(split)
            }
            Ok(Versioned::V1(split)) => {
                Err(format!("the split {} of {} bytes is damaged", split.id(), split.file_bytes))
            }
            Err(error) => {
                Err(format!("the description of a split is damaged or from a newer version: {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_cut() {
        let table: &[(u64, u64, &[&str])] = &[
            (0, 10, &["f@0..0"]),
            (15, 10, &["f@0..15"]),
            (16, 10, &["f@0..10", "f@10..16"]),
            (45, 10, &["f@0..10", "f@10..20", "f@20..30", "f@30..45"]),
            (5, u64::MAX, &["f@0..5"]),
            (3, 1, &["f@0..1", "f@1..2", "f@2..3"]),
        ];
        for (bytes, size, expected) in table {
            let splits = FileSplit::cut("f", *bytes, *size);
            assert_eq!(splits.iter().map(FileSplit::id).collect::<Vec<_>>(), *expected);
            assert!(splits.last().unwrap().is_last());
        }
    }

    /// These bytes are in checkpoints of released versions.
    #[test]
    fn the_encoding_stays() {
        let split = FileSplit { file: "a.csv".to_owned(), start: 0, end: 300, file_bytes: 70_000 };
        let golden = [0, 5, b'a', b'.', b'c', b's', b'v', 0, 172, 2, 240, 162, 4];
        assert_eq!(split.encode(), golden);
        assert_eq!(FileSplit::decode(&golden), Ok(split));
    }

    #[test]
    fn damaged_descriptions_are_refused() {
        let damaged = FileSplit { file: "a".to_owned(), start: 9, end: 3, file_bytes: 10 }.encode();
        let table: &[(&[u8], &str)] = &[
            (
                &[],
                "the description of a split is damaged or from a newer version: Hit the end of buffer, expected more data",
            ),
            (
                &[0, 5, b'a'],
                "the description of a split is damaged or from a newer version: Hit the end of buffer, expected more data",
            ),
            (
                &[7],
                "the description of a split is damaged or from a newer version: Serde Deserialization Error",
            ),
            (&damaged, "the split a@9..3 of 10 bytes is damaged"),
        ];
        for (bytes, message) in table {
            assert_eq!(FileSplit::decode(bytes).unwrap_err(), *message);
        }
    }
}
