//! Result rows.

use jiff::Timestamp;
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use super::StoreError;

/// One row; columns are read by name. A column that is missing, null where it must not be, or of
/// another type is a [`StoreError::Corrupt`], never a panic (R24).
pub struct Row(DatabaseRow);

enum DatabaseRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A text that is never null.
    ///
    /// # Errors
    /// As the type says.
    pub fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.optional_text(column)?.ok_or(StoreError::Corrupt { column })
    }

    /// A text, or null.
    ///
    /// # Errors
    /// As the type says.
    pub fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        match &self.0 {
            DatabaseRow::Sqlite(row) => row.try_get(column),
            DatabaseRow::Postgres(row) => row.try_get(column),
        }
        .map_err(|_| StoreError::Corrupt { column })
    }

    /// A number that is never null.
    ///
    /// # Errors
    /// As the type says.
    pub fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        self.optional_integer(column)?.ok_or(StoreError::Corrupt { column })
    }

    /// A number, or null.
    ///
    /// # Errors
    /// As the type says.
    pub fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match &self.0 {
            DatabaseRow::Sqlite(row) => row.try_get(column),
            DatabaseRow::Postgres(row) => row.try_get(column),
        }
        .map_err(|_| StoreError::Corrupt { column })
    }

    /// Bytes that are never null.
    ///
    /// # Errors
    /// As the type says.
    pub fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.optional_bytes(column)?.ok_or(StoreError::Corrupt { column })
    }

    /// Bytes, or null.
    ///
    /// # Errors
    /// As the type says.
    pub fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.0 {
            DatabaseRow::Sqlite(row) => row.try_get(column),
            DatabaseRow::Postgres(row) => row.try_get(column),
        }
        .map_err(|_| StoreError::Corrupt { column })
    }

    /// A time that is never null.
    ///
    /// # Errors
    /// As the type says.
    pub fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.optional_time(column)?.ok_or(StoreError::Corrupt { column })
    }

    /// A time, or null.
    ///
    /// # Errors
    /// As the type says.
    pub fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        self.optional_integer(column)?
            .map(|milliseconds| {
                Timestamp::from_millisecond(milliseconds)
                    .map_err(|_| StoreError::Corrupt { column })
            })
            .transpose()
    }
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self(DatabaseRow::Sqlite(row))
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self(DatabaseRow::Postgres(row))
    }
}
