//! An address is proved: its account holds it from now on, and nobody else waits for it.

use jiff::Timestamp;

use crate::{
    engine::{
        accounts,
        store::{StoreError, Transaction, values},
        tokens::Link,
    },
    port::User,
};

/// Marks the address of a link as proved. `false` when another account holds it, or the account has another address by now:
/// then the link proves nothing (SECURITY.md S22).
///
/// Where whoever follows the link may not be the one who set the password, the password and all sessions die (S23): the link
/// says so, or several accounts wait for the address and `is_where_begun` is false.
pub(super) async fn prove_address(
    tx: &mut Transaction<'_>,
    link: &Link,
    user: &User,
    is_where_begun: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if user.email_verified {
        return Ok(user.email.as_deref() == Some(link.email.as_str()));
    }
    if !accounts::hold(tx, &link.email, &link.user_id, now).await? {
        return Ok(false);
    }
    let sql = "update users set email_verified_at = $3, updated_at = $3 where id = $1 and email = $2";
    if tx.execute(sql, values![&link.user_id, link.email.as_str(), now]).await? == 0 {
        return Ok(false);
    }
    let is_contested = accounts::is_contested(tx, &link.email, &link.user_id).await?;
    accounts::delete_waiting(tx, &link.email, &link.user_id).await?;
    if !link.keeps_password || (is_contested && !is_where_begun) {
        accounts::disown(tx, &link.user_id).await?;
    }
    Ok(true)
}
