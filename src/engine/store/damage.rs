//! Damaged rows: of a wrong type, with a time that is none, or with bytes that are no text.
//!
//! A damaged row costs its owner one sign-in or one message, and nobody else anything (R24, R29).
//! Whoever reads a row [spares](spare) the caller a failure: the row is taken as not there. It is
//! logged once, with its table and id and never with what it holds.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

use super::{Row, StoreError};

/// Rows that are remembered as logged. Beyond that, they are logged anew.
const MOST: usize = 4096;

static NOTED: LazyLock<Mutex<HashSet<(&'static str, String)>>> = LazyLock::new(Mutex::default);

/// Row, or `None` for a damaged one, which is logged. Every other failure stays one.
///
/// # Errors
/// All but [`StoreError::Corrupt`].
pub(crate) fn spare<T>(
    read: Result<T, StoreError>,
    table: &'static str,
    id: &str,
) -> Result<Option<T>, StoreError> {
    match read {
        Ok(whole) => Ok(Some(whole)),
        Err(StoreError::Corrupt { column }) => {
            note(table, id, column);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Row as read, or `None` for a damaged one. `key` names the column that the log shows.
///
/// # Errors
/// As [`spare`].
pub(crate) fn one<T>(
    row: &Row,
    (table, key): (&'static str, &'static str),
    read: impl FnOnce(&Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let id = row.text(key).unwrap_or_default();
    spare(read(row), table, &id)
}

/// Whole rows as read, as [`one`] does.
///
/// # Errors
/// As [`spare`].
pub(crate) fn whole<T>(
    rows: &[Row],
    place: (&'static str, &'static str),
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().filter_map(|row| one(row, place, &read).transpose()).collect()
}

/// Logs a damaged row, once.
pub(crate) fn note(table: &'static str, id: &str, column: &'static str) {
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.len() >= MOST {
        noted.clear();
    }
    if noted.insert((table, id.to_owned())) {
        tracing::error!(table, id, column, "a row is damaged and is passed over");
    }
}
