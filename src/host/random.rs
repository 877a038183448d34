//! Random numbers.

use std::hash::{BuildHasher, RandomState};

/// An unpredictable number: the standard library gives every hasher a random key.
pub fn random() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(()));
    half() << 64 | half()
}
