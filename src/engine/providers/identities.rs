//! Whose identities at providers are whose accounts. Found by issuer and subject and by nothing
//! else (S25).

use jiff::Timestamp;

use crate::engine::store::{Row, Store, StoreError, Transaction, damage, values};

/// Where the log finds a damaged one.
const PLACE: (&str, &str) = ("identities", "user_id");

/// An identity at a provider.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Identity {
    pub(in crate::engine) issuer: String,
    pub(in crate::engine) subject: String,
    /// The provider's name in the settings.
    pub(in crate::engine) provider: String,
    /// By which its owner knows it again.
    pub(in crate::engine) shown_as: Option<String>,
}

/// The account of an identity.
pub(in crate::engine) async fn owner(
    tx: &mut Transaction<'_>,
    issuer: &str,
    subject: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "select user_id from identities where issuer = $1 and subject = $2";
    let Some(row) = tx.fetch_optional(sql, values![issuer, subject]).await? else {
        return Ok(None);
    };
    damage::spare(row.text("user_id"), "identities", "")
}

/// Makes it an account's. `false` when it is some account's already, this one or another: the loser
/// of a race waits here for the winner.
pub(in crate::engine) async fn connect(
    tx: &mut Transaction<'_>,
    identity: &Identity,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "insert into identities (issuer, subject, user_id, provider, shown_as, created_at, \
               last_used_at) \
               values ($1, $2, $3, $4, $5, $6, $6) on conflict do nothing";
    let Identity { issuer, subject, provider, shown_as } = identity;
    let values = values![issuer, subject, user_id, provider, shown_as.clone(), now];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Notes that it was added to an account that stood, without a second factor: a recovery within
/// seven days takes it away.
pub(in crate::engine) async fn mark_added(
    tx: &mut Transaction<'_>,
    identity: &Identity,
) -> Result<(), StoreError> {
    let sql = "update identities set vouched = 0 where issuer = $1 and subject = $2";
    tx.execute(sql, values![&identity.issuer, &identity.subject]).await.map(drop)
}

/// Takes the identities that were added after a time, without a second factor.
pub(in crate::engine) async fn remove_added_since(
    tx: &mut Transaction<'_>,
    user_id: &str,
    since: Timestamp,
) -> Result<(), StoreError> {
    let sql = "delete from identities where user_id = $1 and vouched <> 1 and created_at > $2";
    tx.execute(sql, values![user_id, since]).await?;
    // What was begun in a session that ended; an offer stays, as its owner may have come for a
    // password to accept it.
    kill_starts(tx, user_id).await?;
    // After the identities: a sign-in that found one before has made its token by now.
    revoke_unfinished(tx, user_id).await
}

/// Revokes the journeys to providers that would connect an account there to this one.
pub(in crate::engine) async fn kill_starts(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from oauth_starts where user_id = $1", values![user_id]).await.map(drop)
}

/// Notes that somebody came with it, and what they are called there now. `false` when it is the
/// account's no more: whoever took it away is waited for here.
pub(in crate::engine) async fn note_use(
    tx: &mut Transaction<'_>,
    identity: &Identity,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "update identities set last_used_at = $3, shown_as = $4 where issuer = $1 and \
               subject = $2 and user_id = $5";
    let Identity { issuer, subject, shown_as, .. } = identity;
    let values = values![issuer, subject, now, shown_as.clone(), user_id];
    Ok(tx.execute(sql, values).await? == 1)
}

/// The identities of an account, the oldest first.
pub(in crate::engine) async fn of_account(
    store: &Store,
    user_id: &str,
) -> Result<Vec<Identity>, StoreError> {
    let sql = "select * from identities where user_id = $1 order by created_at, issuer, subject";
    damage::whole(&store.fetch_all(sql, values![user_id]).await?, PLACE, read)
}

/// The names of the providers that an account is connected to.
pub(in crate::engine) async fn providers(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "select user_id, provider from identities where user_id = $1";
    damage::whole(&tx.fetch_all(sql, values![user_id]).await?, PLACE, |row| row.text("provider"))
}

/// Takes the identities at one provider from an account; says how many there were.
pub(in crate::engine) async fn disconnect(
    tx: &mut Transaction<'_>,
    user_id: &str,
    provider: &str,
) -> Result<u64, StoreError> {
    let sql = "delete from identities where user_id = $1 and provider = $2";
    tx.execute(sql, values![user_id, provider]).await
}

/// Takes all identities from an account, and whatever waits to become one.
pub(in crate::engine) async fn remove(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from identities where user_id = $1", values![user_id]).await?;
    tx.execute("delete from oauth_offers where user_id = $1", values![user_id]).await?;
    kill_starts(tx, user_id).await?;
    revoke_unfinished(tx, user_id).await
}

/// Revokes the sign-ins with providers that are not finished: access tokens that nobody has spent
/// yet, and those that wait for a second factor.
pub(in crate::engine) async fn revoke_unfinished(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from oauth_grants where user_id = $1", values![user_id]).await?;
    tx.execute(
        "delete from challenges where user_id = $1 and login_issuer is not null",
        values![user_id],
    )
    .await
    .map(drop)
}

pub(super) fn read(row: &Row) -> Result<Identity, StoreError> {
    Ok(Identity {
        issuer: row.text("issuer")?,
        subject: row.text("subject")?,
        provider: row.text("provider")?,
        shown_as: row.optional_text("shown_as")?,
    })
}
