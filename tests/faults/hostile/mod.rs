//! What a file, a tool or a guest can say that nobody expects, and what may come of it: nothing but
//! what the plan shows, and nothing that drives a terminal.

mod base;
mod judge;
mod packages;
mod repository;
mod said;
mod values;
mod walk;
mod written;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    [packages::trials(), repository::trials(), said::trials(), walk::trials(), written::trials()]
        .into_iter()
        .flatten()
        .collect()
}
