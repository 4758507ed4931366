//! Changing fields of one's own user object.

use serde_json::Value;

use crate::{
    engine::{
        Engine,
        accounts::{self, parse_name, parse_picture_url},
        store::values,
    },
    port::{Caller, Code, Field, FieldUpdate, Outcome, Refusal, Update, User},
};

/// What is to be written; the outer `None` leaves a field as it is.
#[derive(Default)]
struct Changes {
    name: Option<Option<String>>,
    profile_picture: Option<Option<String>>,
}

/// Writes the fields that were named and no others, so that of two changes at once none is lost.
pub(in crate::engine) async fn update_user(
    engine: &Engine,
    caller: &Caller,
    updates: Vec<FieldUpdate>,
) -> Outcome<User> {
    let user_id = engine.current(caller).await?.member.user.id;
    let changes = read(updates)?;
    let _change = engine.sessions().change(&user_id);
    let mut tx = engine.store().begin().await?;
    let sql = "update users set name = case when $2 = 1 then $3 else name end, \
               profile_picture = case when $4 = 1 then $5 else profile_picture end, updated_at = $6 where id = $1";
    let values = values![
        &user_id,
        changes.name.is_some(),
        changes.name.flatten(),
        changes.profile_picture.is_some(),
        changes.profile_picture.flatten(),
        engine.now(),
    ];
    tx.execute(sql, values).await?;
    let user = accounts::reload(&mut tx, &user_id).await?.ok_or(Code::InvalidSessionToken)?.user;
    tx.commit().await?;
    Ok(user)
}

/// Reads the updates; one that is wrong refuses them all (SECURITY.md S59).
fn read(updates: Vec<FieldUpdate>) -> Result<Changes, Refusal> {
    let mut changes = Changes::default();
    for FieldUpdate { field, update } in updates {
        match field.as_str() {
            "name" => changes.name = Some(read_name(update)?),
            "profilePicture" => changes.profile_picture = Some(read_picture(update)?),
            _ => return Err(Refusal::of(Code::FieldNotWritable)),
        }
    }
    Ok(changes)
}

fn read_name(update: Update) -> Result<Option<String>, Refusal> {
    match update {
        Update::Unset | Update::Set(Value::Null) => Ok(None),
        Update::Set(Value::String(typed)) => parse_name(&typed).map_err(|code| Refusal::at(Field::Name, code)),
        _ => Err(Refusal::at(Field::Name, Code::InvalidFieldValue)),
    }
}

fn read_picture(update: Update) -> Result<Option<String>, Refusal> {
    match update {
        Update::Unset | Update::Set(Value::Null) => Ok(None),
        Update::Set(Value::String(typed)) if typed.is_empty() => Ok(None),
        Update::Set(Value::String(typed)) => {
            parse_picture_url(&typed).map(Some).map_err(|code| Refusal::at(Field::Picture, code))
        }
        _ => Err(Refusal::at(Field::Picture, Code::InvalidFieldValue)),
    }
}
