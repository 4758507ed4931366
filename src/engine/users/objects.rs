//! Users as objects of a database, by their ids (altogic-protocol.md §6).
//!
//! Whoever comes with a session has their own object and no other, whether or not an API key comes
//! along: a program that serves a person must not reach further than that person by mistake. A
//! program of the operator that comes with its API key alone has every user's.

use super::{
    super::{Engine, audit::Audited, operations, rules::Operation},
    accounts,
    answers::EngineAnswer as _,
};
use crate::port::{Answer, Caller, Code, FieldUpdate, Outcome, User};

impl Engine {
    /// The user of that id. Refused with `ObjectNotFound` when there is none, or it is not the
    /// caller's (S61).
    pub fn user_object(&self, caller: Caller, id: String) -> Answer<User> {
        self.guarded(Operation::UserObject, caller, |engine, caller| async move {
            let id = engine.reachable(&caller, id).await?;
            let account = accounts::by_id(engine.store(), &id).await?;
            Ok(account.ok_or(Code::ObjectNotFound)?.user.shown(&engine.settings().user_fields))
        })
    }

    /// As [`update_user`](crate::port::AuthManager::update_user), with the same refusals as
    /// [`user_object`](Self::user_object).
    pub fn update_user_object(
        &self,
        caller: Caller,
        id: String,
        updates: Vec<FieldUpdate>,
    ) -> Answer<User> {
        let watch = Audited::on(operations::operation_of_update(&updates), &caller);
        self.audited(watch, |engine| async move {
            let id = engine.reachable(&caller, id).await?;
            operations::update_object(&engine, &caller, &id, updates).await
        })
    }

    async fn reachable(&self, caller: &Caller, id: String) -> Outcome<String> {
        if caller.is_operator && caller.session.is_none() {
            return Ok(id);
        }
        let own = self.current(caller).await?.signed_in_user.user.id;
        if own == id { Ok(id) } else { Err(Code::ObjectNotFound.into()) }
    }
}
