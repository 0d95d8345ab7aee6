//! What windowed operators share: which slice a row belongs to, from which window on it counts, how slices are kept, merged and
//! shown.
//!
//! Example: in `HOP(slide 2 s, size 6 s)` a row at 5 s belongs to the slice `[4 s, 6 s)` and counts from the window that ends at
//! 6 s on; if the watermark has closed that one already, from the window that ends at 8 s on.

mod assign;
mod firing;
mod key;
mod merge_tree;
mod slices;
mod spilled;

pub(crate) use assign::{Assigned, assign, first_open_end};
pub(crate) use firing::{Firing, WindowRows};
pub(crate) use key::{SlicePrefix, WindowKeys};
pub(crate) use merge_tree::{MergeTree, SliceGroups};
pub(crate) use slices::Slices;
pub(crate) use spilled::{SpilledFiring, SpilledGroups};
