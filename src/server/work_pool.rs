//! Threads for work that keeps an async thread too long.
//!
//! An async thread answers everybody, so nothing on it may take more than a millisecond (S108). The
//! runtime's blocking pool is no better place: it grows to hundreds of threads. Each pool here is
//! one thread and a queue with an end.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{self, SyncSender, TrySendError},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::port::Failure;

/// Longest wait in the queue; afterwards nobody looks at the answer any more.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Wait that a caller is told when the queue is full.
const BUSY: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce() + Send>;

/// One thread and its queue. The thread ends with the pool.
pub(crate) struct WorkPool {
    name: &'static str,
    jobs: SyncSender<Job>,
}

impl WorkPool {
    /// Starts the thread, with room for so many jobs that wait.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(name: &'static str, queue: usize) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::sync_channel::<Job>(queue);
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || {
            let_answers_go_first();
            waiting.into_iter().for_each(|job| job());
        })?;
        Ok(Self { name, jobs })
    }

    /// Queues work that nobody waits for; dropped when the queue is full.
    pub(crate) fn prepare(&self, work: impl FnOnce() + Send + 'static) {
        let work = move || drop(catch_unwind(AssertUnwindSafe(work)));
        drop(self.jobs.try_send(Box::new(work)));
    }

    /// Runs work on the thread.
    ///
    /// # Errors
    /// Unavailable when the queue is full, or the wait in it too long; broken when the work panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let queued = Instant::now();
        let job = move || {
            if queued.elapsed() > LONGEST_WAIT {
                drop(answer.send(None));
            } else if !answer.is_closed() {
                // Without an answer the caller learns that it panicked.
                if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
                    drop(answer.send(Some(done)));
                }
            }
        };
        self.jobs.try_send(Box::new(job)).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                Failure::unavailable(BUSY, format!("too much work waits for {}", self.name))
            }
            TrySendError::Disconnected(_) => {
                Failure::broken(format!("the thread {} is gone", self.name))
            }
        })?;
        let done = answered
            .await
            .map_err(|_| Failure::broken(format!("work on {} panicked", self.name)))?;
        done.ok_or_else(|| {
            Failure::unavailable(BUSY, format!("work waited too long for {}", self.name))
        })
    }
}

/// How much lower the priority of a thread is that works for long: it gets a quarter of a core that
/// answers need whole.
#[cfg(target_os = "linux")]
const NICE: i32 = 6;

/// Lowers the priority of this thread: on a machine with few cores the threads that answer run at
/// once when they can. Linux alone has priorities of threads.
pub(crate) fn let_answers_go_first() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    /// S108
    #[tokio::test]
    async fn work_beyond_the_queue_is_shed_and_told_when_to_come_back() {
        let pool = WorkPool::start("test", 4).unwrap();
        let slow = || thread::sleep(Duration::from_millis(20));
        let answers = join_all((0..50).map(|_| pool.run(slow))).await;
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert!((45..=46).contains(&refused.len()), "{}", refused.len());
        assert!(refused.iter().all(|failure| failure.retry_after == Some(BUSY)));
    }

    #[tokio::test]
    async fn a_panic_ends_no_thread() {
        let pool = WorkPool::start("test", 4).unwrap();
        pool.prepare(|| panic!("work stumbled"));
        assert!(
            pool.run(|| panic!("work stumbled"))
                .await
                .is_err_and(|failure: Failure| failure.retry_after.is_none())
        );
        assert_eq!(pool.run(|| 7).await.unwrap(), 7);
    }
}
