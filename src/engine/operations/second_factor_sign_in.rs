//! The second factor after every first one: a code by SMS, one of an authenticator app, or a
//! recovery code; and the number that codes by SMS go to (altogic-protocol.md §8).

use super::{
    change_phone::{NewNumber, move_to_phone},
    complete_first_factor::{FirstFactor, SignInMethod, create_session},
};
use crate::{
    engine::{
        Engine,
        codes::{Asker, CodePurpose, Guess, NewCode, RightCode},
        limits::{FactorText, LimitedAction, NewGuess, Secret, TakenGuess, exceeded},
        outbox::{Notification, Share},
        phones::parse_phone_and_code,
        providers::provider_sessions::ProviderSession,
        rules::Operation,
        store::Transaction,
        two_factor::{
            authenticators::RightStep,
            challenges::{NewChallenge, PendingChallenge},
            recovery_codes,
        },
        users::accounts::{self, Account},
    },
    port::{
        Caller, Challenge, ChallengeToken, Channel, Code, Factors, Field, Grant, OneTimeCode,
        OperationError, Outcome, Phone, RecoveryCode, Refusal, SecondFactorOf, SentCode, User,
    },
};

/// Asks for the second factor of an account whose first one was right; commits what the first one
/// spent.
///
/// At the pages an authenticator app comes before SMS, which is sent when it is asked for; the wire
/// knows SMS alone. Where no code can be sent, the sign-in waits for an app or a recovery code;
/// without either, nobody is let in, and the owner, who has proved the first factor, is told why
/// (S83).
pub(super) async fn challenge(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    account: &Account,
    first: FirstFactor,
    provider_session: Option<&ProviderSession>,
) -> Outcome<Challenge> {
    let is_page = caller.channel == Channel::Pages;
    let text = account.user.two_factor && first != FirstFactor::Phone;
    if !text && !is_page && account.authenticator {
        return Err(Code::SecondFactorElsewhere.into());
    }
    let has_codes = recovery_codes::has_some(&mut tx, &account.user.id).await?;
    let has_another = is_page && (account.authenticator || has_codes);
    if !text && !has_another {
        // What the first factor spent stays spent: it has told whoever typed it that it was right.
        tx.commit().await?;
        return Err(Code::SecondFactorFirst.into());
    }
    let phone = match text && !(is_page && account.authenticator) {
        false => None,
        true => match may_send_sms(engine, caller, &mut tx, account).await {
            Ok(phone) => Some(phone),
            Err(OperationError::Rejected(_)) if has_another => None,
            Err(error) => {
                // What the first factor spent is given back before the operator is told, which
                // writes.
                drop(tx);
                engine.log_if_exhausted(&error).await?;
                return Err(error);
            }
        },
    };
    let factors = Factors { text, authenticator: account.authenticator, recovery_code: has_codes };
    wait(engine, caller, tx, account, phone.as_ref(), factors, provider_session).await
}

/// Makes the sign-in that waits, and the code where one is sent. Commits.
async fn wait(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    account: &Account,
    phone: Option<&Phone>,
    factors: Factors,
    provider_session: Option<&ProviderSession>,
) -> Outcome<Challenge> {
    let (user_id, sms_counts, begun_by) = (&account.user.id, factors.text, &engine.asker(caller));
    let new =
        NewChallenge { user_id, channel: caller.channel, sms_counts, provider_session, begun_by };
    let (waiting, token) =
        engine.challenges().create(&mut tx, &new, engine.random(), engine.now()).await?;
    let sent = match phone {
        Some(phone) => Some(sms_code(engine, &mut tx, &waiting, phone).await?),
        None => None,
    };
    tx.commit().await?;
    Ok(Challenge { token, factors, sent })
}

/// Sends a code by SMS for a sign-in that waits; a former one dies (S16).
pub(in crate::engine) async fn resend_second_factor(
    engine: &Engine,
    caller: &Caller,
    token: &ChallengeToken,
) -> Outcome<Challenge> {
    let waiting = engine.challenges().by_token(engine.store(), token, engine.now()).await?;
    let waiting = waiting.ok_or(Code::ChallengeGone)?;
    let account =
        accounts::by_id(engine.store(), &waiting.user_id).await?.ok_or(Code::ChallengeGone)?;
    let text = account.user.two_factor && waiting.sms_counts;
    let phone = account.number().filter(|_| text).ok_or(Code::SecondFactorNeedsPhone)?;
    engine.validate_destination(&phone, Share::SecondFactor).await?;
    let mut tx = engine.store().begin().await?;
    may_send_sms(engine, caller, &mut tx, &account).await?;
    let sent = sms_code(engine, &mut tx, &waiting, &phone).await?;
    let recovery_code = recovery_codes::has_some(&mut tx, &waiting.user_id).await?;
    tx.commit().await?;
    let factors = Factors { text, authenticator: account.authenticator, recovery_code };
    Ok(Challenge { token: token.clone(), factors, sent: Some(sent) })
}

/// Second factor as entered.
enum EnteredCode {
    /// Of the message, or of the authenticator app.
    Digits(OneTimeCode),
    Recovery(RecoveryCode),
}

/// A second factor that was right and is not spent yet.
enum CorrectFactor {
    Text(RightCode),
    App(RightStep),
    /// Whether it is right shows when it is spent.
    Recovery(RecoveryCode),
}

/// Spends a second factor and the sign-in it was asked for, and begins the session, all in one
/// transaction.
pub(in crate::engine) async fn sign_in_with_second_factor(
    engine: &Engine,
    caller: &Caller,
    of: SecondFactorOf,
    code: &str,
    trust: bool,
) -> Outcome<Grant> {
    let entered = read(code)?;
    let now = engine.now();
    let (waiting, account, asker) = find(engine, caller, of).await?;
    let attempt =
        SecondFactorAttempt { engine, caller, waiting: &waiting, account: &account, asker: &asker };
    let right = attempt.validate(entered).await?;
    let _change = engine.sessions().change(&waiting.user_id);
    let mut tx = engine.store().begin().await?;
    let is_text = matches!(right, CorrectFactor::Text(_));
    if !attempt.spend(&mut tx, right).await? {
        return Err(invalid().into());
    }
    if is_text {
        accounts::note_shown_phone(&mut tx, &waiting.user_id).await?;
    }
    let provider_session =
        engine.challenges().spend(&mut tx, &waiting, now).await?.ok_or_else(invalid)?;
    create_session(
        engine,
        caller,
        tx,
        &waiting.user_id,
        SignInMethod::Second { trust },
        provider_session.as_ref(),
    )
    .await
}

/// Six digits, or what a recovery code looks like.
fn read(code: &str) -> Result<EnteredCode, Refusal> {
    let digits = OneTimeCode::parse(code);
    match RecoveryCode::parse(code) {
        Ok(recovery) if digits.is_err() => Ok(EnteredCode::Recovery(recovery)),
        _ => digits.map(EnteredCode::Digits).map_err(|code| Refusal::at(Field::OneTimeCode, code)),
    }
}

fn invalid() -> Refusal {
    Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode)
}

/// The sign-in that is meant, its account, and who guesses: whoever has its token is who began it.
async fn find(
    engine: &Engine,
    caller: &Caller,
    of: SecondFactorOf,
) -> Outcome<(PendingChallenge, Account, Asker)> {
    let now = engine.now();
    match of {
        SecondFactorOf::Challenge(token) => {
            let waiting = engine.challenges().by_token(engine.store(), &token, now).await?;
            let waiting = waiting.ok_or(Code::ChallengeGone)?;
            let account = accounts::by_id(engine.store(), &waiting.user_id)
                .await?
                .ok_or(Code::ChallengeGone)?;
            let asker = waiting.asker();
            Ok((waiting, account, asker))
        }
        SecondFactorOf::Phone(phone) => {
            let phone = engine
                .parse_phone(caller, &phone)
                .await?
                .map_err(|code| Refusal::at(Field::Phone, code))?;
            let holder = accounts::by_phone(engine.store(), &phone).await?.into_iter().next();
            let asker = engine.asker(caller);
            if let Some(account) = holder
                && let Some(waiting) = engine
                    .challenges()
                    .of_account(engine.store(), &account.user.id, &asker, now)
                    .await?
            {
                return Ok((waiting, account, asker));
            }
            // A guess is counted whether or not anybody waits for it (S06).
            let guesser = &engine.guesser_at_phone(caller, &phone).await?;
            let guess =
                NewGuess { secret: Secret::Code, target: phone.as_str(), guesser, is_asker: false };
            let _wrong = engine.limits().take_guess(&guess, now)?;
            engine.write_nothing().await?;
            Err(invalid().into())
        }
    }
}

/// Somebody at the second factor.
struct SecondFactorAttempt<'a> {
    engine: &'a Engine,
    caller: &'a Caller,
    waiting: &'a PendingChallenge,
    account: &'a Account,
    asker: &'a Asker,
}

impl SecondFactorAttempt<'_> {
    async fn validate(&self, entered: EnteredCode) -> Outcome<CorrectFactor> {
        let (engine, user_id, now) = (self.engine, &self.waiting.user_id, self.engine.now());
        let code = match entered {
            EnteredCode::Recovery(code) => {
                return self.count().await.map(|_| CorrectFactor::Recovery(code));
            }
            EnteredCode::Digits(code) => code,
        };
        if self.account.authenticator {
            let taken = self.count().await?;
            if let Some(step) =
                engine.authenticators().check(engine.store(), user_id, &code, now).await?
            {
                engine.limits().give_guess_back(&taken);
                return Ok(CorrectFactor::App(step));
            }
        }
        let text = self.account.user.two_factor && self.waiting.sms_counts;
        let phone = self.account.number().filter(|_| text).ok_or_else(invalid)?;
        let purposes = [CodePurpose::SecondFactor; 2];
        let guesser = &engine.guesser(self.caller, user_id).await?;
        let (target, counted_for, asker) = (phone.as_str(), self.counted_for(), self.asker);
        let (user_id, challenge_id) = (Some(user_id.as_str()), Some(self.waiting.id.as_str()));
        let guess = Guess {
            purposes,
            target,
            code: &code,
            user_id,
            session_of: None,
            challenge_id,
            counted_for,
            guesser,
            asker,
        };
        engine
            .codes()
            .guess(engine.store(), engine.limits(), &guess, now)
            .await
            .map(CorrectFactor::Text)
    }

    /// Name of the account: the number that the wire says, so that a guess is counted alike where
    /// nobody waits for one (S06).
    fn counted_for(&self) -> &str {
        let is_by_token = *self.asker == Asker::sign_in(&self.waiting.id);
        let phone = self.account.user.phone.as_deref().filter(|_| !is_by_token);
        phone.unwrap_or(&self.waiting.user_id)
    }

    /// Takes a guess at what is not sent: of this sign-in, and over all of them.
    async fn count(&self) -> Outcome<TakenGuess> {
        let (engine, now) = (self.engine, self.engine.now());
        let guesser = &engine.guesser(self.caller, &self.waiting.user_id).await?;
        let is_asker = *self.asker == self.waiting.asker();
        let guess =
            NewGuess { secret: Secret::Code, target: self.counted_for(), guesser, is_asker };
        let taken = engine.limits().take_guess(&guess, now)?;
        if engine.challenges().take_guess(engine.store(), self.waiting, self.asker, now).await? {
            Ok(taken)
        } else if is_asker {
            Err(Code::ChallengeGone.into())
        } else {
            Err(invalid().into())
        }
    }

    async fn spend(&self, tx: &mut Transaction<'_>, right: CorrectFactor) -> Outcome<bool> {
        let (engine, user_id) = (self.engine, &self.waiting.user_id);
        Ok(match right {
            CorrectFactor::Text(code) => engine.codes().spend(tx, &code, engine.now()).await?,
            CorrectFactor::App(step) => engine.authenticators().spend(tx, user_id, &step).await?,
            CorrectFactor::Recovery(code) => {
                match engine.recovery().spend(tx, user_id, &code).await? {
                    Some(left) => {
                        let left = u32::try_from(left).unwrap_or(u32::MAX);
                        engine
                            .notify_owner(
                                tx,
                                self.caller,
                                self.account,
                                Notification::RecoveryCodeUsed { left },
                            )
                            .await?;
                        true
                    }
                    None => false,
                }
            }
        })
    }
}

/// Sends a code that makes a number the account's. While the second factor is on, a stolen session
/// must not lead its codes to another phone: then it is refused, and `change_phone`, which asks for
/// the password, is the way.
pub(in crate::engine) async fn set_phone(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
) -> Outcome<()> {
    let current = engine.current(caller).await?;
    let phone =
        engine.parse_phone(caller, phone).await?.map_err(|code| Refusal::at(Field::Phone, code))?;
    if current.account.user.two_factor {
        return Err(Code::SecondFactorIsOn.into());
    }
    let account = &current.account;
    engine.validate_destination(&phone, Share::Ordinary).await?;
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::SmsFromAddress, caller, now)?;
    engine.limits().take(LimitedAction::SmsFromAccount, &account.user.id, now).map_err(exceeded)?;
    engine.limits().take_sms_to("set", &phone, now)?;
    engine.limits().take_sms_to_range(&phone, now)?;
    if !account.user.phone_verified || account.number().as_ref() != Some(&phone) {
        engine.limits().take_sms_to_new_number(&phone, now)?;
    }
    let mut tx = engine.store().begin().await?;
    let account = engine.locked(&mut tx, &current, Operation::SetPhone).await?.account;
    if account.user.two_factor {
        return Err(Code::SecondFactorIsOn.into());
    }
    if accounts::phone_is_claimed(&mut tx, &phone).await?
        && account.number().as_ref() != Some(&phone)
    {
        return Err(Refusal::at(Field::Phone, Code::PhoneNotUnique).into());
    }
    engine.sms_code(&mut tx, caller, CodePurpose::SetPhone, &account.user.id, &phone).await?;
    Ok(tx.commit().await?)
}

/// Makes the number the account's with that code. The account is the session's: the example sends
/// no other name for it.
pub(in crate::engine) async fn verify_own_phone(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    code: &str,
) -> Outcome<User> {
    let current = engine.current(caller).await?;
    let account = &current.account;
    let (phone, code) = parse_phone_and_code(engine, caller, phone, code).await?;
    let (guesser, asker) = (engine.guesser(caller, &account.user.id).await?, engine.asker(caller));
    let guess = Guess::at_phone([CodePurpose::SetPhone; 2], &phone, &code, (&guesser, &asker));
    let guess = Guess { user_id: Some(&account.user.id), ..guess };
    let right = engine.codes().guess(engine.store(), engine.limits(), &guess, engine.now()).await?;
    if account.user.two_factor {
        return Err(Code::SecondFactorIsOn.into());
    }
    let session = Some((&current, Operation::VerifyOwnPhone));
    move_to_phone(engine, caller, account, NewNumber { phone: &phone, code: Some(&right), session })
        .await
}

/// Whether a code may be sent to the owner's phone, who is told when it may not. The address that
/// asks is not asked for: whoever comes here has proved a first factor, and an office signs in from
/// one address.
async fn may_send_sms(
    engine: &Engine,
    caller: &Caller,
    tx: &mut Transaction<'_>,
    account: &Account,
) -> Outcome<Phone> {
    let phone = account.number().ok_or(Code::SecondFactorNeedsPhone)?;
    let day = engine.can_send_sms(tx, &phone, Share::SecondFactor).await?;
    let user_id = &account.user.id;
    let known = engine.devices().known_in(tx, user_id, caller).await?;
    let text = FactorText { user_id, phone: &phone, known_browser: known.as_deref(), day };
    engine.limits().take_factor_text(&text, engine.now())?;
    Ok(phone)
}

async fn sms_code(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    waiting: &PendingChallenge,
    phone: &Phone,
) -> Outcome<SentCode> {
    let new = NewCode {
        purpose: CodePurpose::SecondFactor,
        user_id: &waiting.user_id,
        target: phone.as_str(),
        challenge_id: Some(&waiting.id),
        asked_by: &waiting.asker(),
    };
    let expires_at = engine.sms_code_of(tx, &new, phone).await?;
    Ok(SentCode { phone: phone.to_string(), expires_at })
}
