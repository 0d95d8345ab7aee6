//! Claims, permits and fences, one by one.

use std::sync::Arc;
use std::time::Duration;

use millstream_model::{ErrorKind, JobError};
use millstream_storage::fault::{Fault, FaultPlan, FaultStorage};
use millstream_storage::{Action, MemoryStorage, ObjectStorage};

use super::*;
use crate::testing::{Counter, Life, back_to};

async fn begun(storage: Arc<dyn ObjectStorage>) -> Counter {
    Life::default().begin(storage).await.unwrap()
}

async fn stored(counter: &mut Counter) -> StoredManifest {
    let manifest = counter.manifest().await.unwrap();
    counter.next = counter.next.next();
    counter.incarnation.write_manifest(&manifest).await.unwrap()
}

fn message(error: StoreError) -> String {
    JobError::from(error).message
}

#[tokio::test]
async fn epochs_are_claimed_in_order() {
    let mut counter = begun(Arc::new(MemoryStorage::new())).await;
    for epoch in 2..6 {
        let owned = counter.checkpoint().await.unwrap();
        assert_eq!((owned.epoch.0, owned.checkpoint.0, owned.generation.0), (epoch, epoch - 1, 1));
    }
}

#[tokio::test]
async fn concurrent_claims_queue_up() {
    let mut counter = begun(Arc::new(MemoryStorage::new())).await;
    let (a, b) = (stored(&mut counter).await, stored(&mut counter).await);
    let (a, b) = tokio::join!(counter.incarnation.claim_epoch(&a), counter.incarnation.claim_epoch(&b));
    let epoch = |o| match o {
        ClaimOutcome::Owned(owned) => owned.epoch.0,
        ClaimOutcome::Fenced { .. } => 0,
    };
    assert_eq!([epoch(a.unwrap()), epoch(b.unwrap())], [2, 3]);
}

#[tokio::test]
async fn the_older_of_two_is_told_by_whom_it_is_fenced() {
    let inner = MemoryStorage::new();
    let mut old = begun(Arc::new(inner.clone())).await;
    let waiting = old.checkpoint().await.unwrap();
    let manifest = stored(&mut old).await;
    let _new = begun(Arc::new(inner)).await;
    let permit = old.incarnation.publish_permit(waiting.epoch).await.unwrap_err();
    assert_eq!(permit.kind(), ErrorKind::Fenced);
    assert_eq!(message(permit), "fenced: generation 2 (test/1) has taken over from generation 1");
    let ended = old.incarnation.claim_epoch(&manifest).await.unwrap_err();
    assert_eq!(message(ended), "generation 1 has ended: generation 2 (test/1) has taken over");
}

#[tokio::test]
async fn a_claim_behind_a_newer_start_is_fenced() {
    let inner = MemoryStorage::new();
    let mut old = begun(Arc::new(inner.clone())).await;
    let manifest = stored(&mut old).await;
    let _new = begun(Arc::new(inner)).await;
    let outcome = old.incarnation.claim_epoch(&manifest).await.unwrap();
    assert_eq!(outcome, ClaimOutcome::Fenced { by: Generation(2), coordinator: "test/1".to_owned() });
    for _ in 0..2 {
        assert_eq!(old.incarnation.check_fence().await.unwrap_err().kind(), ErrorKind::Fenced);
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_claim_is_found_out() {
    for fault in [Fault::Applied, Fault::NotApplied] {
        let inner = MemoryStorage::new();
        let plan = FaultPlan::none().and_on(Action::Create, "epoch/0000000002", fault.clone());
        let mut counter = begun(Arc::new(FaultStorage::new(Arc::new(inner), plan))).await;
        let first = counter.checkpoint().await.unwrap();
        let second = counter.checkpoint().await.unwrap();
        assert_eq!((first.epoch, second.epoch), (Epoch(2), Epoch(3)), "{fault:?}");
    }
}

/// Each claim asks four times, with answers that get lost until the store is back.
#[tokio::test]
async fn a_claim_is_repeated_while_the_store_is_away() {
    for fault in [Fault::Applied, Fault::NotApplied] {
        let inner = MemoryStorage::new();
        let mut counter = begun(Arc::new(inner.clone())).await;
        let manifest = stored(&mut counter).await;
        let away = |p: FaultPlan, action| p.and_on(action, "epoch/0000000002", fault.clone());
        let plan = (0..20).fold(FaultPlan::none(), |p, _| away(away(p, Action::Create), Action::Get));
        counter.incarnation.folder.storage = Arc::new(FaultStorage::new(Arc::new(inner), plan));
        counter.incarnation.folder.settings.claim_patience = Duration::from_secs(60);
        let ClaimOutcome::Owned(owned) = counter.incarnation.claim_epoch(&manifest).await.unwrap() else {
            panic!("fenced");
        };
        assert_eq!(owned.epoch, Epoch(2), "{fault:?}");
    }
}

/// A refusal behind lost answers is no proof that the first claim was refused.
#[tokio::test]
async fn a_claim_that_is_refused_behind_lost_answers_stays_unknown() {
    let inner = MemoryStorage::new();
    let mut counter = begun(Arc::new(inner.clone())).await;
    let manifest = stored(&mut counter).await;
    let claim = |p: FaultPlan, fault| p.and_on(Action::Create, "epoch/0000000002", fault);
    let plan = (0..4).fold(FaultPlan::none(), |p, _| claim(p, Fault::NotApplied));
    let plan = claim(plan, Fault::CrashBefore);
    counter.incarnation.folder.storage = Arc::new(FaultStorage::new(Arc::new(inner), plan));
    counter.incarnation.folder.settings.claim_patience = Duration::from_secs(60);
    let error = counter.incarnation.claim_epoch(&manifest).await.unwrap_err();
    assert!(message(error).starts_with("it is unknown whether epoch 2 was claimed"));
}

#[tokio::test]
async fn a_claim_that_stays_unknown_ends_the_incarnation() {
    let inner = MemoryStorage::new();
    let plan =
        (0..20).fold(FaultPlan::none(), |p, _| p.and_on(Action::Create, "epoch/0000000002", Fault::Applied));
    // Applied once, and then neither the answers nor the read-backs come through.
    let plan = (0..20).fold(plan, |p, _| p.and_on(Action::Get, "epoch/0000000002", Fault::NotApplied));
    let mut counter = begun(Arc::new(inner.clone())).await;
    let manifest = stored(&mut counter).await;
    let faulty: Arc<dyn ObjectStorage> = Arc::new(FaultStorage::new(Arc::new(inner.clone()), plan));
    counter.incarnation.folder.storage = faulty;
    let error = counter.incarnation.claim_epoch(&manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(
        message(error)
            .starts_with("it is unknown whether epoch 2 was claimed, so this coordinator must stop: "),
    );
    let error = counter.incarnation.claim_epoch(&manifest).await.unwrap_err();
    assert_eq!(message(error), "generation 1 has ended: it is unknown whether epoch 2 was claimed");
    // The next coordinator knows: it was owned.
    let next = Life::default().begin(Arc::new(inner)).await.unwrap();
    assert_eq!(next.rows, crate::testing::STEP);
}

#[tokio::test]
async fn a_claim_whose_future_was_dropped_is_not_forgotten() {
    let inner = MemoryStorage::new();
    let mut counter = begun(Arc::new(inner.clone())).await;
    let (first, second) = (stored(&mut counter).await, stored(&mut counter).await);
    let held = Arc::new(FaultStorage::new(
        Arc::new(inner.clone()),
        FaultPlan::none().and_on(Action::Create, "epoch/", Fault::Hold),
    ));
    counter.incarnation.folder.storage = held.clone();
    let incarnation = counter.incarnation.clone();
    let claim = tokio::spawn(async move { incarnation.claim_epoch(&first).await.map(drop) });
    held.wait_until_held().await;
    claim.abort();
    assert!(claim.await.unwrap_err().is_cancelled());
    // It arrives after all, under the same number.
    let record = EpochRecord {
        kind: EpochKind::Checkpoint { checkpoint: CheckpointId(1), manifest: second.object().clone() },
        generation: Generation(1),
        nonce: 77,
    };
    inner.put_if_absent("default.count.local/epoch/0000000002", record.encode().into()).await.unwrap();
    let error = counter.incarnation.claim_epoch(&second).await.unwrap_err();
    assert_eq!(message(error), "generation 1 has ended: epoch 2 already has a record of generation 1");
}

#[tokio::test]
async fn permits_are_given_in_order_and_once() {
    let mut counter = begun(Arc::new(MemoryStorage::new())).await;
    for _ in 0..2 {
        counter.checkpoint().await.unwrap();
    }
    let incarnation = &counter.incarnation;
    let error = incarnation.publish_permit(Epoch(3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bug);
    assert_eq!(message(error), "epoch 3 is to be published, but epoch 2 comes first");
    let permit = incarnation.publish_permit(Epoch(2)).await.unwrap();
    assert_eq!((permit.epoch(), permit.generation()), (Epoch(2), Generation(1)));
    for _ in 0..2 {
        incarnation.mark_published(&permit).await.unwrap();
    }
    assert_eq!(incarnation.unpublished().len(), 1);
    counter.publish_down_to(0).await.unwrap();
    let error = counter.incarnation.publish_permit(Epoch(3)).await.unwrap_err();
    assert_eq!(message(error), "epoch 3 is not waiting to be published");
}

#[tokio::test]
async fn a_fence_that_cannot_be_seen_is_no_permission() {
    let inner = MemoryStorage::new();
    let mut counter = begun(Arc::new(inner.clone())).await;
    let owned = counter.checkpoint().await.unwrap();
    let plan =
        (0..20).fold(FaultPlan::none(), |p, _| p.and_on(Action::Get, "generation/", Fault::NotApplied));
    counter.incarnation.folder.storage = Arc::new(FaultStorage::new(Arc::new(inner.clone()), plan));
    let error = counter.incarnation.publish_permit(owned.epoch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    counter.incarnation.folder.storage = Arc::new(inner);
    counter.incarnation.publish_permit(owned.epoch).await.unwrap();
}

#[tokio::test]
async fn without_the_planted_bug_there_is_no_permit_before_the_claim() {
    let mut counter = begun(Arc::new(MemoryStorage::new())).await;
    let manifest = stored(&mut counter).await;
    assert_eq!(counter.incarnation.permit_before_claim(&manifest, Epoch(2)), None);
}

#[tokio::test]
async fn manifests_are_written_once_and_by_their_owner() {
    let counter = begun(Arc::new(MemoryStorage::new())).await;
    let manifest = counter.manifest().await.unwrap();
    let written = counter.incarnation.write_manifest(&manifest).await.unwrap();
    assert_eq!(written.checkpoint(), manifest.checkpoint);
    let other = Manifest { created_at_ms: 9, ..manifest.clone() };
    let error = counter.incarnation.write_manifest(&other).await.unwrap_err();
    assert_eq!(message(error), "checkpoint 1 has two manifests");
    let foreign = Manifest { generation: Generation(7), ..manifest };
    let error = counter.incarnation.write_manifest(&foreign).await.unwrap_err();
    assert!(
        message(error)
            .contains("a manifest of generation 7 of default.count.local was given to generation 1")
    );
}

#[tokio::test]
async fn a_running_job_can_go_back_without_giving_up_its_fence() {
    let inner = MemoryStorage::new();
    let mut counter = begun(Arc::new(inner.clone())).await;
    for _ in 0..3 {
        counter.checkpoint().await.unwrap();
    }
    counter.publish_down_to(1).await.unwrap();
    let taken = counter.incarnation.restart_from(&back_to(2, &[4])).await.unwrap();
    assert_eq!((taken.start, taken.repeats), (Epoch(5), Some((Epoch(3), Epoch(4)))));
    assert_eq!(taken.incarnation.generation(), Generation(1));
    assert!(taken.to_publish.is_empty() && counter.incarnation.unpublished().is_empty());
    assert_eq!(counter.checkpoint().await.unwrap().epoch, Epoch(6));
    let error = counter.incarnation.restart_from(&back_to(9, &[])).await.unwrap_err();
    assert_eq!(message(error), "epoch 9 is no checkpoint of default.count.local");
}

#[tokio::test]
async fn objects_are_checked_when_they_are_read() {
    let inner = MemoryStorage::new();
    let counter = begun(Arc::new(inner.clone())).await;
    let manifest = counter.manifest().await.unwrap();
    let object = manifest.objects().next().unwrap().clone();
    let objects = counter.store.objects();
    assert_eq!(objects.fetch(&object).await.unwrap(), "10");
    for (body, found) in [(Some("1"), "1 bytes"), (Some("11"), "2 bytes"), (None, "found nothing")] {
        inner.damage(&object.key, body.map(Into::into));
        let error = objects.fetch(&object).await.unwrap_err();
        assert!(error.is_damage());
        let message = message(error);
        assert!(
            message.contains("is damaged: expected 2 bytes with checksum") && message.contains(found),
            "{message}"
        );
    }
}
