//! The result of an observation.

use super::Reason;

/// The result of an observation.
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
    /// The observed value, if there is one.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unobservable(_) => None,
        }
    }

    /// The observed value itself, if there is one.
    pub fn into_present(self) -> Option<T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unobservable(_) => None,
        }
    }
}
