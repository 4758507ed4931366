//! Where pictures are developed: one at a time, off the async threads, with a queue that has an end
//! (S68).
//!
//! Work on pixels cannot be broken off from outside. What ends it is what [`picture`] bounds
//! beforehand; what ends the waiting is [`LONGEST`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};

use super::picture::{self, Framing};
use crate::port::{Code, Failure, Outcome, Picture};

/// A picture of the largest size takes up to 340 MB (measured: 40 megapixels of JPEG, PNG and WebP)
/// and a second or two: one at a time leaves a small machine alive.
const AT_ONCE: usize = 1;
/// Pictures that may be in work or waiting, each up to 8 MB of upload.
const ROOM: usize = 16;
/// How long somebody waits for a picture. Usual ones take a tenth of a second, so a full room is
/// through long before.
const LONGEST: Duration = Duration::from_secs(20);
/// When to come back when the queue is full.
const BUSY: Duration = Duration::from_secs(3);

/// A bounded place for work on pictures. Cloning shares the place.
#[derive(Clone)]
pub(crate) struct ImagePool {
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for ImagePool {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(AT_ONCE)), waiting: Arc::default() }
    }
}

impl ImagePool {
    /// Re-encodes a picture; see [`picture::reencode`].
    ///
    /// # Errors
    /// Refused as `reencode` says. A decoder that panics has met something that is not a picture.
    /// Fails when too many wait, or for too long; the place is taken until the work has ended all
    /// the same.
    pub(crate) async fn reencode(&self, bytes: Vec<u8>, framing: Framing) -> Outcome<Picture> {
        picture::check_size(&bytes)?;
        self.run(move || picture::reencode(&bytes, framing)).await
    }

    async fn run(
        &self,
        work: impl FnOnce() -> Result<Picture, Code> + Send + 'static,
    ) -> Outcome<Picture> {
        let _slot = PoolSlot::take(&self.waiting)
            .ok_or_else(|| Failure::unavailable(BUSY, "too many pictures wait"))?;
        let developed = timeout(LONGEST, self.in_turn(work)).await;
        developed.map_err(|_| Failure::unavailable(BUSY, "a picture waited too long"))?
    }

    async fn in_turn(
        &self,
        work: impl FnOnce() -> Result<Picture, Code> + Send + 'static,
    ) -> Outcome<Picture> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(Failure::broken)?;
        let developed = tokio::task::spawn_blocking(move || {
            // Held to the end of the work, even when nobody waits for it any more.
            let _slot = slot;
            work()
        });
        match developed.await {
            Ok(picture) => Ok(picture?),
            Err(_) => Err(Code::NotAPicture.into()),
        }
    }
}

/// One of the seats of the room, given back when dropped.
struct PoolSlot(Arc<AtomicUsize>);

impl PoolSlot {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Self> {
        let slot = Self(Arc::clone(waiting));
        (waiting.fetch_add(1, Ordering::AcqRel) < ROOM).then_some(slot)
    }
}

impl Drop for PoolSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::port::OperationError;

    #[tokio::test]
    async fn a_decoder_that_panics_ends_nothing() {
        let image_pool = ImagePool::default();
        for _ in 0..5 {
            let answer = image_pool.run(|| panic!("a decoder stumbled")).await;
            assert!(matches!(
                answer,
                Err(OperationError::Rejected(refusal)) if refusal.is(Code::NotAPicture)
            ));
        }
        assert!(
            image_pool.run(|| Ok(Picture { mime_type: "image/png", bytes: vec![] })).await.is_ok()
        );
    }

    #[tokio::test]
    async fn one_picture_is_developed_at_a_time_s68() {
        let image_pool = ImagePool::default();
        let inside = Arc::new(AtomicUsize::new(0));
        let works = (0..8).map(|_| {
            let inside = Arc::clone(&inside);
            image_pool.run(move || {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::sleep(Duration::from_millis(5));
                inside.fetch_sub(1, Ordering::SeqCst);
                Ok(Picture { mime_type: "image/png", bytes: vec![] })
            })
        });
        assert!(join_all(works).await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn who_comes_when_the_room_is_full_is_told_to_come_back() {
        let image_pool = ImagePool::default();
        let seats: Vec<_> =
            (0..ROOM).map(|_| PoolSlot::take(&image_pool.waiting).unwrap()).collect();
        let answer = image_pool.reencode(vec![1], Framing::Avatar).await;
        assert!(matches!(
            answer,
            Err(OperationError::Internal(failure)) if failure.retry_after.is_some()
        ));
        drop(seats);
        assert!(matches!(
            image_pool.reencode(vec![1], Framing::Avatar).await,
            Err(OperationError::Rejected(_))
        ));
    }
}
