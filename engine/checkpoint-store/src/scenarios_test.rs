//! Crashes, lost answers, zombies and two coordinators at every call to the store; and proof that these tests see something:
//! each planted bug must make at least one of them fail.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use millstream_model::{Attempt, Epoch};
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{Action, MemoryStorage, ObjectStorage};

use crate::error::StoreError;
use crate::settings::Sabotage;
use crate::sweep::Writers;
use crate::testing::{Life, TOTAL, back_to, check, check_end, visible};

type Verdict = Result<(), String>;
type Scenario = fn(Option<Sabotage>) -> Pin<Box<dyn Future<Output = Verdict>>>;

fn wrapped(inner: &MemoryStorage, plan: FaultPlan) -> Arc<FaultStorage> {
    Arc::new(FaultStorage::new(Arc::new(inner.clone()), plan))
}

fn life(sabotage: Option<Sabotage>) -> Life {
    Life { sabotage, ..Life::default() }
}

/// Calls of a life without faults.
async fn calls(life: &Life) -> u64 {
    let storage = wrapped(&MemoryStorage::new(), FaultPlan::none());
    life.run(storage.clone()).await.expect("nothing fails");
    storage.calls()
}

/// With a bug planted, a life may have fewer calls and never fall asleep.
async fn until_asleep_or_done<T>(storage: &FaultStorage, task: &tokio::task::JoinHandle<T>) {
    while !task.is_finished() {
        if tokio::time::timeout(Duration::from_millis(20), storage.wait_until_held()).await.is_ok() {
            return;
        }
    }
}

/// Runs the job to its end on what a crashed or fenced coordinator left, and checks everything.
async fn finish(inner: &MemoryStorage, sabotage: Option<Sabotage>) -> Verdict {
    check(inner).await?;
    life(sabotage).run(Arc::new(inner.clone())).await.map_err(|e| format!("cannot go on: {e:?}"))?;
    check_end(inner).await
}

/// One coordinator that meets one fault at one call, then another one that finishes. For every call and each fault.
async fn one_fault_at_every_call(sabotage: Option<Sabotage>) -> Verdict {
    for lag in [0, 2] {
        let first = Life { lag, ..life(sabotage) };
        for n in 1..=calls(&Life { sabotage: None, ..first.clone() }).await {
            for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::NotApplied, Fault::Applied] {
                let inner = MemoryStorage::new();
                let lived = first.run(wrapped(&inner, FaultPlan::at(n, fault.clone()))).await;
                let what = format!("lag {lag}, {fault:?} at call {n}");
                let must_live = matches!(fault, Fault::NotApplied | Fault::Applied);
                if must_live && let Err(error) = lived {
                    return Err(format!("{what}: the coordinator gave up: {error:?}"));
                }
                finish(&inner, sabotage).await.map_err(|e| format!("{what}: {e}"))?;
            }
        }
    }
    Ok(())
}

/// A coordinator falls asleep at one call, another one runs the job to its end, the first wakes up and goes on. For every
/// call.
async fn zombie_at_every_call(sabotage: Option<Sabotage>) -> Verdict {
    for lag in [0, 2] {
        let first = Life { lag, ..life(sabotage) };
        for n in 1..=calls(&Life { sabotage: None, ..first.clone() }).await {
            let inner = MemoryStorage::new();
            let storage = wrapped(&inner, FaultPlan::at(n, Fault::Hold));
            let zombie = tokio::spawn({
                let (first, storage) = (first.clone(), storage.clone());
                async move { first.run(storage).await }
            });
            until_asleep_or_done(&storage, &zombie).await;
            let what = format!("lag {lag}, asleep at call {n}");
            life(sabotage)
                .run(Arc::new(inner.clone()))
                .await
                .map_err(|e| format!("{what}: the second cannot go on: {e:?}"))?;
            storage.release();
            let woke = zombie.await.expect("no panic");
            if let Err(error) = woke
                && !matches!(error, StoreError::Fenced { .. } | StoreError::Ended { .. })
                && !error.is_damage()
            {
                return Err(format!("{what}: the zombie ended with {error:?}"));
            }
            finish(&inner, sabotage).await.map_err(|e| format!("{what}: {e}"))?;
        }
    }
    Ok(())
}

/// A coordinator that is taking over falls asleep at one call, while the old one takes, and publishes, one more checkpoint.
async fn slow_take_over_at_every_call(sabotage: Option<Sabotage>) -> Verdict {
    for n in 1..=12 {
        let inner = MemoryStorage::new();
        let mut old = Life { lag: 0, ..life(sabotage) }.begin(Arc::new(inner.clone())).await.expect("begins");
        old.checkpoint().await.expect("owned");
        old.publish_down_to(0).await.expect("published");
        let storage = wrapped(&inner, FaultPlan::at(n, Fault::Hold));
        let new = tokio::spawn({
            let storage = storage.clone();
            async move { life(sabotage).run(storage).await }
        });
        until_asleep_or_done(&storage, &new).await;
        for _ in 0..2 {
            if old.checkpoint().await.is_err() || old.publish_down_to(0).await.is_err() {
                break;
            }
        }
        storage.release();
        let what = format!("take-over asleep at call {n}");
        new.await.expect("no panic").map_err(|e| format!("{what}: {e:?}"))?;
        finish(&inner, sabotage).await.map_err(|e| format!("{what}: {e}"))?;
    }
    Ok(())
}

/// A coordinator owns epochs that it has not published when another one goes back behind them and gives them up by name.
/// Then it goes on with whatever it was doing.
async fn going_back_past_a_sleeper(sabotage: Option<Sabotage>) -> Verdict {
    let inner = MemoryStorage::new();
    let mut old = Life { lag: 0, ..life(sabotage) }.begin(Arc::new(inner.clone())).await.expect("begins");
    old.checkpoint().await.expect("owned");
    old.publish_down_to(0).await.expect("published");
    for _ in 0..2 {
        old.checkpoint().await.expect("owned");
    }
    // 1 Start, 2 C (published), 3 C, 4 C.
    let request = back_to(2, &[3, 4]);
    let new = Life { request, ..life(sabotage) };
    new.begin(Arc::new(inner.clone())).await.map_err(|e| format!("going back: {e:?}"))?;
    let _ = old.publish_down_to(0).await;
    let _ = old.incarnation.sweep(Writers::Running(Attempt(1))).await;
    finish(&inner, sabotage).await
}

/// An epoch is pinned, the job goes on and deletes old checkpoints, and goes back to the pinned one.
async fn going_back_to_a_pin(sabotage: Option<Sabotage>) -> Verdict {
    let inner = MemoryStorage::new();
    let mut old = life(sabotage).begin(Arc::new(inner.clone())).await.expect("begins");
    for round in 0..5 {
        let owned = old.checkpoint().await.map_err(|e| e.to_string())?;
        if round == 0 {
            old.incarnation.pin("before-upgrade", owned.epoch, "upgrade").await.map_err(|e| e.to_string())?;
        }
        if round == 1 {
            // Nothing after this is published, so that going back repeats no output.
            let permit = old.incarnation.publish_permit(Epoch(2)).await.map_err(|e| e.to_string())?;
            old.incarnation.mark_published(&permit).await.map_err(|e| e.to_string())?;
        }
        old.incarnation.sweep(Writers::Running(Attempt(1))).await.map_err(|e| e.to_string())?;
    }
    let new = Life { request: back_to(2, &[3, 4, 5, 6]), ..life(sabotage) };
    let new = new.begin(Arc::new(inner.clone())).await.map_err(|e| format!("going back: {e:?}"))?;
    if new.rows != 10 {
        return Err(format!("restored {} rows from epoch 2", new.rows));
    }
    check(&inner).await
}

/// A target takes nothing any more, sweeps go on, and the coordinator dies.
async fn a_target_that_takes_nothing(sabotage: Option<Sabotage>) -> Verdict {
    let inner = MemoryStorage::new();
    let mut old = life(sabotage).begin(Arc::new(inner.clone())).await.map_err(|e| e.to_string())?;
    for checkpoint in 1..=4 {
        old.checkpoint().await.map_err(|e| e.to_string())?;
        if checkpoint == 1 {
            old.publish_down_to(0).await.map_err(|e| e.to_string())?;
        }
        for _ in 0..2 {
            old.incarnation.sweep(Writers::Running(Attempt(1))).await.map_err(|e| e.to_string())?;
        }
    }
    drop(old);
    finish(&inner, sabotage).await
}

const SCENARIOS: [(&str, Scenario); 6] = [
    ("one fault at every call", |s| Box::pin(one_fault_at_every_call(s))),
    ("zombie at every call", |s| Box::pin(zombie_at_every_call(s))),
    ("slow take-over at every call", |s| Box::pin(slow_take_over_at_every_call(s))),
    ("going back past a sleeper", |s| Box::pin(going_back_past_a_sleeper(s))),
    ("going back to a pin", |s| Box::pin(going_back_to_a_pin(s))),
    ("a target that takes nothing", |s| Box::pin(a_target_that_takes_nothing(s))),
];

#[tokio::test]
async fn every_scenario_holds() {
    for (name, scenario) in SCENARIOS {
        if let Err(what) = scenario(None).await {
            panic!("{name}: {what}");
        }
    }
}

#[tokio::test]
async fn every_planted_bug_is_found() {
    let mut unseen = Vec::new();
    for bug in [
        Sabotage::PublishBeforeOwned,
        Sabotage::SkipGenerationCheck,
        Sabotage::SweepIgnoresPins,
        Sabotage::SweepForgetsPublished,
        Sabotage::AmbiguousPutIsLost,
        Sabotage::LeaveEpochGap,
        Sabotage::ReadBeforeStart,
    ] {
        let mut is_found = false;
        for (_, scenario) in SCENARIOS.iter().rev() {
            is_found = is_found || scenario(Some(bug)).await.is_err();
        }
        if !is_found {
            unseen.push(bug);
        }
    }
    assert!(unseen.is_empty(), "nothing notices {unseen:?}");
}

#[tokio::test]
async fn two_coordinators_that_fight_lose_nothing() {
    let inner = MemoryStorage::new();
    let fight = |_| {
        let storage = inner.clone();
        tokio::spawn(async move {
            for _ in 0..6 {
                let _ = Life { lag: 1, checkpoints: 2, ..life(None) }.run(Arc::new(storage.clone())).await;
                tokio::time::sleep(Duration::from_micros(300)).await;
            }
        })
    };
    for fighter in (0..3).map(fight).collect::<Vec<_>>() {
        fighter.await.unwrap();
    }
    finish(&inner, None).await.unwrap();
    assert_eq!(visible(&inner).await.len() as u64, TOTAL);
}

#[tokio::test]
async fn the_fence_is_looked_at_before_every_permit_and_every_batch() {
    let inner = MemoryStorage::new();
    let storage = wrapped(&inner, FaultPlan::none());
    life(None).run(storage.clone()).await.unwrap();
    let trace = storage.trace();
    let fence = "default.count.local/generation/0000000002";
    let (mut is_fresh, mut deletes) = (false, 0);
    for call in &trace {
        if call.action == Action::Get && call.key == fence {
            is_fresh = true;
            deletes = 0;
        }
        let publishes = call.action == Action::Create && call.key.starts_with("out/");
        assert!(!publishes || is_fresh, "call {} publishes without a look at the fence", call.number);
        deletes += u32::from(call.action == Action::Delete);
        assert!(deletes <= 101, "call {} deletes without a look at the fence", call.number);
        is_fresh &= !(call.action == Action::Create && call.key.ends_with("/published"));
    }
    assert!(inner.head("default.count.local/epoch/0000000007").await.unwrap().is_some());
}
