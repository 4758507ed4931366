//! The end of a session that began with a provider: ended here, and then there as well; or ended there, and so here.

use url::Url;

use super::providers::refused;
use crate::{
    engine::{
        Engine,
        limits::Action,
        oauth::{
            Provider,
            logins::{Login, Opened},
            logouts::{self, Logout},
        },
        store::{StoreError, Transaction, values},
    },
    port::{Caller, Code, EndedByProvider, FarewellTicket, LogoutToken, Outcome, ProviderFarewell},
};

/// Ends the caller's session. Asks nobody else, so that no provider can hold it up; whether there is one to say farewell to shows
/// in the session's own row.
pub(in crate::engine) async fn leave(engine: &Engine, caller: &Caller) -> Outcome<Option<ProviderFarewell>> {
    let current = engine.current(caller).await?.member.session;
    let _change = engine.sessions().change(&current.user_id);
    let mut tx = engine.store().begin().await?;
    let sql = "delete from sessions where user_id = $1 and id = $2 \
               returning login_issuer, login_subject, login_sid, login_sealed";
    let row = tx.fetch_optional(sql, values![&current.user_id, &current.handle]).await?;
    let farewell = match row.as_ref().map(Login::read).transpose()?.flatten() {
        Some(login) => bid_farewell(engine, &mut tx, &current.user_id, &login).await?,
        None => None,
    };
    tx.commit().await?;
    Ok(farewell)
}

async fn bid_farewell(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    user_id: &str,
    login: &Login,
) -> Result<Option<ProviderFarewell>, StoreError> {
    let Some((provider, opened)) = known(engine, login) else { return Ok(None) };
    if !opened.session.ends_there {
        return Ok(None);
    }
    let logins = &engine.providers().logins;
    let ticket = logins.bid_farewell(tx, user_id, login, engine.random(), engine.now()).await?;
    let ticket = FarewellTicket::parse(&ticket).map_err(|_| StoreError::Corrupt { column: "ticket_digest" })?;
    Ok(Some(ProviderFarewell { ticket, provider: provider.settings.name.clone() }))
}

/// Where the browser goes to sign out at the provider as well. The ticket is spent once that is known, so that one can try again
/// with a provider that does not answer.
pub(in crate::engine) async fn end_at_provider(
    engine: &Engine,
    ticket: &FarewellTicket,
    state: &str,
) -> Outcome<String> {
    let (logins, now) = (&engine.providers().logins, engine.now());
    let login = logins.waiting(engine.store(), ticket, now).await?.ok_or(Code::ProviderJourneyGone)?;
    let (provider, opened) = known(engine, &login).ok_or(Code::ProviderJourneyGone)?;
    let url = engine.providers().end_session_url(provider, &opened.session, state, now).await;
    let url: Url = url.map_err(|error| refused(provider, &error))?.ok_or(Code::ProviderJourneyGone)?;
    if !logins.take(engine.store(), ticket, now).await? {
        return Err(Code::ProviderJourneyGone.into());
    }
    Ok(url.into())
}

/// Ends what began with a sign-in that is over at the provider. Refused tokens are counted for the address that they come from,
/// and beyond that nothing is told of them. One that is right is always taken: a provider has one address and many people, and a
/// stranger who shares it must not keep its logouts out.
pub(in crate::engine) async fn end_by_provider(
    engine: &Engine,
    caller: &Caller,
    name: &str,
    token: &LogoutToken,
) -> Outcome<EndedByProvider> {
    let (providers, now) = (engine.providers(), engine.now());
    let provider = providers.named(name).ok_or(Code::ProviderUnknown)?;
    let logout = match providers.logout(provider, token, now).await {
        Ok(logout) => logout,
        Err(error) => {
            engine.limits().take_from_caller(Action::LogoutFromAddress, caller, now)?;
            return Err(refused(provider, &error));
        }
    };
    let ended = take(engine, &logout).await?;
    tracing::info!(provider = provider.settings.name, sessions = ended.sessions, "a provider told of a logout");
    Ok(ended)
}

/// What a logout does that was checked, once.
pub(in crate::engine) async fn take(engine: &Engine, logout: &Logout) -> Outcome<EndedByProvider> {
    let mut tx = engine.store().begin().await?;
    if !logouts::note(&mut tx, logout, engine.now()).await? {
        tracing::warn!(issuer = logout.issuer, "a provider sent a logout token that was taken before");
        return Err(Code::ProviderAnswerInvalid.into());
    }
    let ended = logouts::end(&mut tx, logout).await?;
    // Whose they are shows only here; it counts that it is known before the answer is.
    let _changes: Vec<_> = ended.iter().map(|user_id| engine.sessions().change(user_id)).collect();
    tx.commit().await?;
    Ok(EndedByProvider { user_id: ended.first().cloned(), sessions: ended.len() as u64 })
}

/// The provider of a sign-in, as long as it is set up as it was: under that name, for that issuer.
fn known<'a>(engine: &'a Engine, login: &Login) -> Option<(&'a Provider, Opened)> {
    let opened = engine.providers().logins.open(login)?;
    let provider = engine.providers().named(&opened.provider)?;
    (provider.issuer() == login.issuer).then_some((provider, opened))
}
