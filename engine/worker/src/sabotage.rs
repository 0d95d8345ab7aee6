//! Bugs planted on purpose, to prove that the test suite finds them. Production never sets one.
//!
//! Example: with `drop_buffered_rows` a gate that waits for the barrier of channel 1 throws away what channel 0 sends
//! meanwhile, instead of leaving it in its queue.

/// Which bugs a worker has; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sabotage {
    /// Rows that arrive on a channel whose barrier is there already are dropped.
    pub drop_buffered_rows: bool,
    /// What an aborted checkpoint froze and staged is forgotten, not left to the next one.
    pub forget_aborted: bool,
    /// The positions of a source are taken after rows behind the barrier were read.
    pub positions_after_barrier: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sabotaged_by_default() {
        let Sabotage { drop_buffered_rows, forget_aborted, positions_after_barrier } = Sabotage::default();
        assert!(!drop_buffered_rows && !forget_aborted && !positions_after_barrier);
    }
}
