//! Signing up with a number and a password.

use serde_json::{Map, Value};

use super::{
    complete_first_factor::{SignInMethod, create_session},
    notify::asked_by,
    sign_up::{LOOKS, hash_beside, new_user, newest_waiting, rewrite},
};
use crate::{
    engine::{
        Engine,
        codes::CodePurpose,
        limits::LimitedAction,
        outbox::{Share, SmsMessage},
        passwords,
        store::Transaction,
        users::accounts::{self, NewAccount, parse_name},
    },
    port::{
        Caller, Code, Failure, Field, Outcome, Phone, Problem, Refusal, SignUpWithPhone, SignedUp,
        User,
    },
};

/// Makes an account. All that is wrong is told at once; a taken number costs the same hash as a
/// free one, and its owner is told by SMS (S04).
pub(in crate::engine) async fn sign_up_with_phone(
    engine: &Engine,
    caller: &Caller,
    sign_up: SignUpWithPhone,
) -> Outcome<SignedUp> {
    if !engine.settings().phone_sign_up {
        return Err(Code::PhoneSignUpDisabled.into());
    }
    let ValidatedPhoneSignUp { phone, name, fields } = validate(engine, caller, &sign_up).await?;
    let vouched_for =
        caller.is_operator && sign_up.fields.get("phoneVerified") == Some(&Value::Bool(true));
    let waits = engine.settings().confirm_phone && !vouched_for;
    if waits {
        engine.validate_destination(&phone, Share::Ordinary).await?;
    }
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::SignUpFromAddress, caller, now)?;
    if waits {
        engine.limits().take_from_caller(LimitedAction::SmsFromAddress, caller, now)?;
        engine.limits().take_sms_to("sign-up", &phone, now)?;
        engine.limits().take_sms_to_range(&phone, now)?;
        engine.limits().take_sms_to_new_number(&phone, now)?;
    }
    // Where numbers are not proved nothing is sent by SMS, and whether it could be was not asked.
    let may_send_sms = waits;
    let user = User { phone: Some(phone.to_string()), ..new_user(engine, name, fields) };
    for inspect in 1..=LOOKS {
        let waiting = newest_waiting(accounts::by_phone(engine.store(), &phone).await?);
        let seen = waiting.as_ref().map(|account| account.user.id.clone());
        let waiting = waiting.filter(|_| waits);
        let (password_hash, repeated) = hash_beside(engine, waiting, &sign_up.password).await?;
        if let Some(account) = repeated {
            let user = User { name: user.name, fields: user.fields, ..account.user };
            return repeat(engine, caller, user, &phone, may_send_sms && inspect == 1).await;
        }
        let _change = engine.sessions().change(&user.id);
        let mut tx = engine.store().begin().await?;
        accounts::lock_sign_ups(&mut tx, phone.as_str()).await?;
        if accounts::phone_is_claimed(&mut tx, &phone).await? {
            return taken(engine, tx, &phone, may_send_sms).await;
        }
        if inspect < LOOKS
            && waits
            && accounts::newest_waiting_by_phone(&mut tx, &phone).await? != seen
        {
            continue;
        }
        let browser_digest =
            caller.browser.as_ref().map(|browser_id| engine.links().browser(browser_id));
        let new = NewAccount { user: &user, password_hash: Some(&password_hash), browser_digest };
        accounts::insert(&mut tx, &new).await?;
        accounts::note_signer(&mut tx, &user.id, engine.links().caller(caller), asked_by(caller))
            .await?;
        if !waits {
            return begin_at_once(engine, caller, tx, user, &phone, vouched_for).await;
        }
        engine.sms_code(&mut tx, caller, CodePurpose::VerifyPhone, &user.id, &phone).await?;
        tx.commit().await?;
        return Ok(SignedUp { user, grant: None });
    }
    Err(Failure::broken("the last look at a sign-up ends it").into())
}

/// Signs up again: the same account with what was typed this time, and another code. One that came
/// at the same moment as the first is not sent an SMS a second time, which would revoke the code
/// that is on its way.
async fn repeat(
    engine: &Engine,
    caller: &Caller,
    user: User,
    phone: &Phone,
    may_send_sms: bool,
) -> Outcome<SignedUp> {
    let _change = engine.sessions().change(&user.id);
    let mut tx = engine.store().begin().await?;
    rewrite(engine, &mut tx, caller, &user).await?;
    if may_send_sms {
        engine.sms_code(&mut tx, caller, CodePurpose::VerifyPhone, &user.id, phone).await?;
    }
    tx.commit().await?;
    Ok(SignedUp { user, grant: None })
}

/// Validated input.
struct ValidatedPhoneSignUp {
    phone: Phone,
    name: Option<String>,
    fields: Map<String, Value>,
}

async fn validate(
    engine: &Engine,
    caller: &Caller,
    sign_up: &SignUpWithPhone,
) -> Outcome<ValidatedPhoneSignUp> {
    let phone = engine.parse_phone(caller, &sign_up.phone).await?;
    let name = parse_name(sign_up.name.as_deref().unwrap_or_default());
    let settings = engine.settings();
    let number = phone.as_ref().map_or("", Phone::as_str);
    let personal = [number, sign_up.name.as_deref().unwrap_or_default(), &*settings.product_name];
    let password = passwords::rate(engine, caller, &sign_up.password, &personal).await?;
    let (fields, wrong_fields) = match settings.user_fields.for_sign_up(caller, &sign_up.fields) {
        Ok(fields) => (fields, Vec::new()),
        Err(problems) => (Map::new(), problems),
    };
    let problem = |code: Option<Code>, field| code.map(|code| Problem { code, field: Some(field) });
    let problems = [
        problem(name.as_ref().err().copied(), Field::Name),
        problem(phone.as_ref().err().copied(), Field::Phone),
        problem(password.err(), Field::Password),
    ];
    Refusal::of_all(problems.into_iter().flatten().chain(wrong_fields).collect())?;
    let phone = phone.map_err(|code| Refusal::at(Field::Phone, code))?;
    Ok(ValidatedPhoneSignUp {
        phone,
        name: name.map_err(|code| Refusal::at(Field::Name, code))?,
        fields,
    })
}

/// Tells the owner that somebody tried, then refuses.
async fn taken(
    engine: &Engine,
    mut tx: Transaction<'_>,
    phone: &Phone,
    may_send_sms: bool,
) -> Outcome<SignedUp> {
    if may_send_sms {
        engine.text(&mut tx, &SmsMessage::AccountExists, phone, None).await?;
    }
    tx.commit().await?;
    Err(Refusal::at(Field::Phone, Code::PhoneNotUnique).into())
}

/// Where no proof is asked for: whoever signs up first holds the number.
async fn begin_at_once(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user: User,
    phone: &Phone,
    vouched_for: bool,
) -> Outcome<SignedUp> {
    let now = engine.now();
    let is_theirs = if vouched_for {
        accounts::mark_phone_verified(&mut tx, phone, &user.id, now).await?
    } else {
        accounts::claim_phone(&mut tx, phone, &user.id, now).await?
    };
    if !is_theirs {
        return Err(Refusal::at(Field::Phone, Code::PhoneNotUnique).into());
    }
    let grant = create_session(engine, caller, tx, &user.id, SignInMethod::SignUp, None).await?;
    Ok(SignedUp { user: grant.user.clone(), grant: Some(grant) })
}
