//! Whether a provider is where the settings say, for `vestibule doctor`.

use jiff::Timestamp;

use super::{Discovery, ExchangeError, Http, HttpError, ProviderSettings, in_time, oidc::Oidc};

/// Reads the discovery document and the keys of a provider that has them; `None` of one that has
/// none.
///
/// # Errors
/// What hinders it, for the operator.
pub async fn probe(
    settings: &ProviderSettings,
    public_url: &str,
    now: Timestamp,
) -> Option<Result<(), String>> {
    if settings.kind.oauth2().is_some() {
        return None;
    }
    let reached = discover(settings, public_url, now).await;
    Some(reached.map_err(|error| error.with_causes()))
}

async fn discover(
    settings: &ProviderSettings,
    public_url: &str,
    now: Timestamp,
) -> Result<(), ExchangeError> {
    let http = Http::new(settings.is_loopback());
    let http =
        http.map_err(|error| ExchangeError::Unreachable(Box::new(HttpError::NoAnswer(error))))?;
    let (discovery, callback_url) = (Discovery::default(), settings.callback_url(public_url));
    let oidc = Oidc { settings, http: &http, discovery: &discovery, callback_url, now };
    in_time(oidc.probe()).await
}
