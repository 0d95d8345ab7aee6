//! Several who write the parallelism, and operators that come and go meanwhile.

use serde_json::Value;

use crate::job::{Manifest, World, is_ready};

fn at(parallelism: i64) -> impl Fn(&Value) -> bool {
    move |job| is_ready(job) && job["status"]["parallelism"]["current"] == parallelism
}

pub(crate) fn git_and_an_autoscaler_that_do_not_agree_lose_no_row() {
    let mut world = World::new("tug-of-war");
    let job = Manifest::default();
    let from_git = world.manifest(&job.with("parallelism: 1"));
    world.kubectl().apply_as("flux", &from_git);
    world.wait_until_ready("orders");
    for round in 0..4 {
        // What an HPA does.
        world.kubectl().run(["scale", "streamjob", "orders", "--replicas=3"]).succeeded();
        if round % 2 == 0 {
            world.wait("orders", "at 3", at(3));
        } else {
            world.restart_operator();
        }
        world.kubectl().apply_as("flux", &from_git);
    }
    let settled = world.wait("orders", "at 1", at(1));
    assert_eq!(settled["spec"]["parallelism"], 1);
    assert!(world.assert_each_row_once() > 0);

    // Left out of Git, it is the autoscaler's alone.
    world.kubectl().apply_as("flux", &world.manifest(&job));
    world.kubectl().run(["scale", "streamjob", "orders", "--replicas=2"]).succeeded();
    world.wait("orders", "at 2", at(2));
    world.kubectl().apply_as("flux", &world.manifest(&job));
    world.wait("orders", "at 2", at(2));
    let get = ["get", "streamjob", "orders", "-o", "json", "--show-managed-fields"];
    let job: Value = serde_json::from_str(&world.kubectl().run(get).succeeded()).unwrap();
    let writers = job["metadata"]["managedFields"].as_array().unwrap();
    let operators = writers.iter().filter(|writer| writer["manager"] == "millstream-operator");
    assert!(operators.clone().count() > 0);
    for writer in operators {
        assert!(writer["fieldsV1"]["f:spec"].is_null(), "the operator wrote the spec: {writer}");
    }
    world.assert_each_row_once();
}

pub(crate) fn an_operator_that_is_killed_while_a_job_is_rescaled_suspended_or_resumed_is_followed_by_one_that_goes_on()
 {
    let mut world = World::new("restart-scale");
    let job = Manifest::default();
    world.apply(&job);
    world.wait_until_ready("orders");
    for (parallelism, pause) in [(3, 100), (2, 400), (1, 900)] {
        world.apply(&job.with(&format!("parallelism: {parallelism}")));
        std::thread::sleep(std::time::Duration::from_millis(pause));
        world.restart_operator();
        world.wait("orders", "rescaled", at(parallelism));
    }
    for pause in [100, 600] {
        let pause = std::time::Duration::from_millis(pause);
        world.apply(&job.with("desiredState: Suspended"));
        std::thread::sleep(pause);
        world.restart_operator();
        world.wait("orders", "suspended", |job| is_ready(job) && job["status"]["phase"] == "Suspended");
        world.apply(&job);
        std::thread::sleep(pause);
        world.restart_operator();
        world.wait_until_ready("orders");
    }
    assert!(world.assert_each_row_once() > 0);
}
