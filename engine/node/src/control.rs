//! Talking to a job that runs in another process of this machine, through a socket beside its file.
//!
//! One request and one answer a connection, each one line of JSON. The socket is `.millstream/<namespace>.<name>.<uid>.sock`,
//! or, if the job's state is not in that folder, `.millstream/<namespace>.<name>.<uid>.<hash>.sock` with a hash of where it is:
//! such a job is another one. Whoever may write to the socket may stop the job, so it has the permissions of the folder's other
//! files. The newest run of a job with one storage owns the path: an older one that is still alive is about to be fenced.

mod client;
mod protocol;
mod server;

use std::path::{Path, PathBuf};

use millstream_model::JobIdentity;
use millstream_model::key_group::key_hash;

pub(crate) use client::{NotRunning, ask, is_listening};
pub(crate) use protocol::{Answer, Ask, SavepointAsk, SavepointThen};
pub(crate) use server::{NetworkSavepoints, Server, write_savepoint};

/// Longest path of a socket: what the kernel takes, less its end.
const LONGEST_PATH: usize = 107;

/// Where the socket of a job is whose local folder is `folder`, and whose storage is that folder or `elsewhere`.
pub(crate) fn socket(folder: &Path, job: &JobIdentity, elsewhere: Option<&str>) -> PathBuf {
    let storage = elsewhere.map_or_else(String::new, |uri| format!(".{:016x}", key_hash(uri.as_bytes())));
    folder.join(format!("{job}{storage}.sock"))
}

/// The same file under a name that the kernel takes. A long one goes by way of the open folder, which must stay open meanwhile.
fn short(path: &Path) -> std::io::Result<(PathBuf, Option<std::fs::File>)> {
    use std::os::fd::AsRawFd as _;

    if path.as_os_str().len() <= LONGEST_PATH {
        return Ok((path.to_owned(), None));
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(std::io::Error::from(std::io::ErrorKind::InvalidFilename));
    };
    let folder = std::fs::File::open(folder)?;
    let by_number = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((by_number, Some(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn jobs_with_different_storage_do_not_share_a_socket() {
        let job = JobIdentity { namespace: "default".into(), name: "n".into(), uid: "local".into() };
        let place = |storage| socket(Path::new("/jobs"), &job, storage).display().to_string();
        assert_eq!(place(None), "/jobs/default.n.local.sock");
        assert_eq!(place(Some("/a")), "/jobs/default.n.local.e292ab48a6b06805.sock");
        assert_ne!(place(Some("/a")), place(Some("/b")));
    }

    #[test]
    fn a_long_path_has_a_short_name() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a".repeat(100));
        std::fs::create_dir(&folder).unwrap();
        let job = JobIdentity { namespace: "default".into(), name: "n".into(), uid: "local".into() };
        let path = socket(&folder, &job, None);
        let (name, _open) = short(&path).unwrap();
        let _listener = UnixListener::bind(&name).unwrap();
        assert!(path.ends_with("default.n.local.sock") && path.exists());
        let (other, _open) = short(&path).unwrap();
        UnixStream::connect(other).unwrap();
        assert_eq!(short(Path::new("/x/y.sock")).unwrap().0, Path::new("/x/y.sock"));
    }
}
