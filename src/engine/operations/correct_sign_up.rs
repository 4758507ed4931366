//! Mending a mistyped address before it was proved.

use crate::{
    engine::{
        Engine,
        limits::{Lane, LimitedAction},
        links::{self, NewLink, Purpose},
        store::values,
        users::accounts,
    },
    port::{Caller, Code, Email, Field, Outcome, Refusal},
};

/// Moves the sign-up of this browser to another address and emails the link there. A taken address
/// gets the email that says so instead; the answer is the same.
pub(in crate::engine) async fn correct_sign_up_email(
    engine: &Engine,
    caller: &Caller,
    old_email: &str,
    new_email: &str,
) -> Outcome<()> {
    let old_email = Email::parse(old_email).map_err(|_| Code::NothingToCorrect)?;
    let new_email = Email::parse(new_email).map_err(|code| Refusal::at(Field::Email, code))?;
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::EmailFromAddress, caller, now)?;
    engine.limits().take_email_to("sign-up", &new_email, Lane::Ordinary, now)?;
    let waiting =
        accounts::by_email(engine.store(), &old_email).await?.into_iter().find(|account| {
            let is_theirs = engine
                .links()
                .is_browser(caller.browser.as_ref(), account.browser_digest.as_deref());
            is_theirs && !account.claims_email && !account.user.email_verified
        });
    let user = waiting.ok_or(Code::NothingToCorrect)?.user;
    let _change = engine.sessions().change(&user.id);
    let mut tx = engine.store().begin().await?;
    let is_taken = accounts::is_claimed(&mut tx, &new_email).await?;
    let sql = "update users set email = $3, updated_at = $4 where id = $1 and email = $2 and \
               email_verified_at is null \
               and not exists (select 1 from held_emails h where h.user_id = users.id)";
    if tx.execute(sql, values![&user.id, old_email.as_str(), new_email.as_str(), now]).await? == 0 {
        return Err(Code::NothingToCorrect.into());
    }
    links::revoke_all(&mut tx, &user.id).await?;
    if is_taken {
        engine.write(&mut tx, &engine.account_exists(), &new_email).await?;
    } else {
        let link = NewLink {
            purpose: Purpose::EmailConfirm,
            user_id: &user.id,
            email: &new_email,
            caller,
            keeps_password: true,
            undo: None,
        };
        engine.write_link(&mut tx, &link, user.name.clone()).await?;
    }
    Ok(tx.commit().await?)
}
