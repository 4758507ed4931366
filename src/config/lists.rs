//! Settings that are one value or several.

use serde::Deserialize;

/// A value alone, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// One is a list of one.
pub(super) fn many<T>(raw: OneOrMany<T>) -> Vec<T> {
    match raw {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    }
}
