//! The store: rows in SQLite or PostgreSQL, one text of SQL for both.
//!
//! # The contract
//!
//! * SQL is `&'static str` with `$1` placeholders; values are bound, never written into the text
//!   (S57).
//! * Columns are `text`, `bigint` and `bytea`; a time is a `bigint` of milliseconds, a flag a
//!   `bigint` of 0 or 1.
//! * Uniqueness is decided by `on conflict do nothing` and the row count: a failed statement
//!   poisons a PostgreSQL transaction, and SQLite names no constraint.
//! * What must happen once is one conditional `update` or `delete` whose row count is looked at.
//! * A transaction that is dropped is rolled back. Only `commit` makes it durable: SQLite runs with
//!   `synchronous=FULL`, so that it survives a power cut (R02).
//!
//! SQLite has one connection that writes and a few that read. With one writer nobody ever waits for
//! a lock in the middle of a transaction; who waits, waits in the pool, for at most [`WAIT`] (R05).
//! PostgreSQL may hang in the midst of anything: nobody waits for one answer of it for longer, and
//! a connection that does not answer is given up.

mod admission;
pub(crate) mod damage;
mod error;
mod inspect;
mod row;
mod value;

use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use sqlx::{
    Connection as _, Executor,
    migrate::Migrator,
    postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions},
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
        SqliteSynchronous,
    },
};

pub use error::StoreError;
pub use inspect::Inspection;
pub use row::Row;
pub use value::Value;
pub(crate) use value::values;

use admission::{Admission, AdmissionQueue};

/// How long a request waits for a connection before it is told to come back later (R05).
const WAIT: Duration = Duration::from_secs(3);
/// How long PostgreSQL may take for a statement of its own, which may be the sweep's. It ends one
/// that takes as long by itself.
const LONG_WAIT: Duration = Duration::from_secs(10);
/// Connections that read a SQLite file. More do not help: a look-up is shorter than the way to
/// another thread.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL. Its own default allows 100 in all, and there may be other machines
/// like this one.
const POSTGRES_CONNECTIONS: u32 = 16;

static MIGRATIONS: Migrator = sqlx::migrate!("src/engine/store/migrations");

/// The database. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
    queues: AdmissionQueues,
}

/// Admission queues, one for each pool.
#[derive(Clone, Default)]
struct AdmissionQueues {
    write: AdmissionQueue,
    read: AdmissionQueue,
}

#[derive(Clone)]
enum Pools {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Postgres(PgPool),
}

/// A transaction; rolled back when dropped.
pub struct Transaction<'a> {
    connection: PooledConnection<'a>,
    /// Given up after the connection, whose place it keeps.
    _admission: Admission,
}

enum PooledConnection<'a> {
    Sqlite(sqlx::Transaction<'a, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'a, sqlx::Postgres>),
}

/// The file of a SQLite database; `None` of one in memory, and of PostgreSQL.
pub fn file_of(url: &str) -> Option<PathBuf> {
    let is_file = url.starts_with("sqlite:") && !url.contains(":memory:");
    let options = is_file.then(|| SqliteConnectOptions::from_str(url).ok())??;
    Some(options.get_filename().to_owned())
}

impl Store {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// When the address is none of ours, the database cannot be reached or written, or was made by
    /// a newer version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Whether other processes may write to the database too, so that nothing can be remembered
    /// here.
    pub fn is_shared(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// Begins a transaction that may write. SQLite takes the lock for writing at once
    /// (`busy_timeout` does not cover upgrading one).
    ///
    /// # Errors
    /// When no connection can be had in time, or too many wait for one.
    pub async fn begin(&self) -> Result<Transaction<'static>, StoreError> {
        let admission = self.queues.write.enter()?;
        let connection = match &self.pools {
            Pools::Sqlite { write, .. } => {
                PooledConnection::Sqlite(write.begin_with("begin immediate").await?)
            }
            Pools::Postgres(pool) => {
                PooledConnection::Postgres(answered(WAIT, pool.begin()).await?)
            }
        };
        Ok(Transaction { connection, _admission: admission })
    }

    /// Reads at most one row.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn fetch_optional(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        let _admission = self.queue().enter()?;
        Ok(match &self.pools {
            Pools::Sqlite { read, .. } => {
                read.fetch_optional(for_sqlite(sql, values)).await?.map(Row::from)
            }
            Pools::Postgres(pool) => {
                answered(WAIT, pool.fetch_optional(for_postgres(sql, values))).await?.map(Row::from)
            }
        })
    }

    /// Reads all rows.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn fetch_all(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let _admission = self.queue().enter()?;
        Ok(match &self.pools {
            Pools::Sqlite { read, .. } => rows(read.fetch_all(for_sqlite(sql, values)).await?),
            Pools::Postgres(pool) => {
                rows(answered(WAIT, pool.fetch_all(for_postgres(sql, values))).await?)
            }
        })
    }

    /// Runs one statement as a transaction of its own and says how many rows it touched.
    ///
    /// # Errors
    /// When the database cannot do it.
    pub async fn execute(&self, sql: &'static str, values: Vec<Value>) -> Result<u64, StoreError> {
        let _admission = self.queues.write.enter()?;
        Ok(match &self.pools {
            Pools::Sqlite { write, .. } => {
                write.execute(for_sqlite(sql, values)).await?.rows_affected()
            }
            Pools::Postgres(pool) => {
                answered(LONG_WAIT, pool.execute(for_postgres(sql, values))).await?.rows_affected()
            }
        })
    }

    /// Counts those who wait to write, and those who do.
    #[cfg(test)]
    pub(in crate::engine) fn writers(&self) -> usize {
        self.queues.write.length()
    }

    /// Waits for the connections to finish what they do and closes them.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    /// Where those stand who only read: on PostgreSQL, for the same connections as everybody.
    fn queue(&self) -> &AdmissionQueue {
        if self.is_shared() { &self.queues.write } else { &self.queues.read }
    }

    fn of(pools: Pools) -> Self {
        Self { pools, queues: AdmissionQueues::default() }
    }

    pub(in crate::engine) async fn connect(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            Self::open_sqlite(url).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::open_postgres(url).await
        } else {
            Err(StoreError::UnknownUrl)
        }
    }

    async fn open_sqlite(url: &str) -> Result<Self, StoreError> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(StoreError::InMemory);
        }
        let options = SqliteConnectOptions::from_str(url)?;
        keep_private(options.get_filename()).map_err(sqlx::Error::Io)?;
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT);
        let write = sqlite_pool(1)
            .after_release(|connection, _| {
                Box::pin(async move {
                    // SQLite itself ends a transaction that the disk was full or broken for (R06,
                    // R07); sqlx's rollback then fails and it takes the connection to be within one
                    // for ever. Such a connection is given up. The ping waits for the rollback.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options.clone())
            .await?;
        let read =
            sqlite_pool(SQLITE_READERS).connect_lazy_with(options.pragma("query_only", "on"));
        Ok(Self::of(Pools::Sqlite { write, read }))
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(WAIT)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // A statement that hangs must not hold its connection for ever (R05).
                    connection.execute("set statement_timeout = '10s'").await?;
                    connection.execute("set idle_in_transaction_session_timeout = '30s'").await?;
                    Ok(())
                })
            })
            .after_release(|connection, _| {
                Box::pin(async move {
                    // What is left of a statement that nobody waited for any more; it must not keep
                    // its place in the pool.
                    let settled = tokio::time::timeout(WAIT, connection.ping()).await;
                    settled.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
                })
            })
            .connect_with(PgConnectOptions::from_str(url)?)
            .await?;
        Ok(Self::of(Pools::Postgres(pool)))
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        match &self.pools {
            Pools::Sqlite { write, .. } => MIGRATIONS.run(write).await?,
            Pools::Postgres(pool) => {
                // On a large table one may take its time, and of two machines that start at once
                // the second one waits (R22).
                let mut connection = pool.acquire().await?.detach();
                connection.execute("set statement_timeout = 0").await?;
                MIGRATIONS.run(&mut connection).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }
}

impl Transaction<'_> {
    /// Runs one statement and says how many rows it touched.
    ///
    /// # Errors
    /// When the database cannot do it; the transaction is lost then.
    pub async fn execute(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        Ok(match &mut self.connection {
            PooledConnection::Sqlite(connection) => {
                connection.execute(for_sqlite(sql, values)).await?.rows_affected()
            }
            PooledConnection::Postgres(connection) => {
                answered(WAIT, connection.execute(for_postgres(sql, values))).await?.rows_affected()
            }
        })
    }

    /// Reads at most one row.
    ///
    /// # Errors
    /// When the database cannot answer; the transaction is lost then.
    pub async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(match &mut self.connection {
            PooledConnection::Sqlite(connection) => {
                connection.fetch_optional(for_sqlite(sql, values)).await?.map(Row::from)
            }
            PooledConnection::Postgres(connection) => {
                answered(WAIT, connection.fetch_optional(for_postgres(sql, values)))
                    .await?
                    .map(Row::from)
            }
        })
    }

    /// Reads all rows.
    ///
    /// # Errors
    /// When the database cannot answer; the transaction is lost then.
    pub async fn fetch_all(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match &mut self.connection {
            PooledConnection::Sqlite(connection) => {
                rows(connection.fetch_all(for_sqlite(sql, values)).await?)
            }
            PooledConnection::Postgres(connection) => {
                rows(answered(WAIT, connection.fetch_all(for_postgres(sql, values))).await?)
            }
        })
    }

    /// Makes everything that was done durable, or nothing of it.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.connection {
            PooledConnection::Sqlite(transaction) => transaction.commit().await?,
            PooledConnection::Postgres(transaction) => answered(WAIT, transaction.commit()).await?,
        }
        Ok(())
    }
}

/// Makes a database file that is not there, and takes one that is from everybody but its owner,
/// whatever the umask says. SQLite gives the files beside it the same mode.
fn keep_private(file: &Path) -> io::Result<()> {
    let folder =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    }
    for end in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(end);
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// Awaits PostgreSQL for a limited time.
async fn answered<T>(
    time: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    Ok(tokio::time::timeout(time, asked).await.map_err(|_| StoreError::Hangs)??)
}

/// A look before each use would cost as much as the look-up; a file does not go away as a server
/// does.
fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT)
        .test_before_acquire(false)
}

fn rows<R>(rows: Vec<R>) -> Vec<Row>
where
    Row: From<R>,
{
    rows.into_iter().map(Row::from).collect()
}

fn for_sqlite(
    sql: &'static str,
    values: Vec<Value>,
) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(integer) => query.bind(integer),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

fn for_postgres(
    sql: &'static str,
    values: Vec<Value>,
) -> Query<'static, sqlx::Postgres, PgArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(integer) => query.bind(integer),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}
