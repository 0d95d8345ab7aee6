//! Every golden case, in every way of running that must give the same rows.
//!
//! `MILLSTREAM_CASES=window,scalar/like` runs the cases whose name contains one of the words.

use std::sync::Arc;
use std::time::Duration;

use millstream_test_sql::{Case, Expected, Mark};

use millstream_node::local::Connected;

use crate::engine::{Crash, Engine, Outcome, Pace, Script, Way, for_each, plan};
use crate::state_kind::StateKind;

fn cases() -> Vec<Case> {
    let mut cases = Case::all(&Case::folder()).unwrap();
    if let Ok(words) = std::env::var("MILLSTREAM_CASES") {
        cases.retain(|case| words.split(',').any(|word| case.name.contains(word)));
    }
    cases
}

fn script(case: &Case) -> Script {
    Script { name: case.name.clone(), text: case.script.clone(), data: Case::folder().join("data") }
}

/// Runs a case in one way; `Err` is the report.
fn check(engine: &Engine, case: &Case, expected: &Arc<Expected>, way: &Way) -> Result<Outcome, String> {
    let report =
        |text: &str| format!("--- {}: {}\n    {}\n{}", case.name, way.name, case.about, text.trim_end());
    let outcome = engine.run(&script(case), expected, way).map_err(|e| report(&e))?;
    expected.compare(outcome.rows.clone()).map_err(|difference| report(&difference.to_string()))?;
    Ok(outcome)
}

/// Runs `work` for all cases that are not refused, and fails with everything that it reports. Gives the epochs and crashes of
/// all runs together: a variant in which nothing happens proves nothing.
fn check_all(
    work: impl Fn(&Engine, &Case, &Arc<Expected>) -> Result<Outcome, String> + Sync,
) -> (u64, usize) {
    let engine = Engine::new();
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.refused.is_none()).collect();
    let reports = for_each(&cases, |case| work(&engine, case, &Arc::new(case.expected().unwrap())));
    let (mut epochs, mut crashes, mut failed) = (0, 0, Vec::new());
    for report in reports {
        match report {
            Ok(outcome) => {
                epochs += outcome.epochs;
                crashes += outcome.crashes;
            }
            Err(report) => failed.push(report),
        }
    }
    assert!(failed.is_empty(), "{} of {} cases fail\n{}", failed.len(), cases.len(), failed.join("\n"));
    (epochs, crashes)
}

/// Whether all cases run, so that what they do together can be judged.
fn is_whole() -> bool {
    std::env::var_os("MILLSTREAM_CASES").is_none()
}

/// Only these may run at more than parallelism 1.
fn is_parallel(case: &Case) -> bool {
    !case.is_marked(Mark::OrderDependent) && !case.is_marked(Mark::ProcessingTime)
}

fn slow() -> Pace {
    Pace::Slow { rows: 2, pause: Duration::from_millis(2) }
}

#[test]
fn goldens_hold_at_any_batch_size() {
    check_all(|engine, case, expected| {
        check(engine, case, expected, &Way::plain(8_192))?;
        check(engine, case, expected, &Way::plain(7))?;
        check(engine, case, expected, &Way::plain(1))
    });
}

#[test]
fn goldens_hold_with_checkpoints_at_parallelism_2() {
    let (epochs, _) = check_all(|engine, case, expected| {
        let way = Way {
            name: "checkpoints".into(),
            parallelism: if is_parallel(case) { 2 } else { 1 },
            checkpoints_ms: Some(4),
            pace: slow(),
            ..Way::plain(7)
        };
        check(engine, case, expected, &way)
    });
    assert!(epochs > 1_000 || !is_whole(), "{epochs} epochs");
}

#[test]
fn goldens_hold_after_a_crash_and_at_parallelism_3() {
    let (_, crashes) = check_all(|engine, case, expected| {
        let rows = check(engine, case, expected, &Way::plain(8_192))?.rows_read;
        let (before, after) = if is_parallel(case) { (2, 3) } else { (1, 1) };
        let way = Way {
            name: "crash".into(),
            parallelism: before,
            checkpoints_ms: Some(2),
            crashes: vec![
                Crash { after_rows: rows.div_ceil(3), lost_rows: rows / 4, parallelism: after },
                Crash { after_rows: rows.div_ceil(4), lost_rows: rows / 8, parallelism: after },
            ],
            ..Way::plain(8_192)
        };
        check(engine, case, expected, &way)
    });
    assert!(crashes > 400 || !is_whole(), "{crashes} crashes");
}

/// Two workers of two slots, with connections between them and to the coordinator; it crashes once.
#[test]
fn goldens_hold_on_two_workers() {
    let (epochs, crashes) = check_all(|engine, case, expected| {
        let rows = check(engine, case, expected, &Way::plain(8_192))?.rows_read;
        let (before, after) = if is_parallel(case) { (4, 3) } else { (1, 1) };
        let way = Way {
            name: "two workers".into(),
            parallelism: before,
            checkpoints_ms: Some(4),
            crashes: vec![Crash { after_rows: rows.div_ceil(3), lost_rows: rows / 4, parallelism: after }],
            connected: Some(Connected { workers: 2, slots: 2 }),
            ..Way::plain(7)
        };
        check(engine, case, expected, &way)
    });
    assert!((epochs > 300 && crashes > 200) || !is_whole(), "{epochs} epochs, {crashes} crashes");
}

/// Hardly anything stays in memory, and what is there goes through RocksDB and two crashes.
#[test]
fn goldens_hold_in_rocksdb() {
    let (epochs, crashes) = check_all(|engine, case, expected| {
        let plain = Way { state: StateKind::RocksDb { table_bytes: 1 }, ..Way::plain(7) };
        let rows = check(engine, case, expected, &plain)?.rows_read;
        let (before, after) = if is_parallel(case) { (2, 3) } else { (1, 1) };
        let way = Way {
            name: "crash with state in RocksDB".into(),
            parallelism: before,
            checkpoints_ms: Some(4),
            crashes: vec![Crash { after_rows: rows.div_ceil(3), lost_rows: rows / 4, parallelism: after }],
            state: StateKind::RocksDb { table_bytes: 200 },
            ..Way::plain(64)
        };
        check(engine, case, expected, &way)
    });
    assert!((epochs > 500 && crashes > 200) || !is_whole(), "{epochs} epochs, {crashes} crashes");
}

#[test]
fn what_is_not_supported_is_refused_when_it_is_planned() {
    let refused: Vec<Case> = cases().into_iter().filter(|case| case.refused.is_some()).collect();
    for case in &refused {
        let words = case.refused.as_deref().unwrap_or_default();
        match plan(&script(case), 1) {
            Ok(_) => panic!("{} is planned, but is marked as refused: {words}", case.name),
            Err(message) => assert!(message.contains(words), "{}: {message}", case.name),
        }
    }
}
