//! Which source subtask reads which split.
//!
//! The enumerator (in the coordinator) finds splits and says what it remembers of its search; both arrive here in one event
//! and are kept together. A split is in exactly one place: unassigned (in the enumerator's snapshot) or with one subtask (in
//! that subtask's snapshot). Because assignments and barriers for a subtask leave the job master in one order, a split that
//! moves between two barriers is in exactly one snapshot of each checkpoint.
//!
//! A split goes to the subtask with the fewest unfinished ones, the lowest index winning: five splits on two subtasks give
//! `[0, 2, 4]` and `[1, 3]`. Everything that is known is assigned at once, because a split that nobody owns holds back no
//! watermark and its rows would be late.
//!
//! A split that is read to its end is forgotten with the first checkpoint behind its last row: the enumerator remembers in
//! few bytes what it has reported, so that a folder that is watched for a year does not fill manifests with splits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use millstream_checkpoint::EnumeratorState;
use millstream_model::snapshot::SplitState;
use millstream_model::{OperatorUid, SplitId};

/// Unfinished splits that one subtask may hold. Every one of them is listed in each of its snapshots, at about 200 bytes:
/// 4,096 of them are 0.8 MB a checkpoint, and 256 GB of input in splits of 64 MB. Further ones wait here.
pub(crate) const MAX_UNFINISHED_PER_SUBTASK: usize = 4_096;

/// The splits of one source in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceSplits {
    /// What the enumerator remembers, as of the last discovery that is in `unassigned` or assigned.
    enumerator: Vec<u8>,
    unassigned: VecDeque<SplitState>,
    /// Ids of `unassigned`, so that a discovery of n splits costs n log n.
    waiting: BTreeSet<SplitId>,
    owner: BTreeMap<SplitId, usize>,
    /// Read to their end, and perhaps still listed by the parent manifest or by the next snapshot of whoever read them.
    finished: BTreeSet<SplitId>,
    unfinished: Vec<usize>,
    has_ended: bool,
    is_end_told: bool,
    /// Whether the first discovery has reached every subtask, with splits or without.
    is_first_told: bool,
    is_discovered: bool,
}

/// One assignment to one subtask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Index of the source subtask.
    pub(crate) subtask: u32,
    /// What it has to read from now on.
    pub(crate) splits: Vec<SplitState>,
    /// Whether there will never be another one.
    pub(crate) no_more: bool,
}

impl SourceSplits {
    /// A source of `parallelism` subtasks that goes on from a checkpoint's `splits`; those that are finished have all
    /// their rows in the checkpoint and are read no more.
    pub(crate) fn restored(parallelism: u32, enumerator: Vec<u8>, splits: &[SplitState]) -> Self {
        let unassigned: VecDeque<_> = splits.iter().filter(|s| !s.is_finished).cloned().collect();
        Self {
            enumerator,
            waiting: unassigned.iter().map(|s| s.split.clone()).collect(),
            unassigned,
            owner: BTreeMap::new(),
            finished: splits.iter().filter(|s| s.is_finished).map(|s| s.split.clone()).collect(),
            unfinished: vec![0; parallelism as usize],
            has_ended: false,
            is_end_told: false,
            is_first_told: false,
            is_discovered: false,
        }
    }

    /// Takes what the enumerator found, with what it remembers after that. A split that is known already is dropped, so
    /// that a repeated discovery is harmless.
    pub(crate) fn discovered(&mut self, splits: Vec<SplitState>, enumerator: Vec<u8>, no_more: bool) {
        for split in splits {
            if !self.owner.contains_key(&split.split) && self.waiting.insert(split.split.clone()) {
                self.unassigned.push_back(split);
            }
        }
        self.enumerator = enumerator;
        self.has_ended |= no_more;
        self.is_discovered = true;
    }

    /// Assigns what can be assigned now, at most one assignment a subtask, in subtask order. After the first discovery every
    /// subtask gets one: a subtask holds the watermark back until it knows whether there is anything for it.
    pub(crate) fn assign(&mut self) -> Vec<Assignment> {
        let mut given: Vec<Vec<SplitState>> = vec![Vec::new(); self.unfinished.len()];
        while let Some(target) = self.least_loaded()
            && let Some(split) = self.unassigned.pop_front()
        {
            self.waiting.remove(&split.split);
            self.owner.insert(split.split.clone(), target);
            if let (Some(load), Some(list)) = (self.unfinished.get_mut(target), given.get_mut(target)) {
                *load += 1;
                list.push(split);
            }
        }
        let no_more = self.has_ended && self.unassigned.is_empty();
        let tells_end = no_more && !self.is_end_told;
        self.is_end_told |= no_more;
        let tells_first = self.is_discovered && !self.is_first_told;
        self.is_first_told |= self.is_discovered;
        (0_u32..)
            .zip(given)
            .filter(|(_, splits)| tells_end || tells_first || !splits.is_empty())
            .map(|(subtask, splits)| Assignment { subtask, splits, no_more })
            .collect()
    }

    /// Notes that a subtask has read these splits to their end.
    pub(crate) fn finished(&mut self, splits: &[SplitId]) {
        for split in splits {
            if let Some(owner) = self.owner.remove(split)
                && let Some(load) = self.unfinished.get_mut(owner)
            {
                *load = load.saturating_sub(1);
                self.finished.insert(split.clone());
            }
        }
    }

    /// The checkpoint that forgot these splits is owned: its manifest, the parent of the next one, does not list them, and
    /// whoever read them hears of the epoch before the next barrier and reports them no more.
    pub(crate) fn forgot(&mut self, splits: &[SplitId]) {
        for split in splits {
            self.finished.remove(split);
        }
    }

    /// The coordinator's part of a checkpoint, taken in the same step that triggers its barriers. What is finished by now
    /// has all its rows in front of them, so the manifest need not list it any more.
    pub(crate) fn snapshot(&self, source: &OperatorUid) -> EnumeratorState {
        EnumeratorState {
            source: source.clone(),
            state: self.enumerator.clone(),
            unassigned: self.unassigned.iter().cloned().collect(),
            forgotten: self.finished.iter().cloned().collect(),
        }
    }

    fn least_loaded(&self) -> Option<usize> {
        let (target, load) =
            self.unfinished.iter().enumerate().min_by_key(|(index, load)| (**load, *index))?;
        (*load < MAX_UNFINISHED_PER_SUBTASK).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{split, split_ids};

    fn of(parallelism: u32) -> SourceSplits {
        SourceSplits::restored(parallelism, Vec::new(), &[])
    }

    /// `0:a,c 1:b!` = subtask 0 gets a and c, subtask 1 gets b and hears that there will be no more.
    fn text(assignments: &[Assignment]) -> String {
        let one = |a: &Assignment| {
            format!("{}:{}{}", a.subtask, split_ids(&a.splits), if a.no_more { "!" } else { "" })
        };
        assignments.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn discover(source: &mut SourceSplits, names: &str, no_more: bool) -> String {
        let splits = names.split_whitespace().map(split).collect();
        source.discovered(splits, names.as_bytes().to_vec(), no_more);
        text(&source.assign())
    }

    #[test]
    fn splits_are_spread_evenly_in_the_order_of_their_discovery() {
        let cases = [
            (1, "a b c", true, "0:a,b,c!"),
            (2, "a b c d e", true, "0:a,c,e! 1:b,d!"),
            (3, "a", true, "0:a! 1:! 2:!"),
            (2, "a", false, "0:a 1:"),
            (2, "", true, "0:! 1:!"),
            (2, "", false, "0: 1:"),
        ];
        for (parallelism, names, no_more, expected) in cases {
            assert_eq!(discover(&mut of(parallelism), names, no_more), expected, "{names} on {parallelism}");
        }
    }

    #[test]
    fn whoever_finished_most_gets_the_next_one() {
        let mut source = of(2);
        assert_eq!(discover(&mut source, "a b c d", false), "0:a,c 1:b,d");
        source.finished(&[SplitId("b".into()), SplitId("d".into())]);
        assert_eq!(discover(&mut source, "e f g", false), "0:g 1:e,f");
    }

    #[test]
    fn the_end_is_told_once_to_everybody() {
        let mut source = of(2);
        assert_eq!(discover(&mut source, "a", false), "0:a 1:");
        assert_eq!(discover(&mut source, "b", false), "1:b", "only the first discovery is told to everybody");
        assert_eq!(discover(&mut source, "", true), "0:! 1:!");
        assert_eq!(discover(&mut source, "", true), "");
    }

    #[test]
    fn a_known_split_is_not_assigned_twice() {
        let mut source = of(1);
        assert_eq!(discover(&mut source, "a b", false), "0:a,b");
        assert_eq!(discover(&mut source, "b c", false), "0:c");
    }

    #[test]
    fn a_restore_assigns_what_is_unfinished_from_its_position() {
        let mut read = split("read");
        read.is_finished = true;
        let mut half = split("half");
        half.position = vec![5];
        let mut source = SourceSplits::restored(2, b"memory".to_vec(), &[read, half.clone(), split("new")]);
        assert_eq!(source.snapshot(&OperatorUid("src".into())).state, b"memory");
        let assignments = source.assign();
        assert_eq!(text(&assignments), "0:half 1:new");
        assert_eq!(assignments[0].splits, [half]);
        assert!(source.snapshot(&OperatorUid("src".into())).unassigned.is_empty());
    }

    fn forgotten(source: &SourceSplits) -> String {
        let forgotten = source.snapshot(&OperatorUid("src".into())).forgotten;
        forgotten.iter().map(|s| s.0.as_str()).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn finished_splits_are_forgotten_until_a_checkpoint_without_them_is_owned() {
        let mut read = split("read");
        read.is_finished = true;
        let mut source = SourceSplits::restored(1, Vec::new(), &[read, split("half")]);
        assert_eq!(forgotten(&source), "read", "the parent lists it");
        assert_eq!(discover(&mut source, "a b", false), "0:half,a,b");
        source.finished(&[SplitId("a".into()), SplitId("stranger".into())]);
        let first = source.snapshot(&OperatorUid("src".into())).forgotten;
        assert_eq!(forgotten(&source), "a,read");
        source.finished(&[SplitId("half".into())]);
        assert_eq!(forgotten(&source), "a,half,read", "the checkpoint before may have failed");
        source.forgot(&first);
        assert_eq!(forgotten(&source), "half", "it finished behind that checkpoint's trigger");
    }

    #[test]
    fn a_full_subtask_gets_no_more_and_the_rest_stays_in_the_snapshot() {
        let mut source = of(1);
        let names: Vec<_> = (0..MAX_UNFINISHED_PER_SUBTASK + 2).map(|i| split(&format!("s{i}"))).collect();
        source.discovered(names, b"all".to_vec(), true);
        let first = source.assign();
        assert_eq!((first.len(), first[0].splits.len()), (1, MAX_UNFINISHED_PER_SUBTASK));
        assert!(!first[0].no_more, "two splits are still here");
        assert_eq!(split_ids(&source.snapshot(&OperatorUid("src".into())).unassigned), "s4096,s4097");
        source.finished(&[SplitId("s0".into())]);
        assert_eq!(text(&source.assign()), "0:s4096");
        source.finished(&[SplitId("s1".into())]);
        assert_eq!(text(&source.assign()), "0:s4097!");
    }
}
