//! Mailing a link to whoever asks for one: the confirmation again, a magic link, a password reset.
//!
//! The answer is the same whether or not there is an account, in words and in time (S03, S05). A
//! mailbox that has had enough for now is told alike, known or not (S64, S107): nothing is called
//! sent that will not be.

use tokio::time::Instant;

use crate::{
    engine::{
        Engine,
        limits::{Lane, LimitedAction},
        links::{NewLink, Purpose},
        users::accounts::{self, Account},
    },
    port::{Caller, Code, Email, Field, Outcome, Refusal},
};

/// Emails the confirmation link again to an account that waits for it.
pub(in crate::engine) async fn resend_verification_email(
    engine: &Engine,
    caller: &Caller,
    email: &str,
) -> Outcome<()> {
    if !engine.settings().confirm_email {
        return Err(Code::EmailVerificationDisabled.into());
    }
    let asked = LinkLimits { kind: "confirm", lane: Lane::Ordinary, decoy: Purpose::EmailConfirm };
    send(engine, caller, email, asked, |account, _| {
        (!account.user.email_verified).then_some(Purpose::EmailConfirm)
    })
    .await
}

/// Emails a sign-in link. An account that still waits for a proof gets its confirmation link, which
/// signs in as well.
pub(in crate::engine) async fn send_magic_link_email(
    engine: &Engine,
    caller: &Caller,
    email: &str,
) -> Outcome<()> {
    let asked =
        LinkLimits { kind: "magic-link", lane: Lane::Reauthenticated, decoy: Purpose::MagicLink };
    send(engine, caller, email, asked, |_, usable| {
        Some(if usable { Purpose::MagicLink } else { Purpose::EmailConfirm })
    })
    .await
}

/// Emails a password reset link. It proves the address as well, so an account that still waits for
/// a proof gets one too, and whoever set its password before is locked out (S23).
pub(in crate::engine) async fn send_reset_password_email(
    engine: &Engine,
    caller: &Caller,
    email: &str,
) -> Outcome<()> {
    let asked =
        LinkLimits { kind: "reset", lane: Lane::Reauthenticated, decoy: Purpose::ResetPassword };
    send(engine, caller, email, asked, |_, _| Some(Purpose::ResetPassword)).await
}

/// The limits that a request is counted in.
struct LinkLimits {
    kind: &'static str,
    lane: Lane,
    /// The email that takes its time where there is nobody to write to.
    decoy: Purpose,
}

async fn send(
    engine: &Engine,
    caller: &Caller,
    email: &str,
    asked: LinkLimits,
    purpose: impl Fn(&Account, bool) -> Option<Purpose>,
) -> Outcome<()> {
    let begun = Instant::now();
    let email = Email::parse(email).map_err(|code| Refusal::at(Field::Email, code))?;
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::EmailFromAddress, caller, now)?;
    engine.limits().take_email_to(asked.kind, &email, asked.lane, now)?;
    let accounts = accounts::by_email(engine.store(), &email).await?;
    let is_only_one = accounts.len() == 1;
    let account = choose(engine, caller, accounts);
    let due = account.and_then(|account| {
        let usable = account.is_usable(engine.settings().confirm_email);
        Some((purpose(&account, usable)?, account.mailbox()?, account))
    });
    match due {
        Some(due) => write(engine, caller, due, is_only_one).await?,
        None => engine.write_no_link(caller, asked.decoy, &email).await?,
    }
    engine.even_out(begun).await;
    Ok(())
}

async fn write(
    engine: &Engine,
    caller: &Caller,
    (purpose, mailbox, account): (Purpose, Email, Account),
    is_only_one: bool,
) -> Outcome<()> {
    let link = NewLink {
        purpose,
        user_id: &account.user.id,
        email: &mailbox,
        caller,
        keeps_password: account.user.email_verified
            || is_signer(engine, caller, &account, is_only_one),
        undo: None,
    };
    let mut tx = engine.store().begin().await?;
    engine.write_link(&mut tx, &link, account.user.name.clone()).await?;
    Ok(tx.commit().await?)
}

/// The account that holds the address; else the one that this browser signed up; else the newest
/// that waits.
fn choose(engine: &Engine, caller: &Caller, accounts: Vec<Account>) -> Option<Account> {
    let of_browser = |account: &Account| {
        engine.links().is_browser(caller.browser.as_ref(), account.browser_digest.as_deref())
    };
    let holder = accounts.iter().position(|account| account.claims_email);
    let chosen = holder.or_else(|| accounts.iter().position(of_browser)).unwrap_or_default();
    accounts.into_iter().nth(chosen)
}

/// Whether whoever asks can be taken for the one who set the password: the browser is the same, or
/// there is none to tell by (the wire) and nobody else waits for the address.
fn is_signer(engine: &Engine, caller: &Caller, account: &Account, is_only_one: bool) -> bool {
    match (&caller.browser, &account.browser_digest) {
        (None, None) => is_only_one && engine.links().is_signer(caller, account),
        (browser, digest) => engine.links().is_browser(browser.as_ref(), digest.as_deref()),
    }
}
