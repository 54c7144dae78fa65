//! Vectors that depend on nothing but a text: the same on every machine and with every release.
//!
//! A text's vector is the sum of its words', so that texts with words in common are near each other. All is
//! summed in integers; what follows (a square root, a division, a rounding) IEEE 754 defines to the last bit.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The unit vector of a text.
///
/// # Shape
/// `dimensions` numbers, of length 1 but for rounding.
pub fn unit(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0_i64; dimensions];
    for word in text.split_whitespace() {
        add(&mut sum, word);
    }
    if sum.iter().all(|number| *number == 0) {
        add(&mut sum, text);
    }
    normal(&sum)
}

/// Adds the vector of one word: components of four uniform numbers each, which is near to a normal distribution.
fn add(sum: &mut [i64], word: &str) {
    let mut source = ChaCha8Rng::from_seed(Sha256::digest(word.as_bytes()).into());
    for number in sum {
        let bits = source.next_u64();
        let parts = [bits, bits >> 16, bits >> 32, bits >> 48];
        *number += parts
            .iter()
            .map(|part| i64::from((part & 0xffff) as u16) - 0x8000)
            .sum::<i64>();
    }
}

/// The vector of length 1 in the same direction; zeros stay zeros.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "each rounding is the one that IEEE 754 defines"
)]
pub fn normal(numbers: &[i64]) -> Vec<f32> {
    let square: i128 = numbers
        .iter()
        .map(|number| i128::from(*number) * i128::from(*number))
        .sum();
    let length = (square as f64).sqrt().max(1.0);
    numbers
        .iter()
        .map(|number| (*number as f64 / length) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_vector_has_length_one_and_depends_on_the_text_alone() {
        let vector = unit("energy and entropy", 768);
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5);
        assert_eq!(vector, unit("energy and entropy", 768));
        assert_ne!(vector, unit("energy and entropy!", 768));
    }

    #[test]
    fn texts_with_words_in_common_are_nearer() {
        let energy = unit("energy of heat", 256);
        let near = cosine(&energy, &unit("heat and energy", 256));
        let far = cosine(&energy, &unit("שלום עולם", 256));
        assert!(near > 0.4 && far < 0.3, "{near} {far}");
    }

    #[test]
    fn the_bits_are_those_of_every_machine_and_release() {
        let bytes: Vec<u8> = unit("energy אנרגיה", 8)
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        assert_eq!(
            hex::encode(Sha256::digest(bytes)),
            "92827ea2b6da7c64093568fcd76002ad6180eb876ba48900a623dc41ccd56c88"
        );
    }
}
