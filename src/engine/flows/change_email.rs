//! Moving an account to another address.

use jiff::Timestamp;

use super::proofs::confirm;
use crate::{
    engine::{
        Engine,
        accounts::{self, Account},
        limits::{Action, exceeded},
        outbox::Letter,
        sessions::Current,
        store::{Transaction, values},
        tokens::{self, Link, NewLink, Purpose},
    },
    port::{Caller, Code, Door, Email, Field, LinkKey, Outcome, Password, Problem, Refusal, User},
};

/// Asks for the change: the new address gets a link that proves it, the old one is told (SECURITY.md S21, S22).
///
/// The pages are not told that an address is taken (S05); its owner is. The wire is, as clients expect it (ALTOGIC_WIRE.md
/// §3), behind the password and the limits. Where no password comes along, as at the pages, a fresh proof is asked for (S20).
pub(in crate::engine) async fn change_email(
    engine: &Engine,
    caller: &Caller,
    current_password: Option<&Password>,
    new_email: &str,
) -> Outcome<User> {
    let current = engine.current(caller).await?;
    let new_email = judge(&current.account, current_password, new_email)?;
    confirm(engine, caller, &current, current_password).await?;
    let Current { account, .. } = current;
    let now = engine.now();
    engine.limits().take_from_caller(Action::MailFromAddress, caller, now)?;
    engine.limits().take(Action::MailFromAccount, &account.user.id, now).map_err(exceeded)?;
    if engine.settings().confirm_email {
        ask(engine, caller, &account, &new_email, now).await
    } else {
        change_at_once(engine, &account, &new_email, now).await
    }
}

/// Finishes the change with the key of the link that was mailed to the new address. All links of the account die.
pub(in crate::engine) async fn confirm_email_change(engine: &Engine, key: &LinkKey) -> Outcome<User> {
    let now = engine.now();
    let link = engine.links().by_key(engine.store(), key).await?;
    let link = link.filter(|link| link.purpose == Purpose::ChangeEmail && link.is_live(now));
    let link = link.ok_or(Code::InvalidAccessToken)?;
    let account = accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    move_account(engine, &account, &link.email, Some(&link), now).await
}

fn judge(account: &Account, password: Option<&Password>, new_email: &str) -> Result<Email, Refusal> {
    let email = Email::parse(new_email).and_then(|email| {
        let is_same = account.user.email.as_deref() == Some(email.as_str());
        if is_same { Err(Code::EmailUnchanged) } else { Ok(email) }
    });
    let missing = password
        .is_some_and(|typed| typed.expose().is_empty())
        .then_some((Field::CurrentPassword, Code::MissingPassword));
    let problems = email.as_ref().err().map(|code| (Field::Email, *code)).into_iter().chain(missing);
    Refusal::of_all(problems.map(|(field, code)| Problem { code, field: Some(field) }).collect())?;
    email.map_err(|code| Refusal::at(Field::Email, code))
}

async fn ask(engine: &Engine, caller: &Caller, account: &Account, new_email: &Email, now: Timestamp) -> Outcome<User> {
    let name = account.user.name.clone();
    let may_mail = engine.limits().allow_mail_to(new_email, now);
    let mut tx = engine.store().begin().await?;
    let is_taken = accounts::is_held(&mut tx, new_email).await?;
    if is_taken && caller.door == Door::Rest {
        return Err(Refusal::at(Field::Email, Code::EmailNotUnique).into());
    }
    if let Some(mailbox) = account.mailbox() {
        let letter = Letter::EmailChangeRequested { name: name.clone(), new_email: masked(new_email) };
        engine.write(&mut tx, &letter, &mailbox).await?;
    }
    if is_taken && may_mail {
        engine.write(&mut tx, &engine.account_exists(), new_email).await?;
    } else if may_mail {
        let link = NewLink {
            purpose: Purpose::ChangeEmail,
            user_id: &account.user.id,
            email: new_email,
            browser: caller.browser.as_ref(),
            redirect_url: caller.redirect_url.as_deref(),
            keeps_password: true,
        };
        engine.write_link(&mut tx, &link, name).await?;
    }
    tx.commit().await?;
    Ok(account.user.clone())
}

async fn change_at_once(engine: &Engine, account: &Account, new_email: &Email, now: Timestamp) -> Outcome<User> {
    move_account(engine, account, new_email, None, now).await
}

/// Moves the account in one transaction. A link proves the address; without one it stays unproved.
async fn move_account(
    engine: &Engine,
    account: &Account,
    new_email: &Email,
    link: Option<&Link>,
    now: Timestamp,
) -> Outcome<User> {
    let user_id = &account.user.id;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    accounts::release(&mut tx, user_id).await?;
    if !accounts::hold(&mut tx, new_email, user_id, now).await? {
        return Err(Refusal::at(Field::Email, Code::EmailNotUnique).into());
    }
    // The old address in the condition: of two changes that were begun at once, the second finds another one.
    let sql = "update users set email = $3, email_verified_at = $4, updated_at = $5 where id = $1 and coalesce(email, '') = $2";
    let proved = link.map(|_| now);
    let former = account.user.email.as_deref().unwrap_or_default();
    let values = values![user_id, former, new_email.as_str(), proved, now];
    if tx.execute(sql, values).await? == 0 {
        return Err(Code::InvalidAccessToken.into());
    }
    if let Some(link) = link
        && !engine.links().spend(&mut tx, link, now).await?
    {
        return Err(Code::InvalidAccessToken.into());
    }
    tokens::kill_all(&mut tx, user_id).await?;
    accounts::delete_waiting(&mut tx, new_email, user_id).await?;
    tell_old_address(engine, &mut tx, account, new_email).await?;
    let user = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidAccessToken)?.user;
    tx.commit().await?;
    Ok(user)
}

async fn tell_old_address(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    account: &Account,
    new_email: &Email,
) -> Outcome<()> {
    let Some(mailbox) = account.mailbox() else { return Ok(()) };
    let letter = Letter::EmailChanged { name: account.user.name.clone(), new_email: masked(new_email) };
    Ok(engine.write(tx, &letter, &mailbox).await?)
}

/// An address as its owner recognises it and nobody else learns it: "a…@example.com".
pub(super) fn masked(email: &Email) -> String {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
    format!("{}…@{domain}", local.chars().take(1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_keeps_its_first_letter_and_its_domain() {
        assert_eq!(masked(&Email::parse("ann.example@example.com").unwrap()), "a…@example.com");
    }
}
