//! Runs an action for several items at the same time.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

/// How many items are processed at the same time. Most actions wait for a child process.
pub const AT_ONCE: usize = 10;

/// The results of an action for each item, in the order of the items.
pub fn each<T: Send, R: Send>(
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
    action: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let items = items.into_iter();
    let workers = items.len().min(AT_ONCE);
    if workers <= 1 {
        return items.map(action).collect();
    }
    let mut results: Vec<Option<R>> = (0..items.len()).map(|_| None).collect();
    let queue = Mutex::new(items.zip(&mut results));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((item, result)) = next() {
            *result = Some(action(item));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(join);
    });
    drop(queue);
    results.into_iter().flatten().collect()
}

/// The result of a thread; its panic continues here.
pub fn join<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let doubled: Vec<usize> = each(0..1000, |number| number * 2);
        assert_eq!(doubled, (0..1000).map(|number| number * 2).collect::<Vec<_>>());
        assert!(each(Vec::<u8>::new(), |it| it).is_empty());
    }

    #[test]
    fn items_are_worked_on_at_the_same_time() {
        // Each item waits for all the others, so sequential processing would never end.
        let all = Barrier::new(AT_ONCE);
        let waited = each(0..AT_ONCE, |_| all.wait().is_leader());
        assert_eq!(waited.into_iter().filter(|leads| *leads).count(), 1);
    }
}
