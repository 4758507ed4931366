//! Accounts as the operator's commands look at them.

use super::{
    super::store::{Store, StoreError},
    accounts,
    fields::UserFields,
};
use crate::port::{Email, User};

/// The account with an address, as its owner sees it: the one that holds it, else the newest that
/// waits for its proof.
///
/// # Errors
/// When the database cannot be read.
pub async fn account_with(
    store: &Store,
    fields: &UserFields,
    email: &Email,
) -> Result<Option<User>, StoreError> {
    let mut user =
        accounts::by_email(store, email).await?.into_iter().next().map(|account| account.user);
    if let Some(user) = &mut user {
        user.fields = fields.shown(std::mem::take(&mut user.fields));
    }
    Ok(user)
}
