//! Certificates in the life of a job.

use serde_json::json;

use super::world::World;
use crate::observed::Transport;

const DAY: u64 = 24 * 3_600;

fn lines(world: &World, what: &str) -> usize {
    world.log.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn certificates_of_a_job_that_runs_are_renewed_in_place() {
    let mut world = World::running(json!({}));
    world.pass(59 * DAY);
    world.settle();
    assert_eq!(world.log, Vec::<String>::new());
    world.pass(DAY);
    world.run(10);
    assert_eq!(world.log, ["settled: renew certificates j-tls-1"], "once, while it is under way");
    world.assert_ready(1);
    // The operator that began it is gone.
    world.restart_operator();
    world.pass(400);
    world.run(10);
    assert_eq!(lines(&world, "renew certificates j-tls-1"), 1, "the log has the same line once in a row");
    let map = world.children.iter().find(|child| child.name == "j-tls-1").unwrap();
    assert_eq!(map.certificates.as_ref().unwrap().authorities.len(), 3, "both are trusted, and the first");
}

#[test]
fn what_was_not_written_to_its_end_is_written_again() {
    let mut world = World::new(json!({}));
    world.run_to("start: under way");
    // The first two objects; the crash comes before the secrets are complete.
    world.step_until_crash(0);
    assert!(world.pods().is_empty());
    world.settle();
    world.assert_ready(1);
    for child in world.children.iter_mut().filter_map(|child| child.certificates.as_mut()) {
        child.valid = None;
    }
    world.log.clear();
    world.settle();
    assert_eq!(lines(&world, "issue certificates j-tls-1"), 1);
    world.assert_ready(1);
}

#[test]
fn another_certificate_of_the_operator_is_brought_to_coordinators_that_run() {
    let mut world = World::running(json!({}));
    world.client_ca = "another operator\n".into();
    world.settle();
    assert_eq!(world.log, ["settled: ensure ConfigMap/j-tls-1"]);
}

#[test]
fn a_deployment_talks_as_it_began() {
    let mut world = World::new(json!({}));
    world.transport = Transport::Plaintext;
    world.settle();
    world.assert_ready(1);
    assert!(world.children.iter().all(|child| child.certificates.is_none()));
    world.log.clear();
    world.transport = Transport::Tls;
    world.settle();
    assert_eq!(world.log, Vec::<String>::new(), "nothing is deployed anew for that");
    world.evict("j-worker-1-0");
    world.settle();
    world.assert_ready(1);
    assert_eq!(lines(&world, "certificates"), 0, "its new worker has to fit the others");
    world.edit(json!({"sql": "SELECT 2"}));
    world.settle();
    world.assert_ready(2);
    assert_eq!(lines(&world, "issue certificates j-tls-2"), 1);
}
