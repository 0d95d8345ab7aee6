//! Storage that cannot be used.

use std::fs;

use super::line_in;

const JOB: &str = "CREATE TABLE t (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '10');
CREATE TABLE o (id INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO o SELECT id FROM t;\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("j.sql"), JOB).unwrap();
    folder
}

#[test]
fn a_file_is_no_storage() {
    let folder = folder();
    fs::write(folder.path().join(".millstream"), "x").unwrap();
    line_in(folder.path(), "run j.sql")
        .code(1)
        .says("could not probe the store")
        .says(".millstream refuses to create")
        .says("not a directory");
}

#[test]
fn a_file_is_no_folder_of_a_job() {
    let folder = folder();
    fs::create_dir(folder.path().join(".millstream")).unwrap();
    fs::write(folder.path().join(".millstream/default.j.local"), "x").unwrap();
    line_in(folder.path(), "run j.sql").code(1).says("could not claim a generation").says("not a directory");
}

#[test]
fn a_folder_that_takes_no_files_is_refused() {
    // The kernel's own file system takes none from anybody, the superuser included.
    let folder = folder();
    line_in(folder.path(), "run j.sql --storage /proc/millstream")
        .code(1)
        .says("could not probe the store")
        .says("create probe/");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn addresses_of_storage_are_checked() {
    let folder = folder();
    for (uri, text) in [
        ("gs://bucket", "the scheme `gs` is unknown"),
        ("s3://", "write the bucket after s3://"),
        ("file://relative", "an absolute path"),
        ("memory://a/b", "a name without slashes"),
    ] {
        line_in(folder.path(), &format!("run j.sql --storage {uri}"))
            .code(2)
            .says("is not a storage location")
            .says(text);
    }
}

#[test]
fn a_bucket_that_nobody_serves_is_an_error_and_no_hang() {
    let folder = folder();
    let mut command = crate::harness::millstream();
    command.current_dir(folder.path()).args(["run", "j.sql", "--storage", "s3://bucket"]);
    // The port of a listener that is gone: nobody answers there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"));
    command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b").env("AWS_REGION", "us-east-1");
    let ended = crate::harness::run(&mut command);
    ended.code(1).says("error: ").says("s3://bucket");
}

#[test]
fn output_that_belongs_to_another_job_is_not_mixed() {
    let folder = folder();
    line_in(folder.path(), "run j.sql").code(0);
    let before = crate::harness::lines_of(&folder.path().join("out"));
    // Another name is another job; it would write the same names into the same folder.
    let ended = line_in(folder.path(), "run j.sql --name other");
    ended.code(2).says("another job");
    assert_eq!(crate::harness::lines_of(&folder.path().join("out")), before);
}
