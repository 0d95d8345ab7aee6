//! Creating and deleting, with everything synced before it counts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Failure;
use crate::key::TEMPORARY;
use crate::object_storage::PutOutcome;

/// A concurrent delete may remove the folder that was just made. Each round needs another such delete at the same moment.
const FOLDER_ROUNDS: usize = 16;

pub(super) fn create(root: &Path, key: &Path, body: &[u8]) -> Result<PutOutcome, Failure> {
    let path = root.join(key);
    let folder = path.parent().unwrap_or(root);
    let mut round = 1;
    loop {
        match try_create(folder, &path, body) {
            Err(Failure::Before(error)) if error.kind() == ErrorKind::NotFound && round < FOLDER_ROUNDS => {
                round += 1;
            }
            answer => return answer,
        }
    }
}

fn try_create(folder: &Path, path: &Path, body: &[u8]) -> Result<PutOutcome, Failure> {
    make_folder(folder)?;
    let temporary = Temporary::write(folder, body)?;
    let outcome = match fs::hard_link(&temporary.path, path) {
        Ok(()) => PutOutcome::Created,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if fs::metadata(path)?.is_dir() {
                return Err(Failure::Refused("a folder has this name".to_owned()));
            }
            PutOutcome::AlreadyExists
        }
        Err(error)
            if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported)
                || error.raw_os_error() == Some(EMLINK) =>
        {
            return Err(Failure::Refused(format!(
                "the file system cannot create a file under its final name by a hard link, which exactly-once needs: {error}"
            )));
        }
        Err(error) => return Err(error.into()),
    };
    temporary.remove().map_err(Failure::After)?;
    // Also when the name was taken: whoever took it may have died before this, and what is built on the object must not
    // be more durable than the object.
    sync_folder(folder).map_err(Failure::After)?;
    Ok(outcome)
}

/// `EMLINK`: too many links, which a fresh file cannot have unless links are not supported.
const EMLINK: i32 = 31;

pub(super) fn delete(root: &Path, key: &Path) -> Result<(), Failure> {
    let path = root.join(key);
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    // Folders are not objects: an empty one goes with its last object. This fails, as it should, on the first that is not.
    for folder in key.ancestors().skip(1).filter(|f| !f.as_os_str().is_empty()) {
        if fs::remove_dir(root.join(folder)).is_err() {
            break;
        }
    }
    Ok(())
}

/// The time that a file made now in `folder` gets.
pub(super) fn file_time(folder: &Path) -> io::Result<SystemTime> {
    let temporary = Temporary::write(folder, &[])?;
    let modified = fs::metadata(&temporary.path)?.modified();
    temporary.remove()?;
    modified
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder and everything above it durable.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent();
    if let Some(above) = above {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => above.map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if folder.is_dir() {
                Ok(())
            } else {
                Err(ErrorKind::NotADirectory.into())
            }
        }
        Err(error) => Err(error),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// A file under a name that no object has; removed when dropped, unless the process dies first.
struct Temporary {
    path: PathBuf,
    is_removed: bool,
}

impl Temporary {
    fn write(folder: &Path, body: &[u8]) -> io::Result<Self> {
        let path = folder.join(format!("{TEMPORARY}{}", uuid::Uuid::new_v4().simple()));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let temporary = Self { path, is_removed: false };
        file.write_all(body)?;
        file.sync_all()?;
        Ok(temporary)
    }

    fn remove(mut self) -> io::Result<()> {
        self.is_removed = true;
        remove_if_there(&self.path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_removed {
            // On the way out with another error; a leftover is harmless and swept later.
            drop(fs::remove_file(&self.path));
        }
    }
}
