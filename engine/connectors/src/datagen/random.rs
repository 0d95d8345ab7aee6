//! Random numbers as a pure function of seed, column and row. Changing it changes every generated table: golden test.

/// A stream of random numbers for one column; number `n` of a row can be had without those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Random {
    key: u64,
}

impl Random {
    /// The stream of a column, by name: columns added later do not change it.
    pub(super) fn of_column(seed: u64, column: &str) -> Self {
        // FNV-1a.
        let name = column.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self { key: mix(seed.wrapping_add(mix(name))) }
    }

    /// Number `n` of row `row`.
    pub(super) fn draw(self, row: u64, n: u64) -> u64 {
        mix(self.key
            ^ mix(row
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .wrapping_add(n.wrapping_mul(0xD1B5_4A32_D192_ED03))))
    }

    /// A number in `0..=most`.
    pub(super) fn up_to(self, row: u64, n: u64, most: u128) -> u128 {
        let high = u128::from(self.draw(row, n));
        if most <= u128::from(u64::MAX) {
            // The product of 64 and at most 65 bits, of which the upper part is evenly spread over the range.
            return (high * most + high) >> 64;
        }
        let wide = (high << 64) | u128::from(self.draw(row, n ^ (1 << 63)));
        most.checked_add(1).map_or(wide, |count| wide % count)
    }

    /// A number in `[0, 1)`.
    pub(super) fn unit(self, row: u64, n: u64) -> f64 {
        // The upper 53 bits are what a double holds exactly.
        (self.draw(row, n) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The finaliser of splitmix64.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let random = Random::of_column(7, "a");
        for most in [0, 1, 9, u128::from(u64::MAX), u128::MAX] {
            let drawn: Vec<u128> = (0..1_000).map(|row| random.up_to(row, 0, most)).collect();
            assert!(drawn.iter().all(|d| *d <= most));
            assert!(most > 9 || (drawn.contains(&0) && drawn.contains(&most)), "{most}");
        }
        assert!((0..1_000).all(|row| (0.0..1.0).contains(&random.unit(row, 0))));
    }

    #[test]
    fn digits_are_evenly_spread() {
        let random = Random::of_column(1, "digit");
        let mut counts = [0_u32; 10];
        for row in 0..100_000 {
            counts[random.up_to(row, 0, 9) as usize] += 1;
        }
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
    }

    #[test]
    fn seed_column_row_and_number_all_count() {
        let random = Random::of_column(1, "a");
        let draws = [
            random.draw(0, 0),
            random.draw(1, 0),
            random.draw(0, 1),
            Random::of_column(2, "a").draw(0, 0),
            Random::of_column(1, "b").draw(0, 0),
        ];
        for (i, draw) in draws.iter().enumerate() {
            assert!(!draws[i + 1..].contains(draw));
        }
    }
}
