//! The accounts at providers that are connected to an account here.

use crate::{
    engine::{
        Engine,
        outbox::Notification,
        providers::identities::{self, Identity},
        rules::Operation,
        sessions::Current,
        users::accounts::Account,
    },
    port::{Caller, Code, ConnectedProvider, Connections, Outcome},
};

/// All of them.
pub(in crate::engine) async fn connections(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<Connections> {
    let account = engine.current(caller).await?.account;
    let connected = identities::of_account(engine.store(), &account.user.id).await?;
    let connected: Vec<ConnectedProvider> =
        connected.into_iter().map(|identity| shown(engine, identity)).collect();
    // Disconnecting takes all that is connected at one provider.
    let is_of_another = |known: &ConnectedProvider| known.provider != connected[0].provider;
    let has_other_way_in = has_way_in(engine, &account) || connected.iter().any(is_of_another);
    Ok(Connections { connected, has_other_way_in })
}

/// Reads the connection that waits for this account.
pub(in crate::engine) async fn offered_connection(
    engine: &Engine,
    caller: &Caller,
    offer: &str,
) -> Outcome<Option<ConnectedProvider>> {
    let user_id = engine.current(caller).await?.account.user.id;
    let offered =
        engine.providers().grants.offered(engine.store(), offer, &user_id, engine.now()).await?;
    Ok(offered.map(|identity| shown(engine, identity)))
}

/// Connects it. Signed in to that very account just now: that is the proof (S24).
pub(in crate::engine) async fn accept_connection(
    engine: &Engine,
    caller: &Caller,
    offer: &str,
) -> Outcome<()> {
    let current = engine.current(caller).await?;
    let grants = &engine.providers().grants;
    let offered =
        grants.offered(engine.store(), offer, &current.account.user.id, engine.now()).await?;
    connect(engine, caller, &current, &offered.ok_or(Code::ProviderJourneyGone)?, Some(offer)).await
}

/// Connects an identity, spends the offer it waited in, and tells the owner. The session is looked
/// at once more behind the lock of the account: whoever takes the account back at this moment must
/// not find a visitor's identity connected afterwards (S21).
pub(in crate::engine) async fn connect(
    engine: &Engine,
    caller: &Caller,
    current: &Current,
    identity: &Identity,
    offer: Option<&str>,
) -> Outcome<()> {
    let (user_id, now) = (&current.account.user.id, engine.now());
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let operation =
        if offer.is_some() { Operation::AcceptConnection } else { Operation::FinishProvider };
    let account = engine.locked(&mut tx, current, operation).await?.account;
    if let Some(offer) = offer
        && !engine.providers().grants.take_offer(&mut tx, offer, user_id, now).await?
    {
        return Err(Code::ProviderJourneyGone.into());
    }
    if identities::connect(&mut tx, identity, user_id, now).await? {
        if !account.vouches(now) {
            identities::mark_added(&mut tx, identity).await?;
        }
        let provider = label(engine, &identity.provider);
        engine
            .notify_owner(&mut tx, caller, &account, Notification::ProviderConnected { provider })
            .await?;
    } else if identities::owner(&mut tx, &identity.issuer, &identity.subject).await?.as_deref()
        != Some(user_id)
    {
        return Err(Code::IdentityNotUnique.into());
    }
    Ok(tx.commit().await?)
}

/// Disconnects a provider; never the last way in. A sign-in that came back and is not finished ends
/// with it (S35).
///
/// The account is locked first, so that of two at once each sees what the other left.
pub(in crate::engine) async fn disconnect(
    engine: &Engine,
    caller: &Caller,
    provider: &str,
) -> Outcome<()> {
    let current = engine.current(caller).await?;
    let user_id = &current.account.user.id;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let account = engine.locked(&mut tx, &current, Operation::Disconnect).await?.account;
    if identities::disconnect(&mut tx, user_id, provider).await? == 0 {
        return Ok(());
    }
    identities::revoke_unfinished(&mut tx, user_id).await?;
    // One at a provider that the operator took out of the settings lets nobody in.
    let is_set_up = |provider: &String| engine.providers().named(provider).is_some();
    if !has_way_in(engine, &account)
        && !identities::providers(&mut tx, user_id).await?.iter().any(is_set_up)
    {
        return Err(Code::LastWayIn.into());
    }
    let provider = label(engine, provider);
    engine
        .notify_owner(&mut tx, caller, &account, Notification::ProviderDisconnected { provider })
        .await?;
    Ok(tx.commit().await?)
}

/// Whether one gets in without a provider: by a link to a proved mailbox, a code to a proved
/// number, or a password with either.
fn has_way_in(engine: &Engine, account: &Account) -> bool {
    let settings = engine.settings();
    let has_name = account.is_usable(settings.confirm_email)
        || account.is_usable_by_phone(settings.confirm_phone);
    account.user.email_verified
        || (account.user.phone_verified && settings.sign_in_codes && !account.phone_is_second_only)
        || (account.password_hash.is_some() && has_name)
}

fn shown(engine: &Engine, identity: Identity) -> ConnectedProvider {
    let label = label(engine, &identity.provider);
    ConnectedProvider { provider: identity.provider, label, shown_as: identity.shown_as }
}

/// Label of a provider; its name, where the operator has taken it out of the settings.
fn label(engine: &Engine, provider: &str) -> String {
    engine
        .providers()
        .named(provider)
        .map_or_else(|| provider.to_owned(), |provider| provider.settings.label.clone())
}
