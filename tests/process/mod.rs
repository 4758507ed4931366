//! The binary as a service manager runs it: sockets, signals, the log.

mod damage;
mod doctor;
mod keys;
mod log;
mod proxies;
mod running;
mod signals;
mod sockets;
mod units;

use running::{Running, ask, free_address, in_time};

/// A sign-in at the REST channel with a password that is wrong.
const WRONG_SIGN_IN: &str = r#"{"email":"nobody@mail.example","password":"not the password"}"#;

/// The request that carries it.
fn wrong_sign_in(headers: &str) -> String {
    let length = WRONG_SIGN_IN.len();
    format!(
        "POST /_api/rest/v1/auth/signin-email HTTP/1.1\r\nHost: hall\r\nX-Client-Key: \
         {}\r\n{headers}Content-Type: \
         application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{WRONG_SIGN_IN}",
        crate::support::CLIENT_KEY
    )
}
