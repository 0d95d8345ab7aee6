//! Processes that know each other by certificates, and those that should not be let in.

use std::fs;
use std::path::Path;
use std::time::Duration;

use millstream_test_testkit::certificates::{TestCa, TestCertificate};

use crate::cluster::{Cluster, Setup, setup, tls};
use crate::harness::{Ended, LIMIT, millstream, run, with_enough_time};
use crate::kill::query::Query;

const WORKER: &str = "worker.millstream.internal";

fn ask(words: &[&str], coordinator: &str, security: &[String]) -> Ended {
    run(millstream().args(words).args(["--coordinator", coordinator]).args(security))
}

/// A whole job, with a worker that is replaced: whoever asks needs a certificate for that.
#[test]
fn a_job_runs_over_tls_and_is_asked_over_tls() {
    with_enough_time(Duration::from_secs(10), asked_over_tls);
}

fn asked_over_tls(reading: Duration) {
    let setup = Setup { reading, ..setup(Query::Windows, 21) };
    let mut cluster = Cluster::new(setup).with_certificates();
    cluster.start_coordinator();
    cluster.start_worker();
    cluster.start_worker();
    cluster.wait_for_epochs(1);
    let door = cluster.door.address();
    let (client, worker) = (cluster.security("client"), cluster.security("worker"));
    let folder = tempfile::tempdir().unwrap();
    let foreign = TestCa::new(folder.path()).issue("client", &["client.millstream.internal"]);
    let mut ask = |words: &[&str], security: &[String]| cluster.answered(ask(words, &door, security));
    ask(&["status"], &client).code(0).prints("default.job.local: Running\n");
    ask(&["status"], &["--plaintext".into()]).code(1).says("it wants TLS, but this process was started with");
    ask(&["status"], &tls(&foreign))
        .code(1)
        .says("no coordinator answers at")
        .says("its certificate is from none of the CAs in");
    ask(&["stop"], &worker)
        .code(2)
        .says("this process is a client, and its certificate must say so with the DNS name client.millstream.internal");
    let told = "was closed: it does not speak TLS: start it with --tls-ca, ";
    cluster.coordinator.as_mut().unwrap().wait_amid(|p| p.stderr().contains(told));
    cluster.start_worker();
    let killed = cluster.workers.remove(0).process.kill();
    cluster.note(&killed);
    cluster.finish();
}

/// Workers that the coordinator does not let in; each joins as soon as its files are good, without a restart.
#[test]
fn strangers_stay_outside_until_their_certificates_are_good() {
    let mut cluster = Cluster::new(setup(Query::Windows, 22)).with_certificates();
    cluster.start_coordinator();
    let folder = tempfile::tempdir().unwrap();
    let foreign = TestCa::new(folder.path()).issue("worker", &[WORKER]);
    let certificate = cluster.ca().issue("good", &[WORKER]);
    // It trusts the job's CA, which did not sign its certificate.
    let foreign = TestCertificate { ca: certificate.ca.clone(), ..foreign };
    let expired = cluster.ca().issue_expired("expired", &[WORKER]);
    cluster.start_worker_with(&tls(&foreign));
    cluster.start_worker_with(&tls(&expired));
    let told = ["it is from another CA than those that it trusts", "it has expired, or the clocks differ"];
    for (worker, told) in cluster.workers.iter_mut().zip(told) {
        assert!(
            worker.process.wait_until(LIMIT, |p| p.stderr().contains(told)),
            "{}",
            worker.process.stderr()
        );
    }
    let coordinator = cluster.coordinator.as_mut().unwrap();
    for reason in
        ["its certificate is from none of the CAs in", "its certificate has expired: replace its file"]
    {
        coordinator.wait_amid(|p| p.stderr().contains(reason));
    }
    assert!(cluster.job.epochs().is_empty(), "nobody works yet");
    let replace = |old: &Path, new: &Path| {
        fs::copy(new, old).unwrap();
    };
    replace(&foreign.key, &certificate.key);
    replace(&foreign.cert, &certificate.cert);
    fs::write(&expired.cert, "nonsense").unwrap();
    let stays = "new certificates are not used, the old ones stay: --tls-cert";
    let worker = &mut cluster.workers[1].process;
    assert!(worker.wait_until(LIMIT, |p| p.stderr().contains(stays)), "{}", worker.stderr());
    cluster.ca().issue("expired", &[WORKER]);
    cluster.finish();
}
