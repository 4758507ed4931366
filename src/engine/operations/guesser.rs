//! Telling who guesses at a secret of an account, for the limits.

use crate::{
    engine::{
        Engine,
        limits::{Guesser, LimitOrigin},
        users::accounts,
    },
    port::{Caller, Outcome, Phone},
};

impl Engine {
    /// Guesser at an account. An account that there is not has no id; it is looked up all the same,
    /// so that the time does not tell (S06).
    pub(super) async fn guesser(&self, caller: &Caller, user_id: &str) -> Outcome<Guesser> {
        if let Some(id) = self.devices().known(self.store(), user_id, caller).await? {
            return Ok(Guesser::KnownBrowser(id));
        }
        let origin = self.limits().origin(caller);
        if let LimitOrigin::Address(address) = origin
            && self.devices().is_usual_network(self.store(), user_id, address, self.now()).await?
        {
            return Ok(Guesser::UsualNetwork(address));
        }
        Ok(Guesser::Visitor(origin))
    }

    /// Guesser at the codes of a phone number.
    pub(super) async fn guesser_at_phone(
        &self,
        caller: &Caller,
        phone: &Phone,
    ) -> Outcome<Guesser> {
        let holder = accounts::by_phone(self.store(), phone).await?.into_iter().next();
        let user_id = holder.map(|account| account.user.id).unwrap_or_default();
        self.guesser(caller, &user_id).await
    }
}
