//! What an observation of something can be.

use super::Reason;

/// What was seen of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation<T> {
    /// It does not exist.
    Absent,
    /// It exists and is like this.
    Present(T),
    /// It could not be looked at.
    Unobservable(Reason),
}

impl<T> Observation<T> {
    /// What it is like, where it could be seen.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unobservable(_) => None,
        }
    }
}
