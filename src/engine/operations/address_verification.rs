//! An address is proved: its account holds it from now on, and nobody else waits for it.
//!
//! # A password that somebody else chose
//!
//! Anyone can sign up with an address that is not theirs. Whoever reads its mailbox and confirms
//! must not open the account to the password that was chosen then (S23). So the password of a
//! sign-up survives its confirmation only where one of these holds:
//!
//! * the link is redeemed in the browser that signed up at our pages;
//! * whoever opened the link typed it on our page; a new one takes its place
//!   ([`super::choose_link_password`]). A browser that opens the link of an application's sign-up
//!   is shown that page before it goes on to the application, so people who signed up in an
//!   application keep their password by typing it once;
//! * a program opened the link, not a browser, and redeems its token with the address and the name
//!   (`User-Agent`) that signed up. Nobody reads email that way: it is how an application's own
//!   tests confirm, with the official client in one process.
//!
//! Else the account is confirmed and whoever confirmed it is in, with a link by email as the way
//! in; password, sessions and whatever else was set up before are gone.
//!
//! The same holds for an account that was in use before its address was proved, while
//! `confirm_email` was off.

use jiff::Timestamp;

use crate::engine::{
    links::Link,
    store::{StoreError, Transaction, values},
    users::accounts::{self, Account},
};

/// Guesser at an opened link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opener {
    /// The browser that asked for it.
    pub(super) is_asker: bool,
    /// The caller that signed up.
    pub(super) is_signer: bool,
}

/// Marks the address of a link as proved. `false` when another account holds it, or the account has
/// another address by now: then the link proves nothing (S22).
pub(super) async fn verify_address(
    tx: &mut Transaction<'_>,
    link: &Link,
    account: &Account,
    opener: Opener,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if account.user.email_verified {
        return Ok(account.user.email.as_deref() == Some(link.email.as_str()));
    }
    if !accounts::claim_email(tx, &link.email, &link.user_id, now).await? {
        return Ok(false);
    }
    let sql =
        "update users set email_verified_at = $3, updated_at = $3 where id = $1 and email = $2";
    if tx.execute(sql, values![&link.user_id, link.email.as_str(), now]).await? == 0 {
        return Ok(false);
    }
    let is_contested = accounts::is_contested(tx, &link.email, &link.user_id).await?;
    accounts::delete_waiting(tx, &link.email, &link.user_id).await?;
    let is_owners = link.keeps_password && opener.is_signer && (opener.is_asker || !is_contested);
    if !link.password_known && (link.password_chosen || !is_owners) {
        remove_password(tx, link).await?;
    }
    Ok(true)
}

/// Takes everything that was set up before, but a password that whoever opened the link chose.
async fn remove_password(tx: &mut Transaction<'_>, link: &Link) -> Result<(), StoreError> {
    let chosen =
        accounts::reload(tx, &link.user_id).await?.and_then(|account| account.password_hash);
    accounts::remove_password(tx, &link.user_id).await?;
    accounts::remove_phone(tx, &link.user_id).await?;
    if link.password_chosen {
        let sql = "update users set password_hash = $2 where id = $1";
        tx.execute(sql, values![&link.user_id, chosen]).await?;
    }
    Ok(())
}
