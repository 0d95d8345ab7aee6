//! Bad input from end to end: every mistake is answered by a message with its place and by the right exit code, within a
//! time limit, and never by a panic.
//!
//! Exit code 2 is the user's to mend before anything runs; 1 is a job that failed on its way.

mod damage;
mod manifests;
mod records;
mod s3;
mod sql;
mod storage;

use std::fs;
use std::path::Path;

use crate::harness::{Ended, run_in};

/// A bad input: files beside those that every case has, what is typed, the exit code, and texts of the message.
struct Case {
    files: &'static [(&'static str, &'static [u8])],
    line: &'static str,
    code: i32,
    says: &'static [&'static str],
}

/// Runs a table; a failure names the case by its message.
#[track_caller]
fn check(cases: &[Case]) {
    for case in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.csv"), "1,a,2024-01-01 00:00:00\n").unwrap();
        for (name, bytes) in case.files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let ended = line_in(folder.path(), case.line);
        ended.code(case.code);
        assert!(ended.stderr.contains("error: ") || ended.stderr.contains("\nerror: "), "{ended}");
        for text in case.says {
            ended.says(text);
            // A job that failed on its way has a log, which must not repeat the reason.
            let times = ended.stderr.matches(text).count();
            assert!(case.code == 2 || times == 1, "`{text}` is said {times} times in {ended}");
        }
        assert!(case.code == 1 || ended.stdout.is_empty(), "a mistake printed a result: {ended}");
    }
}

fn line_in(folder: &Path, line: &str) -> Ended {
    run_in(folder, &line.split_whitespace().collect::<Vec<_>>())
}
