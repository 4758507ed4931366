//! The headers of a call (altogic-protocol.md §1.2), in lower case.

/// Names the kind of client that calls.
pub const CLIENT: &str = "x-client";
/// Names the application that calls. A public name rather than a secret, yet nobody gets in without
/// one.
pub const CLIENT_KEY: &str = "x-client-key";
/// The session token.
pub const SESSION: &str = "session";
/// The address of the person behind a server that calls for them. Not of the protocol, but what
/// every proxy sends.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The methods a browser is told it may use from another origin (§2.1).
pub const ALLOWED_METHODS: &str = "GET, POST, PUT, DELETE";
/// The headers a browser is told it may send from another origin (§2.1). No `*`: beside credentials
/// it is no wildcard.
pub const ALLOWED_HEADERS: &str = "content-type, x-client, x-client-key, session, authorization";
