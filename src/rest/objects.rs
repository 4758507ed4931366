//! Database objects: the caller's own object of the model `users`, and no other unless the caller
//! is the operator's program (altogic-protocol.md §6; the engine says who reaches what). The
//! options of a call (caching, looking up references) mean nothing here and are passed over.

use crate::{
    port::{Caller, Code, FieldUpdate, Update},
    protocol::{
        bodies::{ObjectName, UpdateField, UpdateFields, UpdateObject},
        errors::Fault,
        objects::UserObject,
    },
};

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `POST /db/object/get`.
pub(super) async fn get(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let object: ObjectName = call.json().await?;
    let user = call.backend.user_object(caller, user_id(object)?).await?;
    json(&UserObject::from(user))
}

/// `POST /db/object/update`: sets the fields given.
pub(super) async fn update(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: UpdateObject = call.json().await?;
    let updates = body
        .values
        .into_iter()
        .map(|(field, value)| FieldUpdate { field, update: Update::Set(value) });
    let user =
        call.backend.update_user_object(caller, user_id(body.object)?, updates.collect()).await?;
    json(&UserObject::from(user))
}

/// `POST /db/object/update-fields`: changes fields, in the order given; all of them or none.
pub(super) async fn update_fields(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: UpdateFields = call.json().await?;
    let updates = body.updates.into_iter().map(field_update).collect::<Result<_, _>>()?;
    let user = call.backend.update_user_object(caller, user_id(body.object)?, updates).await?;
    json(&UserObject::from(user))
}

/// Every other call of the database: accounts are made by signing up, and of other models there are
/// none.
pub(super) async fn refuse(_: Call) -> Reply {
    Err(Fault::NotOffered.into())
}

/// Somebody with a session, or a program of the operator.
fn asker(call: &Call) -> Result<Caller, Code> {
    call.signed_in_user().or_else(|missing| {
        let caller = call.caller();
        if caller.is_operator && missing == Code::MissingSessionToken {
            Ok(caller)
        } else {
            Err(missing)
        }
    })
}

/// The id of a user. An object of another model is like one that never was.
fn user_id(object: ObjectName) -> Result<String, Code> {
    if object.model == "users" { Ok(object.id) } else { Err(Code::ObjectNotFound) }
}

fn field_update(update: UpdateField) -> Result<FieldUpdate, Fault> {
    let change = match update.update_type.as_str() {
        "set" => Update::Set(update.value),
        "unset" => Update::Unset,
        "increment" => Update::Increment(update.value),
        "decrement" => Update::Decrement(update.value),
        "multiply" => Update::Multiply(update.value),
        "min" => Update::Min(update.value),
        "max" => Update::Max(update.value),
        "push" => Update::Push(update.value),
        "pull" => Update::Pull(update.value),
        "pop" => Update::Pop,
        "shift" => Update::Shift,
        _ => return Err(Fault::UnknownUpdateType),
    };
    Ok(FieldUpdate { field: update.field, update: change })
}
