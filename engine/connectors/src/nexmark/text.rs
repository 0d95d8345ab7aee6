//! Random texts: names of items, urls and the filling that brings an event to its size. Never decides when they are drawn.
//!
//! The urls and the pool that fillings are cut from are made once per table. Example: of 2^20 characters of pool, a bid
//! takes 54 to 81 at a random place.

use super::random::SplittableRandom;

/// Characters in the pool.
const POOL: usize = 1 << 20;
/// Bids through channels that few use.
pub(super) const COLD_CHANNELS: u32 = 10_000;
/// Channels that half of all bids come through.
pub(super) const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

/// What all readers of a table share.
#[derive(Debug)]
pub(super) struct TextPool {
    pool: Vec<u8>,
    hot_urls: Vec<String>,
    cold_channels: Vec<String>,
    cold_urls: Vec<String>,
}

impl TextPool {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = SplittableRandom::new(seed.wrapping_add(1_000_001));
        let hot_urls = HOT_CHANNELS.iter().map(|_| url(&mut random)).collect();
        let cold_urls = (0..COLD_CHANNELS)
            .map(|channel| {
                let mut url = url(&mut random);
                if random.below(10) > 0 {
                    // As in Java, where the least number has no absolute value.
                    let id = channel.reverse_bits().cast_signed().wrapping_abs();
                    url.push_str(&format!("&channel_id={id}"));
                }
                url
            })
            .collect();
        let cold_channels = (0..COLD_CHANNELS).map(|channel| format!("channel-{channel}")).collect();
        Self {
            pool: pool(SplittableRandom::new(seed.wrapping_add(2_000_002))),
            hot_urls,
            cold_channels,
            cold_urls,
        }
    }

    /// The url of one of [`HOT_CHANNELS`].
    pub(super) fn hot_url(&self, channel: u32) -> &str {
        self.hot_urls.get(channel as usize).map_or("", String::as_str)
    }

    /// The name of a cold channel.
    pub(super) fn cold_channel(&self, channel: u32) -> &str {
        self.cold_channels.get(channel as usize).map_or("", String::as_str)
    }

    /// Its url.
    pub(super) fn cold_url(&self, channel: u32) -> &str {
        self.cold_urls.get(channel as usize).map_or("", String::as_str)
    }

    /// Draws the filling of an event that has `length` bytes so far and should have `average` on average; it is appended to
    /// `out` if somebody wants it.
    #[inline]
    pub(super) fn filling(
        &self,
        random: &mut SplittableRandom,
        length: u32,
        average: u32,
        out: Option<&mut Vec<u8>>,
    ) {
        let Some(wanted) = average.checked_sub(length) else { return };
        // A fifth of `wanted`, to the nearest: what is left of Java's Math.round(wanted * 0.2).
        let spread = (wanted + 2) / 5;
        let more = if spread == 0 { 0 } else { random.below(2 * spread) };
        let size = wanted - spread + more;
        let places = POOL as u32 - size;
        match out {
            Some(out) => {
                let start = random.below(places) as usize;
                out.extend_from_slice(self.pool.get(start..start + size as usize).unwrap_or_default());
            }
            None => random.skip_below(places),
        }
    }
}

/// Appends 3 to `most - 1` random letters, of which one in 13 is `special`; blanks at both ends are taken away again.
#[inline]
pub(super) fn letters(random: &mut SplittableRandom, most: u32, special: u8, out: &mut Vec<u8>) {
    let start = out.len();
    for _ in 0..3 + random.below(most - 3) {
        // A blank that nothing stands before falls away in any case.
        if random.below(13) > 0 {
            out.push(b'a' + random.below(26) as u8);
        } else if special != b' ' || out.len() > start {
            out.push(special);
        }
    }
    while out.len() > start && out.last() == Some(&b' ') {
        out.pop();
    }
}

/// Draws the same without keeping it; its length.
#[inline]
pub(super) fn skip_letters(random: &mut SplittableRandom, most: u32) -> u32 {
    let (mut length, mut blanks) = (0, 0);
    for _ in 0..3 + random.below(most - 3) {
        if random.below(13) > 0 {
            random.skip_below(26);
            length += 1 + std::mem::take(&mut blanks);
        } else if length > 0 {
            blanks += 1;
        }
    }
    length
}

fn url(random: &mut SplittableRandom) -> String {
    let mut bytes = b"https://www.nexmark.com".to_vec();
    for _ in 0..3 {
        bytes.push(b'/');
        letters(random, 5, b'_', &mut bytes);
    }
    bytes.extend_from_slice(b"/item.htm?query=1");
    bytes.into_iter().map(char::from).collect()
}

/// Java's remainder keeps the sign, so half of the characters are the 25 in front of `a`, with brackets, a backslash and
/// capital letters among them.
fn pool(mut random: SplittableRandom) -> Vec<u8> {
    let mut pool = Vec::with_capacity(POOL + 6);
    while pool.len() < POOL {
        let mut value = random.bits().cast_signed();
        for _ in 0..6 {
            pool.push((i32::from(b'a') + value % 26) as u8);
            value /= 26;
        }
    }
    pool.truncate(POOL);
    pool
}
