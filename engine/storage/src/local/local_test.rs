//! What only a file system can get wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::error::Remedy;

fn storage() -> (tempfile::TempDir, LocalStorage) {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(folder.path().join("bucket"));
    (folder, storage)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn it_conforms() {
    let (_folder, storage) = storage();
    crate::conformance::run(Arc::new(storage)).await;
}

#[tokio::test]
async fn two_stores_on_one_folder_see_the_same_objects() {
    let (folder, first) = storage();
    let second = LocalStorage::new(folder.path().join("x/../bucket/."));
    assert_eq!(first.location(), second.location());
    first.put_if_absent("a/b", "1".into()).await.unwrap();
    assert_eq!(second.put_if_absent("a/b", "2".into()).await.unwrap(), PutOutcome::AlreadyExists);
    assert_eq!(second.get("a/b").await.unwrap(), "1");
}

#[tokio::test]
async fn nothing_is_left_aside() {
    let (folder, storage) = storage();
    for _ in 0..2 {
        storage.put_if_absent("a/b", "1".into()).await.unwrap();
    }
    assert_eq!(names(&folder.path().join("bucket/a")), ["b"]);
}

#[tokio::test]
async fn leftovers_of_crashed_writers_are_invisible_and_swept_when_old() {
    let (folder, storage) = storage();
    storage.put_if_absent("a/b", "1".into()).await.unwrap();
    let aside = folder.path().join("bucket/a");
    let [old, young] = ["old", "young"].map(|name| aside.join(format!(".millstream-tmp.{name}")));
    for path in [&old, &young] {
        fs::write(path, "half").unwrap();
    }
    let written = fs::metadata(&old).unwrap().modified().unwrap();
    let long_ago: SystemTime = written - Duration::from_secs(3_700);
    fs::File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();

    let listed: Vec<_> = storage.list("").await.unwrap().into_iter().map(|o| o.key).collect();
    assert_eq!(listed, ["a/b"]);
    assert_eq!(names(&aside), [".millstream-tmp.young", "b"]);
}

#[tokio::test]
async fn folders_go_with_their_last_object() {
    let (folder, storage) = storage();
    for key in ["a/b/c", "a/d"] {
        storage.put_if_absent(key, "1".into()).await.unwrap();
    }
    storage.delete("a/b/c").await.unwrap();
    assert_eq!(names(&folder.path().join("bucket/a")), ["d"]);
    storage.delete("a/d").await.unwrap();
    assert!(names(&folder.path().join("bucket")).is_empty());
}

#[tokio::test]
async fn creates_and_deletes_in_one_folder_do_not_disturb_each_other() {
    let (_folder, storage) = storage();
    let tasks = (0..8).map(|worker| {
        let storage = storage.clone();
        tokio::spawn(async move {
            for round in 0..25 {
                let key = format!("shared/{worker}-{round}");
                assert_eq!(storage.put_if_absent(&key, "1".into()).await.unwrap(), PutOutcome::Created);
                storage.delete(&key).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(storage.list("").await.unwrap().is_empty());
}

#[tokio::test]
async fn names_that_files_and_folders_cannot_share_are_refused() {
    let (_folder, storage) = storage();
    storage.put_if_absent("a/b", "1".into()).await.unwrap();
    for key in ["a", "a/b/c"] {
        let error = storage.put_if_absent(key, "2".into()).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::GiveUp, "{key}: {error:?}");
        assert!(storage.get(key).await.unwrap_err().is_not_found(), "{key}");
        assert!(storage.head(key).await.unwrap().is_none(), "{key}");
        storage.delete("a/b/c").await.unwrap();
    }
}

#[tokio::test]
async fn a_path_below_a_file_says_what_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let storage = LocalStorage::new(folder.path().join("file/bucket"));
    let error = storage.put_if_absent("k", "1".into()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::GiveUp);
    assert!(storage.list("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_folder_without_permission_is_a_permanent_refusal() {
    let (folder, storage) = storage();
    let bucket = folder.path().join("bucket");
    storage.put_if_absent("a/b", "1".into()).await.unwrap();
    fs::set_permissions(bucket.join("a"), fs::Permissions::from_mode(0o500)).unwrap();
    let answer = storage.put_if_absent("a/c", "1".into()).await;
    fs::set_permissions(bucket.join("a"), fs::Permissions::from_mode(0o700)).unwrap();
    // Root may write anywhere; then there is nothing to see.
    if let Err(error) = answer {
        assert_eq!(error.remedy(), Remedy::GiveUp);
        assert!(error.to_string().contains("refuses to create a/c"), "{error}");
    }
}
