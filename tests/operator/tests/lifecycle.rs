//! Whole lives of jobs.

use crate::job::{Manifest, World, condition, is_ready};

pub(crate) fn a_job_is_created_upgraded_suspended_resumed_and_deleted() {
    let world = World::new("life");
    let first = Manifest::default();
    world.apply(&first);
    let job = world.wait_until_ready("orders");
    assert_eq!(job["status"]["attempt"], 1);

    let second = Manifest { select: "id % 5", ..first };
    world.apply(&second);
    let is_upgraded = |job: &serde_json::Value| is_ready(job) && job["status"]["attempt"] == 2;
    let job = world.wait("orders", "upgraded", is_upgraded);
    assert_eq!(job["status"]["currentRevision"], job["status"]["targetRevision"]);
    assert_eq!(condition(&job, "UpgradeSucceeded"), Some("True"));

    world.apply(&second.with("desiredState: Suspended"));
    world.wait("orders", "suspended", |job| is_ready(job) && job["status"]["phase"] == "Suspended");
    world.wait_until_no_pods_are_left();
    let before = world.assert_each_row_once();
    assert!(before > 0);

    world.apply(&second);
    world.wait_until_ready("orders");
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.wait_until_nothing_is_left();
    assert!(world.assert_each_row_once() > before);
}

pub(crate) fn a_job_is_rescaled_by_its_spec_and_by_kubectl_scale_and_ends() {
    let world = World::new("scale");
    let job = Manifest { rows: 60_000, ..Manifest::default() };
    world.apply(&job);
    world.wait_until_ready("orders");
    world.apply(&job.with("parallelism: 3"));
    let at = |parallelism: i64| {
        move |job: &serde_json::Value| is_ready(job) && job["status"]["parallelism"]["current"] == parallelism
    };
    let scaled = world.wait("orders", "at 3", at(3));
    assert_eq!(scaled["status"]["attempt"], 1, "in place");
    assert_eq!(scaled["status"]["workers"]["ready"], 2);
    world.kubectl().run(["scale", "streamjob", "orders", "--replicas=1"]).succeeded();
    world.wait("orders", "at 1", at(1));
    world.kubectl().run(["wait", "--for=condition=Ready", "--timeout=60s", "streamjob/orders"]).succeeded();
    world.wait("orders", "finished", |job| is_ready(job) && job["status"]["phase"] == "Finished");
    assert_eq!(world.assert_each_row_once(), 60_000);
}

pub(crate) fn a_bad_spec_never_stops_the_job_that_runs() {
    let mut world = World::new("bad");
    let good = Manifest::default();
    world.apply(&good);
    world.wait_until_ready("orders");
    let is_stalled = |job: &serde_json::Value| condition(job, "Stalled") == Some("True");

    world.apply(&Manifest { select: "price", ..good.clone() });
    let job = world.wait("orders", "refused", is_stalled);
    assert_eq!(job["status"]["phase"], "Running");
    let message = job["status"]["conditions"][0]["message"].as_str().unwrap();
    assert!(message.contains("price"), "{message}");
    let before = world.written("out").len();
    world.restart_operator();
    world.wait("orders", "going on", |job| is_stalled(job) && world.written("out").len() > before);

    // Back to what runs: nothing is deployed anew.
    world.apply(&good);
    let job = world.wait_until_ready("orders");
    assert_eq!(job["status"]["attempt"], 1);
}

pub(crate) fn an_image_that_cannot_be_pulled_is_said_and_a_created_suspended_job_waits() {
    let world = World::new("image");
    let asleep = Manifest { name: "asleep", ..Manifest::default() }.with("desiredState: Suspended");
    world.apply(&asleep);
    let template =
        "worker: {podTemplate: {spec: {containers: [{name: worker, image: 'nowhere/nothing:1'}]}}}";
    world.apply(&Manifest::default().with(template));
    let job = world.wait("orders", "said to have no image", |job| {
        job["status"]["conditions"][0]["reason"] == "ImageUnavailable"
    });
    assert_ne!(condition(&job, "Ready"), Some("True"));
    // What was wrong is mended, without a word about the old deployment.
    world.apply(&Manifest::default());
    world.wait_until_ready("orders");
    let asleep = world.wait("asleep", "suspended", |job| job["status"]["phase"] == "Suspended");
    assert!(is_ready(&asleep));
    assert_eq!(asleep["status"]["attempt"], serde_json::Value::Null);
}

pub(crate) fn an_operator_that_is_killed_at_any_time_is_followed_by_one_that_goes_on() {
    let mut world = World::new("restart");
    let mut job = Manifest::default();
    for k in [7, 5, 3] {
        let select = ["id % 7", "id % 5", "id % 3"][(7 - k) / 2];
        job = Manifest { select, ..job };
        world.apply(&job);
        for pause in [150, 700, 1_500] {
            std::thread::sleep(std::time::Duration::from_millis(pause));
            world.restart_operator();
        }
        world.wait_until_ready("orders");
    }
    world.kubectl().run(["delete", "streamjob", "orders", "--wait=false"]).succeeded();
    world.restart_operator();
    world.wait_until_nothing_is_left();
    assert!(world.assert_each_row_once() > 0);
}
