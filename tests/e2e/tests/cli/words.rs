//! Help, version, plans, and what is typed wrongly.

use std::fs;

use super::{ORDERS, folder, manifest, millstream_in};

#[test]
fn help_and_version_go_to_stdout() {
    let folder = folder();
    for (line, texts) in [
        ("--help", &["Usage: millstream <COMMAND>", "Examples:", "run ", "plan "][..]),
        ("run --help", &["--fresh", "--allow-state-loss", "Exit codes: 0 finished", "Examples:"]),
        ("plan --help", &["Usage: millstream plan", "--output"]),
    ] {
        let ended = millstream_in(folder.path(), line);
        ended.code(0);
        assert!(ended.stderr.is_empty(), "{ended}");
        texts.iter().for_each(|text| {
            ended.prints(text);
        });
    }
    let version = millstream_in(folder.path(), "--version");
    let text = version.code(0).stdout.trim_end().to_owned();
    let inside = text.strip_prefix("millstream 0.1.0 (").and_then(|t| t.strip_suffix(")"));
    let (commit, profile) = inside.and_then(|t| t.split_once(", ")).expect("name version (commit, profile)");
    assert!(!commit.is_empty() && ["debug", "release"].contains(&profile), "{text}");
}

#[test]
fn plans_are_trees_or_json_and_run_nothing() {
    let folder = folder();
    let windows = "CREATE TABLE t (k STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' SECOND) WITH ('connector' = 'datagen');
CREATE TABLE sums (k STRING, n BIGINT) WITH ('connector' = 'print');
INSERT INTO sums SELECT k, COUNT(*) FROM t GROUP BY k;\n";
    fs::write(folder.path().join("sums.yaml"), manifest("parallelism: 3", windows)).unwrap();
    let text = millstream_in(folder.path(), "plan sums.yaml");
    text.code(0);
    for part in [
        "Sink(sums)",
        "Aggregate(k)",
        "keys: k",
        "state: unbounded",
        "parallelism 3",
        "Source(t)",
        "watermark: at",
        "uid: ",
    ] {
        text.prints(part);
    }
    let json = millstream_in(folder.path(), "plan sums.yaml -o json");
    let json: serde_json::Value = serde_json::from_str(&json.code(0).stdout).unwrap();
    let sink = &json["plan"][0];
    assert_eq!(
        (sink["name"].as_str(), sink["parallelism"].as_u64()),
        (Some("Sink(sums)"), Some(3)),
        "{json}"
    );
    for part in ["changelog", "uid", "inputs"] {
        assert!(!sink[part].is_null(), "{part}: {json}");
    }
    assert!(!folder.path().join(".millstream").exists(), "a plan left state");
}

#[test]
fn what_is_typed_wrongly_is_a_mistake() {
    let folder = folder();
    for (line, text) in [
        ("", "Usage: millstream <COMMAND>"),
        ("run", "<FILE>"),
        ("fly job.yaml", "unrecognized subcommand 'fly'"),
        ("run nowhere.yaml", "nowhere.yaml: there is no such file"),
        ("run orders.csv", "a job is a StreamJob manifest (.yaml, .yml, .json) or a file of SQL (.sql)"),
        ("run job.yaml --set a", "it needs the form KEY=VALUE"),
        ("run job.yaml --fresh --from-epoch 1", "cannot be used with"),
        ("run job.yaml --http nowhere", "invalid value 'nowhere' for '--http <ADDR>'"),
        ("run query.sql -o xml", "invalid value 'xml' for '--output <FORMAT>'"),
        ("run query.sql --sql-from query.sql", "--sql-from goes with a manifest"),
        ("run job.yaml --name other", "--name other is for a file that gives no name; this job is orders"),
        ("run query.sql --name Not_A_Name", "--name Not_A_Name: a name has lower case letters"),
    ] {
        millstream_in(folder.path(), line).code(2).says(text);
    }
}

#[test]
fn a_job_without_a_statement_says_so() {
    let folder = folder();
    fs::write(folder.path().join("tables.sql"), ORDERS).unwrap();
    millstream_in(folder.path(), "run tables.sql").code(2).says("there is nothing to run");
    millstream_in(folder.path(), "plan tables.sql").code(2).says("there is nothing to plan");
}
