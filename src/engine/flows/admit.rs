//! The end of every first factor that was right.

use super::second_factor;
use crate::{
    engine::{
        Engine, accounts,
        oauth::logins::Login,
        outbox::Security,
        sessions::Beginning,
        store::{Transaction, values},
        tokens,
    },
    port::{Caller, Code, Entrance, Grant, Outcome},
};

/// What somebody has proved who wants in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstFactor {
    Password,
    /// That they read the mailbox.
    Mailbox,
    /// That a provider knows them.
    Provider,
    /// That they have the phone: a code that went there cannot be the second factor as well (SECURITY.md S18).
    Phone,
}

/// How somebody got in at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    SignUp,
    First(FirstFactor),
    /// After any first factor. Where `trust` is true, the browser is not asked for a second factor for a while.
    Second {
        trust: bool,
    },
}

/// In, or on to the second factor: the one place that decides it, so that none of the ways in can go round it (SECURITY.md
/// S18). Commits the transaction that spent the first factor. The caller holds the change of the account.
pub(super) async fn admit(
    engine: &Engine,
    caller: &Caller,
    tx: Transaction<'_>,
    user_id: &str,
    first: FirstFactor,
) -> Outcome<Entrance> {
    go_on(engine, caller, tx, user_id, first, None).await
}

/// As [`admit`], for somebody whom a provider knows.
pub(super) async fn admit_from_provider(
    engine: &Engine,
    caller: &Caller,
    tx: Transaction<'_>,
    user_id: &str,
    login: &Login,
) -> Outcome<Entrance> {
    go_on(engine, caller, tx, user_id, FirstFactor::Provider, Some(login)).await
}

async fn go_on(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user_id: &str,
    first: FirstFactor,
    login: Option<&Login>,
) -> Outcome<Entrance> {
    // Locks the account: a factor that is switched on meanwhile waits, and the session below is not taken for one that showed it.
    tx.execute("update users set updated_at = updated_at where id = $1", values![user_id]).await?;
    let account = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?;
    if account.has_second_factor() && !engine.devices().is_trusted(&mut tx, user_id, caller, engine.now()).await? {
        return second_factor::challenge(engine, caller, tx, &account, first, login).await.map(Entrance::Challenged);
    }
    // Whoever just made the account at a provider is not told that they signed in.
    let is_first = first == FirstFactor::Provider && account.user.last_login_at == account.user.signed_up_at;
    let entry = if is_first { Entry::SignUp } else { Entry::First(first) };
    let_in(engine, caller, tx, user_id, entry, login).await.map(Entrance::Granted)
}

/// Begins the session, after everything that was asked for, and remembers the browser; commits.
///
/// The owner is told of a browser that never was here (SECURITY.md S21), but not of one that a mail just led in: whoever reads the
/// mailbox would be told what they did. Nor at the wire: applications have no browser that could be known, and addresses that change.
///
/// `login` is the sign-in at a provider that all this began with, if it did.
pub(super) async fn let_in(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user_id: &str,
    entry: Entry,
    login: Option<&Login>,
) -> Outcome<Grant> {
    let now = engine.now();
    let trust = entry == Entry::Second { trust: true };
    let remembered = engine.devices().remember(&mut tx, user_id, caller, trust, engine.random(), now).await?;
    tx.execute("update users set last_login_at = $2 where id = $1", values![user_id, now]).await?;
    tokens::kill_resets(&mut tx, user_id).await?;
    let account = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?;
    // Where there is one, nobody comes this far without it: it was shown now, or this browser is trusted for it.
    let beginning = Beginning { login, factor: account.has_second_factor() };
    let session = engine.sessions().begin(&mut tx, user_id, caller, beginning, engine.random(), now).await?;
    let is_news = !matches!(entry, Entry::SignUp | Entry::First(FirstFactor::Mailbox));
    if trust {
        engine.tell_owner(&mut tx, caller, &account, Security::BrowserTrusted).await?;
    } else if is_news && remembered.is_strange {
        engine.tell_owner(&mut tx, caller, &account, Security::NewSignIn).await?;
    }
    tx.commit().await?;
    Ok(Grant { user: account.user, session, device: remembered.ticket })
}
