//! Changing or adding the number of an account.

use super::reauthentication::confirm;
use crate::{
    engine::{
        Engine,
        codes::{CodePurpose, RightCode},
        limits::{LimitedAction, exceeded},
        links,
        outbox::{Notification, Share, SmsMessage},
        rules::Operation,
        sessions::Current,
        store::values,
        users::accounts::{self, Account},
    },
    port::{Caller, Channel, Code, Field, Outcome, Password, Phone, Problem, Refusal, User},
};

/// Asks for the change: the new number gets a code that proves it (S21, S22, S66).
///
/// The pages are not told that a number is taken (S05); its owner is. The wire is, as clients
/// expect it (altogic-protocol.md §3, row 22), behind the password and the limits. Where no
/// password comes along, as at the pages, a fresh proof is asked for (S20).
pub(in crate::engine) async fn change_phone(
    engine: &Engine,
    caller: &Caller,
    current_password: Option<&Password>,
    new_phone: &str,
) -> Outcome<User> {
    let current = engine.current(caller).await?;
    let entered = engine.parse_phone(caller, new_phone).await?;
    let new_phone = validate(&current.account, current_password, entered)?;
    confirm(engine, caller, &current, current_password).await?;
    let asks_for_proof = engine.settings().confirm_phone;
    if asks_for_proof {
        engine.validate_destination(&new_phone, Share::Ordinary).await?;
    }
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::SmsFromAddress, caller, now)?;
    engine
        .limits()
        .take(LimitedAction::SmsFromAccount, &current.account.user.id, now)
        .map_err(exceeded)?;
    if !asks_for_proof {
        take_move(engine, &current.account, &new_phone)?;
        let session = Some((&current, Operation::ChangePhone));
        let moved = NewNumber { phone: &new_phone, code: None, session };
        return move_to_phone(engine, caller, &current.account, moved).await;
    }
    engine.limits().take_sms_to("change", &new_phone, now)?;
    engine.limits().take_sms_to_range(&new_phone, now)?;
    engine.limits().take_sms_to_new_number(&new_phone, now)?;
    let mut tx = engine.store().begin().await?;
    let account = engine.locked(&mut tx, &current, Operation::ChangePhone).await?.account;
    let is_taken = accounts::phone_is_claimed(&mut tx, &new_phone).await?;
    if is_taken && caller.channel == Channel::Api {
        return Err(Refusal::at(Field::Phone, Code::PhoneNotUnique).into());
    }
    if is_taken {
        engine.text(&mut tx, &SmsMessage::AccountExists, &new_phone, None).await?;
    } else {
        engine
            .sms_code(&mut tx, caller, CodePurpose::ChangePhone, &account.user.id, &new_phone)
            .await?;
    }
    tx.commit().await?;
    Ok(account.user)
}

/// Takes a change that needs no proof: the former number is told, and where nobody proved it, it
/// may be anybody's (S65).
fn take_move(engine: &Engine, account: &Account, new_phone: &Phone) -> Outcome<()> {
    let former = account.number().filter(|former| former != new_phone && engine.serves(former));
    let Some(former) = former.filter(|_| !account.user.phone_verified) else { return Ok(()) };
    let now = engine.now();
    engine
        .limits()
        .take(LimitedAction::MoveFromUnproved, &account.user.id, now)
        .map_err(exceeded)?;
    engine.limits().take_sms_to_range(&former, now)
}

fn validate(
    account: &Account,
    password: Option<&Password>,
    new_phone: Result<Phone, Code>,
) -> Result<Phone, Refusal> {
    let phone = new_phone.and_then(|phone| {
        let is_same = account.number().as_ref() == Some(&phone) && account.user.phone_verified;
        if is_same { Err(Code::PhoneUnchanged) } else { Ok(phone) }
    });
    let missing = password
        .is_some_and(|entered| entered.expose().is_empty())
        .then_some((Field::CurrentPassword, Code::MissingPassword));
    let problems =
        phone.as_ref().err().map(|code| (Field::Phone, *code)).into_iter().chain(missing);
    Refusal::of_all(problems.map(|(field, code)| Problem { code, field: Some(field) }).collect())?;
    phone.map_err(|code| Refusal::at(Field::Phone, code))
}

/// Number that an account moves to.
pub(super) struct NewNumber<'a> {
    pub(super) phone: &'a Phone,
    /// Code that proves it.
    pub(super) code: Option<&'a RightCode>,
    /// Session that moves it, where one is needed, and the operation.
    pub(super) session: Option<(&'a Current, Operation)>,
}

/// Makes a number the account's in one transaction. A code proves it; without one it stays
/// unproved. Every link and code of the account dies, its sessions go on; whoever had the number or
/// the mailbox is told.
pub(super) async fn move_to_phone(
    engine: &Engine,
    caller: &Caller,
    account: &Account,
    NewNumber { phone: new_phone, code, session }: NewNumber<'_>,
) -> Outcome<User> {
    let (user_id, now) = (&account.user.id, engine.now());
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    accounts::release_phone_claim(&mut tx, user_id).await?;
    if !accounts::claim_phone(&mut tx, new_phone, user_id, now).await? {
        return Err(Refusal::at(Field::Phone, Code::PhoneNotUnique).into());
    }
    if let Some((current, operation)) = session {
        engine.locked(&mut tx, current, operation).await?;
    }
    if !account.vouches(now) {
        accounts::mark_added_phone(&mut tx, user_id).await?;
    }
    // The old number in the condition: of two changes that were begun at once, the second finds
    // another one.
    let sql = "update users set phone = $3, phone_verified_at = $4, updated_at = $5 \
               where id = $1 and coalesce(phone, '') = $2";
    let former = account.user.phone.clone().unwrap_or_default();
    let proved = code.map(|_| now);
    let is_theirs =
        tx.execute(sql, values![user_id, former, new_phone.as_str(), proved, now]).await? == 1;
    let is_proved = match code {
        Some(code) => engine.codes().spend(&mut tx, code, now).await?,
        None => true,
    };
    if !is_theirs || !is_proved {
        return Err(Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into());
    }
    links::revoke_all(&mut tx, user_id).await?;
    accounts::delete_waiting_for_phone(&mut tx, new_phone, user_id).await?;
    if let Some(former) = account.number().filter(|former| former != new_phone) {
        let notification = Notification::PhoneChanged { new_phone_masked: new_phone.masked() };
        engine.notify_phone(&mut tx, account, &notification, &former).await?;
    }
    if account.claims_email {
        let notification = Notification::PhoneChanged { new_phone_masked: new_phone.masked() };
        engine.notify_owner(&mut tx, caller, account, notification).await?;
    }
    let user = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSessionToken)?.user;
    tx.commit().await?;
    Ok(user)
}
