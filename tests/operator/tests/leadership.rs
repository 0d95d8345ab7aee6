//! Several operators with the same jobs.

use millstream_test_operator::Operator;

use crate::job::{Manifest, World};

pub(crate) fn of_two_operators_one_acts_and_the_other_follows_it() {
    let mut world = World::without_operator("leaders");
    let lease = format!("{}/operator", world.kubectl().namespace());
    let start = |world: &World| {
        let operator = Operator::start_with(world.kubectl(), &["--lease", &lease]);
        operator.wait_until_ready();
        operator
    };
    let first = start(&world);
    first.wait_until_log("has the lease");
    let second = start(&world);
    second.wait_until_log("waiting for the lease");
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    assert!(!second.log().contains("has the lease"), "{}", second.log());
    assert!(!second.log().contains("orders"), "the second acted, too\n{}", second.log());

    // Without a word, and in the middle of something.
    world.apply(&Manifest { select: "id % 5", ..job.clone() });
    first.kill();
    second.wait_until_log("has the lease");
    world.wait("orders", "upgraded", |job| crate::job::is_ready(job) && job["status"]["attempt"] == 2);

    // In order: the next one need not wait for the lease to run out.
    let third = start(&world);
    third.wait_until_log("waiting for the lease");
    second.end();
    third.wait_until_log("has the lease");
    world.operator = Some(third);
    world.apply(&Manifest { select: "id % 3", ..job });
    world.wait("orders", "upgraded", |job| crate::job::is_ready(job) && job["status"]["attempt"] == 3);
    assert!(world.assert_each_row_once() > 0);
}
