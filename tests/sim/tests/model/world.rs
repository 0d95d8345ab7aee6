//! The state of the model: a bucket, a sink, the network, two coordinators; and what must hold of them.

use std::collections::{BTreeMap, BTreeSet};

use millstream_checkpoint::{
    CheckpointKey, EpochKind, EpochRecord, Resolution, ResolveError, Resolved, StartFrom, resolve,
};
use millstream_model::snapshot::ObjectRef;
use millstream_model::{CheckpointId, Epoch, Generation};
use stateright::Representative;

/// Everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The highest claimed generation.
    pub(crate) generations: u8,
    /// The epoch log.
    pub(crate) log: BTreeMap<u8, Record>,
    /// Checkpoints whose objects are in the bucket.
    pub(crate) objects: BTreeSet<Record>,
    /// Published epochs.
    pub(crate) marked: BTreeSet<u8>,
    /// Creates that were sent and not answered; each may still arrive.
    pub(crate) in_flight: BTreeSet<(u8, Record)>,
    /// What readers see, in the order in which it became visible. The last epoch is the sink's progress record.
    pub(crate) visible: Vec<(u8, Record)>,
    /// Checkpoints taken so far.
    pub(crate) checkpoints: u8,
    pub(crate) coordinators: [Coordinator; 2],
    /// A permit was given although a newer generation existed.
    pub(crate) has_late_permit: bool,
    /// A write arrived when its place was taken by a newer generation.
    pub(crate) has_refused_late: bool,
}

/// An entry of the log. No two have the same body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Record {
    Start {
        generation: u8,
    },
    /// Checkpoint `id` adds row `row` to the output.
    Checkpoint {
        generation: u8,
        id: u8,
        row: u8,
    },
}

impl Record {
    pub(crate) const fn generation(self) -> u8 {
        match self {
            Self::Start { generation } | Self::Checkpoint { generation, .. } => generation,
        }
    }
}

/// One process that wants to own the job.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Coordinator {
    pub(crate) phase: Phase,
    pub(crate) generation: u8,
    /// The newest record that it knows.
    pub(crate) newest: u8,
    /// Rows in its state.
    pub(crate) rows: u8,
    /// Owned epochs that it has not published, oldest first.
    pub(crate) unpublished: Vec<(u8, Record)>,
    /// The newest checkpoint that it would restore.
    pub(crate) restorable: Option<Record>,
    /// It may publish this.
    pub(crate) permit: Option<(u8, Record)>,
    /// It is about to delete these.
    pub(crate) sweeping: BTreeSet<Record>,
    /// Epochs that it was told it owns.
    pub(crate) owned: Vec<(u8, Record)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    #[default]
    Idle,
    /// Has a generation, looks for the end of the log.
    Claimed,
    /// Appends its start.
    Starting,
    /// Has started, reads what that means.
    Started,
    /// Publishes what waits.
    TakingOver,
    /// Takes checkpoints.
    Running,
    /// Claims the next epoch for this, until it has an answer.
    Claiming(Record),
    /// Fenced, for good.
    Stopped,
}

impl World {
    /// What the engine makes of the log, read up to `last`.
    pub(crate) fn resolved_to(&self, last: u8) -> Result<Resolved, ResolveError> {
        let records: Vec<(Epoch, EpochRecord)> = self
            .log
            .range(..=last)
            .map(|(place, record)| (Epoch(u64::from(*place)), record_of(*record)))
            .collect();
        let marked: BTreeSet<CheckpointKey> = self
            .marked
            .iter()
            .filter_map(|place| match self.log.get(place)? {
                Record::Checkpoint { generation, id, .. } => {
                    Some((CheckpointId(u64::from(*id)), Generation(u64::from(*generation))))
                }
                Record::Start { .. } => None,
            })
            .collect();
        match resolve(&records, &marked, usize::MAX)? {
            Resolution::Complete(resolved) => Ok(resolved),
            Resolution::NeedsOlder => Ok(Resolved::default()),
        }
    }

    pub(crate) fn resolved(&self) -> Result<Resolved, ResolveError> {
        self.resolved_to(u8::MAX)
    }

    /// The record at an epoch that `resolve` named.
    pub(crate) fn at(&self, epoch: Epoch) -> (u8, Record) {
        let place = epoch.0 as u8;
        (place, self.log[&place])
    }

    pub(crate) fn owners_are_right(&self) -> bool {
        let owned = self.coordinators.iter().flat_map(|c| &c.owned);
        owned.into_iter().all(|(place, record)| self.log.get(place) == Some(record))
    }

    pub(crate) fn visible_is_owned(&self) -> bool {
        self.visible.iter().all(|(place, record)| self.log.get(place) == Some(record))
    }

    pub(crate) fn is_complete(&self) -> bool {
        let Ok(resolved) = self.resolved() else { return true };
        let needed = resolved.lineage.iter().take(1).chain(&resolved.unpublished);
        needed.into_iter().all(|c| self.objects.contains(&self.at(c.epoch).1))
    }

    pub(crate) fn epochs_grow(&self) -> bool {
        self.visible.windows(2).all(|pair| pair[0].0 < pair[1].0)
    }

    pub(crate) fn no_row_twice(&self) -> bool {
        let mut rows: Vec<u8> = self.visible.iter().map(|(_, record)| row(*record)).collect();
        rows.sort_unstable();
        rows.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// What is marked is visible, and what is owned has every row before it.
    pub(crate) fn no_row_lost(&self) -> bool {
        let is_visible = |place: &u8| self.visible.iter().any(|(v, _)| v == place);
        let mut rows = self.log.values().filter(|r| matches!(r, Record::Checkpoint { .. })).map(|r| row(*r));
        self.marked.iter().all(is_visible) && (0..).zip(rows.by_ref()).all(|(i, row)| row <= i)
    }

    pub(crate) fn has_fenced(&self) -> bool {
        self.coordinators.iter().any(|c| c.phase == Phase::Stopped)
    }
}

impl Representative for World {
    /// The two processes are alike: which of them is the first makes no difference.
    fn representative(&self) -> Self {
        let mut world = self.clone();
        world.coordinators.sort();
        world
    }
}

pub(crate) fn row(record: Record) -> u8 {
    match record {
        Record::Checkpoint { row, .. } => row,
        Record::Start { .. } => u8::MAX,
    }
}

fn record_of(record: Record) -> EpochRecord {
    let kind = match record {
        Record::Start { .. } => EpochKind::Start { from: StartFrom::Newest, discarded: vec![] },
        Record::Checkpoint { id, .. } => EpochKind::Checkpoint {
            checkpoint: CheckpointId(u64::from(id)),
            manifest: ObjectRef { key: String::new(), length: 0, checksum: 0 },
        },
    };
    EpochRecord { kind, generation: Generation(u64::from(record.generation())), nonce: 0 }
}
