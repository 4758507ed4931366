//! HTTP around both channels: client address, request id and log, overload, diagnostics.

pub(crate) mod diagnostics;
pub mod forwarded;
pub(crate) mod overload;
pub(crate) mod plain_headers;
pub(crate) mod remote_pictures;
pub mod request_log;
pub(crate) mod tls;
