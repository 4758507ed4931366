//! Moving an account to another address.

use jiff::Timestamp;

use super::{
    email_code::guess,
    reauthentication::confirm_password_of,
    reauthentication::{confirm, wants_factor},
};
use crate::{
    engine::{
        Engine,
        limits::{Guesser, Lane, LimitedAction, exceeded},
        links::{self, Link, NewLink, Purpose},
        outbox::Notification,
        rules::Operation,
        sessions::Current,
        store::values,
        users::accounts::{self, Account},
    },
    port::{
        Caller, Channel, Code, Email, Field, LinkAccount, LinkKey, Outcome, Password, Problem,
        Refusal, User,
    },
};

/// Asks for the change: the new address gets a link that proves it, the old one is told (S21, S22).
///
/// The pages are not told that an address is taken (S05); its owner is. The wire is, as clients
/// expect it (altogic-protocol.md §3), behind the password and the limits. Where no password comes
/// along, as at the pages, a fresh proof is asked for (S20).
pub(in crate::engine) async fn change_email(
    engine: &Engine,
    caller: &Caller,
    current_password: Option<&Password>,
    new_email: &str,
) -> Outcome<User> {
    let current = engine.current(caller).await?;
    let new_email = validate(&current.account, current_password, new_email)?;
    confirm(engine, caller, &current, current_password).await?;
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::EmailFromAddress, caller, now)?;
    engine
        .limits()
        .take(LimitedAction::EmailFromAccount, &current.account.user.id, now)
        .map_err(exceeded)?;
    if engine.settings().confirm_email {
        ask(engine, caller, &current, &new_email, now).await
    } else {
        let session = Some((&current, Operation::ChangeEmail));
        let moved =
            AddressChange { new_email: &new_email, link: None, session, keeps_ways_in: true };
        move_account(engine, caller, &current.account, moved, now).await
    }
}

/// Finishes the change with the key of the link that was emailed to the new address. All links of
/// the account die.
///
/// Whoever reads the new mailbox may not be the owner of the account: a visitor can ask to move
/// their own account to it (S23). So it goes on as it was only where the change was asked for, in a
/// session of the account, or with its password. Elsewhere the account becomes that of the mailbox:
/// password, sessions, connected accounts and number end, and a link signs in. One with a second
/// factor is not moved that way, as its factor would stay (S18).
///
/// # Errors
/// `InvalidAccessToken`; `MissingPassword` or `InvalidCredentials` at the current password.
pub(in crate::engine) async fn confirm_email_change(
    engine: &Engine,
    caller: &Caller,
    key: &LinkKey,
    password: Option<&Password>,
) -> Outcome<User> {
    let (link, account) = live(engine, key).await?;
    let entered = password.filter(|password| !password.expose().is_empty());
    let mut is_owner = is_owner(engine, caller, &link).await;
    if let Some(password) = entered {
        // Guesses are counted for the link, so that whoever reads the mailbox does not keep the
        // owner waiting.
        let guesser = Guesser::KnownBrowser(link.id.clone());
        confirm_password_of(engine, &account, &guesser, password).await?;
        is_owner = true;
    }
    if !is_owner && account.has_second_factor() {
        return Err(Refusal::at(Field::CurrentPassword, Code::MissingPassword).into());
    }
    let moved = AddressChange {
        new_email: &link.email,
        link: Some(&link),
        session: None,
        keeps_ways_in: is_owner,
    };
    move_account(engine, caller, &account, moved, engine.now()).await
}

/// Describes the change that a link finishes. Reads only.
pub(in crate::engine) async fn describe_email_change(
    engine: &Engine,
    caller: &Caller,
    key: &LinkKey,
) -> Outcome<LinkAccount> {
    let (link, account) = live(engine, key).await?;
    let asks_password = !is_owner(engine, caller, &link).await;
    Ok(LinkAccount {
        email: Some(link.email.to_string()),
        name: account.user.name,
        began_at: link.created_at,
        began_from: link.asked_from,
        asks_password,
    })
}

async fn live(engine: &Engine, key: &LinkKey) -> Outcome<(Link, Account)> {
    let now = engine.now();
    let link = engine.links().by_key(engine.store(), key).await?;
    let link = link.filter(|link| link.purpose == Purpose::ChangeEmail && link.is_live(now));
    let link = link.ok_or(Code::InvalidAccessToken)?;
    let account =
        accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    Ok((link, account))
}

/// Whether the caller asked for the change, or is signed in to the account and has shown the second
/// factor that it has.
async fn is_owner(engine: &Engine, caller: &Caller, link: &Link) -> bool {
    let is_signed_in = match &caller.session {
        Some(_) => engine.current(caller).await.is_ok_and(|current| {
            current.account.user.id == link.user_id && !wants_factor(&current)
        }),
        None => false,
    };
    is_signed_in || engine.links().is_asker(caller, link)
}

/// As [`confirm_email_change`], with the code of that email, typed where the change was asked for.
pub(in crate::engine) async fn confirm_email_change_with_code(
    engine: &Engine,
    caller: &Caller,
    new_email: &str,
    code: &str,
) -> Outcome<User> {
    let current = engine.current(caller).await?;
    let link = guess(engine, caller, [Purpose::ChangeEmail; 2], new_email, code).await?;
    if link.user_id != current.account.user.id {
        return Err(Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into());
    }
    let session = Some((&current, Operation::ConfirmEmailChangeWithCode));
    let moved =
        AddressChange { new_email: &link.email, link: Some(&link), session, keeps_ways_in: true };
    move_account(engine, caller, &current.account, moved, engine.now()).await
}

fn validate(
    account: &Account,
    password: Option<&Password>,
    new_email: &str,
) -> Result<Email, Refusal> {
    let email = Email::parse(new_email).and_then(|email| {
        let is_same = account.user.email.as_deref() == Some(email.as_str());
        if is_same { Err(Code::EmailUnchanged) } else { Ok(email) }
    });
    let missing = password
        .is_some_and(|entered| entered.expose().is_empty())
        .then_some((Field::CurrentPassword, Code::MissingPassword));
    let problems =
        email.as_ref().err().map(|code| (Field::Email, *code)).into_iter().chain(missing);
    Refusal::of_all(problems.map(|(field, code)| Problem { code, field: Some(field) }).collect())?;
    email.map_err(|code| Refusal::at(Field::Email, code))
}

async fn ask(
    engine: &Engine,
    caller: &Caller,
    current: &Current,
    new_email: &Email,
    now: Timestamp,
) -> Outcome<User> {
    engine.limits().take_email_to("change", new_email, Lane::Ordinary, now)?;
    let mut tx = engine.store().begin().await?;
    let account = engine.locked(&mut tx, current, Operation::ChangeEmail).await?.account;
    let is_taken = accounts::is_claimed(&mut tx, new_email).await?;
    if is_taken && caller.channel == Channel::Api {
        return Err(Refusal::at(Field::Email, Code::EmailNotUnique).into());
    }
    let notification = Notification::EmailChangeRequested { new_email: new_email.clone() };
    engine.notify_owner(&mut tx, caller, &account, notification).await?;
    if is_taken {
        engine.write(&mut tx, &engine.account_exists(), new_email).await?;
    } else {
        let link = NewLink {
            purpose: Purpose::ChangeEmail,
            user_id: &account.user.id,
            email: new_email,
            caller,
            keeps_password: true,
            undo: None,
        };
        engine.write_link(&mut tx, &link, account.user.name.clone()).await?;
    }
    tx.commit().await?;
    Ok(account.user)
}

/// Change of an address.
struct AddressChange<'a> {
    new_email: &'a Email,
    link: Option<&'a Link>,
    /// Session that moves it, where one is needed, and the operation.
    session: Option<(&'a Current, Operation)>,
    /// Whether the owner of the account confirms it; else whoever reads the mailbox takes the
    /// account over.
    keeps_ways_in: bool,
}

/// Moves the account in one transaction. A link proves the address; without one it stays unproved.
async fn move_account(
    engine: &Engine,
    caller: &Caller,
    account: &Account,
    AddressChange { new_email, link, session, keeps_ways_in }: AddressChange<'_>,
    now: Timestamp,
) -> Outcome<User> {
    let user_id = &account.user.id;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    accounts::release_email_claim(&mut tx, user_id).await?;
    if !accounts::claim_email(&mut tx, new_email, user_id, now).await? {
        return Err(Refusal::at(Field::Email, Code::EmailNotUnique).into());
    }
    if let Some((current, operation)) = session {
        engine.locked(&mut tx, current, operation).await?;
    }
    if !account.vouches(now) {
        accounts::mark_added_email(&mut tx, user_id).await?;
    }
    // The old address in the condition: of two changes that were begun at once, the second finds
    // another one.
    let sql = "update users set email = $3, email_verified_at = $4, updated_at = $5 where id = $1 \
        and coalesce(email, '') = $2";
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
    links::revoke_all(&mut tx, user_id).await?;
    accounts::delete_waiting(&mut tx, new_email, user_id).await?;
    if !keeps_ways_in {
        accounts::revoke_all_sessions(&mut tx, user_id).await?;
        accounts::remove_phone(&mut tx, user_id).await?;
    }
    // Both addresses, and only the one that it had can take it back.
    let notification = Notification::EmailChanged { new_email: new_email.clone() };
    engine.notify_owner(&mut tx, caller, account, notification).await?;
    engine.notify_mailbox(&mut tx, caller, account, Notification::EmailIsNew, new_email).await?;
    let user = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidAccessToken)?.user;
    tx.commit().await?;
    Ok(user)
}
