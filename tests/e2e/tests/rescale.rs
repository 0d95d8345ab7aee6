//! A job that goes on at another parallelism, and another, while rows flow.

use std::time::Duration;

use crate::cluster::{Cluster, Setup, setup};
use crate::harness::{Ended, millstream, run};
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

fn subtasks(cluster: &mut Cluster<'_>) -> Vec<u64> {
    let status = cluster.status().unwrap();
    status["chains"].as_array().unwrap().iter().map(|chain| chain["parallelism"].as_u64().unwrap()).collect()
}

#[test]
fn no_row_is_lost_or_doubled_at_any_parallelism() {
    for (query, seed) in [(Query::Windows, 31), (Query::Distinct, 32)] {
        let wanted = Setup { reading: Duration::from_secs(20), parallelism: 1, ..setup(query, seed) };
        let mut cluster = Cluster::new(wanted);
        cluster.start_coordinator();
        cluster.start_worker();
        cluster.start_worker();
        cluster.wait_for_epochs(1);
        let door = cluster.door.address();
        for parallelism in ["4", "2", "3"] {
            rescale(parallelism, &door).code(0).prints(&format!(" runs at parallelism {parallelism}\n"));
            let widest = subtasks(&mut cluster).into_iter().max();
            assert_eq!(widest.map(|widest| widest.to_string()).as_deref(), Some(parallelism));
            cluster.wait_for_epochs(2);
        }
        // A worker that comes later learns of it, and one that dies takes nothing along.
        let killed = cluster.workers.remove(0).process.kill();
        cluster.note(&killed);
        cluster.start_worker();
        cluster.wait_for_epochs(1);
        cluster.finish();
    }
}

#[test]
fn what_cannot_be_is_refused_and_the_job_goes_on() {
    let wanted = Setup { reading: Duration::from_secs(8), parallelism: 2, ..setup(Query::Distinct, 33) };
    let mut cluster = Cluster::new(wanted);
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.wait_for_epochs(1);
    let door = cluster.door.address();
    rescale("3", &door).code(2).says("that needs 3 slots, and the workers offer 2: start more workers first");
    rescale("100000", &door).code(2).says("must be a whole number between 1 and 32768");
    rescale("30000", &door).code(2).says("the parallelism 30000 is greater than the maximum parallelism");
    rescale("0", &door).code(2).says("invalid value '0' for '--parallelism <N>'");
    rescale("2", &door).code(0).prints("attempt 1 runs at parallelism 2\n");
    assert_eq!(subtasks(&mut cluster).into_iter().max(), Some(2));
    cluster.finish();
}
