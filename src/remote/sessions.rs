//! Sessions as the wire tells of them: named by their tokens, which no page may learn.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    port::{Agent, Session, SessionToken, User, Version},
    protocol::objects::ReadSession,
};

/// Bytes of each half of a handle: enough that no two sessions share one.
const HALF: usize = 12;

/// Handle of a session towards its owner: a digest of the token, so that the token of another
/// session never stands in a page (a real token has far too many bits to be found from it), and a
/// mark of the account, so that a handle which names none of its sessions any more is told from one
/// that never did.
pub(super) fn handle(user_id: &str, token: &SessionToken) -> String {
    let digest = shortened(Sha256::digest(token.expose()).as_slice());
    format!("{digest}{}", mark(user_id, &digest))
}

/// Whether a handle was made for a session of that account.
pub(super) fn is_of(user_id: &str, handle: &str) -> bool {
    handle
        .split_at_checked(2 * HALF)
        .is_some_and(|(digest, marked)| marked == mark(user_id, digest))
}

fn mark(user_id: &str, digest: &str) -> String {
    shortened(Sha256::new().chain_update(user_id).chain_update(digest).finalize().as_slice())
}

fn shortened(digest: &[u8]) -> String {
    digest.iter().take(HALF).map(|byte| format!("{byte:02x}")).collect()
}

/// The session that was just granted.
pub(super) fn granted(session: ReadSession, now: Timestamp) -> Session {
    Session { last_seen_at: now, ..told(session, true) }
}

/// One of the sessions of the account. Only the caller's own keeps its token.
pub(super) fn listed(session: ReadSession, own: Option<&SessionToken>, now: Timestamp) -> Session {
    let current = own.is_some_and(|own| own.expose() == session.token.expose());
    let session = told(session, current);
    Session { last_seen_at: if current { now } else { session.last_seen_at }, ..session }
}

/// The caller's own session where only the user was asked for: it began no later than the last
/// sign-in.
pub(super) fn own(user: &User, token: SessionToken, now: Timestamp) -> Session {
    Session {
        handle: handle(&user.id, &token),
        user_id: user.id.clone(),
        token: Some(token),
        started_at: user.last_login_at,
        last_seen_at: now,
        address: None,
        agent: unknown(),
        second_factor: user.second_factor,
        current: true,
    }
}

fn told(session: ReadSession, current: bool) -> Session {
    Session {
        handle: handle(&session.user_id, &session.token),
        user_id: session.user_id,
        token: current.then_some(session.token),
        started_at: session.started_at,
        last_seen_at: session.started_at,
        address: None,
        agent: session.agent,
        second_factor: false,
        current,
    }
}

fn unknown() -> Agent {
    let other = || Version {
        family: "Other".to_owned(),
        major: "0".into(),
        minor: "0".into(),
        patch: "0".into(),
    };
    Agent { browser: other(), device: other(), system: other() }
}
