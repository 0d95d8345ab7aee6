//! The operator is killed before and after each of its calls, and each is answered wrongly in every way.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says how far it came"
)]

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream_test_operator_sim::connection::{Call, Fault};
use millstream_test_operator_sim::explore::{faults, prepare, tell, writes_at_rest};
use millstream_test_operator_sim::story::{Picture, STORIES, Story};
use millstream_test_operator_sim::world::Snapshot;

/// Runs this on timers that skip the time in which nothing happens.
fn steered<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(what)
}

fn story(name: &str) -> &'static Story {
    STORIES.iter().find(|story| story.name == name).unwrap()
}

/// Tells a story with each of its faults, on two threads; what went wrong, by the fault.
fn explore(story: &Story, every: usize, at_least: usize) {
    let snapshot = steered(prepare(story)).unwrap();
    let clean = steered(tell(story, &snapshot, None)).unwrap();
    assert!(clean.broken.is_empty(), "{:?}", clean.broken);
    let again = steered(tell(story, &snapshot, None)).unwrap();
    assert_eq!(clean.calls, again.calls, "two runs of one story are the same");
    assert_eq!(clean.picture.differences(&again.picture), Vec::<String>::new());
    let instead = instead(story, &snapshot, &clean.calls);
    let faults = chosen(faults(&clean.calls), every);
    if std::env::var_os("MILLSTREAM_SIM_CALLS").is_some() {
        println!("{:#?}", clean.calls);
    }
    println!("{}: {} calls, {} faults", story.name, clean.calls.len(), faults.len());
    let is_looked_at_alone = std::env::var("MILLSTREAM_SIM_FAULTS").is_ok_and(|which| which != "all");
    assert!(faults.len() >= at_least || is_looked_at_alone, "{} faults: {:#?}", faults.len(), clean.calls);
    let next = AtomicUsize::new(0);
    let failures: Mutex<BTreeMap<usize, String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((number, fault)) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = steered(tell(story, &snapshot, Some((*number, *fault))));
                    let said = match outcome {
                        Ok(outcome) => {
                            let refused =
                                instead.as_ref().filter(|(order, _)| order == number && is_refusal(*fault));
                            let expected = refused.map_or(&clean.picture, |(_, picture)| picture);
                            let differences = expected.differences(&outcome.picture);
                            [outcome.broken, differences].concat().join("\n  ")
                        }
                        Err(why) => why,
                    };
                    if !said.is_empty() {
                        let what = named(&clean.calls, *number, *fault);
                        // At once, since a run that is cut off says nothing at its end.
                        eprintln!("{what}");
                        failures
                            .lock()
                            .unwrap()
                            .insert(*number * 10 + *fault as usize, format!("{what}\n  {said}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let said: Vec<&String> = failures.values().collect();
    assert!(
        said.is_empty(),
        "{} of {} go wrong:\n{}",
        said.len(),
        faults.len(),
        said.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("\n")
    );
}

/// The end of a story whose order to rescale the engine does not take: a new deployment has the parallelism then.
fn instead(story: &Story, from: &Snapshot, calls: &[Call]) -> Option<(usize, Picture)> {
    let order = calls.iter().position(|call| call.label.starts_with("Order rescale"))?;
    Some((order, steered(tell(story, from, Some((order, Fault::Conflict)))).unwrap().picture))
}

/// Whether an order that goes wrong like this is not carried out.
fn is_refusal(fault: Fault) -> bool {
    matches!(fault, Fault::Conflict | Fault::Error | Fault::LostCall)
}

/// Every so manieth fault, which meets every write in one way or another, since a write has seven; all of them with
/// `MILLSTREAM_SIM_FAULTS=all`, one alone with `MILLSTREAM_SIM_FAULTS=12:LostAnswer`.
fn chosen(faults: Vec<(usize, Fault)>, every: usize) -> Vec<(usize, Fault)> {
    match std::env::var("MILLSTREAM_SIM_FAULTS").as_deref() {
        Ok("all") => faults,
        Ok(one) => {
            faults.into_iter().filter(|(number, fault)| format!("{number}:{fault:?}") == one).collect()
        }
        Err(_) => faults.into_iter().step_by(every).collect(),
    }
}

fn named(calls: &[Call], number: usize, fault: Fault) -> String {
    format!("{number}:{fault:?} at {:?}", calls[number])
}

#[test]
fn a_crash_while_a_job_is_created() {
    explore(story("create"), 1, 150);
}

#[test]
fn a_crash_while_a_job_is_upgraded() {
    explore(story("upgrade"), 3, 100);
}

#[test]
fn a_crash_while_a_job_is_rescaled() {
    explore(story("rescale"), 1, 80);
}

#[test]
fn a_crash_while_a_job_is_rolled_back() {
    explore(story("rollback"), 6, 120);
}

#[test]
fn a_crash_while_a_job_is_resumed() {
    explore(story("suspend and resume"), 1, 120);
}

#[test]
fn a_crash_while_a_job_is_deleted() {
    explore(story("delete"), 1, 70);
}

#[test]
fn nothing_is_written_about_a_job_that_has_settled() {
    for story in &STORIES {
        let snapshot = steered(prepare(story)).unwrap();
        assert_eq!(steered(writes_at_rest(story, &snapshot)).unwrap(), 0, "{}", story.name);
    }
}
