//! On a terminal: the line that changes, tables, questions. The terminal is that of `script`, which every Debian has.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use super::{COPIED, folder, millstream_in};
use crate::harness::{JobFolder, LIMIT, lines_of, millstream, now, too_early, with_enough_time};

/// 2,000 rows a second for about two seconds, and a sink.
const PACED: &str = "CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'number-of-rows' = '4000');
CREATE TABLE written (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
INSERT INTO written SELECT id FROM numbers;\n";

/// Runs a command line on a terminal of 120 columns while `types` types into it. The exit code, and everything that the
/// terminal got to show.
fn on_terminal(folder: &Path, line: &str, types: impl FnOnce(&mut ChildStdin)) -> (Option<i32>, String) {
    let binary = millstream().get_program().to_string_lossy().into_owned();
    let mut command = Command::new("script");
    // `exec`: a shell that waits gets Ctrl-C too, and some then end with 130 whatever their child answered.
    command
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm-256color")
        .args(["-qec", &format!("stty cols 120 rows 40; exec {binary} {line}"), "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    types(&mut input);
    let ended = child.wait_with_output().unwrap();
    drop(input);
    (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// What a screen of text shows in the end: lines without what was erased from them.
fn shown(output: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in output.split('\n') {
        let mut text = String::new();
        for part in line.split('\r') {
            if part.starts_with("\x1b[2K") || part.starts_with("\x1b[K") {
                text.clear();
            }
            text.push_str(part);
        }
        lines.push(without_escapes(&text));
    }
    lines
}

fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\x1b' {
            // `ESC [ parameters letter`.
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[test]
fn a_running_job_is_one_line_that_changes_and_goes() {
    with_enough_time(Duration::from_secs(2), one_line);
}

fn one_line(reading: Duration) {
    let folder = folder();
    let rows = format!("'number-of-rows' = '{}'", 2_000 * reading.as_secs());
    fs::write(folder.path().join("paced.sql"), PACED.replace("'number-of-rows' = '4000'", &rows)).unwrap();
    let (code, output) =
        on_terminal(folder.path(), "run paced.sql --set execution.checkpointing.interval=300ms", |_| {});
    assert_eq!(code, Some(0), "{output}");
    let updates: Vec<String> =
        output.split(['\r', '\n']).map(without_escapes).filter(|l| l.contains(" rows in (")).collect();
    let has_shown = |words: [&str; 2]| updates.iter().any(|l| words.iter().all(|word| l.contains(word)));
    if updates.len() < 5 || !has_shown(["Running", "rows out"]) || !has_shown(["epoch ", ""]) {
        too_early(format!("the line changed too seldom: {output:?}"));
    }
    assert!(updates.iter().all(|l| l.chars().count() <= 120), "{updates:#?}");
    let shown = shown(&output);
    assert!(shown.iter().any(|l| l.starts_with("paced: finished at epoch ")), "{shown:#?}");
    let left: Vec<_> = shown.iter().filter(|l| l.contains("rows in (")).collect();
    assert!(left.is_empty(), "{left:?}");
    for line in shown.iter().filter(|l| l.contains(" INFO ")) {
        assert!(line.starts_with("20"), "a log line is torn: {line:?}");
    }
}

#[test]
fn quiet_shows_no_line_and_a_pipe_none_that_changes() {
    let folder = folder();
    fs::write(folder.path().join("paced.sql"), PACED).unwrap();
    let (code, output) = on_terminal(folder.path(), "run paced.sql --quiet", |_| {});
    assert_eq!((code, output.contains("rows in (")), (Some(0), false), "{output}");
    let piped = millstream_in(folder.path(), "run paced.sql --fresh --yes");
    assert!(!piped.code(0).stderr.contains(['\r', '\x1b']), "{piped}");
}

#[test]
fn a_query_shows_a_table() {
    let folder = folder();
    let (code, output) = on_terminal(folder.path(), "run query.sql", |_| {});
    assert_eq!(code, Some(0), "{output}");
    let shown = shown(&output);
    let table: Vec<String> = shown
        .iter()
        .filter(|l| l.contains('│'))
        .map(|l| l.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(table, ["customer orders total", "ann 3 18.75", "bob 2 8.00", "cat 1 2.00"], "{output}");
    assert!(shown.iter().any(|l| l.trim_end() == "3 rows"), "{output}");
}

#[test]
fn starting_over_asks() {
    let folder = folder();
    millstream_in(folder.path(), "run job.yaml").code(0);
    let (code, output) = on_terminal(folder.path(), "run job.yaml --fresh", |t| t.write_all(b"n\n").unwrap());
    assert_eq!(code, Some(2), "{output}");
    assert!(output.contains("start over? [y/N]") && output.contains("nothing was changed"), "{output}");
    assert_eq!(lines_of(&folder.path().join("out")), COPIED);
    let (code, output) = on_terminal(folder.path(), "run job.yaml --fresh", |t| t.write_all(b"y\n").unwrap());
    assert_eq!(code, Some(0), "{output}");
    assert_eq!(lines_of(&folder.path().join("out")).len(), 2 * COPIED.len());
}

#[test]
fn ctrl_c_stops_behind_a_final_checkpoint() {
    let folder = folder();
    let endless = PACED.replace(", 'number-of-rows' = '4000'", "");
    fs::write(folder.path().join("paced.sql"), endless).unwrap();
    let job = JobFolder::new(&folder.path().join(".millstream"), "paced");
    let line = "run paced.sql --set execution.checkpointing.interval=200ms";
    let (code, output) = on_terminal(folder.path(), line, |terminal| {
        let begin = now();
        while job.epochs().len() < 2 {
            assert!(begin.elapsed() < LIMIT, "no epoch");
            std::thread::sleep(Duration::from_millis(20));
        }
        // The key, not the signal: the terminal makes one of the other.
        terminal.write_all(b"\x03").unwrap();
    });
    assert_eq!(code, Some(0), "{output}");
    assert!(
        output.contains("paced: stopped at epoch") && output.contains("run it again to continue"),
        "{output}"
    );
    assert!(!lines_of(&folder.path().join("out")).is_empty(), "{output}");
}
