//! The crash matrix: a fault of each kind, in each process, at each phase of a checkpoint, over files and over transactions.
//!
//! A coordinator and three workers live in this process, joined by queues and by connections over loopback. Their tasks are the
//! engine's, so is everything else; the suite only carries their messages, stands in front of the bucket and of the target, and
//! steers the clock: it passes when nothing else happens, so a timeout of 10 s takes milliseconds.
//!
//! Example: `Claim x source worker x freeze`: the second checkpoint's manifest is written; the moment before its epoch is created the
//! worker that reads stands still. It is lost 2 s later, another one takes its place, two more epochs become visible, then it goes
//! on, and nothing that it still does may be seen.

mod cell;
mod cluster;
mod connection;
mod member;
mod rows;
mod stage;
mod time;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use millstream_checkpoint_store::Sabotage as Store;

use crate::harness::Planted;
use crate::harness::job::Target;
use crate::loops::{all, runs};
use cell::{Cell, Fault, Phase, Role};

/// Each cell once, and more often in `make sim` and `make chaos`.
const ROUNDS: u64 = 1;
/// Plays of a cell in which a planted bug must be found; it shows in two of three.
const PLAYS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_in_every_process_at_every_phase_changes_nothing() {
    let only = std::env::var("MILLSTREAM_SIM_CELL").unwrap_or_default();
    let ran: Arc<Mutex<BTreeMap<Cell, u64>>> = Arc::default();
    let rounds = runs(ROUNDS).min(20);
    let wanted: Vec<Cell> = Cell::all().filter(|cell| cell.to_string().contains(&only)).collect();
    let cells = (0..rounds).flat_map(|_| wanted.clone()).map(|cell| {
        let ran = ran.clone();
        async move {
            cluster::play(cell, &Planted::default()).await.map_err(|error| format!("{cell}: {error}"))?;
            *ran.lock().unwrap().entry(cell).or_default() += 1;
            Ok(())
        }
    });
    let broken = all(cells).await;
    let ran = ran.lock().unwrap();
    eprintln!("{}", coverage(&ran));
    assert!(broken.is_empty(), "{} violations:\n{}", broken.len(), broken.join("\n"));
    let left_out: Vec<String> =
        wanted.iter().filter(|cell| ran.get(cell) != Some(&rounds)).map(ToString::to_string).collect();
    assert!(left_out.is_empty(), "not run {rounds} times: {left_out:?}");
}

/// A cell notices what it is for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_bugs_are_found_in_their_cells() {
    let mut early = Planted::default();
    early.master.publish_before_owned = true;
    early.store.insert(Store::PublishBeforeOwned);
    let mut hasty = Planted::default();
    hasty.master.complete_without_last_ack = true;
    let cases = [
        (Phase::Claim, Role::Coordinator, Fault::Kill, early),
        (Phase::Upload, Role::Sink, Fault::Kill, hasty),
    ];
    for (phase, role, fault, planted) in cases {
        let cell = Cell { target: Target::Transactions, phase, role, fault };
        // Whether the bug comes first or the fault is a race between threads: each comes first soon.
        let mut found = None;
        for _ in 0..PLAYS {
            found = cluster::play(cell, &planted).await.err();
            if found.is_some() {
                break;
            }
        }
        let found = found.unwrap_or_else(|| panic!("{cell} notices nothing"));
        assert!(!found.contains("hangs") && !found.contains("never came"), "{cell}: {found}");
    }
}

/// How often each cell ran, by phase and role: kills / freezes / cuts, over both targets.
fn coverage(ran: &BTreeMap<Cell, u64>) -> String {
    let mut text = format!("{:<16}", "");
    for role in Role::ALL {
        text += &format!("{:>16}", role.to_string());
    }
    text += "   kill/freeze/cut off, to files + transactions\n";
    for phase in Phase::ALL {
        text += &format!("{:<16}", format!("{phase:?}"));
        for role in Role::ALL {
            let count = |target, fault| ran.get(&Cell { target, phase, role, fault }).copied().unwrap_or(0);
            let both = Fault::ALL.map(|fault| {
                format!("{}+{}", count(Target::Files, fault), count(Target::Transactions, fault))
            });
            text += &format!("{:>16}", both.join("/"));
        }
        text.push('\n');
    }
    let all: u64 = ran.values().sum();
    text + &format!("{all} cells, 0 violations in them")
}
