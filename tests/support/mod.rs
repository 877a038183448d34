//! Helpers that the tests share.
pub mod chance;
pub mod corporate;
pub mod documents;
pub mod fake_fault;
pub mod fake_world;
pub mod interposed;
pub mod machine;
pub mod program;
pub mod sandbox;
pub mod slowest;
pub mod stops;
pub mod tally;
pub mod terminal;
pub mod watch;
pub mod web;

/// Lists test functions as trials, named by their module path as the standard harness does.
/// A test that is not listed is dead code, which the lints refuse.
macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        vec![$($crate::support::slowest::trial(
            concat!(module_path!(), "::", stringify!($name)).trim_start_matches("main::"),
            $name,
        )),*]
    };
}
/// A certificate authority for 100 years, made by `openssl req -x509`. Its key was not kept.
pub const CA: &str = include_str!("corp-ca.pem");

pub(crate) use trials;
