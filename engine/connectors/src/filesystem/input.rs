//! Bytes of a file, decompressed.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use millstream_storage::wait::wait_for;
use millstream_storage::{ObjectStorage, Patience, retry};

use crate::filesystem::place::refusal;
use crate::filesystem::store_reader::StoreReader;

/// How a file is compressed, by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By the ending of the name.
    ///
    /// # Errors
    /// For compressions that cannot be read, so that their bytes are not taken for records.
    pub(super) fn of(name: &str) -> Result<Self, String> {
        match Path::new(name).extension().and_then(|e| e.to_str()) {
            Some("gz" | "gzip") => Ok(Self::Gzip),
            Some("zst" | "zstd") => Ok(Self::Zstd),
            Some(other @ ("bz2" | "xz" | "deflate" | "lz4" | "snappy" | "zip")) => Err(format!(
                "{name}: files that end with .{other} cannot be read; use gzip (.gz) or zstd (.zst)"
            )),
            _ => Ok(Self::None),
        }
    }
}

/// An open file.
pub(super) struct Input {
    bytes: Box<dyn Read + Send>,
    /// Bytes of the file itself that were read.
    read: Arc<AtomicU64>,
    pub(super) file_bytes: u64,
    /// Where it was opened: less than asked if the file ends before.
    pub(super) starts_at: u64,
    pub(super) is_compressed: bool,
}

impl Input {
    /// Opens the file at a byte; of a compressed one the bytes before it are decompressed and dropped. Reading behind the
    /// end gives nothing.
    pub(super) fn open_at(path: &Path, compression: Compression, offset: u64) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        if compression == Compression::None {
            file.seek(SeekFrom::Start(offset))?;
        }
        Self::of(Box::new(file), file_bytes, compression, offset)
    }

    /// The same with an object.
    pub(super) fn open_object(
        storage: &Arc<dyn ObjectStorage>,
        key: &str,
        compression: Compression,
        offset: u64,
    ) -> std::io::Result<Self> {
        let about = wait_for(retry::head(&**storage, key, &Patience::default()))?;
        let Some(about) = about.map_err(|error| refusal(&error))? else {
            return Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        };
        let start = if compression == Compression::None { offset } else { 0 };
        let file = StoreReader::start(storage.clone(), key.to_owned(), start, about.length)?;
        Self::of(Box::new(file), about.length, compression, offset)
    }

    /// `file` stands at `offset`, or at the start if it is compressed.
    fn of(
        file: Box<dyn Read + Send>,
        file_bytes: u64,
        compression: Compression,
        offset: u64,
    ) -> std::io::Result<Self> {
        let is_compressed = compression != Compression::None;
        let read = Arc::new(AtomicU64::new(if is_compressed { 0 } else { offset }));
        let counted = Counted { file, read: read.clone() };
        let mut bytes: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(counted),
            Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, counted))),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(counted)?),
        };
        let starts_at = if is_compressed {
            std::io::copy(&mut (&mut bytes).take(offset), &mut std::io::sink())?
        } else {
            offset.min(file_bytes)
        };
        Ok(Self { bytes, read, file_bytes, starts_at, is_compressed })
    }

    /// Bytes of the file itself, compressed or not, that were read so far.
    pub(super) fn file_bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.bytes.read(buffer)
    }
}

struct Counted {
    file: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_compression_reads_from_any_offset() {
        let folder = tempfile::tempdir().unwrap();
        // Two members, as `cat a.gz b.gz` makes them.
        let gz = [gzip("hello "), gzip("world")].concat();
        let zst = [zstd::encode_all(&b"hello "[..], 1).unwrap(), zstd::encode_all(&b"world"[..], 1).unwrap()]
            .concat();
        for (name, bytes) in [("a.txt", b"hello world".to_vec()), ("a.gz", gz), ("a.zst", zst)] {
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes).unwrap();
            let compression = Compression::of(name).unwrap();
            for offset in [0, 3, 6, 11, 20] {
                let mut input = Input::open_at(&path, compression, offset).unwrap();
                assert_eq!(input.starts_at, offset.min(11), "{name}");
                let mut text = String::new();
                input.read_to_string(&mut text).unwrap();
                assert_eq!(text, "hello world".get(offset as usize..).unwrap_or(""), "{name} at {offset}");
                assert!(offset > 11 || input.file_bytes_read() == bytes.len() as u64, "{name}");
            }
        }
    }

    #[test]
    fn unknown_compressions_are_refused() {
        assert_eq!(
            Compression::of("in/a.bz2").unwrap_err(),
            "in/a.bz2: files that end with .bz2 cannot be read; use gzip (.gz) or zstd (.zst)"
        );
        assert_eq!(Compression::of("in/a.log"), Ok(Compression::None));
    }
}
