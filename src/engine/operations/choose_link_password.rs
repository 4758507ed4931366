//! Opening an emailed link where it was not asked for: whose account it is, and a password for it.

use super::{
    grant::{granted, live_link},
    open_email_link::{may_ask_password, onward_of},
    sign_up::judge_password,
};
use crate::{
    engine::{
        Engine,
        links::{Choice, Link},
        providers::grants::Grants,
        store::values,
        users::accounts::{self, Account},
    },
    port::{AccessToken, Caller, Code, LinkAccount, Outcome, Password},
};

/// Describes the account that an emailed link or a sign-in with a provider opens. Reads only.
pub(in crate::engine) async fn describe_link(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
) -> Outcome<Option<LinkAccount>> {
    if Grants::is_grant(token) {
        let Ok((user_id, _)) = granted(engine, caller, token).await else { return Ok(None) };
        let account = accounts::by_id(engine.store(), &user_id).await?;
        return Ok(account.map(|account| described(account, false)));
    }
    let now = engine.now();
    let link = engine.links().by_access_token(engine.store(), token, now).await?;
    let Some(link) = link.filter(|link| link.is_live(now)) else { return Ok(None) };
    let Some(account) = accounts::by_id(engine.store(), &link.user_id).await? else {
        return Ok(None);
    };
    let asks_password = asks_password(engine, caller, &link, &account);
    let email = Some(link.email.to_string());
    Ok(Some(LinkAccount { email, ..described(account, asks_password) }))
}

fn described(account: Account, asks_password: bool) -> LinkAccount {
    let Account { user, signed_up_from, .. } = account;
    LinkAccount {
        email: user.email.or(user.phone),
        name: user.name,
        began_at: user.signed_up_at,
        began_from: signed_up_from,
        asks_password,
    }
}

/// Whether the link confirms an address whose account has a password that may be a visitor's.
fn asks_password(engine: &Engine, caller: &Caller, link: &Link, account: &Account) -> bool {
    let is_kept = link.keeps_password && engine.links().is_signer(caller, account);
    may_ask_password(link, account) && !is_kept
}

/// Gives the account of a link that may have a visitor's password the one that was typed where the
/// link was opened, or none. It counts once the link is redeemed, and the one of the sign-up never
/// again. Answers where the browser goes on to, if that is an application. Changes nothing of
/// another link.
///
/// # Errors
/// `InvalidAccessToken`; what is wrong with the password, at its field.
pub(in crate::engine) async fn choose_link_password(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
    password: Option<&Password>,
) -> Outcome<Option<String>> {
    let link = live_link(engine, token).await?;
    let account =
        accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    if asks_password(engine, caller, &link, &account) {
        match password {
            Some(password) if is_right(engine, &account, password).await? => {
                note(engine, &link, Choice::Known, account.password_hash).await?;
            }
            Some(password) => {
                let hash = judged_hash(engine, caller, (&link, &account), password).await?;
                note(engine, &link, Choice::Chosen, Some(hash)).await?;
            }
            None => note(engine, &link, Choice::Without, None).await?,
        }
    }
    Ok(onward_of(engine, &link))
}

async fn is_right(engine: &Engine, account: &Account, password: &Password) -> Outcome<bool> {
    Ok(engine.hasher().verify(password, account.password_hash.as_deref()).await?.right)
}

async fn judged_hash(
    engine: &Engine,
    caller: &Caller,
    (link, account): (&Link, &Account),
    password: &Password,
) -> Outcome<String> {
    let name = account.user.name.as_deref().unwrap_or_default();
    judge_password(engine, caller, password, &[link.email.as_str(), name]).await?;
    Ok(engine.hasher().hash(password, engine.random()).await?)
}

/// Gives the account of a link its password.
async fn note(engine: &Engine, link: &Link, choice: Choice, hash: Option<String>) -> Outcome<()> {
    let now = engine.now();
    let _change = engine.sessions().change(&link.user_id);
    let mut tx = engine.store().begin().await?;
    let sql = "update users set password_hash = $2, updated_at = $3 where id = $1 and \
        email_verified_at is null";
    let is_theirs = tx.execute(sql, values![&link.user_id, hash, now]).await? == 1;
    if !is_theirs || !engine.links().note_choice(&mut tx, link, choice, now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    Ok(tx.commit().await?)
}
