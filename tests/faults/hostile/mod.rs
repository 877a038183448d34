//! Unexpected texts from a file, a tool or a guest. They must have no effect except those in the
//! plan, and must not control a terminal.

mod base;
mod declared_repository;
mod judge;
mod packages;
mod repository;
mod said;
mod values;
mod walk;
mod written;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    [
        packages::trials(),
        repository::trials(),
        declared_repository::trials(),
        said::trials(),
        walk::trials(),
        written::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
