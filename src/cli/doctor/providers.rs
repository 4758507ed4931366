//! The providers that people sign in with.

use futures_util::future::join_all;

use super::Finding;
use crate::{
    config::Config,
    engine::{
        SystemClock,
        providers::{ProviderSettings, probe},
    },
    port::Clock as _,
};

/// Reads what each provider says of itself, all of them at once. Whether it knows our client_id and
/// secret shows only when somebody signs in.
pub(super) async fn inspect(config: &Config) -> Vec<Finding> {
    join_all(config.providers.iter().map(|provider| inspect_provider(config, provider))).await
}

async fn inspect_provider(config: &Config, provider: &ProviderSettings) -> Finding {
    let ProviderSettings { name, label, .. } = provider;
    let callback = provider.callback_url(&config.public_url);
    match probe(provider, &config.public_url, SystemClock.now()).await {
        None => Finding::good(
            "providers",
            format!("{name}: {label} has nothing to look up; it must know {callback}"),
        ),
        Some(Ok(())) => {
            Finding::good("providers", format!("{name}: {label} answers; it must know {callback}"))
        }
        Some(Err(reason)) => Finding::bad(
            "providers",
            format!(
                "{name}: {reason}. Set providers.{name}.issuer to what the provider calls itself, \
                 letter by letter, or open \
                 the way to it"
            ),
        ),
    }
}
