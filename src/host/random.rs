//! Numbers that nobody can have known before.

use std::hash::{BuildHasher, RandomState};

/// A number that nobody can have known before: the standard library keys every hasher randomly.
pub fn random() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(()));
    half() << 64 | half()
}
