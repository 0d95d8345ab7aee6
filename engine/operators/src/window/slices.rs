//! Which groups belong to which slice: derived from the keys of the table, in the order in which windows fire.
//!
//! Example: the slice that ends at 6 s has the groups 0 and 3 that count in all its windows, and group 7 that counts only from the
//! window that ends at 8 s on, because its rows came late.

use std::collections::BTreeMap;

use millstream_plan::WindowSpec;

use crate::window::key::SlicePrefix;

/// Groups of one slice.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// Groups that count in all windows of the slice. Complete once the first of them has fired: rows that come later are late
    /// for that window.
    pub(crate) on_time: Vec<u32>,
    /// Groups that count only from a later window on, with the end of that window.
    pub(crate) delayed: Vec<(i64, u32)>,
}

impl Slice {
    /// Groups that count in the window that ends at `end` although they came late.
    pub(crate) fn delayed_in(&self, end: i64) -> impl Iterator<Item = u32> + '_ {
        self.delayed.iter().filter(move |(visible_from, _)| *visible_from <= end).map(|(_, group)| *group)
    }

    fn groups(self) -> impl Iterator<Item = u32> {
        self.on_time.into_iter().chain(self.delayed.into_iter().map(|(_, group)| group))
    }
}

/// Slices by their end.
#[derive(Debug)]
pub(crate) struct Slices {
    window: WindowSpec,
    by_end: BTreeMap<i64, Slice>,
}

impl Slices {
    pub(crate) const fn new(window: WindowSpec) -> Self {
        Self { window, by_end: BTreeMap::new() }
    }

    /// Adds a new group.
    pub(crate) fn insert(&mut self, prefix: SlicePrefix, group: u32) {
        let slice = self.by_end.entry(prefix.slice_end).or_default();
        if prefix.visible_from <= self.window.first_window_end(prefix.slice_end) {
            slice.on_time.push(group);
        } else {
            slice.delayed.push((prefix.visible_from, group));
        }
    }

    /// Notes that a slice has groups, without saying which.
    pub(crate) fn note(&mut self, slice_end: i64) {
        self.by_end.entry(slice_end).or_default();
    }

    /// Forgets which groups there are, but not in which slices.
    pub(crate) fn forget_groups(&mut self) {
        self.by_end.values_mut().for_each(|slice| *slice = Slice::default());
    }

    /// Whether no slice has a group.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_end.is_empty()
    }

    /// End of the first window from `from` on that has a slice.
    pub(crate) fn next_window(&self, from: i64) -> Option<i64> {
        let ends = self.by_end.keys().map(|slice_end| {
            let end = self.window.first_window_end(*slice_end).max(from);
            (end, self.window.last_window_end(*slice_end))
        });
        // The first slice decides, unless all its windows are before `from`.
        ends.into_iter().find(|(end, last)| end <= last).map(|(end, _)| end)
    }

    /// The slices with ends in `first..=last`, in order.
    pub(crate) fn range(&self, first: i64, last: i64) -> impl Iterator<Item = (i64, &Slice)> {
        self.by_end.range(first..=last).map(|(end, slice)| (*end, slice))
    }

    /// One slice.
    pub(crate) fn get(&self, slice_end: i64) -> Option<&Slice> {
        self.by_end.get(&slice_end)
    }

    /// Removes slices whose last window ends before `open` and returns their groups.
    pub(crate) fn expire(&mut self, open: i64) -> Vec<u32> {
        let mut groups = Vec::new();
        while let Some(first) = self.by_end.first_entry() {
            if self.window.last_window_end(*first.key()) >= open {
                break;
            }
            groups.extend(first.remove().groups());
        }
        groups
    }

    /// Allocated bytes, by estimate.
    pub(crate) fn bytes(&self) -> usize {
        self.by_end.values().map(|s| 64 + s.on_time.capacity() * 4 + s.delayed.capacity() * 16).sum()
    }
}

#[cfg(test)]
mod tests {
    use millstream_plan::WindowKind;

    use super::*;

    fn slices(size: i64, slide: i64, groups: &[(i64, i64)]) -> Slices {
        let mut slices = Slices::new(WindowSpec {
            kind: WindowKind::Hop { size, slide },
            offset: 0,
            time_column: 0,
            zone: None,
        });
        for (group, (slice_end, visible_from)) in groups.iter().enumerate() {
            slices.insert(SlicePrefix { slice_end: *slice_end, visible_from: *visible_from }, group as u32);
        }
        slices
    }

    #[test]
    fn windows_follow_each_other_over_gaps() {
        let s = slices(6, 2, &[(6, 6), (100, 100)]);
        let mut ends = Vec::new();
        let mut from = i64::MIN;
        while let Some(end) = s.next_window(from) {
            ends.push(end);
            from = end + 2;
        }
        assert_eq!(ends, [6, 8, 10, 100, 102, 104]);
    }

    #[test]
    fn late_groups_count_from_their_window_on() {
        let s = slices(6, 2, &[(6, 6), (6, 8), (6, 10)]);
        let slice = s.get(6).unwrap();
        assert_eq!(slice.on_time, [0]);
        let delayed = |end| slice.delayed_in(end).collect::<Vec<_>>();
        assert_eq!((delayed(6), delayed(8), delayed(10)), (vec![], vec![1], vec![1, 2]));
    }

    #[test]
    fn slices_expire_with_their_last_window() {
        let mut s = slices(6, 2, &[(4, 4), (6, 6), (6, 8), (8, 8)]);
        assert_eq!(s.expire(8), Vec::<u32>::new());
        assert_eq!(s.expire(10), [0]);
        assert_eq!(s.expire(12), [1, 2]);
        assert_eq!(s.expire(i64::MAX), [3]);
        assert_eq!(s.next_window(i64::MIN), None);
    }
}
