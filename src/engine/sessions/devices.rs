//! Browsers that somebody signed in with before: known ones, and those that their owner trusts.
//!
//! # The contract
//!
//! * A browser keeps a device token of 256 random bits for each account that signed in with it;
//!   stored is a digest (S33). We make the device token, after the sign-in, so that nobody can
//!   plant one (S32).
//! * A *known* browser has its own count of wrong passwords: whoever guesses elsewhere cannot lock
//!   the owner out (S12). It proves nothing.
//! * A *trusted* one is not asked for a second factor for [`TRUST`]. A new password, a factor that
//!   is switched and one press on the account page end all trust (S35).
//! * An account has [`MOST`] of them; the one that was not seen for the longest time is forgotten
//!   first.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::super::{
    clock::after,
    keys::{digests::Digests, secret_key::SecretKey},
    limits::are_neighbours,
    random::{new_id, new_token},
    store::{Row, Store, StoreError, Transaction, damage, values},
    user_agent,
};
use crate::port::{Caller, Channel, Code, DeviceToken, Outcome, Random, TrustedBrowser};

/// How long a browser is trusted.
pub(in crate::engine) const TRUST: SignedDuration = SignedDuration::from_hours(30 * 24);

const KNOWN: &str = "select id from devices where user_id = $1 and digest = $2";

const USUAL: &str = "select address from devices where user_id = $1 and address is not null \
                     union select address from sessions where user_id = $1 and expires_at > $2 and \
                     address is not null \
                     limit $3";

/// Addresses that are looked through.
const MOST_ADDRESSES: i64 = 200;

/// Browsers that are remembered of one account.
const MOST: i64 = 20;

/// Makes device tokens and knows them again.
pub(in crate::engine) struct Devices(Digests);

/// Result of remembering a device.
pub(in crate::engine) struct Remembered {
    /// For a browser that was not known.
    pub(in crate::engine) device_token: Option<DeviceToken>,
    /// Whether somebody signed in to the account before, and not with this browser. To be asked
    /// before this sign-in is noted.
    pub(in crate::engine) is_strange: bool,
}

impl Devices {
    pub(in crate::engine) fn new(keys: &[SecretKey]) -> Self {
        Self(Digests::new(keys, "vestibule device"))
    }

    /// The id under which this browser is known to an account.
    pub(in crate::engine) async fn known(
        &self,
        store: &Store,
        user_id: &str,
        caller: &Caller,
    ) -> Result<Option<String>, StoreError> {
        for digest in self.digests(caller) {
            if let Some(row) = store.fetch_optional(KNOWN, values![user_id, digest]).await? {
                return damage::spare(row.text("id"), "devices", "");
            }
        }
        Ok(None)
    }

    /// Whether an account is used from the network of this address: a browser that it remembers, or
    /// a live session, was there.
    pub(in crate::engine) async fn is_usual_network(
        &self,
        store: &Store,
        user_id: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = store.fetch_all(USUAL, values![user_id, now, MOST_ADDRESSES]).await?;
        for row in rows {
            let usual = damage::spare(row.optional_text("address"), "devices", user_id)?.flatten();
            let usual = usual.and_then(|usual| usual.parse().ok());
            if usual.is_some_and(|usual| are_neighbours(usual, address)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As [`known`](Self::known), within a transaction.
    pub(in crate::engine) async fn known_in(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        caller: &Caller,
    ) -> Result<Option<String>, StoreError> {
        for digest in self.digests(caller) {
            if let Some(row) = tx.fetch_optional(KNOWN, values![user_id, digest]).await? {
                return damage::spare(row.text("id"), "devices", "");
            }
        }
        Ok(None)
    }

    /// Whether this browser is not asked for a second factor.
    pub(in crate::engine) async fn is_trusted(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for digest in self.digests(caller) {
            let sql =
                "select id from devices where user_id = $1 and digest = $2 and trusted_until > $3";
            if tx.fetch_optional(sql, values![user_id, digest, now]).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes down that somebody signed in with this browser, and that it is trusted where that was
    /// asked for. Only pages have browsers.
    pub(in crate::engine) async fn remember(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        caller: &Caller,
        trust: bool,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<Remembered> {
        if caller.channel != Channel::Pages {
            return Ok(Remembered { device_token: None, is_strange: false });
        }
        let until = trust.then(|| after(now, TRUST));
        let address = caller.address.map(|address| address.to_string());
        for digest in self.digests(caller) {
            let sql = "update devices set last_seen_at = $3, user_agent = $4, address = $5, \
                       trusted_until = coalesce($6, trusted_until) where user_id = $1 and digest = \
                       $2";
            let values = values![user_id, digest, now, &*caller.user_agent, address.clone(), until];
            if tx.execute(sql, values).await? == 1 {
                return Ok(Remembered { device_token: None, is_strange: false });
            }
        }
        // Somebody who was here before, be it with a browser that is not remembered, is not here
        // for the first time.
        let was_here = "select id from users where id = $1 and last_login_at > signed_up_at";
        let is_strange = tx.fetch_optional(was_here, values![user_id]).await?.is_some();
        let device_token = new_token(random);
        let sql = "insert into devices (id, user_id, digest, user_agent, address, last_seen_at, \
                   trusted_until) \
                   values ($1, $2, $3, $4, $5, $6, $7)";
        let digest = self.0.of(device_token.as_bytes());
        tx.execute(
            sql,
            values![new_id(random), user_id, digest, &*caller.user_agent, address, now, until],
        )
        .await?;
        let sql = "delete from devices where user_id = $1 and id not in \
                   (select id from devices where user_id = $1 order by last_seen_at desc, id limit \
                   $2)";
        tx.execute(sql, values![user_id, MOST]).await?;
        Ok(Remembered {
            device_token: Some(
                DeviceToken::parse(&device_token).map_err(|_| Code::InvalidAccessToken)?,
            ),
            is_strange,
        })
    }

    /// The browsers that an account trusts, the last used one first.
    pub(in crate::engine) async fn trusted(
        &self,
        store: &Store,
        user_id: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<TrustedBrowser>, StoreError> {
        let here = self.known(store, user_id, caller).await?;
        let sql = "select id, user_agent, address, last_seen_at, trusted_until from devices \
                   where user_id = $1 and trusted_until > $2 order by last_seen_at desc, id";
        let rows = store.fetch_all(sql, values![user_id, now]).await?;
        damage::whole(&rows, ("devices", "id"), |row| read(row, here.as_deref()))
    }

    /// The digests under which what this browser keeps may be stored.
    fn digests(&self, caller: &Caller) -> Vec<[u8; 32]> {
        caller
            .devices
            .iter()
            .flat_map(|device_token| self.0.all(device_token.expose().as_bytes()))
            .collect()
    }
}

/// Ends the trust in one browser, or in all of an account.
pub(in crate::engine) async fn untrust(
    tx: &mut Transaction<'_>,
    user_id: &str,
    handle: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "update devices set trusted_until = null where user_id = $1 and ($2 = '' or id = $2)";
    tx.execute(sql, values![user_id, handle.unwrap_or_default()]).await.map(drop)
}

/// Forgets the browsers of an account.
pub(in crate::engine) async fn forget_all(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from devices where user_id = $1", values![user_id]).await.map(drop)
}

fn read(row: &Row, here: Option<&str>) -> Result<TrustedBrowser, StoreError> {
    let handle = row.text("id")?;
    Ok(TrustedBrowser {
        current: here == Some(&*handle),
        agent: user_agent::parse(&row.text("user_agent")?),
        address: row.optional_text("address")?.and_then(|address| address.parse::<IpAddr>().ok()),
        last_seen_at: row.time("last_seen_at")?,
        until: row.time("trusted_until")?,
        handle,
    })
}
