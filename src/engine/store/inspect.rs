//! The database as it is, looked at without changing it.

use std::str::FromStr as _;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;

use super::{MIGRATIONS, Store, StoreError, values};

/// Result of inspecting a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspection {
    /// Nothing is there yet.
    Missing,
    /// It waits for migrations.
    Outdated,
    /// It answers and is up to date.
    Ready {
        /// When the newest session began.
        newest: Option<Timestamp>,
    },
}

impl Store {
    /// Looks at a database; makes none, and migrates none.
    ///
    /// # Errors
    /// When the address is none of ours, or the database does not answer.
    pub async fn inspect(url: &str) -> Result<Inspection, StoreError> {
        if url.starts_with("sqlite:")
            && !SqliteConnectOptions::from_str(url)?.get_filename().exists()
        {
            return Ok(Inspection::Missing);
        }
        let store = Self::connect(url).await?;
        let found = store.migrated().await;
        store.close().await;
        found
    }

    async fn migrated(&self) -> Result<Inspection, StoreError> {
        self.fetch_optional("select 1 as answer", vec![]).await?;
        // Where the table of migrations is not there, none has run.
        let Ok(applied) =
            self.fetch_all("select version from _sqlx_migrations where success", vec![]).await
        else {
            return Ok(Inspection::Outdated);
        };
        if applied.len() < MIGRATIONS.iter().count() {
            return Ok(Inspection::Outdated);
        }
        let row = self
            .fetch_optional("select max(started_at) as newest from sessions", values![])
            .await?;
        // A damaged session says nothing of the clock.
        let newest = row.and_then(|row| row.optional_time("newest").ok().flatten());
        Ok(Inspection::Ready { newest })
    }
}
