//! Numbers that follow from a seed: integers only, so that every machine draws the same.
//!
//! Source: SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).

use sha2::{Digest, Sha256};

/// A stream of numbers.
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

/// The seed of one column's values, or of anything else that has a name.
pub fn key(seed: u64, parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    u64::from_le_bytes(first)
}

const fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Draw {
    /// The stream of the `index`-th thing under a key.
    pub const fn at(key: u64, index: u64) -> Self {
        Self(mix(key ^ mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`, each as likely as the others; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        high(self.next(), end)
    }

    /// A number below `end`, small ones more likely: the first quarter gets half.
    pub fn skewed(&mut self, end: u64) -> u64 {
        let one = self.next();
        high(high(one, one), end)
    }

    /// One of the items; the first when there is one only.
    pub fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = self.below(items.len() as u64);
        usize::try_from(at).ok().and_then(|at| items.get(at))
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// The upper half of a product: `a / 2^64 * b`, rounded down.
fn high(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 64).unwrap_or(0)
}

/// Shares `total` by Zipf's law: the first gets twice what the second gets, and so on.
///
/// # Shape
/// `parts` numbers whose sum is `total`; none is 0 while there is enough.
pub fn zipf(total: u64, parts: usize) -> Vec<u64> {
    let weights: Vec<u128> = (1..=parts as u128)
        .map(|rank| 1_000_000_000_000 / rank)
        .collect();
    let sum: u128 = weights.iter().sum::<u128>().max(1);
    let spread = u128::from(total.saturating_sub(parts as u64));
    let floor = u64::from(total >= parts as u64);
    let mut shares: Vec<u64> = weights
        .iter()
        .map(|weight| floor + u64::try_from(spread * weight / sum).unwrap_or(0))
        .collect();
    let left = total.saturating_sub(shares.iter().sum());
    if let Some(first) = shares.first_mut() {
        *first += left;
    }
    shares
}

/// A number of a range, both ends included.
pub(super) fn between(draw: &mut Draw, low: i64, high: i64) -> i64 {
    let width = high.abs_diff(low).saturating_add(1);
    low.saturating_add_unsigned(draw.below(width))
}

/// A random UUID of version 4.
pub(super) fn uuid(draw: &mut Draw) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&draw.next().to_be_bytes());
    bytes[8..].copy_from_slice(&draw.next().to_be_bytes());
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .into_bytes()
}

/// A number near to normally distributed: the sum of four uniform ones.
pub(super) fn normal(draw: &mut Draw) -> i64 {
    let bits = draw.next();
    [bits, bits >> 16, bits >> 32, bits >> 48]
        .iter()
        .map(|part| i64::from((part & 0xffff) as u16) - 0x8000)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The reference implementation's first numbers for the state 0.
        let mut draw = Draw(0);
        assert_eq!(draw.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(draw.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn shares_are_skewed_and_lose_nothing() {
        let shares = zipf(1_000_000, 100);
        assert_eq!(shares.iter().sum::<u64>(), 1_000_000);
        assert!(shares[0] > 10 * shares[20] && shares[99] > 0);
        assert_eq!(zipf(3, 5).iter().sum::<u64>(), 3);
        assert!(zipf(0, 2).iter().all(|share| *share == 0));
    }

    #[test]
    fn skewed_draws_prefer_the_first() {
        let mut draw = Draw::at(1, 1);
        let first = (0..1_000).filter(|_| draw.skewed(100) < 25).count();
        assert!((400..600).contains(&first), "{first}");
    }
}
