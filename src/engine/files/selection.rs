//! A look into things that pass by one after another: which of them are meant, in which order, and
//! one page of them.
//!
//! Things come in any number and no more are kept than the page and those before it, so that a look
//! into everybody's files takes no more memory than one into one's own.

use std::cmp::Ordering;

use super::expression::{Expression, FieldSource};
use crate::port::{Code, FileQuery, ResultPage, Sort};

/// The largest page.
const LIMIT_MAX: u64 = 1000;
/// A usual page.
const LIMIT: u64 = 100;
/// The last thing that can be looked at; pages behind it are empty.
const DEEPEST: u64 = 100_000;
/// By how many fields things may be sorted.
const SORTS_MAX: usize = 5;

/// A look that goes on.
pub(in crate::engine) struct Selection<T> {
    expression: Option<Expression>,
    sort: Vec<Sort>,
    page: u64,
    limit: u64,
    /// Up to the end of the page.
    window: usize,
    total: u64,
    kept: Vec<T>,
}

impl<T: FieldSource> Selection<T> {
    /// Begins a look. What is too large of `page` and `limit` is made smaller.
    ///
    /// # Errors
    /// `InvalidExpression`; `InvalidFieldValue` for a field that things cannot be sorted by.
    pub(in crate::engine) fn new(
        query: FileQuery,
        oldest_first: &'static str,
    ) -> Result<Self, Code> {
        let expression = match query.expression.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(Expression::parse(text, T::NAMES)?),
        };
        let mut sort = query.sort;
        if sort.len() > SORTS_MAX
            || sort.iter().any(|sort| !T::NAMES.contains(&sort.field.as_str()))
        {
            return Err(Code::InvalidFieldValue);
        }
        // The last two make the order one and the same on every page.
        sort.extend(
            [oldest_first, "_id"]
                .map(|field| Sort { field: field.to_owned(), is_descending: false }),
        );
        let (page, limit) =
            (query.page.unwrap_or(1).max(1), query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX));
        let window = usize::try_from(page.saturating_mul(limit).min(DEEPEST)).unwrap_or(usize::MAX);
        Ok(Self { expression, sort, page, limit, window, total: 0, kept: Vec::new() })
    }

    /// Looks at one thing.
    pub(in crate::engine) fn add(&mut self, thing: T) {
        if self.expression.as_ref().is_some_and(|expression| !expression.holds_for(&thing)) {
            return;
        }
        self.total += 1;
        self.kept.push(thing);
        if self.kept.len() >= self.window.saturating_mul(2) {
            self.order();
        }
    }

    /// The page that was asked for.
    pub(in crate::engine) fn finish(mut self) -> ResultPage<T> {
        self.order();
        let before =
            usize::try_from((self.page - 1).saturating_mul(self.limit)).unwrap_or(usize::MAX);
        let items = self.kept.into_iter().skip(before).collect();
        ResultPage { items, total: self.total, page: self.page, limit: self.limit }
    }

    fn order(&mut self) {
        let Self { kept, sort, .. } = self;
        kept.sort_by(|one, two| in_order(sort, one, two));
        kept.truncate(self.window);
    }
}

fn in_order<T: FieldSource>(sort: &[Sort], one: &T, two: &T) -> Ordering {
    sort.iter().fold(Ordering::Equal, |order, sort| {
        order.then_with(|| {
            let order =
                one.field(&sort.field).order(&two.field(&sort.field)).unwrap_or(Ordering::Equal);
            if sort.is_descending { order.reverse() } else { order }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::files::expression::FieldValue;

    impl FieldSource for u32 {
        const NAMES: &'static [&'static str] = &["_id", "odd"];

        fn field(&self, name: &str) -> FieldValue {
            match name {
                "odd" => FieldValue::Flag(self % 2 == 1),
                _ => FieldValue::Number(f64::from(*self)),
            }
        }
    }

    fn inspect(query: FileQuery) -> (Vec<u32>, u64) {
        let mut selection = Selection::new(query, "_id").unwrap();
        for number in [5, 3, 9, 1, 8, 2, 7, 4, 6, 0] {
            selection.add(number);
        }
        let page = selection.finish();
        (page.items, page.total)
    }

    fn by(field: &str, is_descending: bool) -> Vec<Sort> {
        vec![Sort { field: field.to_owned(), is_descending }]
    }

    #[test]
    fn a_page_is_the_same_whatever_order_things_come_in() {
        let page = |page, limit| FileQuery {
            page: Some(page),
            limit: Some(limit),
            ..FileQuery::default()
        };
        assert_eq!(inspect(page(1, 3)), (vec![0, 1, 2], 10));
        assert_eq!(inspect(page(3, 4)), (vec![8, 9], 10));
        assert_eq!(inspect(page(4, 4)), (vec![], 10));
        assert_eq!(inspect(page(0, 0)), (vec![0], 10));
        assert_eq!(inspect(page(u64::MAX, u64::MAX)), (vec![], 10));
    }

    #[test]
    fn things_are_sorted_and_filtered() {
        let query = FileQuery {
            expression: Some("_id > 2".to_owned()),
            sort: by("odd", true),
            limit: Some(5),
            ..FileQuery::default()
        };
        assert_eq!(inspect(query), (vec![3, 5, 7, 9, 4], 7));
        assert_eq!(
            inspect(FileQuery { sort: by("_id", true), limit: Some(2), ..FileQuery::default() }),
            (vec![9, 8], 10)
        );
    }

    #[test]
    fn things_cannot_be_sorted_by_what_they_have_not() {
        let query = FileQuery { sort: by("password", false), ..FileQuery::default() };
        assert!(matches!(Selection::<u32>::new(query, "_id"), Err(Code::InvalidFieldValue)));
    }
}
