//! Alignment of barriers over the channels of a gate.
//!
//! A channel that delivered the barrier is blocked until all have: the cut then has exactly what every sender emitted
//! before it. Example with 2 channels: barrier 7 on channel 0 blocks it; barrier 7 on channel 1 completes it. If channel 1
//! brings 8 instead, 7 was abandoned on its way: alignment starts over with 8, and channel 0 is read on until its own 8.

use millstream_model::control::Barrier;

/// What a barrier led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Aligned {
    /// Others are still missing.
    Waiting,
    /// All channels delivered this barrier; none is blocked any more.
    Complete(Barrier),
    /// An older barrier than one already seen: ignored.
    Stale,
}

/// Which channels delivered the current barrier.
#[derive(Debug)]
pub(crate) struct Alignment {
    current: Option<Barrier>,
    newest: Option<u64>,
    is_blocked: Vec<bool>,
}

impl Alignment {
    pub(crate) fn new(channels: usize) -> Self {
        Self { current: None, newest: None, is_blocked: vec![false; channels] }
    }

    pub(crate) fn is_blocked(&self, channel: usize) -> bool {
        self.is_blocked[channel]
    }

    pub(crate) fn deliver(&mut self, channel: usize, barrier: Barrier) -> Aligned {
        let number = barrier.checkpoint.0;
        match self.newest {
            Some(newest) if number < newest => return Aligned::Stale,
            Some(newest) if number == newest && self.current.is_none() => return Aligned::Stale,
            Some(newest) if number == newest => {}
            _ => {
                self.is_blocked.fill(false);
                self.current = Some(barrier);
                self.newest = Some(number);
            }
        }
        self.is_blocked[channel] = true;
        if self.is_blocked.iter().all(|b| *b) {
            self.is_blocked.fill(false);
            self.current = None;
            Aligned::Complete(barrier)
        } else {
            Aligned::Waiting
        }
    }
}

#[cfg(test)]
mod tests {
    use millstream_model::CheckpointId;
    use millstream_model::control::BarrierKind;

    use super::*;

    fn barrier(number: u64) -> Barrier {
        Barrier { checkpoint: CheckpointId(number), kind: BarrierKind::Checkpoint }
    }

    /// `c:n` delivers barrier n on channel c; the expectation is one letter a step and the blocked channels at the end.
    #[test]
    fn barriers_align_supersede_and_go_stale() {
        let cases: &[(usize, &[(usize, u64)], &str, &[usize])] = &[
            (1, &[(0, 1), (0, 2)], "CC", &[]),
            (2, &[(0, 7), (1, 7)], "WC", &[]),
            (2, &[(0, 7), (1, 8), (0, 8)], "WWC", &[]),
            (2, &[(0, 7), (1, 8)], "WW", &[1]),
            (2, &[(1, 8), (0, 7), (0, 8)], "WSC", &[]),
            (2, &[(0, 7), (1, 7), (0, 7)], "WCS", &[]),
            (3, &[(2, 1), (0, 1)], "WW", &[0, 2]),
        ];
        for (channels, steps, expected, blocked) in cases {
            let mut alignment = Alignment::new(*channels);
            let letters: String = steps
                .iter()
                .map(|(channel, number)| match alignment.deliver(*channel, barrier(*number)) {
                    Aligned::Waiting => 'W',
                    Aligned::Complete(b) => {
                        assert_eq!(b.checkpoint.0, *number);
                        'C'
                    }
                    Aligned::Stale => 'S',
                })
                .collect();
            assert_eq!(letters, *expected, "{steps:?}");
            let still: Vec<usize> = (0..*channels).filter(|c| alignment.is_blocked(*c)).collect();
            assert_eq!(still, *blocked, "{steps:?}");
        }
    }
}
