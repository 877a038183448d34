//! Reproducible randomness.

use std::hash::{BuildHasher, RandomState};

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// The variable with the seed that repeats a run.
pub const SEED: &str = "CAI_TEST_SEED";

/// A random number generator with one seed.
pub struct Chance {
    /// The seed.
    pub seed: u64,
    generator: TestRng,
}

impl Chance {
    /// Uses the variable's seed, or a random one, which is printed.
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
