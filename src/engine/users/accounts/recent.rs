//! Ways in that were added lately, and what a recovery does with them.
//!
//! # The contract
//!
//! * Whoever recovers an account may do so because somebody else had the password, or a session
//!   that had just begun: what every change asks for (`engine/rules.rs`) is then no proof of the
//!   owner. So a recovery takes back whatever was added within [`SETTLES`] without a second factor:
//!   number, email, connected accounts (S105).
//! * A second factor counts once it is older than [`SETTLES`]: else a thief would switch on one of
//!   their own first.
//! * The owner is told of every addition, with a link that undoes it for as long. What nobody undid
//!   for that time stays.
//! * What the account began with stays, and what was added while it had a second factor: then that
//!   was shown (S104).
//! * A number that codes of the second factor go to stays: a recovery never takes a second factor
//!   away (S18). "That was not me" does where its notification told of it
//!   (`operations/account_recovery.rs`). Such a number is a second factor only, until a sign-in has
//!   succeeded with it: it begins no sign-in and resets no password, also once that factor is off,
//!   and the next recovery that finds it off takes the number away, however old it is.
//! * An email falls only to a number that would stay itself, or a visitor's number would push the
//!   owner's email out. Such an email keeps nobody from a reset by SMS, and the links that it got
//!   take nothing back any more.
//! * What comes back in place of a later change ("that was not me") comes back as what it was: one
//!   that was added lately falls as if it had stayed.
//! * What is held is locked before the account, as the changes do it (see `accounts`).

use jiff::{SignedDuration, Timestamp};

use super::{SECOND_ONLY, VOUCHED};
use crate::engine::{
    clock::before,
    links::Purpose,
    providers::identities,
    store::{StoreError, Transaction, values},
    two_factor::authenticators,
    users::accounts::Account,
};

/// How long a recovery takes an addition back: as long as the link lives that undoes it.
const SETTLES: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Proof of a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum RecoveryMethod {
    Email,
    Phone,
}

impl Account {
    /// Whether what is added now was added by somebody who has shown a second factor that counts.
    pub(in crate::engine) fn vouches(&self, now: Timestamp) -> bool {
        self.has_second_factor()
            && self.factor_since.is_some_and(|since| since <= before(now, SETTLES))
    }

    /// Whether a recovery by email takes the number away, where no codes of the second factor go to
    /// it.
    pub(in crate::engine) fn phone_falls(&self, now: Timestamp) -> bool {
        is_recent(self.phone_added, now)
    }

    /// Whether a recovery by SMS takes the email away.
    pub(in crate::engine) fn email_falls(&self, now: Timestamp) -> bool {
        is_recent(self.email_added, now) && self.claims_phone && !self.phone_falls(now)
    }
}

fn is_recent(added: Option<Timestamp>, now: Timestamp) -> bool {
    added.is_some_and(|added| added > before(now, SETTLES))
}

/// Locks what an account holds, before its row is locked.
pub(in crate::engine) async fn lock_holdings(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("update held_emails set vouched = vouched where user_id = $1", values![user_id])
        .await?;
    tx.execute("update held_phones set vouched = vouched where user_id = $1", values![user_id])
        .await
        .map(drop)
}

/// Notes since when the account has had a second factor, after one was switched.
pub(in crate::engine) async fn note_factor_since(
    tx: &mut Transaction<'_>,
    user_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "update users set factor_since = case when two_factor = 1 or authenticator = 1 \
               then coalesce(factor_since, $2) else null end where id = $1";
    tx.execute(sql, values![user_id, now]).await.map(drop)
}

/// Notes that a sign-in succeeded with a code that went to the number as the second factor.
pub(in crate::engine) async fn note_shown_phone(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    let sql = "update held_phones set vouched = 1 where user_id = $1 and vouched = $2";
    tx.execute(sql, values![user_id, SECOND_ONLY]).await.map(drop)
}

/// Notes that the number that an account holds was added to it without a second factor.
pub(in crate::engine) async fn mark_added_phone(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("update held_phones set vouched = 0 where user_id = $1", values![user_id])
        .await
        .map(drop)
}

/// As [`mark_added_phone`], of the email.
pub(in crate::engine) async fn mark_added_email(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("update held_emails set vouched = 0 where user_id = $1", values![user_id])
        .await
        .map(drop)
}

/// Removes the ways in that were added lately, but the one that recovers the account. The account
/// is locked by the caller.
pub(in crate::engine) async fn remove_recent_ways_in(
    tx: &mut Transaction<'_>,
    user_id: &str,
    by: RecoveryMethod,
    now: Timestamp,
) -> Result<(), StoreError> {
    let since = before(now, SETTLES);
    identities::remove_added_since(tx, user_id, since).await?;
    authenticators::remove_waiting(tx, user_id).await?;
    match by {
        RecoveryMethod::Email => remove_phone(tx, user_id, since).await,
        RecoveryMethod::Phone => remove_email(tx, user_id, since).await,
    }
}

async fn remove_phone(
    tx: &mut Transaction<'_>,
    user_id: &str,
    since: Timestamp,
) -> Result<(), StoreError> {
    let sql = "delete from held_phones where user_id = $1 and (vouched = $3 or (vouched <> $4 and \
               held_since > $2)) \
               and exists (select 1 from users u where u.id = $1 and u.two_factor = 0)";
    if tx.execute(sql, values![user_id, since, SECOND_ONLY, VOUCHED]).await? == 1 {
        let sql = "update users set phone = null, phone_verified_at = null where id = $1";
        tx.execute(sql, values![user_id]).await?;
    }
    let sql = "update held_phones set vouched = $3 where user_id = $1 and vouched <> $4 and \
        held_since > $2";
    tx.execute(sql, values![user_id, since, SECOND_ONLY, VOUCHED]).await.map(drop)
}

async fn remove_email(
    tx: &mut Transaction<'_>,
    user_id: &str,
    since: Timestamp,
) -> Result<(), StoreError> {
    let settled = "select phone from held_phones where user_id = $1 \
                   and (vouched = $3 or (vouched <> $4 and held_since <= $2))";
    if tx.fetch_optional(settled, values![user_id, since, VOUCHED, SECOND_ONLY]).await?.is_none() {
        return Ok(());
    }
    // What went to the mailboxes that go takes nothing back any more.
    let sql = "delete from links where user_id = $1 and purpose = $2 and mailbox_added_at > $3";
    tx.execute(sql, values![user_id, Purpose::AccountRecovery.action(), since]).await?;
    let sql = "delete from held_emails where user_id = $1 and vouched <> $3 and held_since > $2";
    if tx.execute(sql, values![user_id, since, VOUCHED]).await? == 1 {
        let sql = "delete from links where user_id = $1 and purpose = $2 and email = (select email \
            from users where id = $1)";
        tx.execute(sql, values![user_id, Purpose::AccountRecovery.action()]).await?;
        let sql = "update users set email = null, email_verified_at = null where id = $1";
        tx.execute(sql, values![user_id]).await?;
    }
    Ok(())
}
