//! Java's `SplittableRandom`, from which every value of a generator is drawn.
//!
//! Owns the numbers and their order: the state moves by the same step with each draw, so a draw whose value nobody wants
//! costs an addition. Golden: the checksums of the generator's tests.
//!
//! Example: `below(50)` is one draw, and one in a hundred million is followed by a second one, because 2^31 is not a multiple of 50.

/// Position in the stream of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SplittableRandom {
    state: u64,
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl SplittableRandom {
    /// The start of a seed's stream, or the place that [`Self::state`] told.
    pub(super) const fn new(state: u64) -> Self {
        Self { state }
    }

    /// For a checkpoint.
    pub(super) const fn state(self) -> u64 {
        self.state
    }

    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        self.state
    }

    /// 32 bits.
    #[inline]
    pub(super) const fn bits(&mut self) -> u32 {
        let mut z = self.next();
        z = (z ^ (z >> 33)).wrapping_mul(0x62A9_D9ED_7997_05F5);
        z = (z ^ (z >> 28)).wrapping_mul(0xCB24_D0A5_C88C_35B3);
        (z >> 32) as u32
    }

    /// A number in `0..bound`; `bound` is from 1 to 2^31 - 1.
    #[inline]
    pub(super) const fn below(&mut self, bound: u32) -> u32 {
        let bits = self.bits();
        if bound.is_power_of_two() {
            return bits & (bound - 1);
        }
        // The last, incomplete run of `bound` numbers below 2^31 would favour small ones: such draws are repeated.
        let mut drawn = bits >> 1;
        loop {
            let rest = drawn % bound;
            if drawn - rest + (bound - 1) < 1 << 31 {
                return rest;
            }
            drawn = self.bits() >> 1;
        }
    }

    /// Passes over what `below(bound)` draws.
    #[inline]
    pub(super) const fn skip_below(&mut self, bound: u32) {
        if bound.is_power_of_two() {
            self.next();
            return;
        }
        // Only a draw in the last `bound` numbers can be one that is repeated; finding out costs a division.
        let before = *self;
        if self.bits() >> 1 >= (1 << 31) - bound {
            *self = before;
            self.below(bound);
        }
    }

    /// A number in `[0, 1)`.
    #[inline]
    pub(super) const fn unit(&mut self) -> f64 {
        let mut z = self.next();
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        // The upper 53 bits are what a double holds exactly.
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Passes over what `unit()` draws.
    #[inline]
    pub(super) const fn skip_unit(&mut self) {
        self.next();
    }
}
