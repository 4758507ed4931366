//! One's picture: changed, and taken away.

use super::store_file::{NewFile, delete_row, insert, remove_bytes, take_back, write_bytes};
use crate::{
    engine::{
        Engine, accounts,
        files::Framing,
        limits::{self, Action},
        random::new_id,
        store::{Transaction, values},
    },
    port::{Caller, Code, Outcome, Picture, User},
};

/// The bucket that always is (migration 3).
const ROOT_BUCKET: &str = "000000000000000000000001";

/// Makes the picture the account's; the former one is deleted.
pub(in crate::engine) async fn change_picture(engine: &Engine, caller: &Caller, bytes: Vec<u8>) -> Outcome<User> {
    let user_id = engine.current(caller).await?.member.user.id;
    engine.limits().take(Action::UploadToAccount, &user_id, engine.now()).map_err(limits::exceeded)?;
    let picture = engine.files().darkroom.develop(bytes, Framing::Avatar).await?;
    let id = new_id(engine.random());
    write_bytes(engine, &id, &picture).await?;
    let changed = record(engine, &user_id, &id, &picture).await;
    if changed.is_err() {
        take_back(engine, &id).await;
    }
    finish(engine, changed).await
}

/// Goes back to initials.
pub(in crate::engine) async fn remove_picture(engine: &Engine, caller: &Caller) -> Outcome<User> {
    let user_id = engine.current(caller).await?.member.user.id;
    let removed = forget(engine, &user_id).await;
    finish(engine, removed).await
}

/// The user as they are now, and the id of the former file, if its row is gone.
type Changed = (User, Option<String>);

/// Row and user in one transaction.
async fn record(engine: &Engine, user_id: &str, id: &str, picture: &Picture) -> Outcome<Changed> {
    let extension = if picture.mime_type == "image/png" { "png" } else { "jpg" };
    let file = NewFile { id, bucket_id: ROOT_BUCKET, user_id, picture };
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let former = replace(engine, &mut tx, user_id, Some(engine.files().public_path(ROOT_BUCKET, id))).await?;
    insert(engine, &mut tx, &file, &format!("picture-{id}.{extension}")).await?;
    let user = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSessionToken)?.user;
    tx.commit().await?;
    Ok((user, former))
}

async fn forget(engine: &Engine, user_id: &str) -> Outcome<Changed> {
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let former = replace(engine, &mut tx, user_id, None).await?;
    let user = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSessionToken)?.user;
    tx.commit().await?;
    Ok((user, former))
}

/// Names the new picture and deletes the row of the former one, if that is a file of one's own. The account is locked before
/// the former one is read, so that of many changes at once each finds what the one before it made.
async fn replace(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    user_id: &str,
    picture: Option<String>,
) -> Outcome<Option<String>> {
    tx.execute("update users set updated_at = $2 where id = $1", values![user_id, engine.now()]).await?;
    let account = accounts::reload(tx, user_id).await?.ok_or(Code::InvalidSessionToken)?;
    tx.execute("update users set profile_picture = $2 where id = $1", values![user_id, picture]).await?;
    let Some(former) = account.user.profile_picture.and_then(|url| engine.files().id_of(&url)) else {
        return Ok(None);
    };
    Ok(delete_row(tx, &former, user_id).await?.then_some(former))
}

/// Removes the bytes of the former picture, now that nothing names them any more.
async fn finish(engine: &Engine, changed: Outcome<Changed>) -> Outcome<User> {
    let (user, former) = changed?;
    if let Some(former) = former {
        remove_bytes(engine, &former).await;
    }
    Ok(user)
}
