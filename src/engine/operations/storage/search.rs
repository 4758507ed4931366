//! A search on the thread of the searches: an expression over hundreds of files takes longer than
//! an async thread may be kept (S108).

use crate::{
    engine::{
        Engine,
        files::{FieldSource, Selection},
        limits::LimitedAction,
        store::{Row, StoreError},
    },
    port::{Caller, FileQuery, Outcome, ResultPage},
};

/// A selection that goes on.
pub(super) struct Search<T>(Selection<T>);

impl<T: FieldSource + Send + 'static> Search<T> {
    /// Reads the query, after a limit.
    ///
    /// # Errors
    /// `RateLimitExceeded`; unavailable when too many search; as [`Selection::new`].
    pub(super) async fn begin(
        engine: &Engine,
        caller: &Caller,
        query: FileQuery,
        oldest_first: &'static str,
    ) -> Outcome<Self> {
        engine.limits().take_from_caller(LimitedAction::SearchFiles, caller, engine.now())?;
        let selection =
            engine.search_pool().run(move || Selection::new(query, oldest_first)).await??;
        Ok(Self(selection))
    }

    /// Looks at rows, as far as they are meant. `read` answers `None` for a damaged row.
    ///
    /// # Errors
    /// Unavailable when too many search; when a row cannot be read.
    pub(super) async fn add(
        mut self,
        engine: &Engine,
        rows: Vec<Row>,
        read: impl Fn(&Row) -> Result<Option<T>, StoreError> + Send + 'static,
        is_meant: impl Fn(&T) -> bool + Send + 'static,
    ) -> Outcome<Self> {
        let inspect = move || {
            for row in rows {
                if let Some(thing) = read(&row)?.filter(&is_meant) {
                    self.0.add(thing);
                }
            }
            Ok::<_, StoreError>(self)
        };
        Ok(engine.search_pool().run(inspect).await??)
    }

    /// The page that was asked for.
    ///
    /// # Errors
    /// Unavailable when too many search.
    pub(super) async fn finish(self, engine: &Engine) -> Outcome<ResultPage<T>> {
        Ok(engine.search_pool().run(move || self.0.finish()).await?)
    }
}
