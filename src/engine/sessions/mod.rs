//! Sessions: begun, looked up at every request, ended.
//!
//! # The contract
//!
//! * A token is 256 random bits; the database holds its digest under a derived key (S33).
//! * A session ends when it is ended, after [`LIFE`], or after [`IDLE`] without a request (S36).
//! * A session that was ended is refused from the moment on that the ending was answered, by
//!   whomever (S34, S35).
//!
//! # The cache
//!
//! A look-up is remembered in this process, so that a page costs no database read; with a database
//! that other processes write to (PostgreSQL), nothing is remembered. What is remembered is used
//! only while nothing was written to its account: every operation that writes holds a
//! [`AccountWrite`] until it answers, which moves a counter of that account on (and a common one
//! before it). A look-up reads the common counter before it reads the database and again after it
//! has read the account's; if it moved, what was read may be older than the counter and is not
//! kept.

pub(super) mod devices;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
};

use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;

use super::{
    Engine,
    clock::{after, before},
    keys::{digests::Digests, secret_key::SecretKey},
    providers::provider_sessions::ProviderSession,
    random::{new_id, new_token},
    store::{Row, StoreError, Transaction, damage, values},
    user_agent,
    users::accounts::{Account, account_columns, holdings},
};
use crate::port::{Caller, Code, Failure, Outcome, Random, Session, SessionToken, SignedInUser};

/// NIST SP 800-63B-4 §2.1.3: at most 30 days with one factor, whatever happens in between.
pub(super) const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Half of it: somebody who comes every other week stays signed in, a forgotten browser does not.
pub(super) const IDLE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A session that ends later than its life and this from now was begun while the clock ran ahead.
/// The sweep shortens it (R15).
pub(super) const AHEAD: SignedDuration = SignedDuration::from_hours(2 * 24);
/// How exactly it is known when a session was last seen. A write a minute and session is cheap, one
/// a request is not.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How many look-ups are remembered, about 1 kB each.
const REMEMBERED: u64 = 8192;
/// How many counters the accounts share.
const SLOTS: usize = 4096;

const BY_DIGEST: &str = concat!(
    "select s.id as session_id, s.started_at, s.last_seen_at, s.expires_at, s.proved_at, \
     s.factor_shown, s.address, \
     s.user_agent, ",
    account_columns!(),
    " from sessions s join users u on u.id = s.user_id",
    holdings!(),
    "where s.token_digest = $1"
);

/// The sessions of this process's engine.
pub(super) struct Sessions {
    digests: Digests,
    changes: Arc<Changes>,
    /// `None` where others write to the database too.
    cache: Option<Cache<[u8; 32], Arc<CachedSession>>>,
}

/// Cached session.
struct CachedSession {
    account: Account,
    session: Session,
    expires_at: Timestamp,
    proved_at: Timestamp,
    last_seen: AtomicI64,
    /// The counter of the account when it was read.
    change: u64,
}

/// Current session, with what only the backend knows.
pub(super) struct Current {
    pub(super) signed_in_user: SignedInUser,
    pub(super) account: Account,
    /// When they last proved to be the owner: by signing in, or later
    /// (`operations/reauthentication.rs`).
    pub(super) proved_at: Timestamp,
}

/// Input of a new session.
pub(super) struct NewSession<'a> {
    /// The sign-in at a provider, where it was one.
    pub(super) provider_session: Option<&'a ProviderSession>,
    /// Whether a second factor was among it.
    pub(super) factor: bool,
}

impl Sessions {
    pub(super) fn new(keys: &[SecretKey], shared: bool) -> Self {
        Self {
            digests: Digests::new(keys, "vestibule session token"),
            changes: Arc::new(Changes::new()),
            cache: (!shared).then(|| Cache::new(REMEMBERED)),
        }
    }

    /// To be held by whatever writes to an account or its sessions, from before the first write
    /// until the answer.
    pub(super) fn change(&self, user_id: &str) -> AccountWrite {
        AccountWrite { changes: Arc::clone(&self.changes), slot: Changes::slot(user_id) }
    }

    /// Adds a session to the transaction. Its token is new (S32), and what led to it is its first
    /// proof.
    pub(super) async fn begin(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        caller: &Caller,
        new_session: NewSession<'_>,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<Session> {
        let (id, token) = (new_id(random), new_token(random));
        let sql = "insert into sessions (id, user_id, token_digest, started_at, last_seen_at, \
                   expires_at, \
                   proved_at, address, user_agent, factor_shown, login_issuer, login_subject, \
                   login_sid, login_sealed) \
                   values ($1, $2, $3, $4, $4, $5, $4, $6, $7, $8, $9, $10, $11, $12)";
        let address = caller.address.map(|address| address.to_string());
        let digest = self.digests.of(token.as_bytes());
        let (expires_at, agent) = (after(now, LIFE), &*caller.user_agent);
        let values = values![
            &id,
            user_id,
            digest,
            now,
            expires_at,
            address,
            agent,
            i64::from(new_session.factor)
        ];
        tx.execute(sql, [values, ProviderSession::values(new_session.provider_session)].concat())
            .await?;
        Ok(Session {
            handle: id,
            user_id: user_id.to_owned(),
            token: Some(parse(&token)?),
            started_at: now,
            last_seen_at: now,
            address: caller.address,
            agent: user_agent::parse(&caller.user_agent),
            second_factor: new_session.factor,
            current: true,
        })
    }

    /// Gives a session whose owner was proved a new token; the old one is dead (S32). `factor` says
    /// whether a second factor was the proof; what was shown before stays shown. `None` when the
    /// session has ended meanwhile.
    pub(super) async fn renew(
        &self,
        tx: &mut Transaction<'_>,
        handle: &str,
        factor: bool,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<Option<SessionToken>> {
        let token = new_token(random);
        let sql = "update sessions set token_digest = $2, proved_at = $3, \
                   factor_shown = case when $4 = 1 then 1 else factor_shown end where id = $1";
        let renewed = tx
            .execute(
                sql,
                values![handle, self.digests.of(token.as_bytes()), now, i64::from(factor)],
            )
            .await?;
        if renewed == 0 { Ok(None) } else { parse(&token).map(Some) }
    }

    /// Looks a session up within a transaction, with the time of its last proof. `None` when it has
    /// ended, or goes on under another token.
    pub(super) async fn reload(
        &self,
        tx: &mut Transaction<'_>,
        session: &Session,
    ) -> Result<Option<(Session, Timestamp)>, StoreError> {
        let sql = "select token_digest, proved_at, factor_shown from sessions where id = $1";
        let (Some(row), Some(token)) =
            (tx.fetch_optional(sql, values![&session.handle]).await?, &session.token)
        else {
            return Ok(None);
        };
        let read = |row: &Row| {
            Ok((row.bytes("token_digest")?, row.time("proved_at")?, row.integer("factor_shown")?))
        };
        let read = damage::spare(read(&row), "sessions", &session.handle)?;
        let read =
            read.filter(|(digest, ..)| self.digests.matches(token.expose().as_bytes(), digest));
        Ok(read.map(|(_, proved_at, shown)| {
            (Session { second_factor: shown != 0, ..session.clone() }, proved_at)
        }))
    }

    /// The digests under which a token may be stored.
    pub(super) fn digests_of(&self, token: &str) -> Vec<[u8; 32]> {
        self.digests.all(token.as_bytes()).collect()
    }
}

impl Engine {
    /// Signed-in user of the call.
    ///
    /// # Errors
    /// `MissingSessionToken`, `InvalidSessionToken`.
    pub(super) async fn current(&self, caller: &Caller) -> Outcome<Current> {
        let token = caller.session.as_ref().ok_or(Code::MissingSessionToken)?;
        let known = self.known(token).await?.ok_or(Code::InvalidSessionToken)?;
        let now = self.now();
        let last_seen =
            Timestamp::from_millisecond(known.last_seen.load(SeqCst)).unwrap_or(Timestamp::MIN);
        if now >= known.expires_at || before(now, IDLE) >= last_seen {
            return Err(Code::InvalidSessionToken.into());
        }
        self.note_seen(&known, last_seen, now);
        let session = Session {
            token: Some(token.clone()),
            last_seen_at: last_seen.max(now),
            ..known.session.clone()
        };
        let account = known.account.clone();
        Ok(Current {
            signed_in_user: SignedInUser { user: account.user.clone(), session },
            account,
            proved_at: known.proved_at,
        })
    }

    async fn known(&self, token: &SessionToken) -> Result<Option<Arc<CachedSession>>, StoreError> {
        let Sessions { digests, changes, cache } = self.sessions();
        let first = digests.of(token.expose().as_bytes());
        if let Some(known) = cache.as_ref().and_then(|cache| cache.get(&first))
            && known.change == changes.of(&known.session.user_id)
            && known.expires_at <= after(after(self.now(), LIFE), AHEAD)
        {
            return Ok(Some(known));
        }
        for digest in digests.all(token.expose().as_bytes()) {
            let before = changes.all.load(SeqCst);
            let Some(row) = self.store().fetch_optional(BY_DIGEST, values![digest]).await? else {
                continue;
            };
            let handle = row.text("session_id").unwrap_or_default();
            let Some(known) =
                damage::spare(CachedSession::read(&row, changes), "sessions", &handle)?
            else {
                continue;
            };
            let known = Arc::new(known);
            if let Some(cache) = cache
                && before == changes.all.load(SeqCst)
            {
                cache.insert(first, Arc::clone(&known));
            }
            return Ok(Some(known));
        }
        Ok(None)
    }

    /// Writes down, in the background and at most once a minute, that a session was seen.
    fn note_seen(&self, known: &CachedSession, last_seen: Timestamp, now: Timestamp) {
        let (old, new) = (last_seen.as_millisecond(), now.as_millisecond());
        let due = before(now, SEEN_EVERY) >= last_seen;
        if !due || known.last_seen.compare_exchange(old, new, SeqCst, SeqCst).is_err() {
            return;
        }
        let (store, handle) = (self.store().clone(), known.session.handle.clone());
        tokio::spawn(async move {
            let sql = "update sessions set last_seen_at = $2 where id = $1 and last_seen_at < $2";
            if let Err(error) = store.execute(sql, values![handle, now]).await {
                // The request was answered, and the next one tries again.
                tracing::debug!(%error, "could not note that a session was seen");
            }
        });
    }
}

impl CachedSession {
    fn read(row: &Row, changes: &Changes) -> Result<Self, StoreError> {
        let account = Account::read(row)?;
        Ok(Self {
            change: changes.of(&account.user.id),
            session: read(row)?,
            expires_at: row.time("expires_at")?,
            proved_at: row.time("proved_at")?,
            last_seen: AtomicI64::new(row.integer("last_seen_at")?),
            account,
        })
    }
}

/// Notes that a second factor was shown in a session, or that the first one was switched on there.
pub(super) async fn note_factor(tx: &mut Transaction<'_>, handle: &str) -> Result<(), StoreError> {
    tx.execute("update sessions set factor_shown = 1 where id = $1", values![handle])
        .await
        .map(drop)
}

/// Drops the second factor from every session but the one with the handle: the last second factor
/// was switched off, so that the next one has been shown nowhere; or a browser is not trusted any
/// more, and which sessions are its own is not known.
pub(super) async fn forget_factor(
    tx: &mut Transaction<'_>,
    user_id: &str,
    except: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "update sessions set factor_shown = 0 where user_id = $1 and id <> $2";
    tx.execute(sql, values![user_id, except.unwrap_or_default()]).await.map(drop)
}

/// Reads a session without its token: only its digest is known. It is marked as the current one.
pub(super) fn read(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        handle: row.text("session_id")?,
        user_id: row.text("user_id")?,
        token: None,
        started_at: row.time("started_at")?,
        last_seen_at: row.time("last_seen_at")?,
        address: row.optional_text("address")?.and_then(|address| address.parse::<IpAddr>().ok()),
        agent: user_agent::parse(&row.text("user_agent")?),
        second_factor: row.integer("factor_shown")? != 0,
        current: true,
    })
}

fn parse(token: &str) -> Outcome<SessionToken> {
    SessionToken::parse(token)
        .map_err(|_| Failure::broken("a new token does not look like one").into())
}

/// One counter for all writes and one for those to an account (or the few that share its slot).
struct Changes {
    all: AtomicU64,
    slots: Vec<AtomicU64>,
}

impl Changes {
    fn new() -> Self {
        Self { all: AtomicU64::new(0), slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }

    fn of(&self, user_id: &str) -> u64 {
        self.slots[Self::slot(user_id)].load(SeqCst)
    }

    /// Ids are random, so their last digits are spread evenly.
    fn slot(user_id: &str) -> usize {
        user_id.bytes().rev().take(6).fold(0, |slot, digit| slot * 31 + usize::from(digit)) % SLOTS
    }
}

/// Something that is being written to an account. Dropping it, also when the writing was broken
/// off, makes what was remembered of the account worthless.
pub(crate) struct AccountWrite {
    changes: Arc<Changes>,
    slot: usize,
}

impl Drop for AccountWrite {
    fn drop(&mut self) {
        // This order: see the head of the module.
        self.changes.all.fetch_add(1, SeqCst);
        self.changes.slots[self.slot].fetch_add(1, SeqCst);
    }
}
