//! Sessions at providers, kept so that it can be ended there too, and from there.
//!
//! # The contract
//!
//! * It goes along, as four columns, from the access token over the sign-in that waits for a second
//!   factor to the session, each time in the transaction that spends the one and makes the other;
//!   it is gone with each of them, however that ends.
//! * In the clear stands what a provider names in a logout token: its issuer, the subject, the
//!   session there (`sid`). The id_token is sealed (S33), and kept only where the provider has an
//!   `end_session_endpoint` that asks for it.
//! * After a sign-out it waits for [`PROVIDER_LOGOUT`] in case its owner wants to sign out at the
//!   provider too; whoever has the provider logout token takes it, once.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::identities::Identity;
use crate::{
    engine::{
        clock::after,
        keys::seal::Seal,
        keys::{digests::Digests, secret_key::SecretKey},
        random::new_token,
        store::{Row, Store, StoreError, Transaction, Value, damage, values},
    },
    port::{ProviderLogoutToken, Random},
};

/// Purpose of the sealing key.
const PURPOSE: &str = "vestibule provider login";

/// How long somebody who signed out may take to do so at the provider as well.
const PROVIDER_LOGOUT: SignedDuration = SignedDuration::from_mins(10);

/// Longest id_token that is kept, in bytes. It comes back in an address, and servers refuse
/// addresses above 8 kB.
const ID_TOKEN_MAX: usize = 6 * 1024;

/// Longest `sid` that is kept, in bytes. Those of the field have 20 to 64.
const SID_MAX: usize = 255;

/// Session at the provider, as told with the sign-in.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct ReportedSession {
    /// The session at the provider, where it names one (OpenID Connect Back-Channel Logout 1.0
    /// §2.1).
    pub(in crate::engine) sid: Option<String>,
    /// When it said so.
    pub(in crate::engine) issued_at: Option<Timestamp>,
    /// Whether one can sign out there (OpenID Connect RP-Initiated Logout 1.0 §2.1).
    pub(in crate::engine) ends_there: bool,
    /// `id_token_hint` for that.
    pub(in crate::engine) id_token: Option<SecretString>,
}

/// A sign-in as it is stored.
#[derive(Debug, Clone)]
pub(in crate::engine) struct ProviderSession {
    pub(in crate::engine) issuer: String,
    pub(in crate::engine) subject: String,
    pub(in crate::engine) sid: Option<String>,
    sealed: Vec<u8>,
}

/// Sealed part of the row.
#[derive(Serialize, Deserialize)]
struct SealedSession {
    provider: String,
    /// Milliseconds since 1970.
    issued_at: Option<i64>,
    ends_there: bool,
    id_token: Option<String>,
}

/// Opened contents.
pub(in crate::engine) struct OpenedProviderSession {
    /// The provider's name in the settings.
    pub(in crate::engine) provider: String,
    pub(in crate::engine) session: ReportedSession,
}

/// Makes them and reads them again.
pub(in crate::engine) struct ProviderSessions {
    seal: Seal,
    provider_logout_tokens: Digests,
}

impl ReportedSession {
    /// Drops unusable values: a `sid` that no provider makes, an id_token that fits into no
    /// address.
    pub(super) fn of(
        sid: Option<String>,
        issued_at: Option<Timestamp>,
        id_token: Option<String>,
    ) -> Self {
        let sid = sid.filter(|sid| {
            !sid.is_empty() && sid.len() <= SID_MAX && !sid.chars().any(char::is_control)
        });
        let ends_there = id_token.is_some();
        let id_token = id_token.filter(|token| token.len() <= ID_TOKEN_MAX).map(SecretString::from);
        Self { sid, issued_at, ends_there, id_token }
    }
}

impl ProviderSession {
    /// The columns of a row that may hold one. A damaged one is none: that costs the sign-out at
    /// the provider, and nothing else.
    pub(in crate::engine) fn read(row: &Row) -> Result<Option<Self>, StoreError> {
        Ok(damage::spare(Self::from_row(row), "sign-ins at providers", "")?.flatten())
    }

    fn from_row(row: &Row) -> Result<Option<Self>, StoreError> {
        let Some(issuer) = row.optional_text("login_issuer")? else { return Ok(None) };
        let (subject, sid) = (row.text("login_subject")?, row.optional_text("login_sid")?);
        Ok(Some(Self { issuer, subject, sid, sealed: row.bytes("login_sealed")? }))
    }

    /// The values of the columns `login_issuer`, `login_subject`, `login_sid`, `login_sealed`.
    pub(in crate::engine) fn values(provider_session: Option<&Self>) -> Vec<Value> {
        let sealed =
            Value::Bytes(provider_session.map(|provider_session| provider_session.sealed.clone()));
        let text = |part: fn(&Self) -> Option<&str>| Value::from(provider_session.and_then(part));
        vec![
            text(|provider_session| Some(&provider_session.issuer)),
            text(|provider_session| Some(&provider_session.subject)),
            text(|provider_session| provider_session.sid.as_deref()),
            sealed,
        ]
    }

    /// Whose it is: what was sealed for one identity opens for no other.
    fn seal_context(issuer: &str, subject: &str) -> String {
        format!("login/{}/{issuer}/{subject}", issuer.len())
    }
}

/// Seals anew what an older data key sealed of the sessions; answers how many. What else holds a
/// sign-in lives for minutes.
pub(in crate::engine) async fn seal_anew(
    store: &Store,
    data_keys: &[SecretKey],
    random: &dyn Random,
) -> Result<usize, StoreError> {
    let seal = Seal::new(data_keys, PURPOSE);
    let (mut done, mut after) = (0, String::new());
    loop {
        let sql = "select id, login_issuer, login_subject, login_sid, login_sealed from sessions \
                   where login_issuer is not null and id > $1 order by id limit 100";
        let rows = store.fetch_all(sql, values![&after]).await?;
        for row in &rows {
            let Ok(id) = row.text("id") else { continue };
            after = id;
            let Some(ProviderSession { issuer, subject, sealed, .. }) = ProviderSession::read(row)?
            else {
                continue;
            };
            let Some(anew) =
                seal.renewed(&ProviderSession::seal_context(&issuer, &subject), &sealed, random)
            else {
                continue;
            };
            let sql = "update sessions set login_sealed = $2 where id = $1 and login_sealed = $3";
            done += usize::from(store.execute(sql, values![&after, anew, sealed]).await? == 1);
        }
        if rows.len() < 100 {
            return Ok(done);
        }
    }
}

impl ProviderSessions {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self {
            seal: Seal::new(keys, PURPOSE),
            provider_logout_tokens: Digests::new(keys, "vestibule provider farewell"),
        }
    }

    /// A sign-in to store.
    pub(in crate::engine) fn seal(
        &self,
        identity: &Identity,
        session: &ReportedSession,
        random: &dyn Random,
    ) -> Result<ProviderSession, StoreError> {
        let Identity { issuer, subject, provider, .. } = identity;
        let sealed = SealedSession {
            provider: provider.clone(),
            issued_at: session.issued_at.map(Timestamp::as_millisecond),
            ends_there: session.ends_there,
            id_token: session.id_token.as_ref().map(|token| token.expose_secret().to_owned()),
        };
        let sealed = serde_json::to_vec(&sealed).ok();
        let sealed = sealed.and_then(|plain| {
            self.seal.seal(&ProviderSession::seal_context(issuer, subject), &plain, random)
        });
        let sealed = sealed.ok_or(StoreError::Corrupt { column: "login_sealed" })?;
        Ok(ProviderSession {
            issuer: issuer.clone(),
            subject: subject.clone(),
            sid: session.sid.clone(),
            sealed,
        })
    }

    /// Opens the sealed contents; `None` when that was under a key that is no more.
    pub(in crate::engine) fn open(
        &self,
        provider_session: &ProviderSession,
    ) -> Option<OpenedProviderSession> {
        let plain = self.seal.open(
            &ProviderSession::seal_context(&provider_session.issuer, &provider_session.subject),
            &provider_session.sealed,
        )?;
        let SealedSession { provider, issued_at, ends_there, id_token } =
            serde_json::from_slice(&plain).ok()?;
        let issued_at = issued_at.and_then(|time| Timestamp::from_millisecond(time).ok());
        let session = ReportedSession {
            sid: provider_session.sid.clone(),
            issued_at,
            ends_there,
            id_token: id_token.map(Into::into),
        };
        Some(OpenedProviderSession { provider, session })
    }

    /// Keeps it for somebody who has just signed out.
    pub(in crate::engine) async fn begin_provider_logout(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        provider_session: &ProviderSession,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let provider_logout_token = new_token(random);
        let sql = "insert into provider_farewells (ticket_digest, user_id, expires_at, \
                   login_issuer, login_subject, \
                   login_sid, login_sealed) values ($1, $2, $3, $4, $5, $6, $7)";
        let values = values![
            self.provider_logout_tokens.of(provider_logout_token.as_bytes()),
            user_id,
            after(now, PROVIDER_LOGOUT)
        ];
        tx.execute(sql, [values, ProviderSession::values(Some(provider_session))].concat()).await?;
        Ok(provider_logout_token)
    }

    /// Finds the pending logout of a token. Consumes nothing.
    pub(in crate::engine) async fn waiting(
        &self,
        store: &Store,
        provider_logout_token: &ProviderLogoutToken,
        now: Timestamp,
    ) -> Result<Option<ProviderSession>, StoreError> {
        let sql = "select login_issuer, login_subject, login_sid, login_sealed from \
                   provider_farewells \
                   where ticket_digest = $1 and expires_at > $2";
        for digest in self.provider_logout_tokens.all(provider_logout_token.expose().as_bytes()) {
            if let Some(row) = store.fetch_optional(sql, values![digest, now]).await? {
                return ProviderSession::read(&row);
            }
        }
        Ok(None)
    }

    /// Takes it. `false` when it was taken already, or is over.
    pub(in crate::engine) async fn take(
        &self,
        store: &Store,
        provider_logout_token: &ProviderLogoutToken,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "delete from provider_farewells where ticket_digest = $1 and expires_at > $2";
        for digest in self.provider_logout_tokens.all(provider_logout_token.expose().as_bytes()) {
            if store.execute(sql, values![digest, now]).await? == 1 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
