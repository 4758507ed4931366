//! Opening the link of a sign-up where it was not begun: whose account it is, and a password for it.

use super::{grant::live_link, open_mail_link::onward_of, sign_up::judge_password};
use crate::{
    engine::{
        Engine,
        accounts::{self, Account},
        store::values,
        tokens::{Link, Purpose},
    },
    port::{AccessToken, Caller, Code, LinkAccount, Outcome, Password},
};

/// Describes the account that a mailed link opens. Reads only.
pub(in crate::engine) async fn describe_link(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
) -> Outcome<Option<LinkAccount>> {
    let Ok(link) = live_link(engine, token).await else { return Ok(None) };
    let Some(account) = accounts::by_id(engine.store(), &link.user_id).await? else { return Ok(None) };
    let asks_password = asks_password(engine, caller, &link, &account);
    let Account { user, signed_up_from, .. } = account;
    Ok(Some(LinkAccount {
        email: link.email.to_string(),
        name: user.name,
        began_at: user.signed_up_at,
        began_from: signed_up_from,
        asks_password,
    }))
}

/// Whether the link confirms a sign-up whose password may be a stranger's.
pub(super) fn asks_password(engine: &Engine, caller: &Caller, link: &Link, account: &Account) -> bool {
    let waits = !account.user.email_verified && !account.holds_email;
    link.purpose == Purpose::EmailConfirm
        && waits
        && account.password_hash.is_some()
        && !(link.keeps_password && engine.links().is_signer(caller, account))
}

/// Gives the account of a sign-up the password that was typed where its link was opened, or none. It counts once the link is
/// redeemed, and the one of the sign-up never again. Answers where the browser goes on to, if that is an application.
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
    let account = accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    if asks_password(engine, caller, &link, &account) {
        let name = account.user.name.as_deref().unwrap_or_default();
        let hash = match password {
            Some(password) => {
                judge_password(engine, password, &[link.email.as_str(), name])?;
                Some(engine.hasher().hash(password, engine.random()).await?)
            }
            None => None,
        };
        set(engine, &link, hash).await?;
    }
    Ok(onward_of(engine, &link))
}

async fn set(engine: &Engine, link: &Link, hash: Option<String>) -> Outcome<()> {
    let now = engine.now();
    let _change = engine.sessions().change(&link.user_id);
    let mut tx = engine.store().begin().await?;
    let sql = "update users set password_hash = $2, updated_at = $3 where id = $1 and email_verified_at is null";
    let is_theirs = tx.execute(sql, values![&link.user_id, hash.clone(), now]).await? == 1;
    if !is_theirs || !engine.links().note_choice(&mut tx, link, hash.is_some(), now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    Ok(tx.commit().await?)
}
