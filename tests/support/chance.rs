//! Chance that can be had again.

use std::hash::{BuildHasher, RandomState};

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// The variable with the number that makes a run the same again.
pub const SEED: &str = "CAI_TEST_SEED";

/// What is random comes of one number.
pub struct Chance {
    /// The number.
    pub seed: u64,
    generator: TestRng,
}

impl Chance {
    /// By the variable's number, or by any, which is printed.
    pub fn seeded() -> Self {
        let seed = std::env::var(SEED)
            .map_or_else(|_| RandomState::new().hash_one(()), |seed| seed.parse().unwrap());
        println!("{SEED}={seed} makes it the same again");
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self { seed, generator: TestRng::from_seed(RngAlgorithm::ChaCha, &bytes) }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.generator.next_u64() % limit as u64).unwrap()
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
