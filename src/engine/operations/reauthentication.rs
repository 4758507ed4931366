//! Step up: a sensitive change wants a proof that is younger than ten minutes, so that a stolen or
//! forgotten session does not give the account away (S20; OWASP ASVS 7.5.1).
//!
//! # The contract
//!
//! * An account with a second factor is proved with it: a session that began before it was switched
//!   on, or without it, shows it first, and the password alone is no proof there. Else who has the
//!   password and an old session could put a factor of their own in the owner's place.
//! * Signing in is a proof. So is the password, or a code, typed later: then the session goes on
//!   under a new token (S32), and the account's other sessions stay as unproved as they were.
//! * Both channels ask for the same, as the table of operations says (`engine/rules.rs`). A page
//!   shows the step-up page for `ProofNeeded` and asks again with what was typed. An application
//!   has its person sign in again.
//! * A verb that takes the password calls [`confirm`]. The calls of the two-factor example carry
//!   none: they want a sign-in within ten minutes, which is how the example makes them
//!   (altogic-protocol.md §8).

use jiff::SignedDuration;

use super::notify::asked_by;
use crate::{
    engine::{
        Engine,
        codes::{Asker, CodePurpose, Guess, NewCode, RightCode},
        limits::{FactorText, Guesser, LimitedAction, NewGuess, Secret, exceeded},
        outbox::{EmailMessage, Schedule, Share},
        sessions::Current,
        store::Transaction,
        two_factor::authenticators::RightStep,
        users::accounts::Account,
    },
    port::{
        Caller, Channel, Code, CodeDestination, Email, Field, OneTimeCode, OperationError, Outcome,
        Password, Phone, Proof, ProofMethods, Refusal, Session, SignedInUser,
    },
};

/// How long a proof is fresh. ASVS 7.5.1 and S20 want between five and fifteen minutes.
const PROOF_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Lets a sensitive change pass only while the last proof is fresh, on both channels.
///
/// # Errors
/// `ProofNeeded`.
pub(in crate::engine) fn require_fresh_proof(engine: &Engine, current: &Current) -> Outcome<()> {
    if wants_factor(current) {
        return Err(Code::ProofNeeded.into());
    }
    // In both directions: after a clock was set back, a proof of the future must not be fresh for
    // ever (R15).
    let age = engine.now().duration_since(current.proved_at).abs();
    if age < PROOF_LIFE { Ok(()) } else { Err(Code::ProofNeeded.into()) }
}

/// Whether this session has not shown the second factor that its account has.
pub(in crate::engine) fn wants_factor(current: &Current) -> bool {
    current.account.has_second_factor() && !current.signed_in_user.session.second_factor
}

/// The proof of a change that takes the current password along: that password where there is one,
/// else a fresh proof.
///
/// # Errors
/// `MissingPassword` or `InvalidCredentials` at the current password, `RateLimitExceeded`;
/// `ProofNeeded`.
pub(super) async fn confirm(
    engine: &Engine,
    caller: &Caller,
    current: &Current,
    current_password: Option<&Password>,
) -> Outcome<()> {
    match current_password {
        Some(password) => confirm_password(engine, current, password).await,
        None if caller.channel == Channel::Api => {
            Err(Refusal::at(Field::CurrentPassword, Code::MissingPassword).into())
        }
        None => require_fresh_proof(engine, current),
    }
}

/// How the one who is signed in can prove to be the owner.
pub(in crate::engine) async fn proof_methods(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<ProofMethods> {
    let current = engine.current(caller).await?;
    let account = &current.account;
    let code = code_target_of(account).map(|place| match place {
        CodeTarget::Phone(phone) => CodeDestination::Phone(phone.masked()),
        CodeTarget::Mailbox(email) => CodeDestination::Mailbox(email.masked()),
    });
    let has_password = account.password_hash.is_some();
    let password = has_password && !wants_factor(&current);
    Ok(ProofMethods { password, has_password, authenticator: account.authenticator, code })
}

/// Sends a code, good for this session alone.
///
/// It is counted for the account, and not for the number or mailbox: visitors, who can have links
/// sent there, must not be able to keep the owner from it (S12).
pub(in crate::engine) async fn send_proof_code(engine: &Engine, caller: &Caller) -> Outcome<()> {
    let Current { signed_in_user, account, .. } = engine.current(caller).await?;
    let now = engine.now();
    match code_target_of(&account).ok_or(Code::ProofCodeNotOffered)? {
        CodeTarget::Phone(phone) => {
            let day = engine.validate_destination(&phone, Share::SecondFactor).await?;
            engine.limits().take_from_caller(LimitedAction::SmsFromAddress, caller, now)?;
            let (user_id, phone) = (&*account.user.id, &phone);
            let known = engine.devices().known(engine.store(), user_id, caller).await?;
            let text = FactorText { user_id, phone, known_browser: known.as_deref(), day };
            engine.limits().take_factor_text(&text, now)?;
            let mut tx = engine.store().begin().await?;
            let asker = Asker::session(&signed_in_user.session.handle);
            engine
                .sms_code_of(&mut tx, &new_code(&signed_in_user, phone.as_str(), &asker), phone)
                .await?;
            Ok(tx.commit().await?)
        }
        CodeTarget::Mailbox(email) => {
            engine.limits().take_from_caller(LimitedAction::EmailFromAddress, caller, now)?;
            engine
                .limits()
                .take(LimitedAction::EmailFromAccount, &account.user.id, now)
                .map_err(exceeded)?;
            let mut tx = engine.store().begin().await?;
            email_code(engine, &mut tx, caller, &signed_in_user, &email).await?;
            Ok(tx.commit().await?)
        }
    }
}

/// A proof that was right.
enum CorrectProof {
    Password,
    Sent(RightCode),
    App(RightStep),
}

/// Takes a proof: the password, the code that was sent, or the one of the authenticator app. The
/// session goes on under a new token (S32).
///
/// # Errors
/// `MissingPassword`, `InvalidCredentials`, `MissingOneTimeCode` or `InvalidOneTimeCode` at its
/// field; `RateLimitExceeded`.
pub(in crate::engine) async fn reauthenticate(
    engine: &Engine,
    caller: &Caller,
    proof: Proof,
) -> Outcome<Session> {
    let current = engine.current(caller).await?;
    let is_password_enough = !wants_factor(&current);
    let right = match proof {
        Proof::Password(_) if !is_password_enough => return Err(Code::ProofNeeded.into()),
        Proof::Password(entered) => {
            confirm_password(engine, &current, &entered).await.map(|()| CorrectProof::Password)?
        }
        Proof::Code(entered) => {
            guess(engine, &current.signed_in_user, &current.account, &entered).await?
        }
    };
    let Current { mut signed_in_user, account, .. } = current;
    let now = engine.now();
    let _change = engine.sessions().change(&signed_in_user.user.id);
    let mut tx = engine.store().begin().await?;
    // What went to the mailbox is the one factor of an account without a second one.
    let factor = matches!(right, CorrectProof::App(_))
        || (matches!(right, CorrectProof::Sent(_)) && account.user.two_factor);
    let is_spent = match right {
        CorrectProof::Password => true,
        CorrectProof::Sent(code) => engine.codes().spend(&mut tx, &code, now).await?,
        CorrectProof::App(step) => {
            engine.authenticators().spend(&mut tx, &signed_in_user.user.id, &step).await?
        }
    };
    if !is_spent {
        return Err(wrong_code());
    }
    let token = engine
        .sessions()
        .renew(&mut tx, &signed_in_user.session.handle, factor, engine.random(), now)
        .await?;
    signed_in_user.session.token = Some(token.ok_or(Code::InvalidSessionToken)?);
    signed_in_user.session.second_factor |= factor;
    tx.commit().await?;
    Ok(signed_in_user.session)
}

/// Where a code that proves the owner can go.
enum CodeTarget {
    Phone(Phone),
    Mailbox(Email),
}

/// The phone of the second factor. An account that has neither that nor a password is entered by
/// its mailbox, or by its number, so that is what proves its owner.
fn code_target_of(account: &Account) -> Option<CodeTarget> {
    let phone = account.number().filter(|_| account.user.phone_verified).map(CodeTarget::Phone);
    if account.user.two_factor {
        return phone;
    }
    if account.authenticator || account.password_hash.is_some() {
        return None;
    }
    account.mailbox().filter(|_| account.claims_email).map(CodeTarget::Mailbox).or(phone)
}

fn new_code<'a>(
    signed_in_user: &'a SignedInUser,
    target: &'a str,
    asked_by: &'a Asker,
) -> NewCode<'a> {
    let challenge_id = Some(signed_in_user.session.handle.as_str());
    NewCode {
        purpose: CodePurpose::Prove,
        user_id: &signed_in_user.user.id,
        target,
        challenge_id,
        asked_by,
    }
}

async fn email_code(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    caller: &Caller,
    signed_in_user: &SignedInUser,
    to: &Email,
) -> Outcome<()> {
    let asker = Asker::session(&signed_in_user.session.handle);
    let new = new_code(signed_in_user, to.as_str(), &asker);
    let (code, expires_at) = engine.codes().create(tx, &new, engine.random(), engine.now()).await?;
    let (name, minutes) = (signed_in_user.user.name.clone(), new.purpose.minutes());
    let email_message = EmailMessage::Prove { name, code, minutes, asked_by: asked_by(caller) };
    let schedule = Schedule { expires_at: Some(expires_at), first: true, ..Schedule::default() };
    Ok(engine.outbox().enqueue_at(tx, &email_message, to, schedule).await?)
}

/// Takes a guess at the code of the app, and at the one that was sent for this session.
async fn guess(
    engine: &Engine,
    signed_in_user: &SignedInUser,
    account: &Account,
    entered: &str,
) -> Outcome<CorrectProof> {
    let code = OneTimeCode::parse(entered).map_err(|code| Refusal::at(Field::OneTimeCode, code))?;
    if account.authenticator
        && let Some(step) = guess_at_app(engine, signed_in_user, account, &code).await?
    {
        return Ok(CorrectProof::App(step));
    }
    guess_at_sent(engine, signed_in_user, account, &code).await.map(CorrectProof::Sent)
}

/// Counted for the session and the account, but where a code can be sent as well: there the guess
/// at that one is counted.
async fn guess_at_app(
    engine: &Engine,
    signed_in_user: &SignedInUser,
    account: &Account,
    code: &OneTimeCode,
) -> Outcome<Option<RightStep>> {
    let (user_id, now) = (account.user.id.as_str(), engine.now());
    let guesser = &Guesser::Session(signed_in_user.session.handle.clone());
    let guess = NewGuess { secret: Secret::Code, target: user_id, guesser, is_asker: false };
    let taken = engine.limits().take_guess(&guess, now)?;
    let right = engine.authenticators().check(engine.store(), user_id, code, now).await?;
    if right.is_some() || code_target_of(account).is_some() {
        engine.limits().give_guess_back(&taken);
    }
    Ok(right)
}

async fn guess_at_sent(
    engine: &Engine,
    signed_in_user: &SignedInUser,
    account: &Account,
    code: &OneTimeCode,
) -> Outcome<RightCode> {
    let place = code_target_of(account);
    let target = match &place {
        Some(CodeTarget::Phone(phone)) => phone.as_str(),
        Some(CodeTarget::Mailbox(email)) => email.as_str(),
        None => return Err(wrong_code()),
    };
    let user_id = account.user.id.as_str();
    let (purposes, handle) = ([CodePurpose::Prove; 2], &signed_in_user.session.handle);
    let (guesser, asker) = (&Guesser::Session(handle.clone()), &Asker::session(handle));
    let (counted_for, challenge_id) = (user_id, Some(handle.as_str()));
    let user_id = Some(user_id);
    let guess = Guess {
        purposes,
        target,
        code,
        user_id,
        session_of: None,
        challenge_id,
        counted_for,
        guesser,
        asker,
    };
    engine.codes().guess(engine.store(), engine.limits(), &guess, engine.now()).await
}

fn wrong_code() -> OperationError {
    Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into()
}

/// Compares the current password, typed to confirm a change. Wrong guesses are counted for the
/// session, so that whoever stole another one does not keep the owner from it, and for all sessions
/// of the account.
///
/// # Errors
/// `MissingPassword` or `InvalidCredentials` at the field, `RateLimitExceeded`.
pub(super) async fn confirm_password(
    engine: &Engine,
    current: &Current,
    entered: &Password,
) -> Outcome<()> {
    let guesser = Guesser::Session(current.signed_in_user.session.handle.clone());
    confirm_password_of(engine, &current.account, &guesser, entered).await
}

/// As [`confirm_password`], where nobody is signed in.
///
/// # Errors
/// As [`confirm_password`].
pub(super) async fn confirm_password_of(
    engine: &Engine,
    account: &Account,
    guesser: &Guesser,
    entered: &Password,
) -> Outcome<()> {
    if entered.expose().is_empty() {
        return Err(Refusal::at(Field::CurrentPassword, Code::MissingPassword).into());
    }
    let guess = NewGuess {
        secret: Secret::CurrentPassword,
        target: &account.user.id,
        guesser,
        is_asker: false,
    };
    let taken = engine.limits().take_guess(&guess, engine.now())?;
    let verdict = engine.hasher().verify(entered, account.password_hash.as_deref()).await;
    if matches!(verdict, Ok(verdict) if !verdict.right) {
        return Err(Refusal::at(Field::CurrentPassword, Code::InvalidCredentials).into());
    }
    // One that nobody could look at is no guess either.
    engine.limits().give_guess_back(&taken);
    verdict.map(drop).map_err(OperationError::from)
}
