//! One sign-up after the other, for one address or number.
//!
//! Two requests with the same data at the same moment must not make two accounts, each of which
//! contests the password of the other (S111). The second waits here, and finds what the first made.

use crate::{
    engine::store::{StoreError, Transaction, values},
    port::{Email, Phone},
};

/// Rows of the table of locks.
const LOCKS: usize = 16;

/// Waits for the other sign-ups with that address or number; they wait until the transaction ends.
pub(in crate::engine) async fn lock_sign_ups(
    tx: &mut Transaction<'_>,
    target: &str,
) -> Result<(), StoreError> {
    let lock = target.bytes().fold(0_usize, |lock, byte| (lock * 31 + usize::from(byte)) % LOCKS);
    let lock = i64::try_from(lock).unwrap_or_default();
    tx.execute("update sign_up_locks set taken = taken + 1 where id = $1", values![lock])
        .await
        .map(drop)
}

/// Id of the newest account that waits for a proof of an address.
pub(in crate::engine) async fn newest_waiting(
    tx: &mut Transaction<'_>,
    email: &Email,
) -> Result<Option<String>, StoreError> {
    let sql = "select id from users where email = $1 and email_verified_at is null and \
               phone_verified_at is null \
               and not exists (select 1 from held_emails h where h.user_id = users.id) \
               and not exists (select 1 from held_phones h where h.user_id = users.id) \
               order by signed_up_at desc, id limit 1";
    tx.fetch_optional(sql, values![email.as_str()]).await?.map(|row| row.text("id")).transpose()
}

/// As [`newest_waiting`], of a number.
pub(in crate::engine) async fn newest_waiting_by_phone(
    tx: &mut Transaction<'_>,
    phone: &Phone,
) -> Result<Option<String>, StoreError> {
    let sql = "select id from users where phone = $1 and email_verified_at is null and \
               phone_verified_at is null \
               and not exists (select 1 from held_emails h where h.user_id = users.id) \
               and not exists (select 1 from held_phones h where h.user_id = users.id) \
               order by signed_up_at desc, id limit 1";
    tx.fetch_optional(sql, values![phone.as_str()]).await?.map(|row| row.text("id")).transpose()
}
