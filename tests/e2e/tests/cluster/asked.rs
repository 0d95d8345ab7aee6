//! What the commands that ask a job answer, and how mistakes on the command line are explained.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Cluster, Setup, setup};
use crate::harness::{LIMIT, Process, millstream, run, run_in};
use crate::kill::query::Query;

#[test]
fn a_job_on_other_hosts_can_be_asked() {
    // It is stopped in the end, and does not read everything.
    let reading = Duration::from_secs(1_200);
    let mut cluster = Cluster::new(Setup { reading, ..setup(Query::Distinct, 14) });
    let ask = |words: &[&str], coordinator: &str| {
        let arguments: Vec<&str> =
            words.iter().copied().chain(["--plaintext", "--coordinator", coordinator]).collect();
        run(millstream().args(arguments))
    };
    let door = cluster.door.address();
    let word = cluster.folder.path().join("word");
    cluster.more.extend(["--ending".to_owned(), word.display().to_string()]);
    ask(&["status"], "127.0.0.1:1").code(1).says("no coordinator answers at 127.0.0.1:1: ");
    cluster.start_coordinator();
    cluster.start_worker();
    let coordinator = cluster.coordinator.as_mut().unwrap();
    let two = |_: &Process| {
        ask(&["status"], &door).code(0).stdout.contains("next: start when 4 slots are there, now 2\n")
    };
    assert!(coordinator.wait_until(LIMIT, two));
    cluster.start_worker();
    cluster.wait_for_epochs(3);
    ask(&["status"], &door).code(0).prints("default.job.local: Running\n").prints("  newest epoch: ");
    let json = ask(&["status", "--output", "json"], &door);
    let status: serde_json::Value = serde_json::from_str(&json.code(0).stdout).unwrap();
    assert_eq!((&status["phase"], &status["parallelism"]), (&"Running".into(), &4.into()));
    let manifest = status["newest_epoch"]["manifest"].as_str().unwrap();
    let at = manifest.strip_prefix("file://").unwrap().split_once("/default.job.local/").unwrap();
    assert!(at.1.starts_with("checkpoint/") && at.1.ends_with("/manifest"), "{manifest}");
    assert!(cluster.job.path().starts_with(at.0), "{manifest}");
    ask(&["savepoint", "--as", "kept"], &door).code(0).prints("/savepoint/kept\n").prints(" rows of state, ");
    ask(&["status"], &door).code(0).prints("  newest savepoint: file://").prints("/savepoint/kept (epoch ");
    ask(&["savepoint", "--as", "kept"], &door).code(2).says("kept");
    ask(&["savepoint", "--to", "folder"], &door).code(2).says("the whole path on the coordinator's host");
    ask(&["stop"], &door).code(0).prints("stopped at epoch ");
    cluster.coordinator.take().unwrap().end(LIMIT).code(0).says("job: stopped at epoch ");
    let newest = cluster.job.epochs().pop().unwrap();
    assert_eq!(fs::read_to_string(&word).unwrap(), format!("{{\"ending\":\"Stopped\",\"epoch\":{newest}}}"));
    for worker in cluster.workers.drain(..) {
        worker.process.end(LIMIT).code(0).says("the job is over: stopped at epoch ");
    }
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    cluster.wait_for_epochs(3);
    ask(&["savepoint", "--as", "last", "--stop"], &door).code(0).prints("/savepoint/last\n");
    cluster.coordinator.take().unwrap().end(LIMIT).code(0).says("job: stopped at epoch ");
    cluster.start_coordinator();
    let coordinator = cluster.coordinator.as_mut().unwrap();
    assert!(
        coordinator.wait_until(LIMIT, |_| ask(&["status"], &door).stdout.contains(": WaitingForSlots\n"))
    );
    ask(&["cancel"], &door).code(0).prints("stopped at epoch ");
    cluster.coordinator.take().unwrap().end(LIMIT).code(0);
}

#[test]
fn a_coordinator_that_cannot_start_leaves_word_of_why() {
    let coordinator = ["coordinator", "--plaintext", "--ending", "word"];
    for (more, ending, message) in [
        (&["--job", "query.sql"][..], "Refused", "a coordinator needs an INSERT"),
        (
            &["--job", "job.sql", "--at-least-epoch", "5", "--listen", "127.0.0.1:0"],
            "NothingToRestore",
            "its newest here is none",
        ),
    ] {
        let folder = refused(&[&coordinator, more].concat(), message);
        let word: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("word")).unwrap()).unwrap();
        assert_eq!(word["ending"], ending);
        assert!(word["message"].as_str().unwrap().contains(message), "{word}");
    }
}

fn refused(arguments: &[&str], says: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE t (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');\n";
    fs::write(folder.path().join("query.sql"), format!("{sql}SELECT a FROM t;\n")).unwrap();
    let out = "CREATE TABLE o (a INT) WITH ('connector' = 'blackhole');\nINSERT INTO o SELECT a FROM t;\n";
    fs::write(folder.path().join("job.sql"), format!("{sql}{out}")).unwrap();
    run_in(Path::new(folder.path()), arguments).code(2).says(says);
    folder
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    refused(
        &["coordinator", "--job", "job.sql"],
        "a coordinator needs to know how to connect: give --tls-ca, ",
    );
    refused(&["worker"], "a worker needs to know how to connect: give --tls-ca, ");
    refused(&["status"], "a client needs to know how to connect: give --tls-ca, ");
    refused(&["worker", "--plaintext", "--tls-ca", "ca"], "--tls-ca and --plaintext exclude each other: ");
    refused(&["worker", "--tls-ca", "ca", "--tls-cert", "cert"], "--tls-key is missing: ");
    refused(
        &["worker", "--tls-ca", "ca", "--tls-cert", "cert", "--tls-key", "key"],
        "--tls-ca ca: cannot be read: No such file",
    );
    refused(&["worker", "--plaintext", "--coordinator", "host"], "host is no address: it has no port");
    refused(&["coordinator", "--plaintext"], "--job <FILE>");
    refused(&["coordinator", "--plaintext", "--job", "nothing.sql"], "nothing.sql: there is no such file");
    refused(
        &["coordinator", "--plaintext", "--job", "job.sql", "--ending", "none/word"],
        "--ending none/word: cannot be written: No such file",
    );
    refused(&["coordinator", "--plaintext", "--job", "query.sql"], "a coordinator needs an INSERT");
    refused(
        &["coordinator", "--plaintext", "--job", "job.sql", "--listen", "192.0.2.1:1"],
        "cannot listen there",
    );
    refused(&["worker", "--plaintext", "--listen", "192.0.2.1:1"], "cannot listen there");
    refused(
        &["worker", "--plaintext", "--listen", "0.0.0.0:0"],
        "say with --address which one other workers use",
    );
    refused(&["worker", "--plaintext", "--http", "192.0.2.1:1"], "--http 192.0.2.1:1: cannot listen there");
    refused(&["worker", "--plaintext", "--slots", "0"], "0 is not in 1..=1024");
    refused(&["worker", "--plaintext", "--coordinator", "no address"], "no address is no address");
    refused(&["worker", "--plaintext", "--heartbeat-timeout", "soon"], "soon is no duration");
}
