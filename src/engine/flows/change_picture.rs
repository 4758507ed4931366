//! One's picture: changed, and taken away.

use super::store_file::{NewFile, delete_row, insert, remove_bytes, write_bytes};
use crate::{
    engine::{Engine, accounts, files::Framing, limits::Action, random::new_id, store::values},
    port::{Caller, Code, Outcome, Picture, User},
};

/// The bucket that always is (migration 3).
const ROOT_BUCKET: &str = "000000000000000000000001";

/// Makes the picture the account's; the former one is deleted.
pub(in crate::engine) async fn change_picture(engine: &Engine, caller: &Caller, bytes: Vec<u8>) -> Outcome<User> {
    let user = engine.current(caller).await?.member.user;
    engine.limits().take(Action::UploadToAccount, &user.id, engine.now()).map_err(crate::engine::limits::exceeded)?;
    let picture = engine.files().darkroom.develop(bytes, Framing::Avatar).await?;
    let id = new_id(engine.random());
    write_bytes(engine, &id, &picture).await?;
    let changed = record(engine, &user, &id, &picture).await;
    match &changed {
        Ok((_, Some(former))) => remove_bytes(engine, former).await,
        Ok((_, None)) => {}
        Err(_) => remove_bytes(engine, &id).await,
    }
    changed.map(|(user, _)| user)
}

/// Goes back to initials.
pub(in crate::engine) async fn remove_picture(engine: &Engine, caller: &Caller) -> Outcome<User> {
    let user = engine.current(caller).await?.member.user;
    let former = former_file(engine, &user);
    let _change = engine.sessions().change(&user.id);
    let mut tx = engine.store().begin().await?;
    let sql = "update users set profile_picture = null, updated_at = $2 where id = $1";
    tx.execute(sql, values![&user.id, engine.now()]).await?;
    let removed = match &former {
        Some(former) => delete_row(&mut tx, former, &user.id).await?,
        None => false,
    };
    let changed = accounts::reload(&mut tx, &user.id).await?.ok_or(Code::InvalidSessionToken)?.user;
    tx.commit().await?;
    if let Some(former) = former.filter(|_| removed) {
        remove_bytes(engine, &former).await;
    }
    Ok(changed)
}

/// Row and user in one transaction; answers the id of the former file, if its row is gone now.
async fn record(engine: &Engine, user: &User, id: &str, picture: &Picture) -> Outcome<(User, Option<String>)> {
    let extension = if picture.mime_type == "image/png" { "png" } else { "jpg" };
    let file = NewFile { id, bucket_id: ROOT_BUCKET, user_id: &user.id, picture };
    let former = former_file(engine, user);
    let _change = engine.sessions().change(&user.id);
    let mut tx = engine.store().begin().await?;
    let removed = match &former {
        Some(former) => delete_row(&mut tx, former, &user.id).await?,
        None => false,
    };
    insert(engine, &mut tx, &file, &format!("picture-{id}.{extension}")).await?;
    let sql = "update users set profile_picture = $2, updated_at = $3 where id = $1";
    tx.execute(sql, values![&user.id, engine.files().public_path(ROOT_BUCKET, id), engine.now()]).await?;
    let changed = accounts::reload(&mut tx, &user.id).await?.ok_or(Code::InvalidSessionToken)?.user;
    tx.commit().await?;
    Ok((changed, former.filter(|_| removed)))
}

/// The stored file that is the picture now, if it is one of ours.
fn former_file(engine: &Engine, user: &User) -> Option<String> {
    engine.files().id_of(user.profile_picture.as_deref()?)
}
