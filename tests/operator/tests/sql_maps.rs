//! Jobs that have their SQL in a config map.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::job::{Manifest, World, condition, is_ready};

fn put(world: &World, sql: &str) {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sql"}, "data": {"job.sql": sql}});
    world.kubectl().apply(&map.to_string()).succeeded();
}

pub(crate) fn a_config_map_that_is_edited_upgrades_its_job_at_once() {
    let world = World::new("sql-maps");
    let job = Manifest::default();
    let from = "  sqlFrom: {configMapKeyRef: {name: sql, key: job.sql}}";
    world.kubectl().apply(&world.manifest_with(&job, from)).succeeded();
    let missing = world.wait("orders", "without its SQL", |job| condition(job, "Stalled") == Some("True"));
    assert_eq!(missing["status"]["conditions"][0]["reason"], "SqlMissing");
    let noticed = |what: &str, is_so: &dyn Fn(&Value) -> bool| {
        let began = Instant::now();
        world.wait("orders", what, is_so);
        // Sooner than a job is looked at anyway, on a machine that does much else.
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{what} after {:?}\n{}",
            began.elapsed(),
            world.log()
        );
    };
    put(&world, &world.sql(&job));
    noticed("begun", &|job| condition(job, "Stalled").is_none());
    world.wait_until_ready("orders");

    let changed = Manifest { select: "id % 5", ..job };
    put(&world, &world.sql(&changed));
    noticed("upgrading", &|job| job["status"]["targetRevision"] != job["status"]["currentRevision"]);
    let is_upgraded = |job: &Value| is_ready(job) && job["status"]["attempt"] == 2;
    world.wait("orders", "upgraded", is_upgraded);

    // What is gone does not stop what runs, and is said.
    world.kubectl().run(["delete", "configmap", "sql"]).succeeded();
    noticed("told", &|job| condition(job, "Stalled") == Some("True"));
    let before = world.written("out").len();
    world.wait("orders", "going on", |_| world.written("out").len() > before);
    put(&world, &world.sql(&changed));
    let job = world.wait_until_ready("orders");
    assert_eq!(job["status"]["attempt"], 2, "nothing is deployed anew");
    assert!(world.assert_each_row_once() > 0);
}
