//! Accounts: their rows, and who holds an address.
//!
//! # The contract
//!
//! An address is *held* by at most one account: the one that proved it, or that signed up while no
//! proof was asked for. Any number of others may wait for a proof of the same address, each with
//! its own password; they block nobody. The account that proves it holds it, and the others are
//! gone with the same transaction.
//!
//! Numbers are held as addresses are: `held_phones`.
//!
//! On PostgreSQL locks are taken in one order: the sign-ups, the address, the account, its links
//! and sessions.

mod claimed_phones;
mod recent;
mod sign_up_locks;

use jiff::Timestamp;
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::super::{
    outbox::SignUpSource,
    passwords::hashing,
    providers::identities,
    sessions::devices,
    store::{Row, Store, StoreError, Transaction, damage, values},
    two_factor::{authenticators, recovery_codes},
};
use crate::port::{Code, Email, Phone, User};

pub(in crate::engine) use claimed_phones::{
    by_phone, claim_phone, delete_waiting_for_phone, mark_phone_verified, phone_is_claimed,
    phone_is_contested, release_phone_claim,
};
pub(in crate::engine) use recent::{
    RecoveryMethod, lock_holdings, mark_added_email, mark_added_phone, note_factor_since,
    note_shown_phone, remove_recent_ways_in,
};
pub(in crate::engine) use sign_up_locks::{lock_sign_ups, newest_waiting, newest_waiting_by_phone};

/// Longest name, in characters.
const NAME_CHARACTERS: usize = 100;
/// The provider of accounts that signed up here.
const OWN: &str = "altogic";
/// Longest address of a picture, in bytes.
const PICTURE_URL_BYTES: usize = 2048;

/// `vouched` of what the account began with, or was added with a second factor that counts.
const VOUCHED: i64 = 1;
/// `vouched` of a number that is a second factor only.
const SECOND_ONLY: i64 = 2;

/// Where the log finds a damaged account.
const USERS: (&str, &str) = ("users", "user_id");

/// The columns of [`Account::read`], from `users u` and [`holdings`].
macro_rules! account_columns {
    () => {
        "u.id as user_id, u.provider, u.provider_user_id, u.email, u.email_verified_at, u.phone, \
         u.phone_verified_at, \
         u.two_factor, u.authenticator, u.fields, u.password_hash, u.name, u.profile_picture, \
         u.browser_digest as user_browser_digest, u.signer_digest, u.signed_up_from, \
         u.factor_since, u.signed_up_at, u.last_login_at, h.held_since, \
         hp.held_since as phone_held_since, h.vouched as email_vouched, hp.vouched as phone_vouched"
    };
}
pub(in crate::engine) use account_columns;

/// Joins what the account `u` holds.
macro_rules! holdings {
    () => {
        " left join held_emails h on h.user_id = u.id left join held_phones hp on hp.user_id = \
            u.id "
    };
}
pub(in crate::engine) use holdings;

/// A user and what only the backend knows of them.
#[derive(Clone)]
pub(in crate::engine) struct Account {
    pub(in crate::engine) user: User,
    pub(in crate::engine) password_hash: Option<String>,
    pub(in crate::engine) browser_digest: Option<Vec<u8>>,
    /// Digest of the caller that signed up, where it had no browser of ours (the wire).
    pub(in crate::engine) signer_digest: Option<Vec<u8>>,
    /// Where the sign-up came from, in words of ours.
    pub(in crate::engine) signed_up_from: Option<String>,
    /// Time since when it has had a second factor.
    pub(in crate::engine) factor_since: Option<Timestamp>,
    /// Whether an authenticator app makes codes for it.
    pub(in crate::engine) authenticator: bool,
    /// Whether it holds its address.
    pub(in crate::engine) claims_email: bool,
    /// Whether it holds its number.
    pub(in crate::engine) claims_phone: bool,
    /// Time since when it holds an email that was added without a second factor
    /// (`users/accounts/recent.rs`).
    pub(in crate::engine) email_added: Option<Timestamp>,
    /// As `email_added`, of the number. The end of time for a number that is a second factor only.
    pub(in crate::engine) phone_added: Option<Timestamp>,
    /// Whether its number is a second factor only.
    pub(in crate::engine) phone_is_second_only: bool,
}

impl Account {
    /// Reads an account. A damaged column keeps its owner out of nothing but what it is for: it is
    /// logged and counts as empty, a second factor that cannot be read as switched on.
    ///
    /// # Errors
    /// When the id cannot be read.
    pub(in crate::engine) fn read(row: &Row) -> Result<Self, StoreError> {
        let id = row.text("user_id")?;
        let columns = Columns { row, id: &id };
        let (two_factor, authenticator) =
            (columns.is_on("two_factor"), columns.is_on("authenticator"));
        let phone_is_second_only = columns.vouched("phone_vouched") == Some(SECOND_ONLY);
        let phone_added = columns.added("phone_vouched", "phone_held_since");
        Ok(Self {
            user: User {
                provider: columns.text("provider").unwrap_or_else(|| OWN.to_owned()),
                provider_user_id: columns.text("provider_user_id").unwrap_or_else(|| id.clone()),
                email: columns.text("email"),
                email_verified: columns.is_there("email_verified_at"),
                phone: columns.text("phone"),
                phone_verified: columns.is_there("phone_verified_at"),
                two_factor,
                second_factor: two_factor || authenticator,
                name: columns.text("name"),
                profile_picture: columns.text("profile_picture"),
                signed_up_at: columns.time("signed_up_at"),
                last_login_at: columns.time("last_login_at"),
                fields: columns.fields(),
                id: id.clone(),
            },
            password_hash: columns.password_hash(),
            browser_digest: row.optional_bytes("user_browser_digest").unwrap_or_default(),
            signer_digest: row.optional_bytes("signer_digest").unwrap_or_default(),
            signed_up_from: columns.text("signed_up_from"),
            // A factor whose time is damaged vouches for nothing.
            factor_since: row
                .optional_time("factor_since")
                .unwrap_or_else(|_| columns.note("factor_since")),
            authenticator,
            claims_email: columns.is_there("held_since"),
            claims_phone: columns.is_there("phone_held_since"),
            email_added: columns.added("email_vouched", "held_since"),
            phone_added: phone_added
                .map(|added| if phone_is_second_only { Timestamp::MAX } else { added }),
            phone_is_second_only,
        })
    }

    /// Whether the account can be used: its address is proved, or no proof is asked for.
    pub(in crate::engine) fn is_usable(&self, confirm_email: bool) -> bool {
        self.user.email_verified || (self.claims_email && !confirm_email)
    }

    /// Whether its number signs in: it is proved, or no proof is asked for.
    pub(in crate::engine) fn is_usable_by_phone(&self, confirm_phone: bool) -> bool {
        self.user.phone_verified || (self.claims_phone && !confirm_phone)
    }

    /// Whether anything is asked for after the first factor.
    pub(in crate::engine) fn has_second_factor(&self) -> bool {
        self.user.second_factor
    }

    /// The number that texts to the account go to: the stored one.
    pub(in crate::engine) fn number(&self) -> Option<Phone> {
        self.user.phone.as_deref().and_then(|phone| Phone::parse(phone).ok())
    }

    /// The address that email to the account goes to: the stored one, never the typed one (S93).
    pub(in crate::engine) fn mailbox(&self) -> Option<Email> {
        self.user.email.as_deref().and_then(|email| Email::parse(email).ok())
    }
}

/// The columns of one account.
struct Columns<'a> {
    row: &'a Row,
    id: &'a str,
}

impl Columns<'_> {
    fn text(&self, column: &'static str) -> Option<String> {
        self.row.optional_text(column).unwrap_or_else(|_| self.note(column))
    }

    /// 1970 in place of a time that is none.
    fn time(&self, column: &'static str) -> Timestamp {
        self.row.time(column).unwrap_or_else(|_| self.note(column))
    }

    fn is_on(&self, column: &'static str) -> bool {
        self.row.integer(column).map_or_else(
            |_| {
                self.note::<()>(column);
                true
            },
            |flag| flag != 0,
        )
    }

    /// Whether anything stands there, as the conditions in SQL take it.
    fn is_there(&self, column: &'static str) -> bool {
        self.row.optional_integer(column).map_or_else(
            |_| {
                self.note::<()>(column);
                true
            },
            |value| value.is_some(),
        )
    }

    /// Provenance of what the account holds (`users/accounts/recent.rs`); nothing where it holds
    /// none. Damage counts as the least.
    fn vouched(&self, column: &'static str) -> Option<i64> {
        self.row.optional_integer(column).unwrap_or_else(|_| {
            self.note::<()>(column);
            Some(SECOND_ONLY)
        })
    }

    /// Time since when the account holds what was added without a second factor. Damage counts as
    /// the end of time.
    fn added(&self, vouched: &'static str, since: &'static str) -> Option<Timestamp> {
        self.vouched(vouched).filter(|vouched| *vouched != VOUCHED)?;
        Some(self.row.optional_time(since).ok().flatten().unwrap_or(Timestamp::MAX))
    }

    fn fields(&self) -> Map<String, Value> {
        let text = self.row.text("fields").unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_else(|_| self.note("fields"))
    }

    /// A hash that is none opens nothing: its owner chooses a new password with a link.
    fn password_hash(&self) -> Option<String> {
        let stored = self.text("password_hash")?;
        if hashing::is_hash(&stored) { Some(stored) } else { self.note("password_hash") }
    }

    /// Logs a damaged column; answers what stands in for it.
    fn note<T: Default>(&self, column: &'static str) -> T {
        damage::note("users", self.id, column);
        T::default()
    }
}

/// A new account.
pub(in crate::engine) struct NewAccount<'a> {
    pub(in crate::engine) user: &'a User,
    /// `None` for one that a provider signs in to.
    pub(in crate::engine) password_hash: Option<&'a str>,
    pub(in crate::engine) browser_digest: Option<[u8; 32]>,
}

/// The account of that id.
pub(in crate::engine) async fn by_id(
    store: &Store,
    id: &str,
) -> Result<Option<Account>, StoreError> {
    const SQL: &str =
        concat!("select ", account_columns!(), " from users u", holdings!(), "where u.id = $1");
    whole(store.fetch_optional(SQL, values![id]).await?.as_ref())
}

/// The account of that id, within a transaction.
pub(in crate::engine) async fn reload(
    tx: &mut Transaction<'_>,
    id: &str,
) -> Result<Option<Account>, StoreError> {
    const SQL: &str =
        concat!("select ", account_columns!(), " from users u", holdings!(), "where u.id = $1");
    whole(tx.fetch_optional(SQL, values![id]).await?.as_ref())
}

/// The accounts with that address: the one that holds it first, then those that wait for a proof,
/// newest first. At most ten, so that an address that somebody signs up again and again costs no
/// more than another.
pub(in crate::engine) async fn by_email(
    store: &Store,
    email: &Email,
) -> Result<Vec<Account>, StoreError> {
    const SQL: &str = concat!(
        "select ",
        account_columns!(),
        " from users u",
        holdings!(),
        "where u.email = $1 ",
        "order by case when h.held_since is null then 1 else 0 end, u.signed_up_at desc, u.id \
            limit 10"
    );
    damage::whole(&store.fetch_all(SQL, values![email.as_str()]).await?, USERS, Account::read)
}

fn whole(row: Option<&Row>) -> Result<Option<Account>, StoreError> {
    Ok(row.map(|row| damage::one(row, USERS, Account::read)).transpose()?.flatten())
}

/// Whether some account holds the address.
pub(in crate::engine) async fn is_claimed(
    tx: &mut Transaction<'_>,
    email: &Email,
) -> Result<bool, StoreError> {
    let sql = "select user_id from held_emails where email = $1";
    Ok(tx.fetch_optional(sql, values![email.as_str()]).await?.is_some())
}

/// The account that holds the address.
pub(in crate::engine) async fn holder(
    tx: &mut Transaction<'_>,
    email: &Email,
) -> Result<Option<String>, StoreError> {
    let sql = "select user_id from held_emails where email = $1";
    let Some(row) = tx.fetch_optional(sql, values![email.as_str()]).await? else { return Ok(None) };
    damage::spare(row.text("user_id"), "held_emails", "")
}

/// Adds an account.
pub(in crate::engine) async fn insert(
    tx: &mut Transaction<'_>,
    new: &NewAccount<'_>,
) -> Result<(), StoreError> {
    let user = new.user;
    let sql = "insert into users (id, provider, provider_user_id, email, email_verified_at, \
               password_hash, name, \
               profile_picture, browser_digest, signed_up_at, last_login_at, updated_at, phone, \
               fields) \
               values ($1, $2, $3, $4, null, $5, $6, null, $7, $8, $8, $8, $9, $10)";
    let values = values![
        &user.id,
        &user.provider,
        &user.provider_user_id,
        user.email.clone(),
        new.password_hash,
        user.name.clone(),
        new.browser_digest,
        user.signed_up_at,
        user.phone.clone(),
        Value::Object(user.fields.clone()).to_string(),
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Notes who signed up.
pub(in crate::engine) async fn note_signer(
    tx: &mut Transaction<'_>,
    user_id: &str,
    digest: [u8; 32],
    from: Option<String>,
) -> Result<(), StoreError> {
    let sql = "update users set signer_digest = $2, signed_up_from = $3 where id = $1";
    tx.execute(sql, values![user_id, digest, from]).await.map(drop)
}

/// Looks up when and from where somebody signed up.
pub(in crate::engine) async fn sign_up_source(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<Option<SignUpSource>, StoreError> {
    let sql = "select signed_up_at, signed_up_from from users where id = $1";
    let Some(row) = tx.fetch_optional(sql, values![user_id]).await? else { return Ok(None) };
    let read = |row: &Row| {
        Ok(SignUpSource {
            at: row.time("signed_up_at")?,
            from: row.optional_text("signed_up_from")?,
        })
    };
    damage::spare(read(&row), "users", user_id)
}

/// Makes an account the holder of an address and says whether it is: `false` when another one is.
/// The loser of a race waits here for the winner.
pub(in crate::engine) async fn claim_email(
    tx: &mut Transaction<'_>,
    email: &Email,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "insert into held_emails (email, user_id, held_since) values ($1, $2, $3) on \
        conflict do nothing";
    if tx.execute(sql, values![email.as_str(), user_id, now]).await? == 1 {
        return Ok(true);
    }
    let sql = "select email from held_emails where email = $1 and user_id = $2";
    Ok(tx.fetch_optional(sql, values![email.as_str(), user_id]).await?.is_some())
}

/// Gives up the address that an account holds, so that it can hold another.
pub(in crate::engine) async fn release_email_claim(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from held_emails where user_id = $1", values![user_id]).await.map(drop)
}

/// Whether others wait for a proof of the address as well: then whoever proves it may not be who
/// set the password (S23).
pub(in crate::engine) async fn is_contested(
    tx: &mut Transaction<'_>,
    email: &Email,
    user_id: &str,
) -> Result<bool, StoreError> {
    let sql =
        "select id from users where email = $1 and id <> $2 and email_verified_at is null limit 1";
    Ok(tx.fetch_optional(sql, values![email.as_str(), user_id]).await?.is_some())
}

/// Takes the password, the second factors, the known browsers and the sessions of an account that
/// whoever proved it may not have set up (S23).
pub(in crate::engine) async fn remove_password(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    let sql =
        "update users set two_factor = 0, authenticator = 0, factor_since = null where id = $1";
    tx.execute(sql, values![user_id]).await?;
    authenticators::remove(tx, user_id).await?;
    recovery_codes::remove(tx, user_id).await?;
    revoke_all_sessions(tx, user_id).await
}

/// Takes the number of an account.
pub(in crate::engine) async fn remove_phone(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    release_phone_claim(tx, user_id).await?;
    let sql = "update users set phone = null, phone_verified_at = null where id = $1";
    tx.execute(sql, values![user_id]).await.map(drop)
}

/// Takes the password, the connected accounts at providers, the known browsers and the sessions of
/// an account. Its second factors stay: a mailbox alone must not switch them off (S18).
pub(in crate::engine) async fn revoke_all_sessions(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("update users set password_hash = null where id = $1", values![user_id]).await?;
    devices::forget_all(tx, user_id).await?;
    identities::remove(tx, user_id).await?;
    tx.execute("delete from sessions where user_id = $1", values![user_id]).await.map(drop)
}

/// Deletes the accounts that waited for a proof of an address that now is held.
pub(in crate::engine) async fn delete_waiting(
    tx: &mut Transaction<'_>,
    email: &Email,
    holder: &str,
) -> Result<(), StoreError> {
    let sql = "delete from users where email = $1 and id <> $2 and email_verified_at is null \
               and not exists (select 1 from held_emails h where h.user_id = users.id)";
    tx.execute(sql, values![email.as_str(), holder]).await.map(drop)
}

/// Reads a name: trimmed, in NFC; an empty one is none.
///
/// # Errors
/// `NameTooLong`; `InvalidName` for control characters and those that turn the direction of the
/// text around it or cannot be seen (S58, S63). The joiners that some scripts need are welcome.
pub(in crate::engine) fn parse_name(entered: &str) -> Result<Option<String>, Code> {
    if entered.len() > 16 * NAME_CHARACTERS {
        return Err(Code::NameTooLong);
    }
    let name: String = entered.trim().nfc().collect();
    if name.chars().count() > NAME_CHARACTERS {
        return Err(Code::NameTooLong);
    }
    if name.chars().any(is_unseen) {
        return Err(Code::InvalidName);
    }
    Ok((!name.is_empty()).then_some(name))
}

/// Reads the address of a picture: an absolute URL that a browser may fetch (S56).
///
/// # Errors
/// `InvalidFieldValue` for anything else.
pub(in crate::engine) fn parse_picture_url(entered: &str) -> Result<String, Code> {
    let fetchable = entered.len() <= PICTURE_URL_BYTES
        && url::Url::parse(entered).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if fetchable { Ok(entered.to_owned()) } else { Err(Code::InvalidFieldValue) }
}

/// Whether a character turns the direction of the text around it, or cannot be seen.
pub(in crate::engine) fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(
            letter,
            '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_composed_and_an_empty_one_is_none() {
        assert_eq!(parse_name("  Jose\u{301} "), Ok(Some("Jos\u{e9}".to_owned())));
        assert_eq!(parse_name(" \t"), Ok(None));
        assert_eq!(parse_name("👩\u{200d}🚀 Ann"), Ok(Some("👩\u{200d}🚀 Ann".to_owned())));
    }

    /// S58, S63
    #[test]
    fn a_name_cannot_hide_or_turn_the_text_around_it() {
        for entered in ["a\nb", "a\0b", "Ann\u{202e}gpj", "a\u{200b}b", "a\u{2066}b", "a\u{2028}b"]
        {
            assert_eq!(parse_name(entered), Err(Code::InvalidName), "{entered:?}");
        }
        assert_eq!(parse_name(&"ä".repeat(101)), Err(Code::NameTooLong));
        assert!(parse_name(&"ä".repeat(100)).is_ok());
    }

    /// S56
    #[test]
    fn a_picture_is_fetched_from_the_web_or_not_at_all() {
        assert!(parse_picture_url("https://example.com/a.png").is_ok());
        for entered in
            ["javascript:alert(1)", "/a.png", "data:image/png;base64,AA", "", "ftp://example.com/a"]
        {
            assert_eq!(parse_picture_url(entered), Err(Code::InvalidFieldValue), "{entered:?}");
        }
    }
}
