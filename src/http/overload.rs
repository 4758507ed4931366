//! When there is too much at once, who comes then is told to come back (R18, R20).
//!
//! * **Connections**: [`server`](crate::server) marks one that is one too many; the channels answer
//!   forms, pages and calls on it in their own words, with 503 and when to come back. Then the
//!   connection is closed.
//! * **Files that arrive**: all together may take [`UPLOADS_MAX`] of memory. One takes as much as
//!   has come of it, so that a slow one does not keep the others waiting.

use std::time::Duration;

use actix_web::HttpRequest;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::port::Failure;

/// When to come back: most connections, and most files, are over by then.
pub(crate) const COME_BACK: Duration = Duration::from_secs(5);

/// Memory for all uploads in flight, in bytes. Of the largest, 24 fit.
const UPLOADS_MAX: usize = CHUNKS * CHUNK;

/// Memory is counted in pieces of this many bytes.
const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 3 * 1024;

static FREE_CHUNKS: Semaphore = Semaphore::const_new(CHUNKS);

/// Marks the connection.
pub(crate) struct Overloaded;

/// Whether there are too many connections for this request to be answered.
pub(crate) fn is_overloaded(request: &HttpRequest) -> bool {
    request.conn_data::<Overloaded>().is_some()
}

/// The memory that a file takes while it arrives; given back when dropped.
#[derive(Default)]
pub(crate) struct UploadBudget {
    chunks: Option<SemaphorePermit<'static>>,
}

impl UploadBudget {
    /// Takes what is needed for `bytes` in all.
    ///
    /// # Errors
    /// Unavailable when other files take too much.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), Failure> {
        let held = self.chunks.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = bytes.div_ceil(CHUNK).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let more = u32::try_from(missing)
            .ok()
            .and_then(|missing| FREE_CHUNKS.try_acquire_many(missing).ok());
        let more = more.ok_or_else(|| {
            Failure::unavailable(
                COME_BACK,
                format!("files that arrive take {UPLOADS_MAX} bytes already"),
            )
        })?;
        match &mut self.chunks {
            Some(chunks) => chunks.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_arrive_take_so_much_memory_and_no_more_r20() {
        let large = 8 * 1024 * 1024;
        let mut all: Vec<UploadBudget> = (0..24).map(|_| UploadBudget::default()).collect();
        for bytes in [1, large / 2, large, large] {
            all.iter_mut().for_each(|upload_budget| upload_budget.reserve(bytes).unwrap());
        }
        let refused = UploadBudget::default().reserve(1).unwrap_err();
        assert_eq!(refused.retry_after, Some(COME_BACK));
        all.pop();
        UploadBudget::default().reserve(large).unwrap();
    }
}
