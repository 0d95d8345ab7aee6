//! A small model of taking over, claiming and publishing, searched exhaustively: two coordinators, at most three
//! generations and three checkpoints, writes whose answer is lost and that may arrive later, crashes, and every order of
//! steps. What the log means is decided by the engine's own `resolve`.
//!
//! It holds K4 (what is visible is what the log owns, no permit behind a newer generation), K5 (what would be restored or
//! is still to be published is complete) and K11 (epochs at the sink only grow, no row twice, none lost). The same model
//! with a bug planted must break.

mod steps;
mod world;

use stateright::{Checker, HasDiscoveries, Model, Property};

use steps::Step;
use world::World;

/// A bug planted in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    PublishBeforeOwned,
    SkipGenerationCheck,
    AmbiguousPutIsLost,
    LeaveEpochGap,
    ReadBeforeStart,
    StartWithoutLook,
    SweepForgetsUnpublished,
    PublishOutOfOrder,
}

const BUGS: [Bug; 8] = [
    Bug::PublishBeforeOwned,
    Bug::SkipGenerationCheck,
    Bug::AmbiguousPutIsLost,
    Bug::LeaveEpochGap,
    Bug::ReadBeforeStart,
    Bug::StartWithoutLook,
    Bug::SweepForgetsUnpublished,
    Bug::PublishOutOfOrder,
];

/// The protocol, with its bounds.
#[derive(Clone, Debug)]
struct Protocol {
    bug: Option<Bug>,
    /// Generations that may be claimed altogether: two at first, one restart.
    generations: u8,
    /// Checkpoints that may be taken altogether, aborted ones included.
    checkpoints: u8,
}

impl Protocol {
    fn with(bug: Option<Bug>) -> Self {
        Self { bug, generations: 3, checkpoints: 3 }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::default()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps::possible(self, world, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        steps::after(self, world, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("K4: every epoch has the owner that believes so", |_, w: &World| {
                w.owners_are_right()
            }),
            Property::always("K4: only what the log owns is visible", |_, w: &World| w.visible_is_owned()),
            Property::always("K4: no permit behind a newer generation", |_, w: &World| !w.has_late_permit),
            Property::always("K5: what is needed is complete", |_, w: &World| w.is_complete()),
            Property::always("K11: epochs only grow at the sink", |_, w: &World| w.epochs_grow()),
            Property::always("K11: no row is visible twice", |_, w: &World| w.no_row_twice()),
            Property::always("no row is lost", |_, w: &World| w.no_row_lost()),
            Property::always("the log makes sense", |_, w: &World| w.resolved().is_ok()),
            Property::sometimes("a coordinator is fenced", |_, w: &World| w.has_fenced()),
            Property::sometimes(
                "all checkpoints are published in spite of a take-over",
                |p: &Self, w: &World| w.generations >= 2 && w.visible.len() == usize::from(p.checkpoints),
            ),
            Property::sometimes("a write arrives after its sender was fenced", |_, w: &World| {
                w.has_refused_late
            }),
        ]
    }
}

#[test]
fn the_protocol_holds() {
    let checker = Protocol::with(None).checker().threads(2).symmetry().spawn_dfs().join();
    checker.assert_properties();
    // A bound that is met too early would make the search worthless.
    assert!(checker.unique_state_count() > 100_000, "{} states", checker.unique_state_count());
}

#[test]
fn the_model_finds_every_planted_bug() {
    for bug in BUGS {
        let checker = Protocol::with(Some(bug))
            .checker()
            .threads(2)
            .finish_when(HasDiscoveries::AnyFailures)
            .spawn_bfs()
            .join();
        let violated: Vec<_> = checker
            .discoveries()
            .into_keys()
            .filter(|name| name.starts_with('K') || name.starts_with("no ") || name.starts_with("the "))
            .collect();
        assert!(!violated.is_empty(), "nothing in the model notices {bug:?}");
    }
}
