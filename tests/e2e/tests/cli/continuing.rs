//! Running again: going on, finished jobs, starting over, going back, changed SQL.

use std::fs;

use super::{COPIED, COPY, ORDERS, folder, manifest, millstream_in};
use crate::harness::{JobFolder, lines_of};

#[test]
fn a_finished_job_says_so_and_stays_as_it_is() {
    let folder = folder();
    let first = millstream_in(folder.path(), "run job.yaml");
    let epoch = first.code(0).stderr.split("orders: finished at epoch ").nth(1).unwrap().trim().to_owned();
    assert_eq!(lines_of(&folder.path().join("out")), COPIED);
    let again = millstream_in(folder.path(), "run job.yaml");
    again
        .code(0)
        .says(&format!("orders: finished at epoch {epoch}; --fresh runs it again from the beginning"));
    assert_eq!(lines_of(&folder.path().join("out")), COPIED);
    assert_eq!(again.stdout, "");
}

#[test]
fn starting_over_says_what_it_discards_and_wants_a_yes() {
    let folder = folder();
    millstream_in(folder.path(), "run job.yaml --fresh").code(0).is_silent_on("discards");
    let refused = millstream_in(folder.path(), "run job.yaml --fresh");
    refused.code(2).says("starting over discards the state up to epoch").says("add --yes");
    assert_eq!(lines_of(&folder.path().join("out")), COPIED);
    let job = JobFolder::new(&folder.path().join(".millstream"), "orders");
    let before = job.newest();
    millstream_in(folder.path(), "run job.yaml --fresh --yes").code(0).says("starting over discards");
    let twice: Vec<&str> = COPIED.iter().flat_map(|row| [*row; 2]).collect();
    assert_eq!(lines_of(&folder.path().join("out")), twice, "visible output stays and is written again");
    assert!(job.newest() > before, "epochs never go back");
}

#[test]
fn going_back_announces_what_is_written_again() {
    let folder = folder();
    millstream_in(folder.path(), "run job.yaml").code(0);
    let job = JobFolder::new(&folder.path().join(".millstream"), "orders");
    let newest = job.newest();
    millstream_in(folder.path(), &format!("run job.yaml --from-epoch {}", newest + 90))
        .code(2)
        .says(&format!("epoch {} is no checkpoint of default.orders.local", newest + 90));
    millstream_in(folder.path(), "run job.yaml --from-epoch 1 --yes")
        .code(2)
        .says("epoch 1 is no checkpoint");
    // From the newest, nothing is repeated, and nothing is left to do.
    millstream_in(folder.path(), &format!("run job.yaml --from-epoch {newest} --yes"))
        .code(0)
        .is_silent_on("written again");
    assert_eq!(lines_of(&folder.path().join("out")), COPIED);
    let ended = millstream_in(folder.path(), &format!("run job.yaml --from-epoch {newest}"));
    ended.code(2).says(&format!("output of epochs {} to ", newest + 1)).says("add --yes");
}

#[test]
fn a_floor_keeps_a_job_from_going_on_behind_it() {
    let folder = folder();
    millstream_in(folder.path(), "run job.yaml --at-least-epoch 1")
        .code(2)
        .says("default.orders.local has to go on from epoch 1 or a later one, and its newest here is none");
    millstream_in(folder.path(), "run job.yaml").code(0);
    let job = JobFolder::new(&folder.path().join(".millstream"), "orders");
    let newest = *job.epochs().last().unwrap();
    millstream_in(folder.path(), &format!("run job.yaml --at-least-epoch {}", newest + 1))
        .code(2)
        .says(&format!("its newest here is {newest}; nothing was started"));
    millstream_in(folder.path(), &format!("run job.yaml --at-least-epoch {newest}"))
        .code(0)
        .says(&format!("finished at epoch {newest}"));
}

#[test]
fn changed_sql_lists_what_would_be_lost() {
    let folder = folder();
    let job = |query: &str| {
        let sink = "CREATE TABLE seen (customer STRING) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');\n";
        manifest("", &format!("{ORDERS}{sink}INSERT INTO seen {query};\n"))
    };
    let file = folder.path().join("job.yaml");
    fs::write(&file, job("SELECT DISTINCT customer FROM orders")).unwrap();
    millstream_in(folder.path(), "plan job.yaml --state")
        .code(0)
        .prints("\nState\n  there is no checkpoint: the job would begin anew\n");
    millstream_in(folder.path(), "run job.yaml").code(0);
    fs::write(&file, job("SELECT DISTINCT UPPER(customer) FROM orders")).unwrap();
    let refused = millstream_in(folder.path(), "run job.yaml");
    refused
        .code(2)
        .says("the SQL changed, and continuing from epoch")
        .says("state of 3 rows")
        .says("or --fresh to start over");
    let (_, rest) = refused.stderr.split_once("add --allow-state-loss ").unwrap();
    let uids = rest.split_whitespace().next().unwrap();
    assert!(refused.stderr.contains(&format!("  {uids}: state of 3 rows")), "{refused}");
    let outlook = millstream_in(folder.path(), "plan job.yaml --state");
    outlook
        .code(0)
        .prints("\nState\n  a changed job, from epoch ")
        .prints("  source-orders: is kept (Source(orders))\n")
        .prints(&format!("  {uids}: is lost: state of 3 rows ("))
        .prints(": is new (Aggregate(");
    let outlook = millstream_in(folder.path(), "plan job.yaml --state -o json --ending word").stdout;
    let left = |what: &str| -> serde_json::Value {
        let word = fs::read_to_string(folder.path().join("word")).unwrap();
        assert!(word.contains(what), "{word}");
        serde_json::from_str(&word).unwrap()
    };
    let word = left("Judged");
    let (of_word, lost) = (&word["operators"][0], &word["newest"]["is_finished"]);
    assert_eq!((&of_word["uid"], &of_word["verdict"], lost), (&uids.into(), &"Lost".into(), &true.into()));
    let outlook: serde_json::Value = serde_json::from_str(outlook.lines().last().unwrap()).unwrap();
    let state = &outlook["state"];
    assert_eq!((&state["is_same_job"], &state["newest"]["is_finished"]), (&false.into(), &true.into()));
    assert!(fs::exists(state["newest"]["manifest"].as_str().unwrap().trim_start_matches("file://")).unwrap());
    let verdict = |uid: &str| {
        let of_uid = state["operators"].as_array().unwrap().iter().find(|o| o["uid"] == uid);
        of_uid.map(|operator| operator["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(verdict("source-orders").as_deref(), Some("Kept"));
    assert_eq!(verdict(uids).as_deref(), Some("Lost"));
    fs::write(&file, job("SELECT DISTINCT nobody FROM orders")).unwrap();
    millstream_in(folder.path(), "plan job.yaml --state --ending word").code(2);
    assert_eq!(left("nobody")["ending"], "Refused");
    // Refusing changed nothing, in storage neither.
    fs::write(&file, job("SELECT DISTINCT customer FROM orders")).unwrap();
    millstream_in(folder.path(), "run job.yaml").code(0).says("finished at epoch");
    fs::write(&file, job("SELECT DISTINCT UPPER(customer) FROM orders")).unwrap();
    millstream_in(folder.path(), "run job.yaml --allow-state-loss no-such-uid").code(2).says("would lose");
    let allowed = millstream_in(folder.path(), &format!("run job.yaml --allow-state-loss {uids}"));
    allowed.code(0).says("continuing from epoch");
    // The input had been read: what went on had nothing left to do.
    assert_eq!(lines_of(&folder.path().join("out")), ["ann", "bob", "cat"]);
    millstream_in(folder.path(), "run job.yaml --fresh --yes").code(0);
    assert_eq!(lines_of(&folder.path().join("out")), ["ANN", "BOB", "CAT", "ann", "bob", "cat"]);
}

#[test]
fn another_source_is_a_loss_of_positions() {
    let folder = folder();
    millstream_in(folder.path(), "run job.yaml").code(0);
    let renamed =
        format!("{ORDERS}{COPY}").replace("TABLE orders", "TABLE sales").replace("FROM orders", "FROM sales");
    fs::write(folder.path().join("job.yaml"), manifest("", &renamed)).unwrap();
    millstream_in(folder.path(), "run job.yaml")
        .code(2)
        .says("source-orders: the positions behind 6 records");
}
