//! Emailed links and the access tokens that are made of them.
//!
//! # The contract
//!
//! * A link is a row; its key is 256 random bits of which only a digest is stored (S33, S46). It
//!   names the account, what it is for, the address it was emailed to, and the browser that asked
//!   for it.
//! * Fetching a link writes nothing (S44): it *mints* an access token that carries the id of the
//!   link, its own end and a MAC over both. Any number of them may exist.
//! * The first redemption of any of them spends the row in one conditional update (S45). With it
//!   the others are dead, and so are the older links for the same purpose.
//! * A link proves only the address it was emailed to (S22).
//! * A code of six digits beside the link is columns of its row: see `links/emailed_codes.rs`.
//! * A link that says "that was not me" outlives what revokes the others, or a thief would revoke
//!   it first: see `operations/account_recovery.rs`.

mod access_tokens;
mod emailed_codes;

use jiff::{SignedDuration, Timestamp};

use super::{
    clock::after,
    codes::{self, CodePurpose},
    keys::{digests::Digests, secret_key::SecretKey},
    operations::asked_by,
    providers::identities,
    random::{new_id, new_token},
    sessions::devices,
    store::{Row, Store, StoreError, Transaction, damage, values},
    users::accounts::Account,
};
use crate::port::{AccessToken, BrowserId, Caller, Email, LinkKey, OneTimeCode, Outcome, Random};

pub(super) use emailed_codes::{CODE_MINUTES, CodeGuess, Guessed};

/// Long enough to find the email, short enough for a stolen mailbox to hold none that works (S46:
/// at most 1 h).
pub(super) const LINK_MINUTES: u32 = 60;
/// A confirmation opens nothing but an account that its owner just made; people look at their email
/// once a day.
pub(super) const CONFIRM_MINUTES: u32 = 24 * 60;
/// Long enough for a holiday's first look at the email, as others give it for undoing a change of
/// address.
const ACCOUNT_RECOVERY_MINUTES: u32 = 7 * 24 * 60;

/// `keeps_password` of a link whose opener chose the password.
const CHOSEN: i64 = 2;
/// `keeps_password` of a link whose opener knew the password.
const KNOWN: i64 = 3;

/// Password of an account after its link was opened elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Chosen,
    /// It was there before, and typed: the account stays as it is.
    Known,
    Without,
}

/// Purpose of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    EmailConfirm,
    MagicLink,
    ResetPassword,
    ChangeEmail,
    /// The owner says that something was not them.
    AccountRecovery,
}

impl Purpose {
    const ALL: [Self; 5] = [
        Self::EmailConfirm,
        Self::MagicLink,
        Self::ResetPassword,
        Self::ChangeEmail,
        Self::AccountRecovery,
    ];

    /// The word on the wire and in the database (altogic-protocol.md §10).
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::EmailConfirm => "email-confirm",
            Self::MagicLink => "magic-link",
            Self::ResetPassword => "reset-pwd",
            Self::ChangeEmail => "change-email",
            // Never on the wire.
            Self::AccountRecovery => "not-me",
        }
    }

    pub(super) fn of(action: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.action() == action)
    }

    /// How long a link for it lives.
    pub(super) fn minutes(self) -> u32 {
        match self {
            Self::EmailConfirm => CONFIRM_MINUTES,
            Self::MagicLink | Self::ResetPassword | Self::ChangeEmail => LINK_MINUTES,
            Self::AccountRecovery => ACCOUNT_RECOVERY_MINUTES,
        }
    }
}

/// A link to be emailed.
pub(super) struct NewLink<'a> {
    pub(super) purpose: Purpose,
    pub(super) user_id: &'a str,
    pub(super) email: &'a Email,
    /// Requester, with its browser, and where its application wants the browser that follows it.
    pub(super) caller: &'a Caller,
    /// Whether whoever follows it is known to be the one who set the password of the account (S23).
    pub(super) keeps_password: bool,
    /// Change to undo, of an account recovery link.
    pub(super) undo: Option<&'a str>,
}

/// A link that was just made.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) key: String,
    /// To be typed in the browser that asked.
    pub(super) code: Option<OneTimeCode>,
    pub(super) expires_at: Timestamp,
}

/// Where the log finds a damaged link.
pub(super) const LINKS: (&str, &str) = ("links", "id");

/// A link that was emailed.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) purpose: Purpose,
    pub(super) email: Email,
    pub(super) keeps_password: bool,
    /// Whether whoever opened it chose the password of the account.
    pub(super) password_chosen: bool,
    /// Whether whoever opened it knew the password of the account.
    pub(super) password_known: bool,
    /// Requester, in our own words.
    pub(super) asked_from: Option<String>,
    /// Where it sends the browser, when its application has a redirect URL of its own.
    pub(super) redirect_url: Option<String>,
    /// As in [`NewLink`].
    pub(super) undo: Option<String>,
    /// Time since when the account had the mailbox, of one that was added without a second factor.
    pub(super) mailbox_added: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    browser_digest: Option<Vec<u8>>,
    asker_digest: Option<Vec<u8>>,
    spent: bool,
}

impl Link {
    /// Whether it can still be redeemed; only the conditional update in [`Links::spend`] decides.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        !self.spent && now < self.expires_at
    }

    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            user_id: row.text("user_id")?,
            purpose: Purpose::of(&row.text("purpose")?)
                .ok_or(StoreError::Corrupt { column: "purpose" })?,
            email: Email::parse(&row.text("email")?)
                .map_err(|_| StoreError::Corrupt { column: "email" })?,
            keeps_password: row.integer("keeps_password")? != 0,
            password_chosen: row.integer("keeps_password")? == CHOSEN,
            password_known: row.integer("keeps_password")? == KNOWN,
            asked_from: row.optional_text("asked_from")?,
            asker_digest: row.optional_bytes("asker_digest")?,
            redirect_url: row.optional_text("redirect_url")?,
            undo: row.optional_text("undo")?,
            mailbox_added: row.optional_time("mailbox_added_at")?,
            created_at: row.time("created_at")?,
            browser_digest: row.optional_bytes("browser_digest")?,
            expires_at: row.time("expires_at")?,
            spent: row.optional_integer("spent_at")?.is_some(),
        })
    }
}

/// Makes links and reads them again.
pub(super) struct Links {
    keys: Digests,
    access_tokens: Digests,
    browsers: Digests,
    callers: Digests,
    codes: Digests,
}

impl Links {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self {
            keys: Digests::new(keys, "vestibule link key"),
            access_tokens: Digests::new(keys, "vestibule access token"),
            browsers: Digests::new(keys, "vestibule browser ticket"),
            callers: Digests::new(keys, "vestibule caller"),
            codes: Digests::new(keys, "vestibule mailed code"),
        }
    }

    /// Stores a link, with a code where a browser of ours asks for an email that has one.
    pub(super) async fn create(
        &self,
        tx: &mut Transaction<'_>,
        new: &NewLink<'_>,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<Made> {
        let (id, key) = (new_id(random), new_token(random));
        let expires_at = after(now, SignedDuration::from_mins(new.purpose.minutes().into()));
        let browser = new.caller.browser.as_ref().map(|browser_id| self.browser(browser_id));
        let sql = "insert into links (id, user_id, purpose, email, key_digest, browser_digest, \
                   keeps_password, \
                   created_at, expires_at, redirect_url, undo, asked_from, asker_digest) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let values = values![
            &id,
            new.user_id,
            new.purpose.action(),
            new.email.as_str(),
            self.keys.of(key.as_bytes()),
            browser,
            new.keeps_password,
            now,
            expires_at,
            new.caller.redirect_url.clone(),
            new.undo.map(str::to_owned),
            asked_by(new.caller),
            self.caller(new.caller),
        ];
        tx.execute(sql, values).await?;
        let code = match browser {
            Some(browser) if new.purpose != Purpose::AccountRecovery => {
                Some(self.add_code(tx, &id, new, &browser, random).await?)
            }
            _ => None,
        };
        Ok(Made { id, key, code, expires_at })
    }

    /// The link with this key, live or not.
    pub(super) async fn by_key(
        &self,
        store: &Store,
        key: &LinkKey,
    ) -> Result<Option<Link>, StoreError> {
        let sql = "select * from links where key_digest = $1";
        for digest in self.keys.all(key.expose().as_bytes()) {
            if let Some(row) = store.fetch_optional(sql, values![digest]).await? {
                return damage::one(&row, LINKS, Link::read);
            }
        }
        Ok(None)
    }

    /// Whether the link with this key can still be redeemed, within a transaction.
    pub(super) async fn lives(
        &self,
        tx: &mut Transaction<'_>,
        key: &LinkKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql =
            "select id from links where key_digest = $1 and spent_at is null and expires_at > $2";
        for digest in self.keys.all(key.expose().as_bytes()) {
            if tx.fetch_optional(sql, values![digest, now]).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The link that an access token was made from, live or not; `None` when the token is not ours
    /// or over.
    pub(super) async fn by_access_token(
        &self,
        store: &Store,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<Option<Link>, StoreError> {
        let Some(id) = self.read_access_token(token, now) else { return Ok(None) };
        let row = store.fetch_optional("select * from links where id = $1", values![id]).await?;
        Ok(row.map(|row| damage::one(&row, LINKS, Link::read)).transpose()?.flatten())
    }

    /// Spends a link, and the older ones for the same purpose with it. `false` when it was spent
    /// before, or is over: then nothing may come of it.
    pub(super) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        link: &Link,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql =
            "update links set spent_at = $2 where id = $1 and spent_at is null and expires_at > $2";
        if tx.execute(sql, values![&link.id, now]).await? == 0 {
            return Ok(false);
        }
        let sql = "delete from links where user_id = $1 and purpose = $2 and id <> $3";
        tx.execute(sql, values![&link.user_id, link.purpose.action(), &link.id]).await?;
        Ok(true)
    }

    /// Whether this browser asked for the link.
    pub(super) fn began_in(&self, link: &Link, browser: Option<&BrowserId>) -> bool {
        self.is_browser(browser, link.browser_digest.as_deref())
    }

    /// Whether the caller is the one who signed up: the browser is the same. Where neither has one
    /// (a program on the wire), its address and its name are the same: see
    /// `operations/address_verification.rs`.
    pub(super) fn is_signer(&self, caller: &Caller, account: &Account) -> bool {
        match (&caller.browser, &account.browser_digest) {
            (None, None) => self.is_caller(caller, account.signer_digest.as_deref()),
            (browser, digest) => self.is_browser(browser.as_ref(), digest.as_deref()),
        }
    }

    /// As [`is_signer`](Self::is_signer), of whoever asked for a link.
    pub(super) fn is_asker(&self, caller: &Caller, link: &Link) -> bool {
        match (&caller.browser, &link.browser_digest) {
            (None, None) => self.is_caller(caller, link.asker_digest.as_deref()),
            (browser, digest) => self.is_browser(browser.as_ref(), digest.as_deref()),
        }
    }

    /// Rows of before 0020 have no digest.
    fn is_caller(&self, caller: &Caller, digest: Option<&[u8]>) -> bool {
        digest.is_none_or(|digest| self.callers.matches(&named(caller), digest))
    }

    /// Digests of a caller.
    pub(super) fn caller(&self, caller: &Caller) -> [u8; 32] {
        self.callers.of(&named(caller))
    }

    /// Notes the password that whoever opened a link gave its account. `false` when the link is
    /// spent or over.
    pub(super) async fn note_choice(
        &self,
        tx: &mut Transaction<'_>,
        link: &Link,
        choice: Choice,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let keeps = match choice {
            Choice::Chosen => CHOSEN,
            Choice::Known => KNOWN,
            Choice::Without => 0,
        };
        let sql = "update links set keeps_password = $2 where id = $1 and spent_at is null and \
            expires_at > $3";
        Ok(tx.execute(sql, values![&link.id, keeps, now]).await? == 1)
    }

    /// Whether the stored digest is that of this browser.
    pub(super) fn is_browser(&self, browser: Option<&BrowserId>, digest: Option<&[u8]>) -> bool {
        matches!((browser, digest), (Some(browser_id), Some(digest)) if
            self.browsers.matches(browser_id.expose().as_bytes(), digest))
    }

    /// Digest of a browser id.
    pub(super) fn browser(&self, browser_id: &BrowserId) -> [u8; 32] {
        self.browsers.of(browser_id.expose().as_bytes())
    }
}

/// Notes since when the account had the mailbox that a link goes to, of one that was added without
/// a second factor.
pub(super) async fn note_mailbox_added(
    tx: &mut Transaction<'_>,
    link_id: &str,
    added: Timestamp,
) -> Result<(), StoreError> {
    let sql = "update links set mailbox_added_at = $2 where id = $1";
    tx.execute(sql, values![link_id, added]).await.map(drop)
}

/// Revokes every link and every code of an account, its unfinished sign-ins with providers, and the
/// trust in browsers; but not the links by which its owner takes back what somebody else did.
pub(super) async fn revoke_all(tx: &mut Transaction<'_>, user_id: &str) -> Result<(), StoreError> {
    codes::revoke_all(tx, user_id).await?;
    identities::revoke_unfinished(tx, user_id).await?;
    devices::untrust(tx, user_id, None).await?;
    let sql = "delete from links where user_id = $1 and purpose <> $2";
    tx.execute(sql, values![user_id, Purpose::AccountRecovery.action()]).await.map(drop)
}

/// Revokes the changes of ways in that wait for a code, a link or a provider: they were begun
/// before a second factor was switched on, by somebody who has not shown it (S104).
pub(super) async fn kill_changes(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    codes::revoke(tx, user_id, CodePurpose::ChangePhone).await?;
    codes::revoke(tx, user_id, CodePurpose::SetPhone).await?;
    identities::kill_starts(tx, user_id).await?;
    let sql = "delete from links where user_id = $1 and purpose = $2";
    tx.execute(sql, values![user_id, Purpose::ChangeEmail.action()]).await.map(drop)
}

/// Revokes the reset links and codes of an account: whoever just signed in does not need them
/// (S46).
pub(super) async fn revoke_resets(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    codes::revoke(tx, user_id, CodePurpose::ResetPassword).await?;
    let sql = "delete from links where user_id = $1 and purpose = $2";
    tx.execute(sql, values![user_id, Purpose::ResetPassword.action()]).await.map(drop)
}

/// Address and program of a caller.
fn named(caller: &Caller) -> Vec<u8> {
    let address =
        caller.address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
    format!("{address}/{}", caller.user_agent).into_bytes()
}
