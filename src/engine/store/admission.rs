//! The line of those who wait for the database: it has an end.
//!
//! Without one, everybody would wait until their time is up: those whose turn comes would have
//! waited almost as long as they may, the others would be sent away after it, and after a rush the
//! line would be as long as before. So who finds it full is told at once to come back, and whoever
//! stands in it has a good chance (R05, R18).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::StoreError;

/// Most that wait for one kind of connection, or have one. At a few milliseconds each, the last
/// one's turn comes in time.
const MOST: usize = 256;

/// One line, for one pool of connections. Clones share it.
#[derive(Clone, Default)]
pub(super) struct AdmissionQueue(Arc<AtomicUsize>);

/// A place in the line, until dropped.
pub(super) struct Admission(Arc<AtomicUsize>);

impl AdmissionQueue {
    /// Gets in line.
    ///
    /// # Errors
    /// When it is full.
    pub(super) fn enter(&self) -> Result<Admission, StoreError> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let admission = Admission(Arc::clone(&self.0));
        if before >= MOST { Err(StoreError::Busy) } else { Ok(admission) }
    }

    /// Counts those who wait, and those whose turn it is.
    #[cfg(test)]
    pub(super) fn length(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_an_end_and_moves_on_r05() {
        let queue = AdmissionQueue::default();
        let admissions: Vec<_> = (0..MOST).map(|_| queue.clone().enter().unwrap()).collect();
        let refused = queue.enter().err().unwrap();
        assert!(refused.is_passing(), "{refused}");
        drop(admissions);
        assert_eq!((0..MOST).filter(|_| queue.enter().is_ok()).count(), MOST);
    }
}
