//! Savepoints of whole jobs: beside the records, behind a stop, and with a coordinator that dies over them.

use std::sync::Arc;
use std::time::Duration;

use millstream_jobmaster::{AfterSavepoint, RestartStrategy, SavepointReport};
use millstream_model::{Epoch, ErrorKind, JobError};
use millstream_savepoint::{SavepointLocation, SavepointReader};
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{Action, MemoryStorage, ObjectStorage, Patience};

use crate::fixture::{Job, Trouble};
use crate::{JobHandle, JobOutcome};

fn location(storage: &Arc<dyn ObjectStorage>, job: &Job, name: &str) -> SavepointLocation {
    SavepointLocation::of_job(storage.clone(), job.store().job(), name, Patience::default()).unwrap()
}

async fn take(handle: &JobHandle, job: &Job, then: AfterSavepoint) -> Result<SavepointReport, JobError> {
    let answer = handle.savepoint(location(&job.storage, job, "s"), then);
    tokio::time::timeout(Duration::from_secs(60), answer).await.expect("no answer")
}

async fn epoch_of(job: &Job) -> Option<Epoch> {
    match SavepointReader::open(&location(&job.storage, job, "s")).await {
        Ok(reader) => Some(reader.manifest().epoch),
        Err(error) => {
            assert!(error.is_not_there(), "{error}");
            None
        }
    }
}

#[tokio::test]
async fn it_is_an_epoch_whose_output_is_visible_and_the_job_goes_on() {
    let mut job = Job::new(2, &["a b", "c"], false);
    job.settings.checkpoint.interval_ms = None;
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    let mut status = handle.status();
    status.wait_for(|s| s.rows_in == 3).await.unwrap();
    let report = take(&handle, &job, AfterSavepoint::GoOn).await.unwrap();
    assert_eq!(job.sink.rows(), "a b c", "a savepoint holds no output");
    assert_eq!(epoch_of(&job).await, Some(report.epoch));
    let shown = status.wait_for(|s| s.last_savepoint.is_some()).await.unwrap().clone();
    assert_eq!((shown.last_savepoint, shown.savepoints_under_way), (Some(report), 0));
    let taken = take(&handle, &job, AfterSavepoint::Stop).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::User, "the name is taken: {taken}");
    assert!(matches!(running.await.unwrap(), JobOutcome::Stopped { .. }), "the stop stays");
    let late = take(&handle, &job, AfterSavepoint::GoOn).await.unwrap_err();
    assert!(late.message.contains("over"), "{late}");
}

#[tokio::test]
async fn a_drained_job_is_finished() {
    let job = Job::new(1, &["a b", "c"], false);
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    handle.status().wait_for(|s| s.rows_in == 3).await.unwrap();
    let report = take(&handle, &job, AfterSavepoint::Drain).await.unwrap();
    let outcome = running.await.unwrap();
    assert!(matches!(outcome, JobOutcome::Finished { epoch } if epoch == report.epoch), "{outcome:?}");
}

#[tokio::test]
async fn an_order_to_stop_is_answered_when_the_job_is_over() {
    // Every listing of pins waits: that of the take-over, and those of the sweeps behind the savepoint.
    let plan = (0..8).fold(FaultPlan::none(), |plan, _| plan.and_on(Action::List, "/pin/", Fault::Hold));
    let slow = Arc::new(FaultStorage::new(Arc::new(MemoryStorage::new()), plan));
    let mut job = Job { storage: slow.clone(), ..Job::new(1, &["a b", "c"], false) };
    job.settings.checkpoint.interval_ms = None;
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    let asking = tokio::spawn({
        let (handle, job) = (handle.clone(), job.clone());
        async move {
            handle.status().wait_for(|s| s.rows_in == 3).await.unwrap();
            take(&handle, &job, AfterSavepoint::Stop).await
        }
    });
    slow.wait_until_held().await;
    while epoch_of(&job).await.is_none() {
        slow.release();
        slow.wait_until_held().await;
    }
    assert!(!asking.is_finished(), "whoever starts the job again would fence it");
    while !running.is_finished() {
        slow.release();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    asking.await.unwrap().unwrap();
}

#[tokio::test]
async fn two_orders_for_one_place_do_not_take_it_from_each_other() {
    let mut job = Job::new(1, &["a b", "c"], false);
    job.settings.checkpoint.interval_ms = None;
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    handle.status().wait_for(|s| s.rows_in == 3).await.unwrap();
    let (first, second) =
        tokio::join!(take(&handle, &job, AfterSavepoint::GoOn), take(&handle, &job, AfterSavepoint::Stop));
    let second = second.unwrap_err();
    assert_eq!(second.kind, ErrorKind::User);
    assert!(second.message.contains("is being taken already"), "{second}");
    assert_eq!(epoch_of(&job).await, Some(first.unwrap().epoch));
    assert!(!running.is_finished(), "what was refused stops nothing");
    handle.ask(crate::Request::Cancel);
    running.await.unwrap();
}

#[tokio::test]
async fn a_job_that_does_not_begin_takes_so_many_orders_and_no_more() {
    let slow = Arc::new(FaultStorage::new(Arc::new(MemoryStorage::new()), FaultPlan::at(1, Fault::Hold)));
    let job = Job { storage: slow.clone(), ..Job::new(1, &["a"], true) };
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    slow.wait_until_held().await;
    let mut answers = tokio::task::JoinSet::new();
    for n in 0..20 {
        let place = location(&job.storage, &job, &format!("s{n}"));
        let handle = handle.clone();
        answers.spawn(async move { handle.savepoint(place, AfterSavepoint::GoOn).await });
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut refused = 0;
    while let Some(answer) = answers.try_join_next() {
        assert!(answer.unwrap().unwrap_err().message.starts_with("too many requests wait"));
        refused += 1;
    }
    assert_eq!(refused, 4);
    slow.release();
    assert!(matches!(running.await.unwrap(), JobOutcome::Finished { .. }));
}

#[tokio::test]
async fn an_order_that_comes_before_the_job_runs_is_kept() {
    let job = Job::new(2, &["a b", "c"], false);
    let (coordinator, handle, _workers) = job.start();
    let (answer, outcome) = tokio::join!(take(&handle, &job, AfterSavepoint::Stop), coordinator.run());
    assert!(matches!(outcome, JobOutcome::Stopped { .. }), "{outcome:?}");
    // Nothing was read, so there is nothing to save.
    let error = answer.unwrap_err();
    assert!(error.message.contains("no checkpoint yet"), "{error}");
}

#[tokio::test]
async fn a_job_that_fails_says_so_to_whoever_waits() {
    let mut job = Job::new(1, &["a"], false).trouble(&[Trouble::Fail(ErrorKind::User)]);
    job.settings.checkpoint.interval_ms = None;
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    handle.status().wait_for(|s| s.rows_in == 1).await.unwrap();
    let error = take(&handle, &job, AfterSavepoint::GoOn).await.unwrap_err();
    assert!(error.message.starts_with("checkpoint 1 failed"), "{error}");
    assert!(matches!(running.await.unwrap(), JobOutcome::Failed(_)));
}

/// Asks for a savepoint of a coordinator that dies at storage call `n`, then runs a second one to the end. False if the first
/// did not live to call `n`.
async fn crash_at(n: u64, fault: Fault) -> bool {
    let inner = Arc::new(MemoryStorage::new());
    let dying = Arc::new(FaultStorage::new(inner.clone(), FaultPlan::at(n, fault.clone())));
    let mut job = Job { storage: dying.clone(), ..Job::new(1, &["a b", "c"], false) };
    job.settings.restart = RestartStrategy::None;
    job.settings.checkpoint.interval_ms = None;
    let (coordinator, handle, _workers) = job.start();
    let running = tokio::spawn(coordinator.run());
    let asking = {
        let (handle, job) = (handle.clone(), job.clone());
        tokio::spawn(async move {
            let _ = handle.status().wait_for(|s| s.rows_in == 3).await;
            take(&handle, &job, AfterSavepoint::GoOn).await
        })
    };
    while !dying.is_dead() && !asking.is_finished() {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    let was_killed = dying.is_dead();
    running.abort();
    let _ = running.await;
    let answer = asking.await.unwrap();

    let job = Job { storage: inner, source: crate::fixture::FakeSource::new(&["a b", "c"], true), ..job };
    let outcome = job.run().await;
    assert!(matches!(outcome, JobOutcome::Finished { .. }), "{fault:?} at call {n}: {outcome:?}");
    assert_eq!(job.sink.rows(), "a b c", "{fault:?} at call {n}");
    let saved = epoch_of(&job).await;
    if let Ok(report) = answer {
        assert_eq!(saved, Some(report.epoch), "{fault:?} at call {n}: told, and not there");
    }
    let left = job.storage.list("").await.unwrap().into_iter().map(|o| o.key);
    let left: Vec<String> =
        left.filter(|k| k.contains("/pin/savepoint") || k.contains("/savepoint/")).collect();
    let expected = if saved.is_some() { 2 } else { 0 };
    assert_eq!(left.len(), expected, "{fault:?} at call {n}: {left:?}");
    was_killed
}

#[tokio::test]
async fn a_crash_at_any_call_leaves_a_whole_savepoint_or_none() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let mut calls = 0;
        for n in 1.. {
            if !crash_at(n, fault.clone()).await {
                break;
            }
            calls = n;
        }
        assert!(calls > 30, "only {calls} calls");
    }
}
