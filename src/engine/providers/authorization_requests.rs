//! Journeys to a provider that have not come back yet: see the contract in `providers/mod.rs`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Secrets;
use crate::{
    engine::{
        clock::after,
        keys::seal::Seal,
        keys::{digests::Digests, secret_key::SecretKey},
        random::{hexadecimal, new_token},
        store::{Row, Store, StoreError, Transaction, damage, values},
    },
    port::{BrowserId, Random},
};

/// How long somebody may take at the provider (S26).
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A journey that begins.
pub(in crate::engine) struct NewStart<'a> {
    pub(in crate::engine) provider: &'a str,
    pub(in crate::engine) browser: &'a BrowserId,
    /// Whose account shall be connected; `None` for a sign-in.
    pub(in crate::engine) user_id: Option<&'a str>,
    /// Where the browser goes in the end; `None` for our own pages.
    pub(in crate::engine) redirect_url: Option<&'a str>,
}

/// A journey that came back.
pub(in crate::engine) struct AuthorizationRequest {
    pub(in crate::engine) secrets: Secrets,
    pub(in crate::engine) user_id: Option<String>,
    pub(in crate::engine) redirect_url: Option<String>,
}

/// Makes journeys and takes them back.
pub(in crate::engine) struct AuthorizationRequests {
    states: Digests,
    browsers: Digests,
    seal: Seal,
}

#[derive(Serialize, Deserialize)]
struct SealedRequest {
    nonce: String,
    verifier: String,
}

impl AuthorizationRequests {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self {
            states: Digests::new(keys, "vestibule oauth state"),
            browsers: Digests::new(keys, "vestibule oauth browser"),
            seal: Seal::new(keys, "vestibule oauth secrets"),
        }
    }

    /// Fresh secrets, and the state that names them.
    pub(in crate::engine) fn secrets(&self, random: &dyn Random) -> (String, Secrets) {
        (new_token(random), Secrets { nonce: new_token(random), verifier: new_token(random) })
    }

    /// Stores a journey.
    pub(in crate::engine) async fn keep(
        &self,
        store: &Store,
        new: &NewStart<'_>,
        (state, secrets): (&str, &Secrets),
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let digest = self.states.of(state.as_bytes());
        let sealed =
            SealedRequest { nonce: secrets.nonce.clone(), verifier: secrets.verifier.clone() };
        let sealed = serde_json::to_vec(&sealed).ok();
        let sealed = sealed.and_then(|plain| self.seal.seal(&hexadecimal(&digest), &plain, random));
        let sealed = sealed.ok_or(StoreError::Corrupt { column: "secrets" })?;
        let browser = self.browsers.of(new.browser.expose().as_bytes());
        let sql = "insert into oauth_starts (state_digest, provider, browser_digest, user_id, \
                   secrets, redirect_url, \
                   expires_at) values ($1, $2, $3, $4, $5, $6, $7)";
        let (user_id, redirect_url) = (new.user_id, new.redirect_url);
        let values =
            values![digest, new.provider, browser, user_id, sealed, redirect_url, after(now, LIFE)];
        store.execute(sql, values).await.map(drop)
    }

    /// Takes a journey back, once. `None` for a state that is none, was used, is over, is another
    /// provider's or another browser's; the last two leave it where it is, so that nobody can spend
    /// somebody else's.
    pub(in crate::engine) async fn take(
        &self,
        tx: &mut Transaction<'_>,
        provider: &str,
        state: &str,
        browser: &BrowserId,
        now: Timestamp,
    ) -> Result<Option<AuthorizationRequest>, StoreError> {
        let sql = "delete from oauth_starts where state_digest = $1 and provider = $2 and \
                   browser_digest = $3 \
                   and expires_at > $4 returning user_id, secrets, redirect_url";
        for digest in self.states.all(state.as_bytes()) {
            for browser in self.browsers.all(browser.expose().as_bytes()) {
                let Some(row) =
                    tx.fetch_optional(sql, values![digest, provider, browser, now]).await?
                else {
                    continue;
                };
                let Some(StoredStart { sealed, user_id, redirect_url }) =
                    damage::one(&row, ("oauth_starts", "user_id"), read)?
                else {
                    return Ok(None);
                };
                let opened = self.seal.open(&hexadecimal(&digest), &sealed);
                let opened = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
                return Ok(opened.map(|SealedRequest { nonce, verifier }| AuthorizationRequest {
                    secrets: Secrets { nonce, verifier },
                    user_id,
                    redirect_url,
                }));
            }
        }
        Ok(None)
    }
}

/// Row of a journey, its secrets still sealed.
struct StoredStart {
    sealed: Vec<u8>,
    user_id: Option<String>,
    redirect_url: Option<String>,
}

fn read(row: &Row) -> Result<StoredStart, StoreError> {
    Ok(StoredStart {
        sealed: row.bytes("secrets")?,
        user_id: row.optional_text("user_id")?,
        redirect_url: row.optional_text("redirect_url")?,
    })
}
