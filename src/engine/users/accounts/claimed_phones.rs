//! Claims on phone numbers: the same contract as for addresses, with numbers.

use jiff::Timestamp;

use super::{Account, USERS, account_columns, holdings};
use crate::{
    engine::store::{Store, StoreError, Transaction, damage, values},
    port::Phone,
};

/// The accounts with that number: the one that holds it first, then those that wait for a proof,
/// newest first. At most ten.
pub(in crate::engine) async fn by_phone(
    store: &Store,
    phone: &Phone,
) -> Result<Vec<Account>, StoreError> {
    const SQL: &str = concat!(
        "select ",
        account_columns!(),
        " from users u",
        holdings!(),
        "where u.phone = $1 ",
        "order by case when hp.held_since is null then 1 else 0 end, u.signed_up_at desc, u.id \
            limit 10"
    );
    damage::whole(&store.fetch_all(SQL, values![phone.as_str()]).await?, USERS, Account::read)
}

/// Whether some account holds the number.
pub(in crate::engine) async fn phone_is_claimed(
    tx: &mut Transaction<'_>,
    phone: &Phone,
) -> Result<bool, StoreError> {
    let sql = "select user_id from held_phones where phone = $1";
    Ok(tx.fetch_optional(sql, values![phone.as_str()]).await?.is_some())
}

/// Makes an account the holder of a number and says whether it is: `false` when another one is. The
/// loser of a race waits here for the winner.
pub(in crate::engine) async fn claim_phone(
    tx: &mut Transaction<'_>,
    phone: &Phone,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "insert into held_phones (phone, user_id, held_since) values ($1, $2, $3) on \
        conflict do nothing";
    if tx.execute(sql, values![phone.as_str(), user_id, now]).await? == 1 {
        return Ok(true);
    }
    let sql = "select phone from held_phones where phone = $1 and user_id = $2";
    Ok(tx.fetch_optional(sql, values![phone.as_str(), user_id]).await?.is_some())
}

/// Gives up the number that an account holds, so that it can hold another.
pub(in crate::engine) async fn release_phone_claim(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from held_phones where user_id = $1", values![user_id]).await.map(drop)
}

/// Whether others wait for a proof of the number as well: then whoever proves it may not be who set
/// the password (S23).
pub(in crate::engine) async fn phone_is_contested(
    tx: &mut Transaction<'_>,
    phone: &Phone,
    user_id: &str,
) -> Result<bool, StoreError> {
    let sql =
        "select id from users where phone = $1 and id <> $2 and phone_verified_at is null limit 1";
    Ok(tx.fetch_optional(sql, values![phone.as_str(), user_id]).await?.is_some())
}

/// Deletes the accounts that waited for a proof of a number that now is held.
pub(in crate::engine) async fn delete_waiting_for_phone(
    tx: &mut Transaction<'_>,
    phone: &Phone,
    holder: &str,
) -> Result<(), StoreError> {
    let sql = "delete from users where phone = $1 and id <> $2 and email is null and \
               phone_verified_at is null \
               and not exists (select 1 from held_phones h where h.user_id = users.id)";
    tx.execute(sql, values![phone.as_str(), holder]).await.map(drop)
}

/// Marks the number of an account as proved; it holds it from now on, and nobody else waits for it.
/// `false` when another account holds it, or this one has another number by now: then the code
/// proves nothing.
pub(in crate::engine) async fn mark_phone_verified(
    tx: &mut Transaction<'_>,
    phone: &Phone,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !claim_phone(tx, phone, user_id, now).await? {
        return Ok(false);
    }
    let sql = "update users set phone_verified_at = coalesce(phone_verified_at, $3), updated_at = \
               $3 \
               where id = $1 and phone = $2";
    if tx.execute(sql, values![user_id, phone.as_str(), now]).await? == 0 {
        return Ok(false);
    }
    delete_waiting_for_phone(tx, phone, user_id).await?;
    Ok(true)
}
