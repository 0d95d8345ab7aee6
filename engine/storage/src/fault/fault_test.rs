//! The wrapper does what its plan says, and create survives it.

use std::time::Duration;

use super::*;
use crate::memory::MemoryStorage;
use crate::retry::{self, Patience};
use crate::{CreateOutcome, Remedy};

fn patience() -> Patience {
    Patience {
        attempts: 4,
        call_deadline: Duration::from_millis(60),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(4),
    }
}

fn wrapped(plan: FaultPlan) -> (MemoryStorage, FaultStorage) {
    let inner = MemoryStorage::new();
    (inner.clone(), FaultStorage::new(Arc::new(inner), plan))
}

#[tokio::test]
async fn without_faults_it_conforms() {
    crate::conformance::run(Arc::new(FaultStorage::new(Arc::new(MemoryStorage::new()), FaultPlan::none())))
        .await;
}

#[tokio::test]
async fn each_fault_does_what_it_says_to_a_create() {
    let table = [
        (Fault::CrashBefore, Remedy::GiveUp, false, true),
        (Fault::CrashAfter, Remedy::GiveUp, true, true),
        (Fault::NotApplied, Remedy::ReadBack, false, false),
        (Fault::Applied, Remedy::ReadBack, true, false),
    ];
    for (fault, remedy, is_there, is_dead) in table {
        let (inner, storage) = wrapped(FaultPlan::at(1, fault.clone()));
        let error = storage.put_if_absent("k", "v".into()).await.unwrap_err();
        assert_eq!(error.remedy(), remedy, "{fault:?}");
        assert_eq!(inner.head("k").await.unwrap().is_some(), is_there, "{fault:?}");
        assert_eq!(storage.is_dead(), is_dead, "{fault:?}");
        assert_eq!(storage.head("k").await.is_err(), is_dead, "{fault:?}: a dead process does nothing more");
    }
}

#[tokio::test]
async fn the_trace_names_every_call() {
    let (_, storage) = wrapped(FaultPlan::none().and_on(Action::Get, "b", Fault::NotApplied));
    storage.put_if_absent("a", "1".into()).await.unwrap();
    storage.get("a").await.unwrap();
    assert!(storage.get("b").await.is_err());
    storage.list("").await.unwrap();
    let trace: Vec<_> =
        storage.trace().iter().map(|c| format!("{} {} {}", c.number, c.action, c.key)).collect();
    assert_eq!(trace, ["1 create a", "2 read a", "3 read b", "4 list "]);
    assert_eq!(storage.trace()[2].fault, Some(Fault::NotApplied));
    assert_eq!(storage.calls(), 4);
}

#[tokio::test]
async fn a_held_call_waits_for_its_release() {
    let (inner, storage) = wrapped(FaultPlan::at(1, Fault::Hold));
    let storage = Arc::new(storage);
    let zombie = tokio::spawn({
        let storage = storage.clone();
        async move { storage.put_if_absent("k", "zombie".into()).await }
    });
    storage.wait_until_held().await;
    inner.put_if_absent("k", "other".into()).await.unwrap();
    storage.release();
    assert_eq!(zombie.await.unwrap().unwrap(), PutOutcome::AlreadyExists);
}

#[tokio::test]
async fn create_finds_out_whose_object_it_is() {
    let faults = [
        vec![],
        vec![(1, Fault::NotApplied)],
        vec![(1, Fault::Applied)],
        vec![(1, Fault::NotApplied), (2, Fault::Applied)],
        vec![(1, Fault::Applied), (3, Fault::NotApplied)],
        vec![(1, Fault::Delay(Duration::from_millis(300)))],
    ];
    for plan in faults {
        for taken_by_another in [false, true] {
            let plan_of = plan.iter().fold(FaultPlan::none(), |p, (n, f)| p.and_at(*n, f.clone()));
            let (inner, storage) = wrapped(plan_of);
            if taken_by_another {
                inner.put_if_absent("k", "other".into()).await.unwrap();
            }
            let outcome = retry::create(&storage, "k", "mine".into(), &patience()).await.unwrap();
            let expected =
                if taken_by_another { CreateOutcome::Taken("other".into()) } else { CreateOutcome::Created };
            assert_eq!(outcome, expected, "{plan:?}, taken by another: {taken_by_another}");
        }
    }
}

#[tokio::test]
async fn create_that_stays_ambiguous_says_so() {
    let plan = (1..=20).fold(FaultPlan::none(), |p, n| p.and_at(n, Fault::NotApplied));
    let (_, storage) = wrapped(plan);
    let error = retry::create(&storage, "k", "mine".into(), &patience()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::ReadBack);
    assert_eq!(storage.calls(), 4, "patience is bounded");
}

#[tokio::test]
async fn an_ambiguous_create_is_not_forgotten_when_the_store_then_refuses() {
    let (_, storage) = wrapped(FaultPlan::at(1, Fault::Applied).and_at(2, Fault::CrashBefore));
    let error = retry::create(&storage, "k", "mine".into(), &patience()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::ReadBack, "the first write may be there: {error:?}");
}

#[tokio::test]
async fn reads_are_repeated_while_the_fault_passes() {
    let plan = FaultPlan::at(2, Fault::NotApplied).and_at(3, Fault::Delay(Duration::from_millis(300)));
    let (_, storage) = wrapped(plan);
    storage.put_if_absent("k", "v".into()).await.unwrap();
    assert_eq!(retry::get(&storage, "k", &patience()).await.unwrap(), "v");
    assert_eq!(storage.calls(), 4);
    assert!(retry::get(&storage, "none", &patience()).await.unwrap_err().is_not_found());
    assert_eq!(storage.calls(), 5, "a definite answer is not asked for twice");
}

#[test]
fn pauses_double_up_to_the_longest() {
    let patience = Patience::default();
    let pauses: Vec<_> = [1, 2, 3, 7, 8, 40].map(|n| patience.pause(n).as_millis()).into();
    assert_eq!(pauses, [50, 100, 200, 3_200, 5_000, 5_000]);
}
