//! The end of a session that began with a provider: ended here, and then there as well; or ended
//! there, and so here.

use url::Url;

use super::providers::refused;
use crate::{
    engine::{
        Engine,
        limits::LimitedAction,
        providers::{
            Provider,
            logout_events::{self, Logout},
            provider_sessions::{OpenedProviderSession, ProviderSession},
        },
        store::{StoreError, Transaction, values},
    },
    port::{
        Caller, Code, LogoutByProvider, LogoutToken, Outcome, ProviderLogoutOffer,
        ProviderLogoutToken,
    },
};

/// Ends the caller's session. Asks nobody else, so that no provider can hold it up; whether there
/// can be signed out at as well shows in the session's own row.
pub(in crate::engine) async fn sign_out_with_provider(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<Option<ProviderLogoutOffer>> {
    let current = engine.current(caller).await?.signed_in_user.session;
    let _change = engine.sessions().change(&current.user_id);
    let mut tx = engine.store().begin().await?;
    let sql = "delete from sessions where user_id = $1 and id = $2 \
               returning login_issuer, login_subject, login_sid, login_sealed";
    let row = tx.fetch_optional(sql, values![&current.user_id, &current.handle]).await?;
    let provider_logout = match row.as_ref().map(ProviderSession::read).transpose()?.flatten() {
        Some(provider_session) => {
            begin_provider_logout(engine, &mut tx, &current.user_id, &provider_session).await?
        }
        None => None,
    };
    tx.commit().await?;
    Ok(provider_logout)
}

async fn begin_provider_logout(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    user_id: &str,
    provider_session: &ProviderSession,
) -> Result<Option<ProviderLogoutOffer>, StoreError> {
    let Some((provider, opened)) = known(engine, provider_session) else { return Ok(None) };
    if !opened.session.ends_there {
        return Ok(None);
    }
    let provider_sessions = &engine.providers().provider_sessions;
    let provider_logout_token = provider_sessions
        .begin_provider_logout(tx, user_id, provider_session, engine.random(), engine.now())
        .await?;
    let provider_logout_token = ProviderLogoutToken::parse(&provider_logout_token)
        .map_err(|_| StoreError::Corrupt { column: "ticket_digest" })?;
    Ok(Some(ProviderLogoutOffer {
        provider_logout_token,
        provider: provider.settings.name.clone(),
    }))
}

/// Where the browser goes to sign out at the provider as well. The provider logout token is spent
/// once that is known, so that one can try again with a provider that does not answer.
pub(in crate::engine) async fn end_provider_session(
    engine: &Engine,
    provider_logout_token: &ProviderLogoutToken,
    state: &str,
) -> Outcome<String> {
    let (provider_sessions, now) = (&engine.providers().provider_sessions, engine.now());
    let provider_session = provider_sessions
        .waiting(engine.store(), provider_logout_token, now)
        .await?
        .ok_or(Code::ProviderJourneyGone)?;
    let (provider, opened) = known(engine, &provider_session).ok_or(Code::ProviderJourneyGone)?;
    let url = engine.providers().end_session_url(provider, &opened.session, state, now).await;
    let url: Url =
        url.map_err(|error| refused(provider, &error))?.ok_or(Code::ProviderJourneyGone)?;
    if !provider_sessions.take(engine.store(), provider_logout_token, now).await? {
        return Err(Code::ProviderJourneyGone.into());
    }
    Ok(url.into())
}

/// Ends what began with a sign-in that is over at the provider. Refused tokens are counted for the
/// address that they come from, and beyond that nothing is told of them. One that is right is
/// always taken: a provider has one address and many people, and a visitor who shares it must not
/// keep its logouts out.
pub(in crate::engine) async fn back_channel_logout(
    engine: &Engine,
    caller: &Caller,
    name: &str,
    token: &LogoutToken,
) -> Outcome<LogoutByProvider> {
    let (providers, now) = (engine.providers(), engine.now());
    let provider = providers.named(name).ok_or(Code::ProviderUnknown)?;
    let logout = match providers.logout(provider, token, now).await {
        Ok(logout) => logout,
        Err(error) => {
            engine.limits().take_from_caller(LimitedAction::LogoutFromAddress, caller, now)?;
            return Err(refused(provider, &error));
        }
    };
    let ended = take(engine, &logout).await?;
    tracing::info!(
        provider = provider.settings.name,
        sessions = ended.sessions,
        "a provider told of a logout"
    );
    Ok(ended)
}

/// Applies a verified logout, once.
pub(in crate::engine) async fn take(engine: &Engine, logout: &Logout) -> Outcome<LogoutByProvider> {
    let mut tx = engine.store().begin().await?;
    if !logout_events::note(&mut tx, logout, engine.now()).await? {
        tracing::warn!(
            issuer = logout.issuer,
            "a provider sent a logout token that was taken before"
        );
        return Err(Code::ProviderAnswerInvalid.into());
    }
    let ended = logout_events::end(&mut tx, logout).await?;
    // Whose they are shows only here; it counts that it is known before the answer is.
    let _changes: Vec<_> = ended.iter().map(|user_id| engine.sessions().change(user_id)).collect();
    tx.commit().await?;
    Ok(LogoutByProvider { user_id: ended.first().cloned(), sessions: ended.len() as u64 })
}

/// The provider of a sign-in, as long as it is set up as it was: under that name, for that issuer.
fn known<'a>(
    engine: &'a Engine,
    provider_session: &ProviderSession,
) -> Option<(&'a Provider, OpenedProviderSession)> {
    let opened = engine.providers().provider_sessions.open(provider_session)?;
    let provider = engine.providers().named(&opened.provider)?;
    (provider.issuer() == provider_session.issuer).then_some((provider, opened))
}
