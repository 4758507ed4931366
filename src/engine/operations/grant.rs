//! Spending an access token for a session.

use super::{
    address_verification::{Opener, verify_address},
    complete_first_factor::{FirstFactor, complete_first_factor, complete_provider_sign_in},
};
use crate::{
    engine::{
        Engine,
        links::{Link, Purpose},
        providers::{
            grants::Grants, identities, logout_events, provider_sessions::ProviderSession,
        },
        store::values,
        users::accounts,
    },
    port::{AccessToken, Caller, Code, Outcome, SignInOutcome},
};

/// Spends the link behind a token and admits its account. Proves the address the link was emailed
/// to.
pub(in crate::engine) async fn get_auth_grant(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
) -> Outcome<SignInOutcome> {
    if Grants::is_grant(token) {
        return redeem_provider(engine, caller, token, granted(engine, caller, token).await?.0)
            .await;
    }
    let link = live_link(engine, token).await?;
    redeem(engine, caller, &link).await
}

/// As [`get_auth_grant`], if this browser asked for the link; otherwise nothing is spent.
pub(in crate::engine) async fn finish_where_begun(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
) -> Outcome<Option<SignInOutcome>> {
    if Grants::is_grant(token) {
        return match granted(engine, caller, token).await? {
            (user_id, true) => redeem_provider(engine, caller, token, user_id).await.map(Some),
            (_, false) => Ok(None),
        };
    }
    let link = live_link(engine, token).await?;
    if !engine.links().began_in(&link, caller.browser.as_ref()) {
        return Ok(None);
    }
    redeem(engine, caller, &link).await.map(Some)
}

/// Whose the token of a provider's sign-in is, and whether that began in this browser.
pub(super) async fn granted(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
) -> Outcome<(String, bool)> {
    let grants = &engine.providers().grants;
    let granted =
        grants.granted(engine.store(), token, caller.browser.as_ref(), engine.now()).await?;
    Ok(granted.ok_or(Code::InvalidAccessToken)?)
}

/// Spends the token of a provider's sign-in, as long as the identity is the account's.
async fn redeem_provider(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
    user_id: String,
) -> Outcome<SignInOutcome> {
    let _change = engine.sessions().change(&user_id);
    let mut tx = engine.store().begin().await?;
    // Locks the account first: whoever takes it back at this moment removes the identity behind the
    // same lock (S105).
    tx.execute("update users set updated_at = updated_at where id = $1", values![&user_id]).await?;
    let provider_session = engine
        .providers()
        .grants
        .spend(&mut tx, token, engine.now())
        .await?
        .ok_or(Code::InvalidAccessToken)?;
    let ProviderSession { issuer, subject, .. } = &provider_session;
    if identities::owner(&mut tx, issuer, subject).await?.as_ref() != Some(&user_id) {
        return Err(Code::InvalidAccessToken.into());
    }
    let session = engine
        .providers()
        .provider_sessions
        .open(&provider_session)
        .map(|opened| opened.session)
        .unwrap_or_default();
    if logout_events::is_expired(&mut tx, &provider_session, &session).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    complete_provider_sign_in(engine, caller, tx, &user_id, &provider_session).await
}

pub(super) async fn live_link(engine: &Engine, token: &AccessToken) -> Outcome<Link> {
    let now = engine.now();
    let link = engine.links().by_access_token(engine.store(), token, now).await?;
    let link = link.filter(|link| link.is_live(now)).ok_or(Code::InvalidAccessToken)?;
    match link.purpose {
        Purpose::EmailConfirm | Purpose::MagicLink => Ok(link),
        Purpose::ResetPassword | Purpose::ChangeEmail | Purpose::AccountRecovery => {
            Err(Code::InvalidTokenType.into())
        }
    }
}

async fn redeem(engine: &Engine, caller: &Caller, link: &Link) -> Outcome<SignInOutcome> {
    let now = engine.now();
    let account =
        accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    let _change = engine.sessions().change(&link.user_id);
    let mut tx = engine.store().begin().await?;
    let is_asker = engine.links().began_in(link, caller.browser.as_ref());
    let opener = Opener { is_asker, is_signer: engine.links().is_signer(caller, &account) };
    if !verify_address(&mut tx, link, &account, opener, now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    let sql = "select id from users where id = $1 and email = $2";
    let is_theirs =
        tx.fetch_optional(sql, values![&link.user_id, link.email.as_str()]).await?.is_some();
    if !is_theirs || !engine.links().spend(&mut tx, link, now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    complete_first_factor(engine, caller, tx, &link.user_id, FirstFactor::Mailbox).await
}
