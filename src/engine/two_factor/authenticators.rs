//! Authenticator apps: codes that a key and the time make (TOTP, RFC 6238).
//!
//! # The contract
//!
//! * A key has 160 random bits and makes six digits with SHA-1 every 30 seconds: what every app can
//!   do. It is stored sealed (S33).
//! * A key that was shown counts from its first right code on; until then it waits, for [`WAITS`].
//!   A former one goes on meanwhile, so that nobody who stops half way is locked out.
//! * A key that another one took the place of is kept for [`KEPT`], sealed and counting for
//!   nothing: the owner may have to bring it back ("that was not me").
//! * The code of the step before and of the one after count as well: clocks differ (§5.2).
//! * A step counts once in the life of a key, decided by one conditional update (S15, S45); the
//!   first code is used up by confirming. A last step that is still to come was used while the
//!   clock ran ahead: it locks nobody out until then (R15).

use jiff::{SignedDuration, Timestamp};
use totp_rs::{Builder, Totp};

use super::super::{
    clock::before,
    keys::seal::Seal,
    keys::secret_key::SecretKey,
    store::{Row, Store, StoreError, Transaction, damage, values},
};
use crate::port::{AuthenticatorKey, Failure, OneTimeCode, Outcome, Random};

/// How long a key may wait for its first code: an app has to be found and installed.
const WAITS: SignedDuration = SignedDuration::from_mins(30);

/// How long a former key is kept: as long as the link that brings it back.
pub(in crate::engine) const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// RFC 4226 §4 recommends 160 bits.
const SECRET_BYTES: usize = 20;

const STEP_SECONDS: i64 = 30;

/// Makes keys and compares codes.
pub(in crate::engine) struct Authenticators(Seal);

/// The steps before and after the current one whose codes count too.
const SKEW: i64 = 1;

/// A code that was right.
pub(in crate::engine) struct RightStep {
    step: i64,
    /// The last step of this time; what is stored beyond it is of a clock that ran ahead.
    newest: i64,
}

impl Authenticators {
    pub(in crate::engine) fn new(keys: &[SecretKey]) -> Self {
        Self(Seal::new(keys, "vestibule authenticator"))
    }

    /// Stores a key that waits for its first code; one that waited before is gone.
    pub(in crate::engine) async fn begin(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<()> {
        let mut secret = [0; SECRET_BYTES];
        random.fill(&mut secret);
        let sealed = self
            .0
            .seal(user_id, &secret, random)
            .ok_or_else(|| Failure::broken("there is no key to seal"))?;
        let sql = "insert into authenticators (user_id, confirmed, secret, step, created_at) \
                   values ($1, 0, $2, 0, $3) \
                   on conflict (user_id, confirmed) do update set secret = excluded.secret, step = \
                   0, \
                   created_at = excluded.created_at";
        Ok(tx.execute(sql, values![user_id, sealed, now]).await.map(drop)?)
    }

    /// The key that waits, as an app reads it.
    pub(in crate::engine) async fn waiting(
        &self,
        store: &Store,
        user_id: &str,
        issuer: &str,
        account_name: &str,
        now: Timestamp,
    ) -> Outcome<Option<AuthenticatorKey>> {
        let sql = "select secret from authenticators where user_id = $1 and confirmed = 0 and \
            created_at > $2";
        let Some(row) = store.fetch_optional(sql, values![user_id, before(now, WAITS)]).await?
        else {
            return Ok(None);
        };
        let Some(secret) = self.open(user_id, &row) else { return Ok(None) };
        let app = Builder::new()
            .with_secret(secret)
            .with_issuer(Some(without_colon(issuer)))
            .with_account_name(without_colon(account_name))
            .build()
            .map_err(Failure::broken)?;
        let url = app.to_url().map_err(Failure::broken)?;
        Ok(Some(AuthenticatorKey::new(url, app.secret().to_base32())))
    }

    /// Makes the key that waits the one that counts, if the code is its own. `None` when no key
    /// waits.
    pub(in crate::engine) async fn confirm(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Outcome<Option<bool>> {
        let sql = "select secret, step from authenticators where user_id = $1 and confirmed = 0 \
            and created_at > $2";
        let Some(row) = tx.fetch_optional(sql, values![user_id, before(now, WAITS)]).await? else {
            return Ok(None);
        };
        let Some(RightStep { step, .. }) = self.compare(user_id, &row, code, now)? else {
            return Ok(Some(false));
        };
        let sql = "delete from authenticators where user_id = $1 and confirmed = 2";
        tx.execute(sql, values![user_id]).await?;
        let sql = "update authenticators set confirmed = 2, created_at = $2 where user_id = $1 and \
            confirmed = 1";
        tx.execute(sql, values![user_id, now]).await?;
        let sql = "update authenticators set confirmed = 1, step = $2, created_at = $3 \
                   where user_id = $1 and confirmed = 0";
        Ok(Some(tx.execute(sql, values![user_id, step, now]).await? == 1))
    }

    /// Compares a code with the key that counts.
    pub(in crate::engine) async fn check(
        &self,
        store: &Store,
        user_id: &str,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Outcome<Option<RightStep>> {
        let sql = "select secret, step from authenticators where user_id = $1 and confirmed = 1";
        match store.fetch_optional(sql, values![user_id]).await? {
            Some(row) => self.compare(user_id, &row, code, now),
            None => Ok(None),
        }
    }

    /// Uses up the step of a right code. `false` when it was used up meanwhile: then nothing may
    /// come of it.
    pub(in crate::engine) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        RightStep { step, newest }: &RightStep,
    ) -> Result<bool, StoreError> {
        let sql = "update authenticators set step = $2 \
                   where user_id = $1 and confirmed = 1 and (step < $2 or step > $3)";
        Ok(tx.execute(sql, values![user_id, *step, *newest]).await? == 1)
    }

    fn compare(
        &self,
        user_id: &str,
        row: &Row,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Outcome<Option<RightStep>> {
        let Some(secret) = self.open(user_id, row) else { return Ok(None) };
        let app: Totp = Builder::new()
            .with_secret(secret)
            .with_account_name(user_id.to_owned())
            .build()
            .map_err(Failure::broken)?;
        let seconds = u64::try_from(now.as_second().max(STEP_SECONDS)).map_err(Failure::broken)?;
        let step = app.check(code.expose(), seconds).and_then(|step| i64::try_from(step).ok());
        let Some(last) = damage::spare(row.integer("step"), "authenticators", user_id)? else {
            return Ok(None);
        };
        let newest = now.as_second().max(STEP_SECONDS) / STEP_SECONDS + SKEW;
        Ok(step.filter(|step| *step > last || last > newest).map(|step| RightStep { step, newest }))
    }

    /// The key of the app; `None` where it is damaged, which is logged. Its owner has the recovery
    /// codes.
    fn open(&self, user_id: &str, row: &Row) -> Option<Vec<u8>> {
        let opened = row.bytes("secret").ok().and_then(|sealed| self.0.open(user_id, &sealed));
        if opened.is_none() {
            damage::note("authenticators", user_id, "secret");
        }
        opened
    }

    /// Whether a row opens, of those with `user_id` and `secret`.
    pub(in crate::engine) fn opens(&self, row: &Row) -> bool {
        let (Ok(user_id), Ok(sealed)) = (row.text("user_id"), row.bytes("secret")) else {
            return false;
        };
        self.0.open(&user_id, &sealed).is_some()
    }

    /// Seals anew what an older key sealed; answers how many.
    pub(in crate::engine) async fn seal_anew(
        &self,
        store: &Store,
        random: &dyn Random,
    ) -> Result<usize, StoreError> {
        let (mut done, mut after) = (0, (String::new(), 0));
        loop {
            let sql = "select user_id, confirmed, secret from authenticators where user_id > $1 \
                       or (user_id = $1 and confirmed > $2) order by user_id, confirmed limit 500";
            let rows = store.fetch_all(sql, values![&after.0, after.1]).await?;
            for row in &rows {
                let (Ok(user_id), Ok(confirmed)) = (row.text("user_id"), row.integer("confirmed"))
                else {
                    continue;
                };
                let sealed = row.bytes("secret").unwrap_or_default();
                after = (user_id, confirmed);
                let Some(anew) = self.0.renewed(&after.0, &sealed, random) else { continue };
                let sql = "update authenticators set secret = $3 \
                           where user_id = $1 and confirmed = $2 and secret = $4";
                let changed = store.execute(sql, values![&after.0, after.1, anew, sealed]).await?;
                done += usize::from(changed == 1);
            }
            if rows.len() < 500 {
                return Ok(done);
            }
        }
    }
}

/// Since when a key counts.
pub(in crate::engine) async fn since(
    store: &Store,
    user_id: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "select created_at from authenticators where user_id = $1 and confirmed = 1";
    let Some(row) = store.fetch_optional(sql, values![user_id]).await? else { return Ok(None) };
    // A key whose time is damaged counts all the same.
    Ok(Some(damage::spare(row.time("created_at"), "authenticators", user_id)?.unwrap_or_default()))
}

/// Lets the former key count again, in place of the one that replaced it. `false` when there is
/// none to bring back.
pub(in crate::engine) async fn bring_back(
    tx: &mut Transaction<'_>,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "select user_id from authenticators where user_id = $1 and confirmed = 2";
    if tx.fetch_optional(sql, values![user_id]).await?.is_none() {
        return Ok(false);
    }
    tx.execute(
        "delete from authenticators where user_id = $1 and confirmed <> 2",
        values![user_id],
    )
    .await?;
    let sql = "update authenticators set confirmed = 1, created_at = $2 where user_id = $1 and \
        confirmed = 2";
    Ok(tx.execute(sql, values![user_id, now]).await? == 1)
}

/// Forgets the key that waits for its first code: who made it may know it.
pub(in crate::engine) async fn remove_waiting(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    let sql = "delete from authenticators where user_id = $1 and confirmed = 0";
    tx.execute(sql, values![user_id]).await.map(drop)
}

/// Forgets the keys of an account.
pub(in crate::engine) async fn remove(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from authenticators where user_id = $1", values![user_id]).await.map(drop)
}

/// Apps part the issuer from the account at a colon.
fn without_colon(text: &str) -> String {
    text.replace(':', " ")
}
