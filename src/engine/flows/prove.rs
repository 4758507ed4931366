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
/// Where whoever follows the link may not be the one who set the password, the password and all sessions die (S23).
pub(super) async fn prove_address(
    tx: &mut Transaction<'_>,
    link: &Link,
    user: &User,
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
    accounts::delete_waiting(tx, &link.email, &link.user_id).await?;
    if !link.keeps_password {
        tx.execute("update users set password_hash = null where id = $1", values![&link.user_id]).await?;
        tx.execute("delete from sessions where user_id = $1", values![&link.user_id]).await?;
    }
    Ok(true)
}
