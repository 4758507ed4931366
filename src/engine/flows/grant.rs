//! Spending an access token for a session.

use super::{
    admit::{FirstFactor, admit, admit_from_provider},
    prove::{Opener, prove_address},
};
use crate::{
    engine::{
        Engine, accounts,
        oauth::{logouts, tickets::Tickets},
        store::values,
        tokens::{Link, Purpose},
    },
    port::{AccessToken, Caller, Code, Entrance, Outcome},
};

/// Spends the link behind a token and admits its account. Proves the address the link was mailed to.
pub(in crate::engine) async fn get_auth_grant(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
) -> Outcome<Entrance> {
    if Tickets::is_grant(token) {
        return redeem_provider(engine, caller, token, granted(engine, caller, token).await?.0).await;
    }
    let link = live_link(engine, token).await?;
    redeem(engine, caller, &link).await
}

/// As [`get_auth_grant`], if this browser asked for the link; otherwise nothing is spent.
pub(in crate::engine) async fn finish_where_begun(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
) -> Outcome<Option<Entrance>> {
    if Tickets::is_grant(token) {
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
pub(super) async fn granted(engine: &Engine, caller: &Caller, token: &AccessToken) -> Outcome<(String, bool)> {
    let tickets = &engine.providers().tickets;
    let granted = tickets.granted(engine.store(), token, caller.browser.as_ref(), engine.now()).await?;
    Ok(granted.ok_or(Code::InvalidAccessToken)?)
}

async fn redeem_provider(engine: &Engine, caller: &Caller, token: &AccessToken, user_id: String) -> Outcome<Entrance> {
    let _change = engine.sessions().change(&user_id);
    let mut tx = engine.store().begin().await?;
    let login =
        engine.providers().tickets.spend(&mut tx, token, engine.now()).await?.ok_or(Code::InvalidAccessToken)?;
    let session = engine.providers().logins.open(&login).map(|opened| opened.session).unwrap_or_default();
    if logouts::is_over(&mut tx, &login, &session).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    admit_from_provider(engine, caller, tx, &user_id, &login).await
}

pub(super) async fn live_link(engine: &Engine, token: &AccessToken) -> Outcome<Link> {
    let now = engine.now();
    let link = engine.links().by_access_token(engine.store(), token, now).await?;
    let link = link.filter(|link| link.is_live(now)).ok_or(Code::InvalidAccessToken)?;
    match link.purpose {
        Purpose::EmailConfirm | Purpose::MagicLink => Ok(link),
        Purpose::ResetPassword | Purpose::ChangeEmail | Purpose::NotMe => Err(Code::InvalidTokenType.into()),
    }
}

async fn redeem(engine: &Engine, caller: &Caller, link: &Link) -> Outcome<Entrance> {
    let now = engine.now();
    let account = accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    let _change = engine.sessions().change(&link.user_id);
    let mut tx = engine.store().begin().await?;
    let is_asker = engine.links().began_in(link, caller.browser.as_ref());
    let opener = Opener { is_asker, is_signer: engine.links().is_signer(caller, &account) };
    if !prove_address(&mut tx, link, &account, opener, now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    let sql = "select id from users where id = $1 and email = $2";
    let is_theirs = tx.fetch_optional(sql, values![&link.user_id, link.email.as_str()]).await?.is_some();
    if !is_theirs || !engine.links().spend(&mut tx, link, now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    admit(engine, caller, tx, &link.user_id, FirstFactor::Mailbox).await
}
