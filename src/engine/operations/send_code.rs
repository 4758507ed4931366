//! Texting a code to whoever asks for one: the confirmation again, a sign-in code, a password
//! reset.
//!
//! The answer is the same whether or not there is an account, in words and in time (S03, S05). A
//! number that has had enough for now is told alike, known or not (S65, S107). The original said
//! `user_not_found`, `phone_not_verified` and `phone_already_verified` here; applications look for
//! errors only, and there is none.

use tokio::time::Instant;

use crate::{
    engine::{
        Engine,
        codes::{CodePurpose, NewCode},
        limits::LimitedAction,
        outbox::{Share, SmsMessage},
        store::Transaction,
        users::accounts::{self, Account},
    },
    port::{Caller, Code, Field, OneTimeCode, Outcome, Phone, Refusal},
};

/// Sends the code of a sign-up again, to the newest account that waits for it.
pub(in crate::engine) async fn resend_verification_code(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
) -> Outcome<()> {
    let is_asked_for =
        |account: &Account| !account.user.phone_verified && account.user.email.is_none();
    if !engine.settings().confirm_phone {
        return Err(Code::PhoneVerificationDisabled.into());
    }
    send(engine, caller, phone, CodePurpose::VerifyPhone, is_asked_for).await
}

/// Sends a sign-in code. An account that waits for the proof of its number gets none: whoever set
/// its password is not known to be who has the phone (S23).
pub(in crate::engine) async fn send_sign_in_code(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
) -> Outcome<()> {
    if !engine.settings().sign_in_codes {
        return Err(Code::SignInCodesDisabled.into());
    }
    let confirm_phone = engine.settings().confirm_phone;
    let is_asked_for = |account: &Account| {
        account.is_usable_by_phone(confirm_phone) && !account.phone_is_second_only
    };
    send(engine, caller, phone, CodePurpose::SignIn, is_asked_for).await
}

/// Sends a code that resets the password. It proves the number as well, so an account that still
/// waits for a proof gets one too, and whoever set its password before is locked out (S23). Refused
/// where numbers are not proved (altogic-protocol.md §3, row 17): a mistyped one would hand the
/// account to a visitor.
pub(in crate::engine) async fn send_reset_password_code(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
) -> Outcome<()> {
    if !engine.settings().confirm_phone {
        return Err(Code::PhoneVerificationDisabled.into());
    }
    send(engine, caller, phone, CodePurpose::ResetPassword, |account| !account.phone_is_second_only)
        .await
}

async fn send(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    purpose: CodePurpose,
    is_asked_for: impl Fn(&Account) -> bool,
) -> Outcome<()> {
    let begun = Instant::now();
    let phone =
        engine.parse_phone(caller, phone).await?.map_err(|code| Refusal::at(Field::Phone, code))?;
    let share = match purpose {
        CodePurpose::VerifyPhone => Share::Ordinary,
        _ => Share::WayIn,
    };
    let day = engine.validate_destination(&phone, share).await?;
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::SmsFromAddress, caller, now)?;
    engine.limits().take_sms_to(purpose.word(), &phone, now)?;
    engine.limits().take_reserve_for(&phone, day, now)?;
    if purpose == CodePurpose::VerifyPhone {
        take_unproved(engine, &phone)?;
    }
    let accounts = accounts::by_phone(engine.store(), &phone).await?;
    // The holder stands first; where there is one, nobody else is asked for.
    let account = accounts.into_iter().next().filter(is_asked_for);
    match account {
        Some(account) => text_to(engine, caller, &account, purpose, &phone).await?,
        None => engine.text_nothing(purpose, &phone).await?,
    }
    engine.even_out(begun).await;
    Ok(())
}

async fn text_to(
    engine: &Engine,
    caller: &Caller,
    account: &Account,
    purpose: CodePurpose,
    phone: &Phone,
) -> Outcome<()> {
    if purpose != CodePurpose::VerifyPhone && !account.user.phone_verified {
        take_unproved(engine, phone)?;
    }
    let mut tx = engine.store().begin().await?;
    engine.sms_code(&mut tx, caller, purpose, &account.user.id, phone).await?;
    Ok(tx.commit().await?)
}

/// Takes one from the texts to numbers that nobody has proved.
///
/// Sign-ups take it before any account is looked at. Elsewhere only a text to such a number takes
/// it: nobody spends what others share by asking for texts to nobody, and visitors who ask for the
/// neighbours of a number keep none from its owner. So while it is used up, an answer tells of a
/// sign-up that waits for its proof, of no other account. The other choice is to promise a text
/// that is not sent (S107).
fn take_unproved(engine: &Engine, phone: &Phone) -> Outcome<()> {
    engine.limits().take_sms_to_range(phone, engine.now())?;
    engine.limits().take_sms_to_new_number(phone, engine.now())
}

impl Engine {
    /// Makes a code and queues the text that carries it, to the number that it proves.
    pub(super) async fn sms_code(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        purpose: CodePurpose,
        user_id: &str,
        phone: &Phone,
    ) -> Outcome<jiff::Timestamp> {
        let asked_by = &self.asker(caller);
        let new =
            NewCode { purpose, user_id, target: phone.as_str(), challenge_id: None, asked_by };
        self.sms_code_of(tx, &new, phone).await
    }

    /// As [`sms_code`](Self::sms_code), of a sign-in or session that waits for it. Answers the end
    /// of the code.
    pub(super) async fn sms_code_of(
        &self,
        tx: &mut Transaction<'_>,
        new: &NewCode<'_>,
        phone: &Phone,
    ) -> Outcome<jiff::Timestamp> {
        let (code, expires_at) = self.codes().create(tx, new, self.random(), self.now()).await?;
        self.text(tx, &message_of(new.purpose, code), phone, Some(expires_at)).await?;
        Ok(expires_at)
    }
}

/// The text that carries a code.
pub(super) fn message_of(purpose: CodePurpose, code: OneTimeCode) -> SmsMessage {
    let minutes = purpose.minutes();
    match purpose {
        CodePurpose::VerifyPhone => SmsMessage::VerifyPhone { code, minutes },
        CodePurpose::ChangePhone => SmsMessage::ChangePhone { code, minutes },
        CodePurpose::SetPhone => SmsMessage::SetPhone { code, minutes },
        CodePurpose::SignIn => SmsMessage::SignIn { code, minutes },
        CodePurpose::ResetPassword => SmsMessage::ResetPassword { code, minutes },
        CodePurpose::SecondFactor => SmsMessage::SecondFactor { code, minutes },
        CodePurpose::Prove => SmsMessage::Prove { code, minutes },
    }
}
