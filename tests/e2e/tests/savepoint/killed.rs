//! `kill -9` while a savepoint is written, and while one is restored.

use std::fs;
use std::thread;
use std::time::Duration;

use super::{ROWS, Step, World, both, manifest_of, rows_in, words};
use crate::harness::{JobFolder, LIMIT, Process, millstream, run_in};

#[test]
fn a_job_that_is_killed_over_a_savepoint_goes_on_and_takes_it_again() {
    for delay_ms in [0, 5, 20] {
        let world = World::new();
        world.arrive(0..2);
        let step =
            Step { world: &world, name: "one", sql: both(), parallelism: 2, is_rocksdb: true, from: None };
        let mut process = Process::start(&mut step.command(""));
        let address = process.address();
        assert!(process.wait_until(LIMIT, |_| rows_in(&address) == Some(2 * ROWS)), "{}", process.stderr());
        let folder = world.path("one");
        let mut asking = millstream();
        asking.args(["savepoint", "orders", "--as", "s"]).current_dir(&folder);
        let asking = Process::start(&mut asking);
        let begun = folder.join(".millstream/default.orders.local/savepoint/s");
        assert!(process.wait_until(LIMIT, |_| begun.exists()), "{}", process.stderr());
        thread::sleep(Duration::from_millis(delay_ms));
        process.kill();
        let answer = asking.end(LIMIT);
        let is_answered = !answer.stdout.is_empty();
        answer.code(if is_answered { 0 } else { 1 });
        // Whether it is complete is not known to whoever got no answer.
        let looked = run_in(&folder, &["savepoint", "inspect", &begun.display().to_string()]);
        let is_there = !looked.stdout.is_empty();
        assert!(is_there || !is_answered, "{answer}{looked}");
        world.arrive(2..3);
        let ended = step.run(3, if is_there { "--stop --drain" } else { "--stop --drain --as s" });
        ended.code(0).says("finished at epoch");
        world.check_hours(3);
        run_in(&folder, &["savepoint", "inspect", &begun.display().to_string(), "--check"]).code(0);
    }
}

#[test]
fn a_first_run_that_is_killed_over_its_restore_is_no_beginning_without_state() {
    let world = World::new();
    world.arrive(0..1);
    let one = Step { world: &world, name: "one", sql: both(), parallelism: 1, is_rocksdb: false, from: None };
    one.run(1, "--stop --to ../first").code(0);
    // What the savepoint holds cannot be read a second time: a run that begins anew finds no rows.
    fs::remove_dir_all(world.path("in")).unwrap();
    fs::create_dir(world.path("in")).unwrap();
    fs::write(world.path("in/part-001.csv"), "").unwrap();
    let folder = world.path("two");
    fs::create_dir(&folder).unwrap();
    let first = format!("file://{}", world.path("first").display());
    fs::write(folder.join("orders.yaml"), manifest_of(&world, &first, "Required")).unwrap();
    let line = words("run orders.yaml");
    for delay_ms in [0, 3, 10, 30] {
        let _ = fs::remove_dir_all(folder.join(".millstream"));
        let _ = fs::remove_dir_all(world.path("out"));
        let job = JobFolder::new(&folder.join(".millstream"), "orders");
        let mut command = millstream();
        let mut process = Process::start(command.args(&line).current_dir(&folder));
        process.wait_until(LIMIT, |_| job.newest() > 0);
        thread::sleep(Duration::from_millis(delay_ms));
        process.kill();
        run_in(&folder, &line).code(0).says("finished at epoch");
        world.check_hours(1);
    }
}
