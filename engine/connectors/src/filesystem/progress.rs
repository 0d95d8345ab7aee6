//! Progress records: one object an epoch, written after the epoch's last file.
//!
//! `_millstream/<sink>/epoch-00000000000000000041` lists the files that the epoch made visible; the highest number is how far
//! the target is. The body is JSON, for readers who want whole epochs, and a persistent format.

use millstream_model::Epoch;
use serde::{Deserialize, Serialize};

/// What a progress record holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgressRecord {
    /// 1.
    pub(super) version: u32,
    /// Name of the table.
    pub(super) sink: String,
    /// Whose output it is, if the publisher was told.
    pub(super) owner: String,
    pub(super) epoch: u64,
    /// In the order of the manifest.
    pub(super) files: Vec<PublishedFile>,
}

/// A visible file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishedFile {
    /// Relative to the table's path.
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) rows: u64,
}

impl ProgressRecord {
    /// The body of the object.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = serde_json::to_vec(self).unwrap_or_default();
        body.push(b'\n');
        body
    }

    /// From the body of an object.
    pub(super) fn decode(body: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(body).map_err(|e| format!("not a progress record: {e}"))?;
        if record.version != 1 {
            return Err(format!("the record has version {}; this program knows version 1", record.version));
        }
        Ok(record)
    }
}

/// Folder of a sink's records, with a slash at the end. Whatever a table may be called, it is one folder.
pub(super) fn folder(sink: &str) -> String {
    let mut name = String::with_capacity(sink.len());
    for byte in sink.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("_millstream/{name}/")
}

/// Key of an epoch's record; the number has 20 digits, so that keys sort as numbers do.
pub(super) fn key(sink: &str, epoch: Epoch) -> String {
    format!("{}epoch-{:020}", folder(sink), epoch.0)
}

/// The epoch that a key below the folder names; `None` for other objects.
pub(super) fn epoch_of(key: &str) -> Option<Epoch> {
    let digits = key.rsplit('/').next()?.strip_prefix("epoch-")?;
    if digits.len() == 20 { digits.parse().ok().map(Epoch) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These bytes are in the output folders of users.
    #[test]
    fn the_encoding_stays() {
        let file = PublishedFile { file: "part-1-1-0-0.json".to_owned(), bytes: 10, rows: 2 };
        let record = ProgressRecord {
            version: 1,
            sink: "t".to_owned(),
            owner: "o".to_owned(),
            epoch: 7,
            files: vec![file],
        };
        let golden = "{\"version\":1,\"sink\":\"t\",\"owner\":\"o\",\"epoch\":7,\
                      \"files\":[{\"file\":\"part-1-1-0-0.json\",\"bytes\":10,\"rows\":2}]}\n";
        assert_eq!(String::from_utf8(record.encode()).unwrap(), golden);
        assert_eq!(ProgressRecord::decode(golden.as_bytes()), Ok(record));
    }

    #[test]
    fn keys_sort_as_numbers_do() {
        assert_eq!(key("my.sink", Epoch(41)), "_millstream/my%2Esink/epoch-00000000000000000041");
        assert_eq!(epoch_of(&key("t", Epoch(41))), Some(Epoch(41)));
        assert!(key("t", Epoch(9)) < key("t", Epoch(10)));
        for other in ["_millstream/t/epoch-41", "_millstream/t/notes", "epoch-0000000000000000004x"] {
            assert_eq!(epoch_of(other), None, "{other}");
        }
    }

    #[test]
    fn damaged_records_are_refused() {
        let table = [
            ("", "not a progress record: EOF while parsing a value at line 1 column 0"),
            ("{\"version\":1}", "not a progress record: missing field `sink` at line 1 column 13"),
            (
                "{\"version\":2,\"sink\":\"t\",\"owner\":\"\",\"epoch\":7,\"files\":[]}",
                "the record has version 2; this program knows version 1",
            ),
        ];
        for (body, message) in table {
            assert_eq!(ProgressRecord::decode(body.as_bytes()).unwrap_err(), message);
        }
    }
}
