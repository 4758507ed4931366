//! Where pictures are developed: two at once, off the async threads, with a queue that has an end (SECURITY.md S68).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use super::picture::{self, Framing};
use crate::port::{Code, Failure, Outcome, Picture};

/// Decoding a picture of the largest size takes 256 MB and a second: two at once leave a small machine alive.
const AT_ONCE: usize = 2;
/// Pictures that may be in the room or wait at its door, each up to 8 MB of upload.
const ROOM: usize = 16;
/// When to come back when the queue is full.
const BUSY: Duration = Duration::from_secs(3);

/// A bounded place for work on pictures. Cloning shares the place.
#[derive(Clone)]
pub(crate) struct Darkroom {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Darkroom {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), waiting: Arc::default() }
    }
}

impl Darkroom {
    /// Develops a picture; see [`picture::develop`].
    ///
    /// # Errors
    /// Refused as `develop` says. A decoder that panics has met something that is not a picture. Fails when too many wait.
    pub(crate) async fn develop(&self, bytes: Vec<u8>, framing: Framing) -> Outcome<Picture> {
        picture::check_size(&bytes)?;
        self.run(move || picture::develop(&bytes, framing)).await
    }

    async fn run(&self, work: impl FnOnce() -> Result<Picture, Code> + Send + 'static) -> Outcome<Picture> {
        let _seat = Seat::take(&self.waiting).ok_or_else(|| Failure::unavailable(BUSY, "too many pictures wait"))?;
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(Failure::broken)?;
        let developed = tokio::task::spawn_blocking(move || {
            let _place = place; // Held to the end of the work, even when nobody waits for it any more.
            work()
        });
        match developed.await {
            Ok(picture) => Ok(picture?),
            Err(_) => Err(Code::NotAPicture.into()),
        }
    }
}

/// One of the seats of the room, given back when dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Self> {
        let seat = Self(Arc::clone(waiting));
        (waiting.fetch_add(1, Ordering::AcqRel) < ROOM).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Trouble;

    #[tokio::test]
    async fn a_decoder_that_panics_kills_nothing() {
        let darkroom = Darkroom::default();
        for _ in 0..5 {
            let answer = darkroom.run(|| panic!("a decoder stumbled")).await;
            assert!(matches!(answer, Err(Trouble::Refused(refusal)) if refusal.is(Code::NotAPicture)));
        }
        assert!(darkroom.run(|| Ok(Picture { mime_type: "image/png", bytes: vec![] })).await.is_ok());
    }

    #[tokio::test]
    async fn who_comes_when_the_room_is_full_is_told_to_come_back() {
        let darkroom = Darkroom::default();
        let seats: Vec<_> = (0..ROOM).map(|_| Seat::take(&darkroom.waiting).unwrap()).collect();
        let answer = darkroom.develop(vec![1], Framing::Avatar).await;
        assert!(matches!(answer, Err(Trouble::Failed(failure)) if failure.retry_after.is_some()));
        drop(seats);
        assert!(matches!(darkroom.develop(vec![1], Framing::Avatar).await, Err(Trouble::Refused(_))));
    }
}
