//! The bucket: epochs by where they are, who may write them, and what must never happen there.

use std::collections::BTreeMap;

use millstream_lifecycle::time::Timestamp;

/// Places in the bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket {
    places: BTreeMap<String, Place>,
}

/// Where a job keeps its state.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// Claims so far: who has an older one owns nothing any more.
    pub(super) generation: u64,
    /// The newest epoch.
    pub(super) newest: Option<i64>,
    /// When it was complete.
    pub(super) at: Option<Timestamp>,
}

impl Bucket {
    pub(super) fn place(&self, name: &str) -> Place {
        self.places.get(name).cloned().unwrap_or_default()
    }

    /// The next claim.
    pub(super) fn claim(&mut self, name: &str) -> u64 {
        let place = self.places.entry(name.to_owned()).or_default();
        place.generation += 1;
        place.generation
    }

    /// Writes the next epoch, unless somebody else has claimed the place since.
    pub(super) fn write(&mut self, name: &str, generation: u64, now: Timestamp) -> Option<i64> {
        let place = self.places.get_mut(name).filter(|place| place.generation == generation)?;
        let epoch = place.newest.unwrap_or(0) + 1;
        place.newest = Some(epoch);
        place.at = Some(now);
        Some(epoch)
    }
}
