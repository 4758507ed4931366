//! What is asked on a connection that is one too many.
//!
//! [`listen`](crate::listen) marks such a connection; the doors answer each in its own words, with 503 and when to come back,
//! before anything is looked up (SECURITY.md R18). Then the connection is closed.

use std::time::Duration;

use actix_web::HttpRequest;

/// When to come back: most connections are over by then.
pub(crate) const COME_BACK: Duration = Duration::from_secs(5);

/// Marks the connection.
pub(crate) struct Crowded;

/// Whether there are too many connections for this request to be answered.
pub(crate) fn is_crowded(request: &HttpRequest) -> bool {
    request.conn_data::<Crowded>().is_some()
}
