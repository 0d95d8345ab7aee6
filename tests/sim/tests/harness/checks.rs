//! What must hold, whatever was done to the job. Each check reads the bucket and the target directly and knows nothing of
//! what went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use millstream_checkpoint::layout::{self, ObjectKind};
use millstream_checkpoint::{EpochKind, EpochRecord, Manifest, Outcome, Pin};
use millstream_checkpoint_store::{TakeOverRequest, Writers};
use millstream_model::Epoch;
use millstream_storage::ObjectStorage as _;

use super::job::Target;
use super::life::{Event, Planted, Process, RETAINED, World, identity};
use super::numbers::{ROWS, SPLITS};
use super::oracle::{Bag, expected};
use super::sinks::TABLES;

type Checked = Result<(), String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The epoch log as it stands in the bucket.
async fn epoch_log(world: &World) -> Result<BTreeMap<Epoch, EpochRecord>, String> {
    let folder = layout::job_folder(&identity());
    let mut log = BTreeMap::new();
    for object in world.bucket.list(&format!("{folder}{}", layout::EPOCHS)).await.map_err(text)? {
        let Some(ObjectKind::Epoch(epoch)) = layout::parse(&object.key[folder.len()..]) else {
            return Err(format!("{} is no epoch", object.key));
        };
        let body = world.bucket.get(&object.key).await.map_err(text)?;
        log.insert(epoch, EpochRecord::decode(&body).map_err(text)?);
    }
    Ok(log)
}

async fn pinned(world: &World) -> Result<Vec<Epoch>, String> {
    let folder = layout::job_folder(&identity());
    let mut epochs = Vec::new();
    for object in world.bucket.list(&format!("{folder}{}", layout::PINS)).await.map_err(text)? {
        let body = world.bucket.get(&object.key).await.map_err(text)?;
        epochs.push(Pin::decode(&body).map_err(text)?.epoch);
    }
    Ok(epochs)
}

/// What was owned and not visible when it was asked.
pub(crate) async fn unpublished(world: &World) -> Result<Vec<Epoch>, String> {
    Ok(world.store(&Planted::default()).look().await.map_err(text)?.unpublished)
}

/// K4, K11: the log has no gap, its generations never go back, and only owned epochs were ever published.
pub(crate) async fn log_is_sound(world: &World) -> Checked {
    let log = epoch_log(world).await?;
    let mut generation = None;
    for (place, (epoch, record)) in (1..).zip(&log) {
        if epoch.0 != place {
            return Err(format!("K11: the log has epoch {epoch} at place {place}"));
        }
        if Some(record.generation) < generation {
            return Err(format!("K4: generation {} wrote epoch {epoch}", record.generation));
        }
        generation = Some(record.generation);
    }
    for (life, table, epoch) in world.published.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let is_owned = log.get(epoch).is_some_and(|r| matches!(r.kind, EpochKind::Checkpoint { .. }));
        if !is_owned {
            return Err(format!("K4: life {life} published {table} of epoch {epoch}, which nobody owns"));
        }
    }
    Ok(())
}

/// K5: everything that is kept is there with its checksum.
pub(crate) async fn kept_is_complete(world: &World) -> Checked {
    let store = world.store(&Planted::default());
    let overview = store.look().await.map_err(|e| format!("K5: {e}"))?;
    let lineage = overview.restorable.iter().map(|(owned, _)| owned.epoch);
    let mut kept: BTreeSet<Epoch> = lineage.chain(overview.ancestors.iter().map(|o| o.epoch)).collect();
    kept.extend(&overview.unpublished);
    kept.extend(pinned(world).await?);
    for epoch in kept {
        let (_, manifest) =
            store.read_manifest(epoch).await.map_err(|e| format!("K5: epoch {epoch}: {e}"))?;
        for object in manifest.objects() {
            store.objects().fetch(object).await.map_err(|e| format!("K5: epoch {epoch}: {e}"))?;
        }
    }
    Ok(())
}

/// K11 and the order of a take-over, over one life that had the job for itself: epochs are published in their order, and
/// what was owned before is visible before anything is read.
pub(crate) fn order_is_kept(process: &Process, owned_before: &[Epoch]) -> Checked {
    let mut newest: BTreeMap<String, Epoch> = BTreeMap::new();
    let mut has_read = false;
    for event in process.events() {
        match event {
            Event::ReadingBegan => has_read = true,
            Event::PublishBegan(table, epoch) => {
                let before = newest.insert(table.clone(), epoch);
                if before > Some(epoch) {
                    return Err(format!("K11: {table}: epoch {epoch} after {before:?}"));
                }
            }
            Event::Published(table, epoch) if has_read && owned_before.contains(&epoch) => {
                return Err(format!("order: {table} of epoch {epoch} became visible after reading began"));
            }
            Event::Published(..) => {}
        }
    }
    Ok(())
}

/// K1, K8: no row is visible that should not be, none twice; at the end none is missing and no reader is stuck.
pub(crate) async fn output_is_right(world: &World, is_end: bool) -> Checked {
    let mut visible = visible(world, is_end).await?;
    for (table, expected) in expected(world.shape.target) {
        let rows = visible.remove(table).unwrap_or_default();
        let wrong: Vec<String> = rows
            .iter()
            .filter(|(row, times)| **times < 0 || **times > limit(table, is_end, expected.get(*row)))
            .map(|(row, times)| format!("{row:?} x{times}"))
            .collect();
        if !wrong.is_empty() {
            return Err(format!("K1: {table} has {}", sample(&wrong)));
        }
        let missing: Vec<String> =
            expected.keys().filter(|row| !rows.contains_key(*row)).map(|r| format!("{r:?}")).collect();
        if is_end && !missing.is_empty() {
            return Err(format!("K1: {table} lacks {}", sample(&missing)));
        }
    }
    Ok(())
}

/// How often a row may be there. Totals pass through values that are not their last.
fn limit(table: &str, is_end: bool, expected: Option<&i64>) -> i64 {
    if table == "totals" && !is_end { 1 } else { expected.copied().unwrap_or(0) }
}

fn sample(rows: &[String]) -> String {
    let shown = rows.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
    format!("{} rows: {shown}", rows.len())
}

async fn visible(world: &World, is_end: bool) -> Result<BTreeMap<&'static str, Bag>, String> {
    let mut tables: BTreeMap<&'static str, Bag> = BTreeMap::new();
    let mut add = |table, op: &str, cells: &mut dyn Iterator<Item = &str>| {
        let row = cells.map(|c| c.parse().map_err(|_| format!("K1: {table}: cell {c:?}")));
        let row: Vec<i64> = row.collect::<Result<_, String>>()?;
        let bag = tables.entry(table).or_default();
        let times = bag.entry(row.clone()).or_default();
        *times += if op.starts_with('+') { 1 } else { -1 };
        if *times == 0 {
            bag.remove(&row);
        }
        Ok::<(), String>(())
    };
    match world.shape.target {
        Target::Files => {
            for table in ["plain", "windows"] {
                let folder = format!("{TABLES}{table}/");
                for object in world.bucket.list(&folder).await.map_err(text)? {
                    if object.key[folder.len()..].starts_with('_') {
                        continue;
                    }
                    let body = world.bucket.get(&object.key).await.map_err(text)?;
                    for line in String::from_utf8_lossy(&body).lines() {
                        add(table, "+I", &mut line.split(','))?;
                    }
                }
            }
        }
        Target::Transactions => {
            let committed = world.target.committed();
            if is_end && committed.is_blocked {
                return Err("K8: readers of committed rows are stuck".into());
            }
            for line in &committed.rows {
                let mut cells: Vec<&str> = line.split('\t').collect();
                let op = cells.remove(0);
                let table = if cells.len() == 3 { "plain" } else { "totals" };
                add(table, op, &mut cells.into_iter())?;
            }
        }
    }
    Ok(tables)
}

/// K10: what the job counted is what there was.
pub(crate) async fn counts_are_right(world: &World) -> Checked {
    let overview = world.store(&Planted::default()).look().await.map_err(text)?;
    let Some((_, manifest)) = overview.restorable else { return Err("K10: nothing is owned".into()) };
    if manifest.outcome != Outcome::Finished {
        return Err(format!("K10: the last epoch is {:?}", manifest.outcome));
    }
    let sources: BTreeSet<_> = manifest.sources.iter().map(|s| s.uid.clone()).collect();
    let read: u64 =
        of_operators(&manifest, |o| if sources.contains(&o.uid) { o.facts.counters.rows_in } else { 0 });
    let late: u64 = of_operators(&manifest, |o| o.facts.counters.late_dropped);
    if (read, late) != (SPLITS * ROWS, 0) {
        return Err(format!("K10: {read} rows were read of {}, {late} were late", SPLITS * ROWS));
    }
    Ok(())
}

fn of_operators(manifest: &Manifest, of: impl Fn(&millstream_checkpoint::OperatorState) -> u64) -> u64 {
    manifest.operators.iter().map(of).sum()
}

/// K6: after two sweeps the folder has what can be reached and nothing else.
pub(crate) async fn nothing_is_left(world: &World) -> Checked {
    let none = Planted::default();
    let taken =
        world.store(&none).take_over(&TakeOverRequest::default()).await.map_err(|e| format!("K6: {e}"))?;
    if let Some(first) = taken.to_publish.first() {
        return Err(format!("K1: epoch {} is owned and was never published", first.owned.epoch));
    }
    for _ in 0..3 {
        taken.incarnation.sweep(Writers::Ended).await.map_err(|e| format!("K6: {e}"))?;
    }
    let store = world.store(&none);
    let overview = store.look().await.map_err(text)?;
    let lineage = overview.restorable.iter().map(|(owned, _)| owned).chain(&overview.ancestors);
    let mut kept: BTreeSet<Epoch> = lineage.take(RETAINED).map(|o| o.epoch).collect();
    kept.extend(pinned(world).await?);
    let folder = layout::job_folder(&identity());
    let mut reachable = BTreeSet::new();
    for epoch in kept {
        let (owned, manifest) = store.read_manifest(epoch).await.map_err(|e| format!("K6: {e}"))?;
        reachable.insert(owned.manifest.key.clone());
        reachable.insert(format!("{folder}{}", layout::published(owned.checkpoint, owned.generation)));
        reachable.extend(manifest.objects().map(|o| o.key.clone()));
    }
    let listed = world.bucket.list(&folder).await.map_err(text)?;
    let is_garbage = |key: &&String| {
        let for_ever = matches!(
            layout::parse(&key[folder.len()..]),
            Some(ObjectKind::Generation(_) | ObjectKind::Epoch(_) | ObjectKind::Pin)
        );
        !for_ever && !reachable.contains(*key)
    };
    let garbage: Vec<String> = listed.iter().map(|o| &o.key).filter(is_garbage).cloned().collect();
    if garbage.is_empty() {
        Ok(())
    } else {
        Err(format!("K6: unreachable objects stay: {}", sample(&garbage)))
    }
}
