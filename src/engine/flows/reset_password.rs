//! Setting a new password with the access token of a reset link.

use super::prove::prove_address;
use crate::{
    engine::{
        Engine, accounts,
        outbox::Letter,
        passwords,
        store::values,
        tokens::{self, Purpose},
    },
    port::{AccessToken, Code, Field, Outcome, Password, Refusal},
};

/// Sets the password, ends every session and every link, tells the owner (SECURITY.md S35). Signs nobody in. A refused
/// password does not spend the link.
pub(in crate::engine) async fn reset_password_with_token(
    engine: &Engine,
    token: &AccessToken,
    new_password: &Password,
) -> Outcome<()> {
    let now = engine.now();
    let link = engine.links().by_access_token(engine.store(), token, now).await?;
    let link = link.filter(|link| link.is_live(now)).ok_or(Code::InvalidAccessToken)?;
    if link.purpose != Purpose::ResetPassword {
        return Err(Code::InvalidTokenType.into());
    }
    let user = accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?.user;
    let settings = engine.settings();
    let personal = [link.email.as_str(), user.name.as_deref().unwrap_or_default(), &*settings.product_name];
    passwords::judge(new_password, settings.password_min, &personal)
        .map_err(|code| Refusal::at(Field::Password, code))?;
    let password_hash = engine.hasher().hash(new_password, engine.random()).await?;

    let now = engine.now();
    let _change = engine.sessions().change(&user.id);
    let mut tx = engine.store().begin().await?;
    if !prove_address(&mut tx, &link, &user, now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    let sql = "update users set password_hash = $3, updated_at = $4 where id = $1 and email = $2";
    let is_theirs = tx.execute(sql, values![&user.id, link.email.as_str(), password_hash, now]).await? == 1;
    if !is_theirs || !engine.links().spend(&mut tx, &link, now).await? {
        return Err(Code::InvalidAccessToken.into());
    }
    tokens::kill_all(&mut tx, &user.id).await?;
    tx.execute("delete from sessions where user_id = $1", values![&user.id]).await?;
    engine.write(&mut tx, &Letter::PasswordChanged { name: user.name }, &link.email).await?;
    Ok(tx.commit().await?)
}
