//! Keeping a developed picture: bytes, quota and row. What `change_picture` and `upload` have in common.

use crate::{
    engine::{
        Engine,
        files::{BYTES_MAX, FILES_MAX},
        store::{StoreError, Transaction, values},
    },
    port::{Code, Failure, Outcome, Picture},
};

/// How many numbers are tried to make a name unique; each one is a look into the index.
const NUMBERS: u32 = 20;

/// A file about to be.
pub(super) struct NewFile<'a> {
    pub(super) id: &'a str,
    pub(super) bucket_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) picture: &'a Picture,
}

/// Writes the bytes, whole and durable.
pub(super) async fn write_bytes(engine: &Engine, id: &str, picture: &Picture) -> Result<(), Failure> {
    engine.files().bytes.put(id, picture.bytes.clone()).await.map_err(disk_trouble)
}

/// Removes the bytes of a file that was not recorded. When a commit got no answer its row may be there all the same; then
/// the bytes stay, for a row without bytes must not be.
pub(super) async fn take_back(engine: &Engine, id: &str) {
    let row = engine.store().fetch_optional("select id from files where id = $1", values![id]).await;
    if matches!(row, Ok(None)) {
        remove_bytes(engine, id).await;
    }
}

/// Removes bytes that no row names (any more). What cannot be removed now is swept later.
pub(super) async fn remove_bytes(engine: &Engine, id: &str) {
    if let Err(error) = engine.files().bytes.delete(id).await {
        tracing::warn!("a file without a row could not be removed yet: {error}");
    }
}

/// A full or failing disk may be mended; nothing was acknowledged (SECURITY.md R06, R07).
pub(super) fn disk_trouble(error: std::io::Error) -> Failure {
    Failure::unavailable(std::time::Duration::from_secs(30), error)
}

/// Writes the row under a name that is free in its bucket: `name`, `name (1)`, `name (2)` …, and when [`NUMBERS`] are taken,
/// the id for a number. Everybody shares the buckets, so a usual name may be taken any number of times.
///
/// # Errors
/// `StorageFull` over the quota.
pub(super) async fn insert(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    file: &NewFile<'_>,
    name: &str,
) -> Outcome<String> {
    // The row of the account is locked, so that two uploads at once see each other's bytes.
    let sql = "update users set updated_at = $2 where id = $1";
    tx.execute(sql, values![file.user_id, engine.now()]).await?;
    let size = i64::try_from(file.picture.bytes.len()).map_err(Failure::broken)?;
    let sql = "select count(*) as files, cast(coalesce(sum(size), 0) as bigint) as bytes from files where user_id = $1";
    let used = tx.fetch_optional(sql, values![file.user_id]).await?;
    let (files, bytes) = match used {
        Some(row) => (row.integer("files")?, row.integer("bytes")?),
        None => (0, 0),
    };
    if files >= FILES_MAX || bytes + size > BYTES_MAX {
        return Err(Code::StorageFull.into());
    }
    let plain = std::iter::once(name.to_owned());
    let numbers = (1..=NUMBERS).map(|number| number.to_string()).chain([file.id.to_owned()]);
    for name in plain.chain(numbers.map(|number| numbered(name, &number))) {
        let sql = "insert into files (id, bucket_id, file_name, size, mime_type, user_id, uploaded_at) \
                   values ($1, $2, $3, $4, $5, $6, $7) on conflict (bucket_id, file_name) do nothing";
        let values = values![file.id, file.bucket_id, &name, size, file.picture.mime_type, file.user_id, engine.now()];
        if tx.execute(sql, values).await? == 1 {
            return Ok(name);
        }
    }
    Err(Failure::broken("the id of a file is in the name of another one").into())
}

/// Deletes the row of one's own file; answers whether there was one.
pub(super) async fn delete_row(tx: &mut Transaction<'_>, id: &str, user_id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("delete from files where id = $1 and user_id = $2", values![id, user_id]).await? == 1)
}

fn numbered(name: &str, number: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_before_its_extension() {
        assert_eq!(numbered("me.png", "2"), "me (2).png");
        assert_eq!(numbered("me", "1"), "me (1)");
        assert_eq!(numbered(".png", "1"), ".png (1)");
    }
}
