//! Unusual machines: full or read-only disks, unusual paths, a clock that jumps, and no terminal.

mod clock;
mod disk;
mod places;
mod terminal;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    [clock::trials(), disk::trials(), places::trials(), terminal::trials()]
        .into_iter()
        .flatten()
        .collect()
}
