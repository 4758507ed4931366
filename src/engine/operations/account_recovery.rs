//! "That was not me": the owner takes the account back, with the link of an email that told of a
//! change.
//!
//! # The contract
//!
//! * Opening the link changes nothing (S43, S44): [`describe_account_recovery`] says what it would
//!   do, [`recover_account`] does it, once (S45), and only within seven days.
//! * It switches no second factor off but one that such an email told of: whoever reads the mailbox
//!   alone must not get round one that was there before (S18).
//! * It ends every session, revokes every other link, every code and every sign-in that waits, and
//!   removes the password: nobody signs in with what a visitor knows. The owner chooses a new one
//!   at once, with the reset token that is the answer.
//! * It brings the account back to the address that the email went to, if it moved on since;
//!   pressing proves that address.
//! * It takes back what this email told of, **and what later ones did**, the newest first, so that
//!   somebody who changed three things is thrown out by the email about the first.
//! * Ways in that were added in the last seven days without a second factor go too, also where an
//!   older notification told of them: a thief who added a number and then reset the password with
//!   it is not let back in by it, whichever link is pressed (S105).
//! * A number or an email that it brings back is worth what it was: one that was added lately
//!   without a second factor falls to the recovery that follows, or to this one
//!   (`users/accounts/recent.rs`).
//! * Of two such links the older one is worth more. Pressing one revokes itself and the newer ones;
//!   an older one stays good. Else a thief who moved the account to a mailbox of theirs, and on,
//!   could revoke the owner's link with one that came to them.
//! * Nothing but that revokes such a link, a change of the password neither: a thief would do that
//!   first.

use jiff::Timestamp;

use super::{
    notify::{FormerNumber, Undo},
    two_factor,
};
use crate::{
    engine::{
        Engine,
        links::{self, LINKS, Link, Made, NewLink, Purpose},
        outbox::Notification,
        store::{Row, StoreError, Transaction, Value, damage, values},
        two_factor::{authenticators, recovery_codes},
        users::accounts::{self, Account, RecoveryMethod},
    },
    port::{AccessToken, AccountRecovery, Caller, Code, Field, LinkKey, Outcome, Refusal, User},
};

/// The live links that told of a change and of later ones, the newest first.
const TOLD_SINCE: &str = "select * from links where user_id = $1 and purpose = $2 and spent_at is \
                          null \
                          and (created_at > $3 or id = $4) order by created_at desc, id";

/// Describes the effect of the link. Reads only.
pub(in crate::engine) async fn describe_account_recovery(
    engine: &Engine,
    key: &LinkKey,
) -> Outcome<AccountRecovery> {
    let (link, account) = live(engine, key).await?;
    let told = read(&engine.store().fetch_all(TOLD_SINCE, told_since(&link)).await?)?;
    let undoes = |wanted: fn(&Undo) -> bool| {
        told.iter().any(|link| undo_of(link).as_ref().is_some_and(wanted))
    };
    Ok(AccountRecovery {
        email: link.email.to_string(),
        moves_back: account.mailbox().as_ref() != Some(&link.email),
        second_factor_off: account.user.second_factor
            && undoes(|undo| !matches!(undo, Undo::Phone { .. } | Undo::RecoveryCodes)),
        phone_back: undoes(|undo| matches!(undo, Undo::Phone { .. }))
            || (account.phone_falls(engine.now()) && !keeps_text_factor(&account, &told)),
    })
}

/// Does it. Answers a reset token for the address that the email went to.
///
/// # Errors
/// `InvalidAccessToken` when the link is spent, over or none; `EmailNotUnique` when the account
/// would move back and the address belongs to another one by now: then nothing is changed.
pub(in crate::engine) async fn recover_account(
    engine: &Engine,
    caller: &Caller,
    key: &LinkKey,
) -> Outcome<AccessToken> {
    let (link, _) = live(engine, key).await?;
    let (user_id, now) = (&link.user_id, engine.now());
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    // The address first, then the account: the order of locks (see `accounts`).
    accounts::lock_holdings(&mut tx, user_id).await?;
    let holds = take_address(&mut tx, &link, now).await?;
    let sql = "update users set updated_at = $2 where id = $1";
    tx.execute(sql, values![user_id, now]).await?;
    let account = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidAccessToken)?;
    let told = read(&tx.fetch_all(TOLD_SINCE, told_since(&link)).await?)?;
    let sql =
        "update links set spent_at = $2 where id = $1 and spent_at is null and expires_at > $2";
    if tx.execute(sql, values![&link.id, now]).await? == 0 {
        return Err(Code::InvalidAccessToken.into());
    }
    if !holds {
        return Err(Refusal::at(Field::Email, Code::EmailNotUnique).into());
    }
    move_back(&mut tx, &link, now).await?;
    for undo in told.iter().filter_map(undo_of) {
        take_back(&mut tx, user_id, undo, now).await?;
    }
    revoke_all_sessions(&mut tx, &link).await?;
    accounts::remove_recent_ways_in(&mut tx, user_id, RecoveryMethod::Email, now).await?;
    notify_left(engine, &mut tx, caller, &account, &link).await?;
    let reset = reset_link(engine, &mut tx, caller, &link).await?;
    tx.commit().await?;
    tracing::warn!(
        user = user_id,
        "an owner reported a change as not theirs: sessions ended, password removed"
    );
    let token = engine.links().mint_for(&reset.id, reset.expires_at, engine.random(), now);
    Ok(AccessToken::parse(&token)?)
}

async fn live(engine: &Engine, key: &LinkKey) -> Outcome<(Link, Account)> {
    let link = engine.links().by_key(engine.store(), key).await?;
    let link =
        link.filter(|link| link.purpose == Purpose::AccountRecovery && link.is_live(engine.now()));
    let link = link.ok_or(Code::InvalidAccessToken)?;
    let account =
        accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    Ok((link, account))
}

fn told_since(link: &Link) -> Vec<Value> {
    values![&link.user_id, Purpose::AccountRecovery.action(), link.created_at, &link.id]
}

fn read(rows: &[Row]) -> Result<Vec<Link>, StoreError> {
    damage::whole(rows, LINKS, Link::read)
}

fn undo_of(link: &Link) -> Option<Undo> {
    link.undo.as_deref().and_then(Undo::read)
}

/// Whether codes of the second factor go to the number once everything was taken back.
fn keeps_text_factor(account: &Account, told: &[Link]) -> bool {
    let (mut text, mut app) = (account.user.two_factor, account.authenticator);
    for undo in told.iter().filter_map(undo_of) {
        match undo {
            Undo::SecondFactor | Undo::Phone { former: None } => text = false,
            Undo::SecondFactorBesideApp => text &= !app,
            Undo::Authenticator => app = false,
            Undo::AuthenticatorBesideSms if account.user.phone_verified => {
                (text, app) = (true, false)
            }
            _ => {}
        }
    }
    text
}

/// Gives up what the account holds and holds the address of the link. `false` when another account
/// does.
///
/// Twice, as a change of address at the same moment may have been waited for: then the first delete
/// saw what the account held before it, and the second sees what it holds after.
async fn take_address(
    tx: &mut Transaction<'_>,
    link: &Link,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "delete from held_emails where user_id = $1 and email <> $2";
    for _ in 0..2 {
        tx.execute(sql, values![&link.user_id, link.email.as_str()]).await?;
        // One who never proved the address yields to the link, which does.
        let unverified = "delete from held_emails where email = $1 and user_id in \
                        (select id from users where email = $1 and id <> $2 and email_verified_at \
                        is null)";
        tx.execute(unverified, values![link.email.as_str(), &link.user_id]).await?;
        if accounts::claim_email(tx, &link.email, &link.user_id, link.mailbox_added.unwrap_or(now))
            .await?
        {
            if link.mailbox_added.is_some() {
                accounts::mark_added_email(tx, &link.user_id).await?;
            }
            return Ok(true);
        }
    }
    Ok(false)
}

/// Moves the account to the address of the link, which is proved by this.
async fn move_back(
    tx: &mut Transaction<'_>,
    link: &Link,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "update users set email = $2, email_verified_at = coalesce(case when email = $2 then \
               email_verified_at end, $3) \
               where id = $1";
    tx.execute(sql, values![&link.user_id, link.email.as_str(), now]).await?;
    accounts::delete_waiting(tx, &link.email, &link.user_id).await
}

/// Tells the address that the account left, once the links that went there are revoked.
async fn notify_left(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    caller: &Caller,
    account: &Account,
    link: &Link,
) -> Outcome<()> {
    match account.mailbox().filter(|mailbox| *mailbox != link.email) {
        // No name: the mailbox may be a visitor's.
        Some(left) => {
            let user = User { name: None, ..account.user.clone() };
            let nameless = Account { user, ..account.clone() };
            engine
                .notify_mailbox(tx, caller, &nameless, Notification::EmailChangeUndone, &left)
                .await
        }
        None => Ok(()),
    }
}

/// Takes back one thing.
async fn take_back(
    tx: &mut Transaction<'_>,
    user_id: &str,
    undo: Undo,
    now: Timestamp,
) -> Result<(), StoreError> {
    match undo {
        Undo::SecondFactor => {
            tx.execute("update users set two_factor = 0 where id = $1", values![user_id]).await?;
        }
        Undo::SecondFactorBesideApp => {
            // Only where the app is still there: what was asked for before must not end as nothing.
            let sql = "update users set two_factor = 0 where id = $1 and authenticator = 1";
            tx.execute(sql, values![user_id]).await?;
        }
        Undo::Authenticator => {
            tx.execute("update users set authenticator = 0 where id = $1", values![user_id])
                .await?;
            authenticators::remove(tx, user_id).await?;
        }
        Undo::AuthenticatorBesideSms => {
            let sql = "update users set authenticator = 0, two_factor = 1 where id = $1 and \
                phone_verified_at is not null";
            if tx.execute(sql, values![user_id]).await? == 1 {
                authenticators::remove(tx, user_id).await?;
            }
        }
        Undo::OtherAuthenticator => {
            if authenticators::bring_back(tx, user_id, now).await? {
                tx.execute("update users set authenticator = 1 where id = $1", values![user_id])
                    .await?;
            }
        }
        Undo::RecoveryCodes => recovery_codes::remove(tx, user_id).await?,
        Undo::Phone { former } => bring_number_back(tx, user_id, former, now).await?,
    }
    two_factor::settle_without_codes(tx, user_id, now).await.map(drop)
}

/// Gives the account its former number, or none.
async fn bring_number_back(
    tx: &mut Transaction<'_>,
    user_id: &str,
    former: Option<FormerNumber>,
    now: Timestamp,
) -> Result<(), StoreError> {
    accounts::release_phone_claim(tx, user_id).await?;
    // A number that there was may have had a second factor, which stays even if the number cannot
    // come back: recovery codes are the way in then.
    let had_one = former.is_some();
    let mut number = None;
    if let Some(FormerNumber { number: former, added }) = former
        && accounts::claim_phone(tx, &former, user_id, added.unwrap_or(now)).await?
    {
        if added.is_some() {
            accounts::mark_added_phone(tx, user_id).await?;
        }
        number = Some(former);
    }
    let sql = "update users set phone = $2, phone_verified_at = $3, \
               two_factor = case when $4 = 1 then two_factor else 0 end where id = $1";
    let proved = number.as_ref().map(|_| now);
    let number = number.map(|number| number.to_string());
    tx.execute(sql, values![user_id, number, proved, i64::from(had_one)]).await.map(drop)
}

/// Ends and revokes everything, but the older links of this kind.
async fn revoke_all_sessions(tx: &mut Transaction<'_>, link: &Link) -> Result<(), StoreError> {
    accounts::revoke_all_sessions(tx, &link.user_id).await?;
    links::revoke_all(tx, &link.user_id).await?;
    let sql = "delete from links where user_id = $1 and purpose = $2 and created_at > $3";
    tx.execute(sql, values![&link.user_id, Purpose::AccountRecovery.action(), link.created_at])
        .await
        .map(drop)
}

/// Makes a reset link for immediate use. It is not emailed, so it has no browser whose code could
/// be typed.
async fn reset_link(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    caller: &Caller,
    link: &Link,
) -> Outcome<Made> {
    let unmailed = Caller { browser: None, ..caller.clone() };
    let reset = NewLink {
        purpose: Purpose::ResetPassword,
        user_id: &link.user_id,
        email: &link.email,
        caller: &unmailed,
        keeps_password: true,
        undo: None,
    };
    engine.links().create(tx, &reset, engine.random(), engine.now()).await
}
