//! Signing in with a provider: there, and back. The contract is in `providers/mod.rs`.

use serde_json::Map;
use url::Url;

use super::{
    change_picture::set_picture,
    connections::connect,
    open_email_link::{own_home, redirect_target},
    reauthentication::require_fresh_proof,
    sign_up::new_user,
};
use crate::{
    engine::{
        Engine,
        limits::LimitedAction,
        providers::{
            ExchangeError, Provider, ProviderProfile,
            authorization_requests::{AuthorizationRequest, NewStart},
            identities::{self, Identity},
            provider_sessions::ProviderSession,
        },
        store::{Transaction, values},
        users::accounts::{self, NewAccount},
    },
    port::{
        BrowserId, Caller, Code, Email, OperationError, Outcome, ProviderAnswer, ProviderFor,
        ProviderReturn, Refusal, User,
    },
};

/// The word of the wire for all of it (altogic-protocol.md §11): `oauth-signup` is one that
/// applications do not know.
const ACTION: &str = "oauth-signin";

/// Begins a journey: the row first, then the address.
pub(in crate::engine) async fn begin_provider(
    engine: &Engine,
    caller: &Caller,
    name: &str,
    purpose: ProviderFor,
) -> Outcome<String> {
    let now = engine.now();
    let (providers, browser) = (engine.providers(), browser(caller)?);
    let provider = providers.named(name).ok_or(Code::ProviderUnknown)?;
    engine.limits().take_from_caller(LimitedAction::ProviderFromAddress, caller, now)?;
    let (user_id, redirect_url) = match purpose {
        ProviderFor::Pages => (None, None),
        ProviderFor::Application { origin } => (None, home_of(engine, origin.as_deref()).await?),
        ProviderFor::Connection => {
            let current = engine.current(caller).await?;
            require_fresh_proof(engine, &current)?;
            (Some(current.signed_in_user.user.id), None)
        }
    };
    let (state, secrets) = providers.authorization_requests.secrets(engine.random());
    let location = providers.authorize_url(provider, &state, &secrets, now).await;
    let location = location.map_err(|error| refused(provider, &error))?;
    let provider = &*provider.settings.name;
    let new = NewStart {
        provider,
        browser,
        user_id: user_id.as_deref(),
        redirect_url: redirect_url.as_deref(),
    };
    providers
        .authorization_requests
        .keep(engine.store(), &new, (&state, &secrets), engine.random(), now)
        .await?;
    Ok(location)
}

/// Finishes it. The row is spent first, whatever comes of it.
pub(in crate::engine) async fn finish_provider(
    engine: &Engine,
    caller: &Caller,
    name: &str,
    answer: ProviderAnswer,
) -> Outcome<ProviderReturn> {
    let (providers, browser) = (engine.providers(), browser(caller)?);
    let provider = providers.named(name).ok_or(Code::ProviderUnknown)?;
    let mut tx = engine.store().begin().await?;
    let start = providers
        .authorization_requests
        .take(&mut tx, &provider.settings.name, &answer.state, browser, engine.now())
        .await?;
    tx.commit().await?;
    let start = start.ok_or(Code::ProviderJourneyGone)?;
    let application = start.redirect_url.as_deref().and_then(|url| Url::parse(url).ok());
    match (come_back(engine, caller, provider, start, answer).await, application) {
        (Err(OperationError::Rejected(refusal)), Some(home)) => {
            Ok(ProviderReturn::Landed(failure(&home, &refusal)))
        }
        (outcome, _) => outcome,
    }
}

/// Where the application wants the browser: of the redirect URLs that an operator wrote, the one on
/// the origin that the browser comes from, else the one of the settings. `None` where that is our
/// own page.
async fn home_of(engine: &Engine, origin: Option<&str>) -> Outcome<Option<String>> {
    let settings = engine.settings();
    let usual = Some(settings.redirect_url.clone()).filter(|url| *url != own_home(engine));
    let Some(origin) = origin else { return Ok(usual) };
    let added = engine.client_keys().await?;
    let mut homes = settings
        .application_redirects
        .iter()
        .chain(added.iter().filter_map(|key| key.redirect_url.as_ref()));
    let is_there = |url: &&String| {
        Url::parse(url).is_ok_and(|url| url.origin().ascii_serialization() == origin)
    };
    Ok(homes.find(is_there).cloned().or(usual))
}

async fn come_back(
    engine: &Engine,
    caller: &Caller,
    provider: &Provider,
    start: AuthorizationRequest,
    answer: ProviderAnswer,
) -> Outcome<ProviderReturn> {
    if let Some(error) = answer.error {
        return Err(said_no(provider, &error).into());
    }
    if !provider.is_issuer(answer.issuer.as_deref()) {
        return Err(refused(provider, &ExchangeError::Wrong("another issuer answered")));
    }
    let code = answer.code.ok_or(Code::ProviderAnswerInvalid)?;
    let profile = engine
        .providers()
        .profile(provider, code.expose(), answer.name.as_deref(), &start.secrets, engine.now())
        .await
        .map_err(|error| refused(provider, &error))?;
    let identity = identity_of(provider, &profile);
    let Some(user_id) = &start.user_id else {
        // Whoever loses the race for a first visit looks once more, and finds what the winner made.
        for _ in 0..2 {
            let redirect_url = start.redirect_url.as_deref();
            if let Some(landed) =
                sign_in(engine, caller, provider, redirect_url, &profile, &identity).await?
            {
                return Ok(landed);
            }
        }
        return Err(Code::ProviderJourneyGone.into());
    };
    let current = engine.current(caller).await?;
    if current.signed_in_user.user.id != *user_id {
        return Err(Code::ProviderJourneyGone.into());
    }
    connect(engine, caller, &current, &identity, None).await?;
    Ok(ProviderReturn::Connected { label: provider.settings.label.clone() })
}

/// The account of the identity, or a new one; `None` when somebody was faster. An account that
/// merely has the address is not the identity's (S24).
async fn sign_in(
    engine: &Engine,
    caller: &Caller,
    provider: &Provider,
    redirect_url: Option<&str>,
    profile: &ProviderProfile,
    identity: &Identity,
) -> Outcome<Option<ProviderReturn>> {
    let now = engine.now();
    let provider_session =
        engine.providers().provider_sessions.seal(identity, &profile.session, engine.random())?;
    let mut tx = engine.store().begin().await?;
    if let Some(user_id) = identities::owner(&mut tx, &identity.issuer, &identity.subject).await? {
        if !identities::note_use(&mut tx, identity, &user_id, now).await? {
            return Err(Code::ProviderJourneyGone.into());
        }
        return land(engine, caller, tx, redirect_url, &user_id, &provider_session).await.map(Some);
    }
    if let Some(email) = &profile.email
        && let Some(user_id) = accounts::holder(&mut tx, email).await?
    {
        // Made in this moment, by another visit of the same person.
        if identities::owner(&mut tx, &identity.issuer, &identity.subject).await?.is_some() {
            return Ok(None);
        }
        if redirect_url.is_some() {
            return Err(Code::EmailNotUnique.into());
        }
        let offer = engine
            .providers()
            .grants
            .offer(&mut tx, &user_id, identity, engine.random(), now)
            .await?;
        tx.commit().await?;
        return Ok(Some(ProviderReturn::Offered { offer, label: provider.settings.label.clone() }));
    }
    engine.limits().take_from_caller(LimitedAction::SignUpFromAddress, caller, now)?;
    let user = create_from_provider(engine, caller, provider, profile)?;
    let _change = engine.sessions().change(&user.id);
    if !add(engine, &mut tx, &user, profile.email.as_ref(), identity).await? {
        return Ok(None);
    }
    let landed = land(engine, caller, tx, redirect_url, &user.id, &provider_session).await?;
    show(engine, provider, profile, &user).await;
    Ok(Some(landed))
}

/// Nobody can type anything on this way, so the fields of the operator's own begin with their
/// defaults. One that is `required` and has none stays unset, as after a sign-up on our own pages:
/// it is the application that asks for it.
fn create_from_provider(
    engine: &Engine,
    caller: &Caller,
    provider: &Provider,
    profile: &ProviderProfile,
) -> Outcome<User> {
    let (fields, problems) = match engine.settings().user_fields.for_sign_up(caller, &Map::new()) {
        Ok(fields) => (fields, Vec::new()),
        Err(problems) => (Map::new(), problems),
    };
    Refusal::of_all(problems)?;
    Ok(User {
        provider: provider.wire_name().to_owned(),
        provider_user_id: profile.subject.clone(),
        email: profile.email.as_ref().map(ToString::to_string),
        ..new_user(engine, profile.name.clone(), fields)
    })
}

/// The account, its address and its identity; `false` when somebody else has one of the two
/// meanwhile. Other accounts that wait for a proof of the address are gone, with whatever visitors
/// put into them (S23).
async fn add(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    user: &User,
    email: Option<&Email>,
    identity: &Identity,
) -> Outcome<bool> {
    let now = engine.now();
    accounts::insert(tx, &NewAccount { user, password_hash: None, browser_digest: None }).await?;
    if let Some(email) = email {
        if !accounts::claim_email(tx, email, &user.id, now).await? {
            return Ok(false);
        }
        tx.execute("update users set email_verified_at = $2 where id = $1", values![&user.id, now])
            .await?;
        accounts::delete_waiting(tx, email, &user.id).await?;
    }
    Ok(identities::connect(tx, identity, &user.id, now).await?)
}

/// The access token, and where the browser goes with it.
async fn land(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    redirect_url: Option<&str>,
    user_id: &str,
    provider_session: &ProviderSession,
) -> Outcome<ProviderReturn> {
    let grants = &engine.providers().grants;
    let token = grants
        .grant(&mut tx, user_id, provider_session, browser(caller)?, engine.random(), engine.now())
        .await?;
    tx.commit().await?;
    let home = redirect_url.map_or_else(|| own_home(engine), str::to_owned);
    let home = Url::parse(&home).map_err(crate::port::Failure::broken)?;
    Ok(ProviderReturn::Landed(
        redirect_target(&home, &[("status", "200"), ("access_token", &token), ("action", ACTION)])
            .location,
    ))
}

/// The picture of a new account, if it can be had. Without it there are initials: nothing of this
/// may keep anybody out.
async fn show(engine: &Engine, provider: &Provider, profile: &ProviderProfile, user: &User) {
    let Some(picture) = &profile.picture else { return };
    let bytes = engine.providers().pictures.fetch(picture, provider.home().as_ref()).await;
    let Some(bytes) = bytes else { return };
    if let Err(OperationError::Internal(failure)) = set_picture(engine, &user.id, bytes).await {
        tracing::error!(%failure, "the picture of a new account could not be stored");
    }
}

/// 401, as the original has it for whatever goes wrong on this way (altogic-protocol.md §11).
fn failure(home: &Url, refusal: &Refusal) -> String {
    let sentence = refusal.problems().first().map(ToString::to_string).unwrap_or_default();
    redirect_target(home, &[("status", "401"), ("action", ACTION), ("error", &sentence)]).location
}

fn identity_of(provider: &Provider, profile: &ProviderProfile) -> Identity {
    Identity {
        issuer: provider.issuer().to_owned(),
        subject: profile.subject.clone(),
        provider: provider.settings.name.clone(),
        shown_as: profile.shown_as.clone(),
    }
}

/// Maps `error` to a code (RFC 6749 §4.1.2.1). `user_cancelled_authorize` is Apple's.
fn said_no(provider: &Provider, error: &str) -> Code {
    match error {
        "access_denied"
        | "user_cancelled_authorize"
        | "login_required"
        | "interaction_required" => Code::ProviderCancelled,
        "server_error" | "temporarily_unavailable" => Code::ProviderUnreachable,
        _ => {
            let error: String =
                error.chars().filter(|letter| letter.is_ascii_graphic()).take(64).collect();
            tracing::warn!(
                provider = provider.settings.name,
                error,
                "a provider refused to begin a sign-in"
            );
            Code::ProviderAnswerInvalid
        }
    }
}

/// A refusal, whose cause is logged here, once: the person can only try again, the operator can
/// look for the mistake.
pub(super) fn refused(provider: &Provider, error: &ExchangeError) -> OperationError {
    let code = error.code();
    tracing::warn!(
        provider = provider.settings.name,
        cause = error.with_causes(),
        "a journey to a provider failed"
    );
    code.into()
}

fn browser(caller: &Caller) -> Result<&BrowserId, Code> {
    caller.browser.as_ref().ok_or(Code::ProviderJourneyGone)
}
