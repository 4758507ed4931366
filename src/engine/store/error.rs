//! Database errors, and which of them are temporary.

use std::time::Duration;

use sqlx::migrate::MigrateError;

use crate::port::{Failure, OperationError};

/// When to come back if the database cannot be used right now.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Something that went wrong with the database. Names no value and no address of a server, so it
/// can be logged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database address must begin with sqlite: or postgres:")]
    UnknownUrl,
    #[error("a database in memory would be gone after a restart; name a file")]
    InMemory,
    #[error(
        "the database was made by a newer version of Vestibule; start that version, or restore a \
            backup"
    )]
    Newer,
    #[error("the schema of the database could not be brought up to date")]
    Migration(#[source] MigrateError),
    #[error("the database holds something unreadable in the column {column}")]
    Corrupt { column: &'static str },
    #[error("the folder of files cannot be read")]
    Files(#[source] std::io::Error),
    #[error("an email could not be written")]
    EmailMessage(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the file is damaged, or is no database; restore a backup")]
    Damaged(#[source] sqlx::Error),
    #[error("the database did not answer in time")]
    Hangs,
    #[error("too many wait for the database already")]
    Busy,
    #[error("the database did not answer")]
    Sql(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether trying again soon may work: no connection to be had, the server away or restarting,
    /// the file busy, the disk full or failing, a deadlock that the database resolved by giving up
    /// this side.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Hangs | Self::Busy => true,
            Self::Sql(
                sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
                | sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_),
            ) => true,
            Self::Sql(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| is_passing_code(&code))
            }
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_damage(&error) { Self::Damaged(error) } else { Self::Sql(error) }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => Self::Newer,
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)
                if is_damage(&error) =>
            {
                Self::Damaged(error)
            }
            error => Self::Migration(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error.is_passing() { Self::unavailable(TRY_AGAIN, error) } else { Self::broken(error) }
    }
}

impl From<StoreError> for OperationError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

/// Whether SQLite reports an unreadable file: corrupt, or no database at all (R24).
fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

/// SQLite's extended result codes are decimal numbers whose low byte is the plain code;
/// PostgreSQL's are five letters.
fn is_passing_code(code: &str) -> bool {
    // busy, locked, read-only, I/O, full, cannot open, protocol
    const SQLITE: [i32; 7] = [5, 6, 8, 10, 13, 14, 15];
    // connection, rollback, resources, operator, system
    const POSTGRES_CLASSES: [&str; 5] = ["08", "40", "53", "57", "58"];
    if code.len() == 5 {
        // A read-only server is a stand-by that is being promoted; a row that another one names
        // came or went meanwhile.
        return matches!(code, "25006" | "23503")
            || POSTGRES_CLASSES.iter().any(|class| code.starts_with(class));
    }
    code.parse::<i32>().is_ok_and(|code| SQLITE.contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_restarting_server_pass_and_a_broken_statement_does_not() {
        for code in ["13", "5", "1546", "57P01", "40P01", "53300", "25006", "23503"] {
            assert!(is_passing_code(code), "{code}");
        }
        for code in ["1", "11", "42P01", "2067", "23505"] {
            assert!(!is_passing_code(code), "{code}");
        }
    }
}
