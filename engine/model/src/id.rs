//! Identities. Numbers that must not be mixed up are newtypes; each only grows during the life of a job.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number that follows this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id! {
    /// One deployment of the tasks of a job; a growing number that fences older ones.
    Attempt(u32)
}
number_id! {
    /// One incarnation of a coordinator, claimed in object storage: the fence.
    Generation(u64)
}
number_id! {
    /// A checkpoint from its trigger on. It becomes an [`Epoch`] only when it is claimed.
    CheckpointId(u64)
}
number_id! {
    /// Position in the gap-free log of owned checkpoints and starts of a job.
    Epoch(u64)
}
number_id! {
    /// Index of a chain in its job graph.
    ChainId(u32)
}
number_id! {
    /// Index of an edge in its job graph.
    EdgeId(u32)
}

/// Stable identity of an operator: a user's alias, or a hash of its meaning-bearing shape; never its position.
///
/// State belongs to the uid. A sink's uid is its table's name, a source's uid is derived from its table's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorUid(pub String);

impl OperatorUid {
    /// What two operators have in common that keep state for the same keys of the same input and differ in what they compute
    /// for each key: `aggregate-0123456789abcdef` of `aggregate-0123456789abcdef_01234567` and of its twin `..._01234567-2`.
    /// `None` if this is not a stateful operator's generated uid.
    #[must_use]
    pub fn shape(&self) -> Option<&str> {
        Self::shape_of(&self.0)
    }

    /// The same of a uid as text.
    #[must_use]
    pub fn shape_of(uid: &str) -> Option<&str> {
        let is_hash =
            |text: &str, digits| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
        let (shape, computed) = uid.rsplit_once('_')?;
        let (_, hash) = shape.rsplit_once('-')?;
        let computed = computed.split_once('-').map_or(computed, |(computed, _twin)| computed);
        (is_hash(hash, 16) && is_hash(computed, 8)).then_some(shape)
    }
}

impl fmt::Display for OperatorUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identity of a unit of source work, unique within its source, stable across restarts.
///
/// Example: `data/part-0.csv@0..67108864`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SplitId(pub String);

impl fmt::Display for SplitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A parallel instance of a chain: `index` is in `0..parallelism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubtaskId {
    /// The chain.
    pub chain: ChainId,
    /// Which of its parallel instances.
    pub index: u32,
}

impl fmt::Display for SubtaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.chain, self.index)
    }
}

/// Who a job is: the folder of its state in a bucket is `<namespace>.<name>.<uid>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobIdentity {
    /// Kubernetes namespace, or `default`.
    pub namespace: String,
    /// Name of the StreamJob.
    pub name: String,
    /// Uid of the resource; `local` outside a cluster.
    pub uid: String,
}

impl fmt::Display for JobIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.namespace, self.name, self.uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_generated_uids_have_a_shape() {
        let shape = "window-aggregate-0123456789abcdef";
        for (uid, expected) in [
            (format!("{shape}_01234567"), Some(shape)),
            (format!("{shape}_01234567-2"), Some(shape)),
            (format!("{shape}_0123456"), None),
            (shape.to_owned(), None),
            ("source-my_table".to_owned(), None),
            ("my-alias_of_mine".to_owned(), None),
        ] {
            assert_eq!(OperatorUid(uid.clone()).shape(), expected, "{uid}");
        }
    }
}
