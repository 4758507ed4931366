//! Database objects: the caller's own object of the model `users`, and no other (ALTOGIC_WIRE.md §6). The options of a call
//! (caching, looking up references) mean nothing here and are passed over.

use crate::{
    port::{Caller, Code, FieldUpdate, Member, Update},
    protocol::{
        bodies::{ObjectName, UpdateField, UpdateFields, UpdateObject},
        errors::Fault,
        objects::UserObject,
    },
};

use super::{
    call::Call,
    reply::{Rejection, Reply, json},
};

/// `POST /db/object/get`.
pub(super) async fn get(mut call: Call) -> Reply {
    call.member()?;
    let object: ObjectName = call.json().await?;
    let (_, member) = owner(&call, &object).await?;
    json(&UserObject::from(member.user))
}

/// `POST /db/object/update`: sets the fields given.
pub(super) async fn update(mut call: Call) -> Reply {
    call.member()?;
    let body: UpdateObject = call.json().await?;
    let updates = body.values.into_iter().map(|(field, value)| FieldUpdate { field, update: Update::Set(value) });
    apply(&call, &body.object, updates.collect()).await
}

/// `POST /db/object/update-fields`: changes fields, in the order given; all of them or none.
pub(super) async fn update_fields(mut call: Call) -> Reply {
    call.member()?;
    let body: UpdateFields = call.json().await?;
    let updates = body.updates.into_iter().map(field_update).collect::<Result<_, _>>()?;
    apply(&call, &body.object, updates).await
}

/// Every other call of the database: accounts are made by signing up, and of other models there are none.
pub(super) async fn refuse(_: Call) -> Reply {
    Err(Fault::NotOffered.into())
}

async fn apply(call: &Call, object: &ObjectName, updates: Vec<FieldUpdate>) -> Reply {
    let (caller, member) = owner(call, object).await?;
    if updates.is_empty() {
        return json(&UserObject::from(member.user));
    }
    let user = call.backend.update_user(caller, updates).await?;
    json(&UserObject::from(user))
}

/// The caller, if the object is theirs. Somebody else's object is like one that never was.
async fn owner(call: &Call, object: &ObjectName) -> Result<(Caller, Member), Rejection> {
    let (caller, member) = call.known_member().await?;
    if object.model != "users" || object.id != member.user.id {
        return Err(Code::ObjectNotFound.into());
    }
    Ok((caller, member))
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
