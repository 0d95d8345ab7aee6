//! From what a user writes to a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StorageError;
use crate::local::LocalStorage;
use crate::memory::MemoryStorage;
use crate::object_storage::ObjectStorage;
use crate::s3::S3Storage;

/// Opens a location: `file:///absolute/folder`, a plain path (a relative one starts at `base`, the folder of the file that
/// names it), `memory://name` (shared by everything in this process that names it), or `s3://bucket/prefix` with endpoint,
/// region and credentials from the `AWS_*` environment variables. A folder is created when the first object is.
///
/// # Errors
/// `InvalidLocation`, saying what to write instead or what is missing.
pub fn open(uri: &str, base: &Path) -> Result<Arc<dyn ObjectStorage>, StorageError> {
    let invalid =
        |reason: &str| StorageError::InvalidLocation { uri: uri.to_owned(), reason: reason.to_owned() };
    match uri.split_once("://") {
        None if uri.trim().is_empty() => Err(invalid("it is empty")),
        None => Ok(Arc::new(LocalStorage::new(base.join(uri)))),
        Some(("file", path)) => {
            let path = path.strip_prefix("localhost").unwrap_or(path);
            if !path.starts_with('/') {
                return Err(invalid("write file:// and an absolute path, as in file:///var/lib/millstream"));
            }
            Ok(Arc::new(LocalStorage::new(PathBuf::from(percent_decoded(path).ok_or_else(|| {
                invalid("it has a % that is not followed by two hexadecimal digits of UTF-8")
            })?))))
        }
        Some(("memory", name)) => {
            if name.is_empty() || name.contains('/') {
                return Err(invalid("write memory:// and a name without slashes, as in memory://demo"));
            }
            Ok(Arc::new(MemoryStorage::named(name)))
        }
        Some(("s3", rest)) => {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(invalid("write the bucket after s3://, as in s3://bucket/prefix"));
            }
            Ok(Arc::new(S3Storage::from_environment(bucket, prefix.trim_matches('/'))?))
        }
        Some((scheme, _)) => Err(invalid(&format!(
            "the scheme `{scheme}` is unknown; write a path, file://, s3:// or memory://"
        ))),
    }
}

fn percent_decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_locations_open_where_they_say() {
        let base = Path::new("/jobs/demo");
        let table = [
            ("file:///var/lib/x", "file:///var/lib/x"),
            ("file:///var/a%20b", "file:///var/a b"),
            ("file://localhost/var/x", "file:///var/x"),
            ("/var/lib/x", "file:///var/lib/x"),
            (".millstream", "file:///jobs/demo/.millstream"),
            ("../state", "file:///jobs/state"),
            ("memory://demo", "memory://demo"),
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ];
        for (uri, location) in table {
            assert_eq!(open(uri, base).expect(uri).location(), location, "{uri}");
        }
    }

    #[test]
    fn bad_locations_say_what_to_write() {
        let table = [
            ("", "it is empty"),
            ("file://relative/x", "absolute path"),
            ("file:///a%zz", "two hexadecimal digits"),
            ("file:///a%f", "two hexadecimal digits"),
            ("memory://", "memory://demo"),
            ("memory://a/b", "without slashes"),
            ("s3://", "s3://bucket/prefix"),
            ("s3:///prefix", "s3://bucket/prefix"),
            ("gs://bucket", "`gs` is unknown"),
            ("http://x", "`http` is unknown"),
        ];
        for (uri, message) in table {
            let error = open(uri, Path::new("/")).expect_err(uri).to_string();
            assert!(error.contains(message), "{uri}: {error}");
        }
    }

    #[test]
    fn memory_is_shared_by_name() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (a, b, c) = (
                open("memory://shared-by-name", Path::new("/")).unwrap(),
                open("memory://shared-by-name", Path::new("/")).unwrap(),
                open("memory://another-name", Path::new("/")).unwrap(),
            );
            a.put_if_absent("k", "v".into()).await.unwrap();
            assert_eq!(b.get("k").await.unwrap(), "v");
            assert!(c.get("k").await.unwrap_err().is_not_found());
        });
    }
}
