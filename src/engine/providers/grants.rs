//! Grants and offers from provider journeys.
//!
//! A *grant* is an access token: whoever has it is let in, once. It is what the redirect carries,
//! so it lives as long as a redirect takes with a slow phone. Only the browser that began the
//! journey spends it without a press.
//!
//! An *offer* waits for the proof of an account that holds the address of the identity: signed in
//! to that account and to no other, one connects the two.

use jiff::{SignedDuration, Timestamp};

use super::{identities::Identity, provider_sessions::ProviderSession};
use crate::{
    engine::{
        clock::after,
        keys::{digests::Digests, secret_key::SecretKey},
        random::new_token,
        store::{Row, Store, StoreError, Transaction, damage, values},
    },
    port::{AccessToken, BrowserId, Random},
};

/// How an access token of a provider begins, so that it is not looked for among those of links.
const PREFIX: &str = "op-";
const GRANT_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Long enough to look for a password, or to have a new one emailed.
const OFFER_LIFE: SignedDuration = SignedDuration::from_mins(60);

/// Makes them and takes them.
pub(in crate::engine) struct Grants {
    grants: Digests,
    browsers: Digests,
    offers: Digests,
}

impl Grants {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self {
            grants: Digests::new(keys, "vestibule oauth grant"),
            browsers: Digests::new(keys, "vestibule oauth browser"),
            offers: Digests::new(keys, "vestibule oauth offer"),
        }
    }

    /// Whether a token is one of these.
    pub(in crate::engine) fn is_grant(token: &AccessToken) -> bool {
        token.expose().starts_with(PREFIX)
    }

    /// An access token for an account.
    pub(in crate::engine) async fn grant(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        provider_session: &ProviderSession,
        browser: &BrowserId,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let token = format!("{PREFIX}{}", new_token(random));
        let (digest, browser) =
            (self.grants.of(token.as_bytes()), self.browsers.of(browser.expose().as_bytes()));
        let sql = "insert into oauth_grants (token_digest, user_id, browser_digest, expires_at, \
                   login_issuer, \
                   login_subject, login_sid, login_sealed) values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values = values![digest, user_id, browser, after(now, GRANT_LIFE)];
        tx.execute(sql, [values, ProviderSession::values(Some(provider_session))].concat()).await?;
        Ok(token)
    }

    /// Whose token it is, and whether this browser began its journey. Spends nothing.
    pub(in crate::engine) async fn granted(
        &self,
        store: &Store,
        token: &AccessToken,
        browser: Option<&BrowserId>,
        now: Timestamp,
    ) -> Result<Option<(String, bool)>, StoreError> {
        let sql = "select user_id, browser_digest from oauth_grants where token_digest = $1 and \
            expires_at > $2";
        for digest in self.grants.all(token.expose().as_bytes()) {
            if let Some(row) = store.fetch_optional(sql, values![digest, now]).await? {
                let read = |row: &Row| Ok((row.text("user_id")?, row.bytes("browser_digest")?));
                let read = damage::one(&row, ("oauth_grants", "user_id"), read)?;
                let is_here = |began: &[u8]| {
                    browser.is_some_and(|browser| {
                        self.browsers.matches(browser.expose().as_bytes(), began)
                    })
                };
                return Ok(read.map(|(user_id, began)| (user_id, is_here(&began))));
            }
        }
        Ok(None)
    }

    /// Spends a token, for the sign-in that it came from. `None` when it was spent already, or is
    /// over.
    pub(in crate::engine) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<Option<ProviderSession>, StoreError> {
        let sql = "delete from oauth_grants where token_digest = $1 and expires_at > $2 \
                   returning login_issuer, login_subject, login_sid, login_sealed";
        for digest in self.grants.all(token.expose().as_bytes()) {
            if let Some(row) = tx.fetch_optional(sql, values![digest, now]).await? {
                return ProviderSession::read(&row);
            }
        }
        Ok(None)
    }

    /// Lets an identity wait for the proof of an account.
    pub(in crate::engine) async fn offer(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        identity: &Identity,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let token = new_token(random);
        let sql = "insert into oauth_offers (token_digest, user_id, issuer, subject, provider, \
                   shown_as, expires_at) \
                   values ($1, $2, $3, $4, $5, $6, $7)";
        let (digest, ends) = (self.offers.of(token.as_bytes()), after(now, OFFER_LIFE));
        let Identity { issuer, subject, provider, shown_as } = identity;
        tx.execute(
            sql,
            values![digest, user_id, issuer, subject, provider, shown_as.clone(), ends],
        )
        .await?;
        Ok(token)
    }

    /// The identity that waits for this account, if there is one. Takes nothing.
    pub(in crate::engine) async fn offered(
        &self,
        store: &Store,
        token: &str,
        user_id: &str,
        now: Timestamp,
    ) -> Result<Option<Identity>, StoreError> {
        let sql = "select * from oauth_offers where token_digest = $1 and user_id = $2 and \
            expires_at > $3";
        for digest in self.offers.all(token.as_bytes()) {
            if let Some(row) = store.fetch_optional(sql, values![digest, user_id, now]).await? {
                return damage::one(&row, ("oauth_offers", "user_id"), super::identities::read);
            }
        }
        Ok(None)
    }

    /// Forgets an offer. `false` when it was taken already, or is over.
    pub(in crate::engine) async fn take_offer(
        &self,
        tx: &mut Transaction<'_>,
        token: &str,
        user_id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql =
            "delete from oauth_offers where token_digest = $1 and user_id = $2 and expires_at > $3";
        for digest in self.offers.all(token.as_bytes()) {
            if tx.execute(sql, values![digest, user_id, now]).await? == 1 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
