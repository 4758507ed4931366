//! Disk, keys, database and clock.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use super::Finding;
use crate::{
    cli::keys::may_go,
    config::Config,
    engine::{
        SystemClock,
        keys::data_keys::{self, KeyState},
        store::{Inspection, Store},
    },
    port::{Clock as _, Failure},
};

/// Free space below which a day's email or a few pictures may fill the disk, in bytes.
const LITTLE: u64 = 256 * 1024 * 1024;

/// The clock cannot be before this program was written.
const WRITTEN: &str = "2026-01-01T00:00:00Z";

/// Disk, keys and clock.
pub(super) fn inspect(config: &Config) -> Vec<Finding> {
    let mut findings = vec![space("disk", "data_dir", &config.data_dir), private(config), clock()];
    if config.altogic.is_none() && !config.files_dir.starts_with(&config.data_dir) {
        findings.push(space("disk", "files.url", &config.files_dir));
    }
    findings
}

/// The database, as it is: nothing is made or migrated.
pub(super) async fn database(config: &Config) -> Vec<Finding> {
    match Store::inspect(config.database_url.expose_secret()).await {
        Ok(Inspection::Missing) => {
            vec![Finding::good(
                "database",
                "it is not there yet, and will be made at the first start",
            )]
        }
        Ok(Inspection::Outdated) => {
            vec![Finding::odd(
                "database",
                "it is of an older version; the next start, or vestibule migrate, brings it up",
            )]
        }
        Ok(Inspection::Ready { newest }) => {
            let mut findings = vec![Finding::good("database", "it answers and is up to date")];
            let ahead = newest.map(|newest| newest.duration_since(SystemClock.now()));
            if ahead.is_some_and(|ahead| ahead > SignedDuration::from_mins(2)) {
                let words = "the newest session began in the future: the clock was set back, or \
                             another server's is wrong. \
                             Let both follow NTP";
                findings.push(Finding::bad("clock", words));
            }
            findings.push(secret_key(config).await);
            findings
        }
        Err(error) => {
            vec![Finding::bad(
                "database",
                format!("database.url: it does not answer: {}", Failure::from(error)),
            )]
        }
    }
}

/// Whether the secret key is the one that the database is locked with.
async fn secret_key(config: &Config) -> Finding {
    const ABOUT: &str = "secret key";
    let url = config.database_url.expose_secret();
    match data_keys::inspect(url, &config.secret_keys).await {
        Ok(KeyState::None) => Finding::good(ABOUT, "the next start locks the database with it"),
        Ok(KeyState::Refused(why)) => Finding::bad(ABOUT, why),
        Ok(KeyState::Fits { is_new: true, .. }) => Finding::odd(
            ABOUT,
            "the first one is new: the next start lets it open the database too",
        ),
        Ok(KeyState::Fits { retired, .. }) if !retired.is_empty() => {
            let retired = retired.join(", ");
            Finding::odd(
                ABOUT,
                format!(
                    "{retired} is not set any more and still opens the database: vestibule key \
                        rotate"
                ),
            )
        }
        Ok(KeyState::Fits { older, from, .. }) if !older.is_empty() => Finding::good(
            ABOUT,
            format!("it opens the database. {} may go: {}", older.join(", "), may_go(from)),
        ),
        Ok(KeyState::Fits { .. }) => Finding::good(ABOUT, "it opens the database"),
        Err(error) => Finding::bad(
            ABOUT,
            format!("database.url: it does not answer: {}", Failure::from(error)),
        ),
    }
}

/// That files can be written was proved when the settings were read.
fn space(about: &'static str, setting: &str, folder: &Path) -> Finding {
    let shown = folder.display();
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let megabytes = free / 1024 / 1024;
            if free < LITTLE {
                let words = format!(
                    "{setting}: {shown} has {megabytes} MiB left. Make room, or set it to another \
                        disk"
                );
                Finding::bad(about, words)
            } else {
                Finding::good(about, format!("{shown} can be written to; {megabytes} MiB are free"))
            }
        }
        Err(error) => {
            Finding::bad(about, format!("{setting}: {shown} cannot be looked at: {error}"))
        }
    }
}

/// Nobody else may read the keys or the database.
fn private(config: &Config) -> Finding {
    let readable = [
        config.data_dir.clone(),
        config.data_dir.join("secret_key"),
        config.data_dir.join("vestibule.db"),
    ];
    let is_open = |path: &Path, others: u32| {
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & others != 0)
    };
    // Behind a folder that is closed nothing else matters.
    if !is_open(&config.data_dir, 0o077) {
        return Finding::good("keys", "the folder of the keys is its owner's alone");
    }
    match readable.iter().skip(1).find(|path| is_open(path, 0o077)) {
        Some(path) => {
            let folder = config.data_dir.display();
            let words =
                format!("{} can be read by others: chmod 700 {folder} (data_dir)", path.display());
            Finding::bad("keys", words)
        }
        None => Finding::odd(
            "keys",
            format!("data_dir is open to others: chmod 700 {}", config.data_dir.display()),
        ),
    }
}

fn clock() -> Finding {
    let now = SystemClock.now();
    if WRITTEN.parse::<Timestamp>().is_ok_and(|written| now < written) {
        return Finding::bad(
            "clock",
            format!("it says {now:.0}, before this program was written. Let it follow NTP"),
        );
    }
    Finding::good("clock", format!("it says {now:.0}"))
}
