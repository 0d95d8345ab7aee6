//! A job that goes on at another parallelism, and another, while rows flow.

use std::time::Duration;

use crate::cluster::{Cluster, Setup, setup};
use crate::harness::{Ended, millstream, run, with_enough_time};
use crate::kill::query::Query;

fn rescale(parallelism: &str, coordinator: &str) -> Ended {
    run(millstream().args([
        "rescale",
        "--plaintext",
        "--parallelism",
        parallelism,
        "--coordinator",
        coordinator,
    ]))
}

/// Subtasks of the widest chain.
fn widest(cluster: &mut Cluster<'_>) -> Option<u64> {
    let status = cluster.status_amid();
    status["chains"].as_array().unwrap().iter().map(|chain| chain["parallelism"].as_u64().unwrap()).max()
}

#[test]
fn no_row_is_lost_or_doubled_at_any_parallelism() {
    for (query, seed) in [(Query::Windows, 31), (Query::Distinct, 32)] {
        with_enough_time(Duration::from_secs(20), |reading| rescaled_thrice(query, seed, reading));
    }
}

fn rescaled_thrice(query: Query, seed: u64, reading: Duration) {
    let mut cluster = Cluster::new(Setup { reading, parallelism: 1, ..setup(query, seed) });
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    cluster.wait_for_epochs(1);
    let door = cluster.door.address();
    for parallelism in [4, 2, 3] {
        let answer = cluster.answered(rescale(&parallelism.to_string(), &door));
        answer.code(0).prints(&format!(" runs at parallelism {parallelism}\n"));
        assert_eq!(widest(&mut cluster), Some(parallelism));
        assert_eq!(cluster.status_amid()["parallelism"], parallelism);
        cluster.wait_for_epochs(2);
    }
    // A worker that comes later learns of it, and one that dies takes nothing along.
    let killed = cluster.workers.remove(0).process.kill();
    cluster.note(&killed);
    cluster.start_worker();
    cluster.wait_for_epochs(1);
    cluster.finish();
}

#[test]
fn what_cannot_be_is_refused_and_the_job_goes_on() {
    with_enough_time(Duration::from_secs(8), refused);
}

fn refused(reading: Duration) {
    let mut cluster = Cluster::new(Setup { reading, parallelism: 2, ..setup(Query::Distinct, 33) });
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.wait_for_epochs(1);
    let door = cluster.door.address();
    let mut ask = |parallelism: &str| cluster.answered(rescale(parallelism, &door));
    ask("3").code(2).says("that needs 3 slots, and the workers offer 2: start more workers first");
    ask("100000").code(2).says("must be a whole number between 1 and 32768");
    ask("30000").code(2).says("the parallelism 30000 is greater than the maximum parallelism");
    ask("0").code(2).says("invalid value '0' for '--parallelism <N>'");
    ask("2").code(0).prints("attempt 1 runs at parallelism 2\n");
    assert_eq!(widest(&mut cluster), Some(2));
    cluster.finish();
}
