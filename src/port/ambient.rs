//! Time and chance are handed in, so that a test can move the clock and repeat a run. `clippy.toml`
//! forbids the ambient ones.

use jiff::Timestamp;

/// Where times come from.
pub trait Clock: Send + Sync {
    /// The current time, UTC.
    fn now(&self) -> Timestamp;
}

/// Where unguessable values come from: a cryptographically secure source, or a seeded one in a
/// test.
pub trait Random: Send + Sync {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);
}
