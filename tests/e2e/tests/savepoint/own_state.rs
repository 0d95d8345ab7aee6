//! Savepoints restored into a job that has state of its own, and jobs that differ in their storage alone.

use std::fs;
use std::path::PathBuf;

use super::{ROWS, Step, World, both, flip, rows_in, words};
use crate::harness::{JobFolder, LIMIT, Process, run_in};

/// A job that was stopped by a savepoint of its own, and has read one file more since.
fn stopped_and_run_again(world: &World) -> JobFolder {
    let step = Step { world, name: "one", sql: both(), parallelism: 2, is_rocksdb: false, from: None };
    world.arrive(0..1);
    step.run(1, "--stop --to nightly").code(0);
    world.arrive(1..2);
    step.run(2, "--stop --as newest").code(0).says("continuing from epoch");
    JobFolder::new(&world.path("one/.millstream"), "orders")
}

/// The same job, started from a savepoint.
fn again(world: &World, flags: &str) -> std::process::Command {
    let step = Step { world, name: "one", sql: both(), parallelism: 2, is_rocksdb: false, from: None };
    step.command(flags)
}

#[test]
fn a_job_with_state_says_what_is_written_again_and_asks() {
    let world = World::new();
    let job = stopped_and_run_again(&world);
    let before = job.newest();
    let asked = Process::start(&mut again(&world, "--from-savepoint nightly")).end(LIMIT);
    asked.code(2).says("is left for that of").says("will be written again").says("--yes");
    assert_eq!(job.newest(), before, "{asked}");
    let mut process = Process::start(&mut again(&world, "--from-savepoint nightly --yes"));
    let address = process.address();
    assert!(process.wait_until(LIMIT, |_| rows_in(&address) == Some(2 * ROWS)), "{}", process.stderr());
    run_in(&world.path("one"), &["savepoint", "orders", "--stop", "--drain"]).code(0);
    process.end(LIMIT).code(0).says("is restored as epoch").says("will be written again");
}

#[test]
fn a_savepoint_rescues_a_job_whose_state_is_damaged() {
    let damages: [fn(&JobFolder) -> Vec<PathBuf>; 2] =
        [|job| vec![job.manifest(*job.restorable().last().unwrap()).unwrap()], |job| job.files("state")];
    for damage in damages {
        let world = World::new();
        let job = stopped_and_run_again(&world);
        damage(&job).iter().for_each(|file| fs::remove_file(file).unwrap());
        let plain = |flags: &str| Process::start(&mut again(&world, flags)).end(LIMIT);
        plain("").code(2).says("cannot be used").says("--from-savepoint");
        plain("--from-savepoint nightly").code(2).says("will be written again").says("--yes");
        // The savepoint is damaged as well: what is known of the damage stays known.
        let whole = flip(&world.path("one/nightly"));
        plain("--from-savepoint nightly --yes").code(2).says("parquet");
        plain("").code(2).says("cannot be used");
        fs::write(whole.0, whole.1).unwrap();
        let mut process = Process::start(&mut again(&world, "--from-savepoint nightly --yes"));
        let address = process.address();
        assert!(process.wait_until(LIMIT, |_| rows_in(&address) == Some(2 * ROWS)), "{}", process.stderr());
        run_in(&world.path("one"), &["savepoint", "orders", "--stop"]).code(0);
        process.end(LIMIT).code(0).says("is restored as epoch");
    }
}

#[test]
fn jobs_with_different_storage_are_asked_apart() {
    let world = World::new();
    world.arrive(0..1);
    let step =
        Step { world: &world, name: "one", sql: both(), parallelism: 1, is_rocksdb: false, from: None };
    let start = |storage: &str| {
        let mut command = step.command(&format!("--storage {storage}"));
        command.args(["--var", &format!("OUT={}", world.path(storage).display())]);
        let mut process = Process::start(&mut command);
        let address = process.address();
        assert!(process.wait_until(LIMIT, |_| rows_in(&address) == Some(ROWS)), "{}", process.stderr());
        process
    };
    let (first, mut second) = (start("a"), start("b"));
    let folder = world.path("one");
    run_in(&folder, &words("savepoint orders.sql --stop")).code(2).says("does not run here");
    run_in(&folder, &words("savepoint orders.sql --storage a --stop")).code(0).prints("/one/a/");
    first.end(LIMIT).code(0).says("stopped at epoch");
    assert!(second.is_running());
    run_in(&folder, &words("savepoint orders.sql --storage b/ --stop")).code(0).prints("/one/b/");
    second.end(LIMIT).code(0);
}
