//! Manifests.

use millstream_model::snapshot::{OperatorCounters, OperatorFacts, SplitState, StagedSegment, StateSegment};
use millstream_model::{
    Attempt, ChainId, CheckpointId, Epoch, Generation, JobIdentity, KeyGroupRange, OperatorUid, SplitId,
    SubtaskId, Watermark,
};

use super::{ObjectRefWire, decode, encode, invalid, object};
use crate::envelope::{RecordKind, check_size};
use crate::error::DecodeError;
use crate::manifest::{Manifest, OperatorState, Outcome, Publication, SinkState, SourceState};

const KIND: RecordKind = RecordKind::Manifest;

#[derive(Clone, PartialEq, prost::Message)]
struct ManifestWire {
    #[prost(message, optional, tag = "1")]
    job: Option<JobWire>,
    #[prost(uint64, tag = "2")]
    checkpoint: u64,
    #[prost(uint64, tag = "3")]
    generation: u64,
    #[prost(uint32, tag = "4")]
    attempt: u32,
    #[prost(uint64, tag = "5")]
    created_at_ms: u64,
    #[prost(uint32, tag = "6")]
    max_parallelism: u32,
    #[prost(string, tag = "7")]
    fingerprint: String,
    #[prost(string, tag = "8")]
    sql: String,
    #[prost(string, tag = "9")]
    engine_version: String,
    #[prost(uint32, tag = "10")]
    outcome: u32,
    #[prost(message, repeated, tag = "11")]
    operators: Vec<OperatorWire>,
    #[prost(message, repeated, tag = "12")]
    sources: Vec<SourceWire>,
    #[prost(message, repeated, tag = "13")]
    sinks: Vec<SinkWire>,
    #[prost(message, repeated, tag = "14")]
    finished: Vec<SubtaskWire>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct JobWire {
    #[prost(string, tag = "1")]
    namespace: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    uid: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SubtaskWire {
    #[prost(uint32, tag = "1")]
    chain: u32,
    #[prost(uint32, tag = "2")]
    index: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OperatorWire {
    #[prost(string, tag = "1")]
    uid: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    meaning: String,
    #[prost(uint32, tag = "4")]
    parallelism: u32,
    #[prost(bool, tag = "5")]
    is_stateful: bool,
    #[prost(message, repeated, tag = "6")]
    segments: Vec<StateWire>,
    #[prost(sint64, tag = "7")]
    watermark: i64,
    #[prost(uint64, repeated, tag = "8")]
    counters: Vec<u64>,
}

/// A state segment; its operator is the message around it.
#[derive(Clone, PartialEq, prost::Message)]
struct StateWire {
    #[prost(string, tag = "1")]
    table: String,
    #[prost(message, optional, tag = "2")]
    object: Option<ObjectRefWire>,
    #[prost(uint64, tag = "3")]
    rows: u64,
    #[prost(uint32, tag = "4")]
    first_key_group: u32,
    #[prost(uint32, tag = "5")]
    end_key_group: u32,
    #[prost(bool, tag = "6")]
    is_base: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SourceWire {
    #[prost(string, tag = "1")]
    uid: String,
    #[prost(bytes = "vec", tag = "2")]
    enumerator: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    splits: Vec<SplitWire>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SplitWire {
    #[prost(string, tag = "1")]
    split: String,
    #[prost(bytes = "vec", tag = "2")]
    descriptor: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    position: Vec<u8>,
    #[prost(sint64, tag = "4")]
    watermark: i64,
    #[prost(bool, tag = "5")]
    is_idle: bool,
    #[prost(bool, tag = "6")]
    is_finished: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SinkWire {
    #[prost(string, tag = "1")]
    uid: String,
    #[prost(uint32, tag = "2")]
    slots: u32,
    #[prost(message, repeated, tag = "3")]
    publications: Vec<PublicationWire>,
    #[prost(message, repeated, tag = "4")]
    pending: Vec<StagedWire>,
    #[prost(string, repeated, tag = "5")]
    repeated: Vec<String>,
    /// 0: none.
    #[prost(uint64, tag = "6")]
    last_output: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PublicationWire {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint32, tag = "2")]
    slot: u32,
    #[prost(string, tag = "3")]
    partition: String,
    #[prost(message, repeated, tag = "4")]
    segments: Vec<StagedWire>,
}

/// A staged segment; its sink is the message around it.
#[derive(Clone, PartialEq, prost::Message)]
struct StagedWire {
    #[prost(uint32, tag = "1")]
    slot: u32,
    #[prost(string, tag = "2")]
    partition: String,
    #[prost(message, optional, tag = "3")]
    object: Option<ObjectRefWire>,
    #[prost(uint64, tag = "4")]
    rows: u64,
    #[prost(uint64, tag = "5")]
    closed_at_ms: u64,
}

impl Manifest {
    /// The manifest's bytes.
    ///
    /// # Errors
    /// `TooLarge`, if it could not be read back: 256 MiB, some 1.7 million segments.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        let bytes = encode(KIND, &ManifestWire::from(self));
        check_size(KIND, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// The manifest in these bytes, which must be `job`'s.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8], job: &JobIdentity) -> Result<Self, DecodeError> {
        let manifest = Self::try_from(decode::<ManifestWire>(KIND, bytes)?)?;
        if manifest.job != *job {
            return Err(DecodeError::OtherJob { expected: job.to_string(), found: manifest.job.to_string() });
        }
        Ok(manifest)
    }
}

impl From<&Manifest> for ManifestWire {
    fn from(m: &Manifest) -> Self {
        Self {
            job: Some(JobWire {
                namespace: m.job.namespace.clone(),
                name: m.job.name.clone(),
                uid: m.job.uid.clone(),
            }),
            checkpoint: m.checkpoint.0,
            generation: m.generation.0,
            attempt: m.attempt.0,
            created_at_ms: m.created_at_ms,
            max_parallelism: m.max_parallelism,
            fingerprint: m.fingerprint.clone(),
            sql: m.sql.clone(),
            engine_version: m.engine_version.clone(),
            outcome: match m.outcome {
                Outcome::Running => 1,
                Outcome::Stopped => 2,
                Outcome::Finished => 3,
            },
            operators: m.operators.iter().map(Into::into).collect(),
            sources: m.sources.iter().map(Into::into).collect(),
            sinks: m.sinks.iter().map(Into::into).collect(),
            finished: m.finished.iter().map(|s| SubtaskWire { chain: s.chain.0, index: s.index }).collect(),
        }
    }
}

impl TryFrom<ManifestWire> for Manifest {
    type Error = DecodeError;

    fn try_from(w: ManifestWire) -> Result<Self, DecodeError> {
        let JobWire { namespace, name, uid } = w.job.ok_or_else(|| invalid(KIND, "it names no job"))?;
        Ok(Self {
            job: JobIdentity { namespace, name, uid },
            checkpoint: CheckpointId(w.checkpoint),
            generation: Generation(w.generation),
            attempt: Attempt(w.attempt),
            created_at_ms: w.created_at_ms,
            max_parallelism: w.max_parallelism,
            fingerprint: w.fingerprint,
            sql: w.sql,
            engine_version: w.engine_version,
            outcome: match w.outcome {
                1 => Outcome::Running,
                2 => Outcome::Stopped,
                3 => Outcome::Finished,
                other => return Err(invalid(KIND, format!("outcome {other} is unknown"))),
            },
            operators: all(w.operators, |o| operator(o, w.max_parallelism))?,
            sources: w.sources.into_iter().map(Into::into).collect(),
            sinks: all(w.sinks, sink)?,
            finished: w
                .finished
                .into_iter()
                .map(|s| SubtaskId { chain: ChainId(s.chain), index: s.index })
                .collect(),
        })
    }
}

impl From<&OperatorState> for OperatorWire {
    fn from(o: &OperatorState) -> Self {
        let c = o.facts.counters;
        Self {
            uid: o.uid.0.clone(),
            name: o.name.clone(),
            meaning: o.meaning.clone(),
            parallelism: o.parallelism,
            is_stateful: o.is_stateful,
            segments: o.segments.iter().map(Into::into).collect(),
            watermark: o.facts.watermark.0,
            counters: vec![c.rows_in, c.rows_out, c.late_dropped, c.skipped, c.lost_retractions],
        }
    }
}

fn operator(w: OperatorWire, max_parallelism: u32) -> Result<OperatorState, DecodeError> {
    let uid = OperatorUid(w.uid);
    // Counters that a newer version added are beyond what this one shows; ones that an older version lacked are zero.
    let counter = |i: usize| w.counters.get(i).copied().unwrap_or(0);
    let counters = OperatorCounters {
        rows_in: counter(0),
        rows_out: counter(1),
        late_dropped: counter(2),
        skipped: counter(3),
        lost_retractions: counter(4),
    };
    Ok(OperatorState {
        name: w.name,
        meaning: w.meaning,
        parallelism: w.parallelism,
        is_stateful: w.is_stateful,
        segments: all(w.segments, |s| state(s, &uid, max_parallelism))?,
        facts: OperatorFacts { operator: uid.clone(), watermark: Watermark(w.watermark), counters },
        uid,
    })
}

impl From<&StateSegment> for StateWire {
    fn from(s: &StateSegment) -> Self {
        Self {
            table: s.table.clone(),
            object: Some((&s.object).into()),
            rows: s.rows,
            first_key_group: s.key_groups.start,
            end_key_group: s.key_groups.end,
            is_base: s.is_base,
        }
    }
}

fn state(w: StateWire, operator: &OperatorUid, max_parallelism: u32) -> Result<StateSegment, DecodeError> {
    let key_groups = KeyGroupRange { start: w.first_key_group, end: w.end_key_group };
    if key_groups.start > key_groups.end || key_groups.end > max_parallelism {
        return Err(invalid(
            KIND,
            format!(
                "a segment of operator {operator} has key groups {}..{} of {max_parallelism}",
                key_groups.start, key_groups.end
            ),
        ));
    }
    Ok(StateSegment {
        operator: operator.clone(),
        table: w.table,
        object: object(KIND, w.object)?,
        rows: w.rows,
        key_groups,
        is_base: w.is_base,
    })
}

impl From<&SourceState> for SourceWire {
    fn from(s: &SourceState) -> Self {
        let split = |s: &SplitState| SplitWire {
            split: s.split.0.clone(),
            descriptor: s.descriptor.clone(),
            position: s.position.clone(),
            watermark: s.watermark.0,
            is_idle: s.is_idle,
            is_finished: s.is_finished,
        };
        Self {
            uid: s.uid.0.clone(),
            enumerator: s.enumerator.clone(),
            splits: s.splits.iter().map(split).collect(),
        }
    }
}

impl From<SourceWire> for SourceState {
    fn from(w: SourceWire) -> Self {
        let split = |s: SplitWire| SplitState {
            split: SplitId(s.split),
            descriptor: s.descriptor,
            position: s.position,
            watermark: Watermark(s.watermark),
            is_idle: s.is_idle,
            is_finished: s.is_finished,
        };
        Self {
            uid: OperatorUid(w.uid),
            enumerator: w.enumerator,
            splits: w.splits.into_iter().map(split).collect(),
        }
    }
}

impl From<&SinkState> for SinkWire {
    fn from(s: &SinkState) -> Self {
        let publication = |p: &Publication| PublicationWire {
            id: p.id.clone(),
            slot: p.slot,
            partition: p.partition.clone(),
            segments: p.segments.iter().map(Into::into).collect(),
        };
        Self {
            uid: s.uid.0.clone(),
            slots: s.slots,
            publications: s.publications.iter().map(publication).collect(),
            pending: s.pending.iter().map(Into::into).collect(),
            repeated: s.repeated.clone(),
            last_output: s.last_output.map_or(0, |e| e.0),
        }
    }
}

fn sink(w: SinkWire) -> Result<SinkState, DecodeError> {
    let uid = OperatorUid(w.uid);
    let publication = |p: PublicationWire| {
        if p.segments.is_empty() {
            return Err(invalid(KIND, format!("publication {} of sink {uid} is empty", p.id)));
        }
        let segments = all(p.segments, |s| staged(s, &uid))?;
        Ok(Publication { id: p.id, slot: p.slot, partition: p.partition, segments })
    };
    Ok(SinkState {
        slots: w.slots,
        publications: all(w.publications, publication)?,
        pending: all(w.pending, |s| staged(s, &uid))?,
        repeated: w.repeated,
        last_output: (w.last_output > 0).then_some(Epoch(w.last_output)),
        uid,
    })
}

impl From<&StagedSegment> for StagedWire {
    fn from(s: &StagedSegment) -> Self {
        Self {
            slot: s.slot,
            partition: s.partition.clone(),
            object: Some((&s.object).into()),
            rows: s.rows,
            closed_at_ms: s.closed_at_ms,
        }
    }
}

fn staged(w: StagedWire, sink: &OperatorUid) -> Result<StagedSegment, DecodeError> {
    Ok(StagedSegment {
        sink: sink.clone(),
        slot: w.slot,
        partition: w.partition,
        object: object(KIND, w.object)?,
        rows: w.rows,
        closed_at_ms: w.closed_at_ms,
    })
}

fn all<W, T>(wires: Vec<W>, one: impl Fn(W) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
    wires.into_iter().map(one).collect()
}
