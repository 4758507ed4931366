//! Keeping a developed picture: bytes, quota and row. What `change_picture` and `upload` have in common.

use crate::{
    engine::{
        Engine,
        files::{BYTES_MAX, FILES_MAX},
        store::{StoreError, Transaction, values},
    },
    port::{Code, Failure, Outcome, Picture},
};

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

/// Writes the row under a name that is free in its bucket: `name`, `name (1)`, `name (2)` …
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
    for number in 0..=FILES_MAX {
        let name = numbered(name, number);
        let sql = "insert into files (id, bucket_id, file_name, size, mime_type, user_id, uploaded_at) \
                   values ($1, $2, $3, $4, $5, $6, $7) on conflict (bucket_id, file_name) do nothing";
        let values = values![file.id, file.bucket_id, &name, size, file.picture.mime_type, file.user_id, engine.now()];
        if tx.execute(sql, values).await? == 1 {
            return Ok(name);
        }
    }
    Err(Code::InvalidBucketName.into())
}

/// Deletes the row of one's own file; answers whether there was one.
pub(super) async fn delete_row(tx: &mut Transaction<'_>, id: &str, user_id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("delete from files where id = $1 and user_id = $2", values![id, user_id]).await? == 1)
}

fn numbered(name: &str, number: i64) -> String {
    match (number, name.rsplit_once('.')) {
        (0, _) => name.to_owned(),
        (number, Some((stem, extension))) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        (number, _) => format!("{name} ({number})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_before_its_extension() {
        assert_eq!(numbered("me.png", 0), "me.png");
        assert_eq!(numbered("me.png", 2), "me (2).png");
        assert_eq!(numbered("me", 1), "me (1)");
        assert_eq!(numbered(".png", 1), ".png (1)");
    }
}
