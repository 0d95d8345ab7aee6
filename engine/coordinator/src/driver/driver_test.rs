//! Whole jobs on fake workers over a bucket in memory: every end, every kind of trouble, a crash at every call.

use std::sync::Arc;
use std::time::Duration;

use millstream_checkpoint::{Outcome, StartFrom};
use millstream_checkpoint_store::TakeOverRequest;
use millstream_connectors::ConnectorError;
use millstream_jobmaster::{JobPhase, RestartStrategy, Sabotage};
use millstream_model::{ErrorKind, Generation};
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{Action, MemoryStorage};

use crate::clock::SteeredClock;
use crate::fixture::{Job, Trouble};
use crate::status::NewestEpoch;
use crate::{JobHandle, JobOutcome, JobStatus, Request, StartPatience};

const STEPS: [&str; 4] = ["a b", "c", "d e f", "g"];
const ROWS: &str = "a b c d e f g";
/// Rounds in which a planted bug must show.
const ROUNDS: usize = 20;

async fn until(handle: &JobHandle, what: impl FnMut(&JobStatus) -> bool) -> JobStatus {
    let mut status = handle.status();
    let waited = tokio::time::timeout(Duration::from_secs(60), status.wait_for(what)).await;
    waited.expect("it never came to that").expect("the job ended").clone()
}

#[tokio::test]
async fn a_bounded_job_runs_to_its_end_and_stays_finished() {
    let job = Job::new(2, &STEPS, true);
    let JobOutcome::Finished { epoch } = job.run().await else { panic!() };
    assert_eq!(job.sink.rows(), ROWS);
    let overview = job.store().look().await.unwrap();
    let (owned, manifest) = overview.restorable.unwrap();
    assert_eq!((owned.epoch, manifest.outcome), (epoch, Outcome::Finished));
    assert!(overview.unpublished.is_empty());

    assert_eq!(job.run().await, JobOutcome::Finished { epoch });
    assert_eq!(job.sink.rows(), ROWS, "nothing is read again");
}

#[tokio::test]
async fn the_folder_holds_what_is_kept_and_nothing_else() {
    let job = Job::new(2, &STEPS, true).trouble(&[Trouble::NotStored, Trouble::Fail(ErrorKind::Transient)]);
    assert!(matches!(job.run().await, JobOutcome::Finished { .. }));
    let kept = job.store().look().await.unwrap();
    let owned = kept.restorable.iter().map(|(owned, _)| owned).chain(&kept.ancestors);
    let mut expected = std::collections::BTreeSet::new();
    for owned in owned {
        let (_, manifest) = job.store().read_manifest(owned.epoch).await.unwrap();
        expected.extend(manifest.objects().map(|o| o.key.clone()));
    }
    let listed = job.storage.list("").await.unwrap();
    let found: std::collections::BTreeSet<_> = listed
        .into_iter()
        .map(|o| o.key)
        .filter(|k| k.contains("/staged/") || k.contains("/state/"))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn trouble_with_tasks_costs_no_row_and_repeats_none() {
    let cases: [&[Trouble]; 5] = [
        &[Trouble::Fail(ErrorKind::Transient)],
        &[Trouble::NotStored, Trouble::NotStored],
        &[Trouble::None, Trouble::Fail(ErrorKind::Bug), Trouble::NotStored],
        &[Trouble::NotStored, Trouble::Fail(ErrorKind::Transient), Trouble::Fail(ErrorKind::Transient)],
        &[Trouble::Vanish],
    ];
    for troubles in cases {
        let mut job = Job::new(2, &STEPS, true).trouble(troubles);
        job.workers = vec![2, 2];
        let outcome = job.run().await;
        assert!(matches!(outcome, JobOutcome::Finished { .. }), "{troubles:?}: {outcome:?}");
        assert_eq!(job.sink.rows(), ROWS, "{troubles:?}");
    }
}

/// Waits until exactly these rows are published.
async fn visible(job: &Job, rows: &str) {
    let published = async {
        while job.sink.rows() != rows {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), published).await.expect("rows were not published");
}

#[tokio::test]
async fn a_user_error_ends_the_job_with_what_was_owned_visible() {
    let job = Job::new(1, &["a"], false);
    let (coordinator, _handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    visible(&job, "a").await;
    let job = job.trouble(&[Trouble::Fail(ErrorKind::User)]);
    let JobOutcome::Failed(error) = running.await.unwrap() else { panic!() };
    assert_eq!(error.kind, ErrorKind::User);
    assert!(error.message.starts_with("chain 0 (0/0): trouble at checkpoint "), "{error}");
    assert_eq!(job.sink.rows(), "a");
}

#[tokio::test]
async fn restarts_end_when_the_strategy_says_so() {
    let mut job = Job::new(1, &["a"], false).trouble(&[Trouble::Fail(ErrorKind::Transient); 9]);
    job.settings.restart = RestartStrategy::FixedDelay { attempts: 1, delay_ms: 1, reset_after_ms: u64::MAX };
    let JobOutcome::Failed(error) = job.run().await else { panic!() };
    assert!(error.message.ends_with("(given up after 1 restarts)"), "{error}");
}

#[tokio::test]
async fn when_every_worker_is_gone_the_job_says_what_is_missing() {
    let mut job = Job::new(1, &["a"], false).trouble(&[Trouble::Vanish]);
    job.settings.slots_timeout_ms = Some(20);
    let JobOutcome::Failed(error) = job.run().await else { panic!() };
    assert_eq!(
        error.message,
        "the job needs 1 slots, its workers offer 0; last error: worker 1 is lost: its connection closed"
    );
}

/// It has no workers, so nothing else would ever tell it.
#[tokio::test]
async fn a_coordinator_that_waits_for_slots_learns_that_it_is_not_in_charge() {
    let clock = SteeredClock::new(1_000);
    let mut job = Job::new(1, &["a"], false);
    job.workers = Vec::new();
    job.settings.slots_timeout_ms = None;
    job.clock = Some(clock.clone());
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    until(&handle, |s| s.phase == JobPhase::WaitingForSlots).await;
    job.store().take_over(&TakeOverRequest::default()).await.unwrap();
    clock.set(6_000);
    let outcome = tokio::time::timeout(Duration::from_secs(60), running).await.unwrap().unwrap();
    assert!(matches!(outcome, JobOutcome::Fenced { by } if by == Generation(2)), "{outcome:?}");
}

#[tokio::test]
async fn a_stopped_job_goes_on_where_it_was() {
    let mut job = Job::new(2, &["a b", "c"], false);
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    let status = until(&handle, |s| s.rows_in == 3 && s.epoch.is_some()).await;
    assert_eq!((status.phase, status.rows_out), (JobPhase::Running, 3));
    assert!(handle.ask(Request::Stop));
    let JobOutcome::Stopped { epoch: Some(epoch) } = running.await.unwrap() else { panic!() };
    assert_eq!(job.sink.rows(), "a b c");
    assert_eq!(job.store().look().await.unwrap().restorable.unwrap().1.outcome, Outcome::Stopped);

    job.source = crate::fixture::FakeSource::new(&["a b", "c", "d"], true);
    let (coordinator, handle, _workers) = job.start();
    assert!(matches!(coordinator.run().await, JobOutcome::Finished { .. }));
    assert_eq!(handle.status().borrow().restored_from, Some(epoch));
    assert_eq!(job.sink.rows(), "a b c d");
}

#[tokio::test]
async fn the_status_says_where_the_newest_epoch_is_and_what_is_known_of_it() {
    let mut job = Job::new(2, &["a b", "c"], false);
    let (coordinator, handle, _workers) = job.start();
    let before = handle.status().borrow().clone();
    assert_eq!((before.parallelism, before.newest_epoch, before.is_standby), (2, None, false));
    let running = tokio::spawn(coordinator.run());
    until(&handle, |s| s.rows_in == 3 && s.epoch.is_some()).await;
    handle.ask(Request::Stop);
    let JobOutcome::Stopped { epoch: Some(epoch) } = running.await.unwrap() else { panic!() };
    let written = handle.status().borrow().newest_epoch.clone().unwrap();
    let (owned, manifest) = job.store().look().await.unwrap().restorable.unwrap();
    assert_eq!(written.epoch, epoch);
    assert_eq!(written.manifest, format!("{}/{}", job.storage.location(), owned.manifest.key));
    assert_eq!(written.bytes, manifest.objects().map(|o| o.length).sum::<u64>());
    assert!(written.duration_ms.is_some() && written.at_ms >= manifest.created_at_ms, "{written:?}");

    job.settings.checkpoint.interval_ms = None;
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    let status = until(&handle, |s| s.phase == JobPhase::Running).await;
    let found = NewestEpoch { at_ms: manifest.created_at_ms, duration_ms: None, ..written };
    assert_eq!((status.newest_epoch, status.restored_from), (Some(found), Some(epoch)));
    handle.ask(Request::Cancel);
    running.await.unwrap();
}

#[tokio::test]
async fn a_standby_says_so_until_it_is_activated() {
    let job = Job { is_standby: true, ..Job::new(1, &["a"], true) };
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    let status = handle.status().borrow().clone();
    assert_eq!((status.phase, status.is_standby, status.parallelism), (JobPhase::Standby, true, 1));
    assert_eq!(status.next.unwrap(), "take the job over when it is activated: this coordinator is a standby");
    assert!(handle.ask(Request::Activate));
    assert!(matches!(running.await.unwrap(), JobOutcome::Finished { .. }));
    let status = handle.status().borrow().clone();
    assert_eq!((status.phase, status.is_standby), (JobPhase::Finished, false));
}

#[tokio::test]
async fn a_cancelled_job_reads_again_what_was_not_owned() {
    let mut job = Job::new(1, &["a b"], false);
    job.settings.checkpoint.interval_ms = None;
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    until(&handle, |s| s.rows_in == 2).await;
    assert!(handle.ask(Request::Cancel));
    assert_eq!(running.await.unwrap(), JobOutcome::Stopped { epoch: None });
    assert_eq!(job.sink.rows(), "");

    job.source = crate::fixture::FakeSource::new(&["a b"], true);
    assert!(matches!(job.run().await, JobOutcome::Finished { .. }));
    assert_eq!(job.sink.rows(), "a b");
}

#[tokio::test]
async fn a_target_that_fails_for_a_while_is_tried_again() {
    let job = Job::new(1, &STEPS, true);
    for _ in 0..2 {
        let (table, action, cause) = ("out".into(), "commit".into(), "no answer".into());
        job.sink.fail_with(ConnectorError::Io { table, action, cause });
    }
    assert!(matches!(job.run().await, JobOutcome::Finished { .. }));
    assert_eq!(job.sink.rows(), ROWS);
}

#[tokio::test]
async fn a_target_that_refuses_ends_the_job_and_the_next_run_publishes() {
    let job = Job::new(1, &STEPS, true);
    job.sink.fail_with(ConnectorError::Refused {
        table: "out".into(),
        epoch: 2,
        message: "too large".into(),
    });
    let JobOutcome::Failed(error) = job.run().await else { panic!() };
    assert_eq!(error.kind, ErrorKind::State);
    assert!(error.message.contains("the target refuses the output of epoch 2: too large"), "{error}");
    assert_eq!(job.sink.rows(), "");
    assert!(matches!(job.run().await, JobOutcome::Finished { .. }));
    assert_eq!(job.sink.rows(), ROWS);
}

#[tokio::test]
async fn a_removed_target_is_noticed() {
    let job = Job::new(1, &STEPS, true);
    let JobOutcome::Finished { epoch } = job.run().await else { panic!() };
    let has_output = !job.store().read_manifest(epoch).await.unwrap().1.sinks[0].publications.is_empty();
    *job.sink.0.lock().unwrap() = crate::fixture::Target::default();
    match job.run().await {
        JobOutcome::Failed(error) => assert!(error.message.contains("progress record is missing"), "{error}"),
        outcome => assert!(!has_output, "{outcome:?}"),
    }
}

#[tokio::test]
async fn the_older_of_two_coordinators_is_fenced() {
    let job = Job::new(1, &["a", "b"], false);
    let (coordinator, handle, _workers) = job.start();
    let older = tokio::spawn(coordinator.run());
    until(&handle, |s| s.epoch.is_some()).await;
    let (coordinator, newer_handle, _more_workers) = job.start();
    let newer = tokio::spawn(coordinator.run());
    let fenced = older.await.unwrap();
    assert!(matches!(fenced, JobOutcome::Fenced { by } if by.0 == 2), "{fenced:?}");
    until(&newer_handle, |s| s.phase == JobPhase::Running && s.generation.0 == 2).await;
    // What a stopped job has not read yet is for the next one.
    visible(&job, "a b").await;
    newer_handle.ask(Request::Stop);
    assert!(matches!(newer.await.unwrap(), JobOutcome::Stopped { .. }));
    assert_eq!(job.sink.rows(), "a b");
}

#[tokio::test]
async fn a_target_that_a_predecessor_moved_last_is_taken_back() {
    let job = Job::new(1, &["a b", "c"], true);
    job.sink.fail_with(ConnectorError::Fenced { table: "out".into(), message: "a newer producer".into() });
    let outcome = job.run().await;
    assert!(matches!(outcome, JobOutcome::Finished { .. }), "{outcome:?}");
    assert_eq!(job.sink.rows(), "a b c");
}

#[tokio::test]
async fn who_is_fenced_does_not_judge_why_a_publish_fails() {
    let inner = Arc::new(MemoryStorage::new());
    let plan = FaultPlan::none().and_on(Action::Get, "/staged/", Fault::Hold);
    let sleeping = Arc::new(FaultStorage::new(inner.clone(), plan));
    let job = Job { storage: sleeping.clone(), ..Job::new(1, &["a"], true) };
    let (coordinator, _handle, _workers) = job.start();
    let older = tokio::spawn(coordinator.run());
    sleeping.wait_until_held().await;
    Job { storage: inner, ..job.clone() }.store().claim_generation().await.unwrap();
    job.sink.fail_with(ConnectorError::Refused {
        table: "out".into(),
        epoch: 2,
        message: "it is gone".into(),
    });
    sleeping.release();
    let outcome = older.await.unwrap();
    assert!(matches!(outcome, JobOutcome::Fenced { by } if by.0 == 2), "{outcome:?}");
}

#[tokio::test]
async fn starting_over_writes_everything_again_at_higher_epochs() {
    let mut job = Job::new(1, &["a b"], true);
    let JobOutcome::Finished { epoch: first } = job.run().await else { panic!() };
    job.take_over = TakeOverRequest { from: StartFrom::Empty, ..TakeOverRequest::default() };
    let JobOutcome::Finished { epoch: second } = job.run().await else { panic!() };
    assert!(second > first);
    assert_eq!(job.sink.rows(), "a a b b");
    assert!(job.sink.0.lock().unwrap().epochs.is_sorted(), "epochs at a sink never go back");
}

#[tokio::test]
async fn a_bucket_that_cannot_be_reached_fails_the_start() {
    let job = Job::new(1, &["a"], true);
    let broken = FaultStorage::new(job.storage.clone(), FaultPlan::none());
    broken.kill();
    let job = Job { storage: Arc::new(broken), ..job };
    assert!(matches!(job.run().await, JobOutcome::Failed(_)));
    assert_eq!(job.sink.rows(), "");
}

/// The first call of a start, which is not repeated by the store, has no answer.
fn silent() -> Arc<FaultStorage> {
    let plan = FaultPlan::none().and_on(Action::Create, "probe/", Fault::NotApplied);
    Arc::new(FaultStorage::new(Arc::new(MemoryStorage::new()), plan))
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_no_failure_of_the_job() {
    let job = Job { storage: silent(), ..Job::new(1, &["a"], true) };
    let JobOutcome::Failed(error) = job.run().await else { panic!() };
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(matches!(job.run().await, JobOutcome::Finished { .. }));
    assert_eq!(job.sink.rows(), "a");
}

const PATIENT: StartPatience = StartPatience {
    give_up_after: Duration::from_secs(3_600),
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(1),
};

/// Nothing is repeated by the store more than once here, so each fault ends a step of the take-over.
#[tokio::test]
async fn a_bucket_that_answers_later_is_waited_for() {
    let steps = [
        (Action::Create, "probe/"),
        (Action::List, "/generation/"),
        (Action::Create, "/generation/"),
        (Action::List, "/epoch/"),
        (Action::Create, "/epoch/"),
        (Action::Get, "/generation/"),
    ];
    for (action, part) in steps {
        let plan = (0..4).fold(FaultPlan::none(), |plan, _| plan.and_on(action, part, Fault::NotApplied));
        let shaky = Arc::new(FaultStorage::new(Arc::new(MemoryStorage::new()), plan));
        let job = Job { storage: shaky.clone(), start_patience: PATIENT, ..Job::new(1, &STEPS, true) };
        let (coordinator, handle, _workers) = job.start();
        let outcome = coordinator.run().await;
        assert!(matches!(outcome, JobOutcome::Finished { .. }), "{action} {part}: {outcome:?}");
        assert_eq!(job.sink.rows(), ROWS, "{action} {part}");
        assert_eq!(handle.status().borrow().generation, Generation(1), "{action} {part}: claimed once");
        let met = shaky.trace().iter().filter(|call| call.fault.is_some()).count();
        assert_eq!(met, 4, "{action} {part}");
    }
}

#[tokio::test]
async fn a_stop_ends_the_wait_for_a_bucket() {
    let hour = Duration::from_secs(3_600);
    let start_patience = StartPatience { first_pause: hour, longest_pause: hour, ..PATIENT };
    let job = Job { storage: silent(), start_patience, ..Job::new(1, &["a"], true) };
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    let status = until(&handle, |s| s.last_error.is_some()).await;
    assert_eq!(status.next.as_deref(), Some("take the job over again in 3600000 ms"));
    assert!(handle.ask(Request::Stop));
    let JobOutcome::Failed(error) = running.await.unwrap() else { panic!() };
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn who_takes_over_while_another_waits_for_the_bucket_keeps_the_job() {
    let inner = Arc::new(MemoryStorage::new());
    let lost = (0..2).fold(FaultPlan::none(), |p, _| p.and_on(Action::Create, "/epoch/", Fault::NotApplied));
    let clock = SteeredClock::new(1_000);
    let start_patience = StartPatience { first_pause: Duration::from_secs(5), ..PATIENT };
    let job = Job { start_patience, clock: Some(clock.clone()), ..Job::new(1, &["a"], true) };
    let waiting = Job { storage: Arc::new(FaultStorage::new(inner.clone(), lost)), ..job.clone() };
    let (coordinator, handle, _workers) = waiting.start();
    let older = tokio::spawn(coordinator.run());
    until(&handle, |s| s.last_error.is_some()).await;
    let newer = Job { storage: inner, ..job }.store();
    let taken = newer.take_over(&TakeOverRequest::default()).await.unwrap();
    clock.set(6_000);
    let outcome = tokio::time::timeout(Duration::from_secs(20), older).await.unwrap().unwrap();
    assert_eq!(outcome, JobOutcome::Fenced { by: taken.incarnation.generation() });
}

/// Runs until the process "dies" at storage call `n`, then runs a second process to the end.
async fn crash_at(n: u64, fault: Fault, sabotaged: bool) -> Option<Job> {
    let inner = Arc::new(MemoryStorage::new());
    let dying = Arc::new(FaultStorage::new(inner.clone(), FaultPlan::at(n, fault)));
    let mut job = Job { storage: dying.clone(), ..Job::new(2, &STEPS, true) };
    job.settings.restart = RestartStrategy::None;
    if sabotaged {
        job.settings.sabotage = Sabotage { publish_before_owned: true, ..Sabotage::default() };
        job.sabotage.insert(millstream_checkpoint_store::Sabotage::PublishBeforeOwned);
    }
    let (coordinator, _handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    while !dying.is_dead() && !running.is_finished() {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    running.abort();
    let _ = running.await;
    let was_killed = dying.is_dead();
    let job = Job { storage: inner, ..job };
    let outcome = job.run().await;
    assert!(matches!(outcome, JobOutcome::Finished { .. }), "call {n}: {outcome:?}");
    was_killed.then_some(job)
}

#[tokio::test]
async fn a_crash_at_any_call_loses_nothing_and_repeats_nothing() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let mut calls = 0;
        for n in 1.. {
            let Some(job) = crash_at(n, fault.clone(), false).await else { break };
            assert_eq!(job.sink.rows(), ROWS, "{fault:?} at call {n}");
            assert!(job.sink.0.lock().unwrap().epochs.is_sorted(), "{fault:?} at call {n}");
            calls = n;
        }
        assert!(calls > 30, "only {calls} calls");
    }
}

#[tokio::test]
async fn the_crash_test_finds_output_that_is_published_before_it_is_owned() {
    // Whether the output or the crash comes first is a race: on a busy machine the crash may win every time of a round.
    for _ in 0..ROUNDS {
        for n in 1.. {
            let Some(job) = crash_at(n, Fault::CrashBefore, true).await else { break };
            if job.sink.rows() != ROWS {
                return;
            }
        }
    }
    panic!("nobody noticed");
}
