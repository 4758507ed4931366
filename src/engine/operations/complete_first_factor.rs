//! The end of every first factor that was right.

use super::second_factor_sign_in;
use crate::{
    engine::{
        Engine, links,
        outbox::Notification,
        providers::provider_sessions::ProviderSession,
        sessions::NewSession,
        store::{Transaction, values},
        users::accounts,
    },
    port::{Caller, Code, Grant, Outcome, SignInOutcome},
};

/// First factor of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstFactor {
    Password,
    /// That they read the mailbox.
    Mailbox,
    /// That a provider knows them.
    Provider,
    /// That they have the phone: a code that went there cannot be the second factor as well (S18).
    Phone,
}

/// How somebody got in at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignInMethod {
    SignUp,
    First(FirstFactor),
    /// After any first factor. Where `trust` is true, the browser is not asked for a second factor
    /// for a while.
    Second {
        trust: bool,
    },
}

/// In, or on to the second factor: the one place that decides it, so that none of the ways in can
/// go round it (S18). Commits the transaction that spent the first factor. The caller holds the
/// change of the account.
pub(super) async fn complete_first_factor(
    engine: &Engine,
    caller: &Caller,
    tx: Transaction<'_>,
    user_id: &str,
    first: FirstFactor,
) -> Outcome<SignInOutcome> {
    go_on(engine, caller, tx, user_id, first, None).await
}

/// As [`complete_first_factor`], for somebody whom a provider knows.
pub(super) async fn complete_provider_sign_in(
    engine: &Engine,
    caller: &Caller,
    tx: Transaction<'_>,
    user_id: &str,
    provider_session: &ProviderSession,
) -> Outcome<SignInOutcome> {
    go_on(engine, caller, tx, user_id, FirstFactor::Provider, Some(provider_session)).await
}

async fn go_on(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user_id: &str,
    first: FirstFactor,
    provider_session: Option<&ProviderSession>,
) -> Outcome<SignInOutcome> {
    // Locks the account: a factor that is switched on meanwhile waits, and the session below is not
    // taken for one that showed it.
    tx.execute("update users set updated_at = updated_at where id = $1", values![user_id]).await?;
    let account =
        accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?;
    if account.has_second_factor()
        && !engine.devices().is_trusted(&mut tx, user_id, caller, engine.now()).await?
    {
        return second_factor_sign_in::challenge(
            engine,
            caller,
            tx,
            &account,
            first,
            provider_session,
        )
        .await
        .map(SignInOutcome::SecondFactorRequired);
    }
    // Whoever just made the account at a provider is not told that they signed in.
    let is_first =
        first == FirstFactor::Provider && account.user.last_login_at == account.user.signed_up_at;
    let method = if is_first { SignInMethod::SignUp } else { SignInMethod::First(first) };
    create_session(engine, caller, tx, user_id, method, provider_session)
        .await
        .map(SignInOutcome::SignedIn)
}

/// Begins the session, after everything that was asked for, and remembers the browser; commits.
///
/// The owner is told of a browser that never was here (S21), but not of one that an email just led
/// in: whoever reads the mailbox would be told what they did. Nor at the wire: applications have no
/// browser that could be known, and addresses that change.
///
/// `provider_session` is the sign-in at a provider that all this began with, if it did.
pub(super) async fn create_session(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user_id: &str,
    method: SignInMethod,
    provider_session: Option<&ProviderSession>,
) -> Outcome<Grant> {
    let now = engine.now();
    let trust = method == SignInMethod::Second { trust: true };
    let remembered =
        engine.devices().remember(&mut tx, user_id, caller, trust, engine.random(), now).await?;
    tx.execute("update users set last_login_at = $2 where id = $1", values![user_id, now]).await?;
    links::revoke_resets(&mut tx, user_id).await?;
    let account =
        accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?;
    // Where there is one, nobody comes this far without it: it was shown now, or this browser is
    // trusted for it.
    let beginning = NewSession { provider_session, factor: account.has_second_factor() };
    let session =
        engine.sessions().begin(&mut tx, user_id, caller, beginning, engine.random(), now).await?;
    let is_news =
        !matches!(method, SignInMethod::SignUp | SignInMethod::First(FirstFactor::Mailbox));
    if trust {
        engine.notify_owner(&mut tx, caller, &account, Notification::BrowserTrusted).await?;
    } else if is_news && remembered.is_strange {
        engine.notify_owner(&mut tx, caller, &account, Notification::NewSignIn).await?;
    }
    tx.commit().await?;
    Ok(Grant { user: account.user, session, device: remembered.device_token })
}
