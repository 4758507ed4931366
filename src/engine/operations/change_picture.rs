//! One's picture: changed, and taken away.

use super::store_file::{check_quota, insert, lock_owner, remove_bytes, take_back, write_bytes};
use crate::{
    engine::{
        Engine,
        files::{Framing, ROOT_BUCKET, record::FileRecord},
        limits::{self, LimitedAction},
        random::new_id,
        store::{Transaction, values},
        users::accounts,
    },
    port::{Caller, Code, Outcome, Picture, StoredFile, User},
};

/// Makes the picture the account's; the former one is deleted.
pub(in crate::engine) async fn change_picture(
    engine: &Engine,
    caller: &Caller,
    bytes: Vec<u8>,
) -> Outcome<User> {
    let user_id = engine.current(caller).await?.signed_in_user.user.id;
    engine
        .limits()
        .take(LimitedAction::UploadToAccount, &user_id, engine.now())
        .map_err(limits::exceeded)?;
    set_picture(engine, &user_id, bytes).await
}

/// As [`change_picture`], for an account that a provider knows a picture of.
pub(super) async fn set_picture(engine: &Engine, user_id: &str, bytes: Vec<u8>) -> Outcome<User> {
    let picture = engine.files().image_pool.reencode(bytes, Framing::Avatar).await?;
    let id = new_id(engine.random());
    let row = row(engine, user_id, &id, &picture);
    write_bytes(engine, &id, picture.bytes).await?;
    let changed = record(engine, user_id, row).await;
    if changed.is_err() {
        take_back(engine, &id).await;
    }
    finish(engine, changed).await
}

/// Goes back to initials.
pub(in crate::engine) async fn remove_picture(engine: &Engine, caller: &Caller) -> Outcome<User> {
    let user_id = engine.current(caller).await?.signed_in_user.user.id;
    let removed = forget(engine, &user_id).await;
    finish(engine, removed).await
}

/// The user as they are now, and the id of the former picture's bytes, if its row is gone.
type Changed = (User, Option<String>);

/// The row of a picture: a public file of the root bucket.
fn row(engine: &Engine, user_id: &str, id: &str, picture: &Picture) -> FileRecord {
    let extension = if picture.mime_type == "image/png" { "png" } else { "jpg" };
    let now = engine.now();
    let file = StoredFile {
        id: id.to_owned(),
        bucket_id: ROOT_BUCKET.to_owned(),
        file_name: format!("picture-{id}.{extension}"),
        size: u64::try_from(picture.bytes.len()).unwrap_or(u64::MAX),
        mime_type: picture.mime_type.to_owned(),
        is_public: true,
        public_path: Some(engine.files().public_path(ROOT_BUCKET, id, None)),
        tags: Vec::new(),
        uploaded_at: now,
        updated_at: now,
        user_id: Some(user_id.to_owned()),
    };
    FileRecord { file, content_id: id.to_owned(), is_picture: true }
}

/// Row and user in one transaction.
async fn record(engine: &Engine, user_id: &str, mut row: FileRecord) -> Outcome<Changed> {
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let former = replace(engine, &mut tx, user_id, row.file.public_path.clone()).await?;
    check_quota(&mut tx, &row).await?;
    insert(engine, &mut tx, &mut row).await?;
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

/// Names the new picture and deletes the row of the former one, if that is a file of one's own. The
/// account is locked before the former one is read, so that of many changes at once each finds what
/// the one before it made.
async fn replace(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    user_id: &str,
    picture: Option<String>,
) -> Outcome<Option<String>> {
    lock_owner(engine, tx, Some(user_id)).await?;
    let account = accounts::reload(tx, user_id).await?.ok_or(Code::InvalidSessionToken)?;
    tx.execute("update users set profile_picture = $2 where id = $1", values![user_id, picture])
        .await?;
    let Some(former) = account.user.profile_picture.and_then(|url| engine.files().id_of(&url))
    else {
        return Ok(None);
    };
    let sql = "delete from files where id = $1 and user_id = $2 returning content_id";
    let deleted = tx.fetch_optional(sql, values![former, user_id]).await?;
    Ok(deleted.and_then(|row| row.text("content_id").ok()))
}

/// Removes the bytes of the former picture, now that nothing names them any more.
async fn finish(engine: &Engine, changed: Outcome<Changed>) -> Outcome<User> {
    let (user, former) = changed?;
    if let Some(former) = former {
        remove_bytes(engine, &former).await;
    }
    Ok(user)
}
