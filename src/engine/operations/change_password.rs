//! Changing the password while signed in.

use super::reauthentication::{confirm_password, require_fresh_proof};
use crate::{
    engine::{
        Engine, links, outbox::Notification, passwords, rules::Operation, store::values,
        users::accounts::Account,
    },
    port::{Caller, Channel, Code, Field, Outcome, Password, Refusal, Session},
};

/// Changes the password. Every other session and every link ends, the owner is told (S21, S35). At
/// the pages the session goes on with a new token (S32); on the wire with the old one, as clients
/// expect.
///
/// The current password is proof enough. An account without one, which an emailed link signs in,
/// gets its first one at the pages, with a fresh proof (S20); on the wire there is no other proof,
/// so there it is refused.
pub(in crate::engine) async fn change_password(
    engine: &Engine,
    caller: &Caller,
    old_password: &Password,
    new_password: &Password,
) -> Outcome<Session> {
    let current = engine.current(caller).await?;
    if current.account.password_hash.is_none() && caller.channel == Channel::Pages {
        require_fresh_proof(engine, &current)?;
    } else {
        confirm_password(engine, &current, old_password).await?;
    }
    let account = &current.account;
    validate(engine, caller, account, [old_password, new_password]).await?;
    let password_hash = engine.hasher().hash(new_password, engine.random()).await?;

    let user_id = &account.user.id;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let mut session =
        engine.locked(&mut tx, &current, Operation::ChangePassword).await?.signed_in_user.session;
    let handle = &session.handle;
    let sql = "update users set password_hash = $2, updated_at = $3 \
               where id = $1 and coalesce(password_hash, '') = $4";
    let values = values![
        user_id,
        password_hash,
        engine.now(),
        account.password_hash.clone().unwrap_or_default()
    ];
    if tx.execute(sql, values).await? == 0 {
        return Err(Refusal::at(Field::CurrentPassword, Code::InvalidCredentials).into());
    }
    tx.execute("delete from sessions where user_id = $1 and id <> $2", values![user_id, handle])
        .await?;
    links::revoke_all(&mut tx, user_id).await?;
    if caller.channel == Channel::Pages {
        let token =
            engine.sessions().renew(&mut tx, handle, false, engine.random(), engine.now()).await?;
        session.token = Some(token.ok_or(Code::InvalidSessionToken)?);
    }
    engine.notify_owner(&mut tx, caller, account, Notification::PasswordChanged).await?;
    tx.commit().await?;
    Ok(session)
}

async fn validate(
    engine: &Engine,
    caller: &Caller,
    account: &Account,
    [old, new]: [&Password; 2],
) -> Outcome<()> {
    let settings = engine.settings();
    let name = account.user.name.as_deref().unwrap_or_default();
    let email = account.user.email.as_deref().unwrap_or_default();
    let phone = account.user.phone.as_deref().unwrap_or_default();
    let validated =
        passwords::rate(engine, caller, new, &[email, phone, name, &*settings.product_name])
            .await?;
    let validated =
        if old.expose() == new.expose() { Err(Code::PasswordUnchanged) } else { validated };
    validated.map_err(|code| Refusal::at(Field::Password, code).into())
}
