//! Changing fields of one's own user object.
//!
//! Built-in fields that their owner writes are `name`, `profilePicture` and `twoFactorAuth`; they
//! are set and unset, and take no other update. What the declared ones take is written in
//! `engine/fields`. The rest of the built-in fields belong to the other operations (an address has
//! to be proved, a password to be hashed): nobody writes them here, the operator's programs
//! neither.
//!
//! A file that was the picture before stays stored: the applications upload first, set
//! `profilePicture` and delete the former file themselves, in whichever order. Our own page goes
//! through `change_picture`, which deletes it.

use serde_json::Value;

use super::{reauthentication::require_fresh_proof, two_factor};
use crate::{
    engine::{
        Engine,
        outbox::Notification,
        rules::Operation,
        sessions::{self, Current},
        store::{StoreError, Transaction, values},
        users::{
            accounts::{self, Account, parse_name, parse_picture_url},
            fields::{self, BUILT_IN},
        },
    },
    port::{Caller, Code, Field, FieldName, FieldUpdate, Outcome, Problem, Refusal, Update, User},
};

/// Field that switches the codes by SMS.
const SECOND_FACTOR: &str = "twoFactorAuth";

/// Changes the caller's own object.
pub(in crate::engine) async fn update_user(
    engine: &Engine,
    caller: &Caller,
    updates: Vec<FieldUpdate>,
) -> Outcome<User> {
    let user_id = engine.current(caller).await?.signed_in_user.user.id;
    update_object(engine, caller, &user_id, updates).await
}

/// Applies the updates in their order, all of them or none; all that is wrong is told at once. The
/// account is locked before it is read, so that of two changes at once each sees what the other
/// made (S45).
pub(in crate::engine) async fn update_object(
    engine: &Engine,
    caller: &Caller,
    user_id: &str,
    updates: Vec<FieldUpdate>,
) -> Outcome<User> {
    let operation = operation_of_update(&updates);
    let current = match caller.session {
        Some(_) => Some(engine.current(caller).await?),
        None => None,
    };
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    tx.execute("update users set updated_at = $2 where id = $1", values![user_id, engine.now()])
        .await?;
    let (account, handle) = match &current {
        Some(current) => {
            judge_session(engine, &engine.locked(&mut tx, current, operation).await?, &updates)?
        }
        None => (accounts::reload(&mut tx, user_id).await?.ok_or(Code::ObjectNotFound)?, None),
    };
    let mut user = account.user.clone();
    let mut problems = Vec::new();
    for FieldUpdate { field, update } in updates {
        problems.extend(apply(engine, caller, &mut user, &field, update).err());
    }
    Refusal::of_all(problems)?;
    if !fields::fits(&user.fields) {
        return Err(Code::ObjectTooLarge.into());
    }
    write(&mut tx, &user).await?;
    user.second_factor = user.two_factor || account.authenticator;
    if user.two_factor != account.user.two_factor {
        // An application has no place to show recovery codes: its people make them at our pages.
        two_factor::settle_without_codes(&mut tx, user_id, engine.now()).await?;
        if !user.two_factor {
            two_factor::end_the_others(&mut tx, user_id, handle.as_deref()).await?;
        } else if let Some(handle) = handle.filter(|_| !account.has_second_factor()) {
            sessions::note_factor(&mut tx, &handle).await?;
        }
        let notification = if user.two_factor {
            Notification::SecondFactorOn
        } else {
            Notification::SecondFactorOff
        };
        engine.notify_owner(&mut tx, caller, &account, notification).await?;
    }
    tx.commit().await?;
    Ok(user)
}

/// Row of the table for a change of these fields: the second factor has one of its own.
pub(in crate::engine) fn operation_of_update(updates: &[FieldUpdate]) -> Operation {
    let has_factor = updates.iter().any(|update| update.field == SECOND_FACTOR);
    if has_factor { Operation::UpdateSecondFactor } else { Operation::UpdateUser }
}

/// Account and handle of the session, read behind the lock of the account. Switching the second
/// factor, on or off, needs a fresh proof (S103, S104). Writing the value that is there already is
/// no switch: applications send whole user objects back. Which value is there is known behind the
/// lock alone.
fn judge_session(
    engine: &Engine,
    current: &Current,
    updates: &[FieldUpdate],
) -> Outcome<(Account, Option<String>)> {
    let is_on = current.account.user.two_factor;
    let switches = |of: &FieldUpdate| {
        of.field == SECOND_FACTOR && wanted(&of.update).is_some_and(|on| on != is_on)
    };
    if updates.iter().any(switches) {
        require_fresh_proof(engine, current)?;
    }
    Ok((current.account.clone(), Some(current.signed_in_user.session.handle.clone())))
}

/// Value that an update asks for. `None` for what is no value of the field.
fn wanted(update: &Update) -> Option<bool> {
    match update {
        Update::Unset | Update::Set(Value::Null) => Some(false),
        Update::Set(Value::Bool(on)) => Some(*on),
        _ => None,
    }
}

fn apply(
    engine: &Engine,
    caller: &Caller,
    user: &mut User,
    field: &str,
    update: Update,
) -> Result<(), Problem> {
    let name = FieldName::parse(field);
    let at = |field| move |code| Problem { code, field };
    match field {
        "name" => read_name(update).map(|name| user.name = name).map_err(at(Some(Field::Name))),
        "profilePicture" => read_picture(update)
            .map(|url| user.profile_picture = url)
            .map_err(at(Some(Field::Picture))),
        SECOND_FACTOR => switch_second_factor(user, &update).map_err(at(name.map(Field::Named))),
        _ if BUILT_IN.contains(&field) => {
            Err(Code::FieldNotWritable).map_err(at(name.map(Field::Named)))
        }
        _ => match name {
            Some(name) => (engine.settings().user_fields)
                .update(caller, &mut user.fields, name, update)
                .map_err(at(Some(Field::Named(name)))),
            None => Err(Code::UnknownField).map_err(at(None)),
        },
    }
}

/// The empty text is no name, as in a form.
fn read_name(update: Update) -> Result<Option<String>, Code> {
    match update {
        Update::Unset | Update::Set(Value::Null) => Ok(None),
        Update::Set(Value::String(entered)) => parse_name(&entered),
        _ => Err(Code::InvalidFieldValue),
    }
}

fn read_picture(update: Update) -> Result<Option<String>, Code> {
    match update {
        Update::Unset | Update::Set(Value::Null) => Ok(None),
        Update::Set(Value::String(entered)) if entered.is_empty() => Ok(None),
        Update::Set(Value::String(entered)) => parse_picture_url(&entered).map(Some),
        _ => Err(Code::InvalidFieldValue),
    }
}

/// Codes go to the verified phone, so there must be one to turn them on.
fn switch_second_factor(user: &mut User, update: &Update) -> Result<(), Code> {
    let on = wanted(update).ok_or(Code::InvalidFieldValue)?;
    if on && !(user.phone.is_some() && user.phone_verified) {
        return Err(Code::SecondFactorNeedsPhone);
    }
    user.two_factor = on;
    Ok(())
}

/// Writes what may have changed; the lock is held, so nobody else's change is overwritten.
async fn write(tx: &mut Transaction<'_>, user: &User) -> Result<(), StoreError> {
    let sql = "update users set name = $2, profile_picture = $3, two_factor = $4, fields = $5 \
        where id = $1";
    let values = values![
        &user.id,
        user.name.clone(),
        user.profile_picture.clone(),
        user.two_factor,
        Value::Object(user.fields.clone()).to_string(),
    ];
    tx.execute(sql, values).await.map(drop)
}
