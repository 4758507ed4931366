//! The applications that may call: those of the settings, and those that were added while the
//! server runs.

use std::sync::{Arc, RwLock};

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

use crate::{
    engine::keys::StoredClientKey as AddedKey,
    port::OperationError,
    protocol::{errors::Fault, headers},
};

use super::{ClientKey, OriginRule, RestBackend, RestSettings, reply::Rejection};

/// All applications, in the form in which they are asked for.
pub(super) struct Applications {
    /// The origins that every application may be at: ours, and where emailed links lead.
    usual: Vec<OriginRule>,
    settled: Vec<Application>,
    added: RwLock<Option<Added>>,
}

/// Latest answer of the backend, parsed.
struct Added {
    keys: Arc<[AddedKey]>,
    applications: Arc<[Application]>,
}

/// One of them.
pub(super) struct Application {
    key: String,
    origins: Vec<OriginRule>,
    pub(super) redirect_url: Option<String>,
    pub(super) enforce_session: bool,
}

/// The applications at the time of one request.
pub(super) struct KnownApplications<'a> {
    settled: &'a [Application],
    added: Arc<[Application]>,
    /// Why those that were added could not be asked for.
    failure: Option<OperationError>,
}

impl Applications {
    pub(super) fn new(settings: &RestSettings) -> Self {
        let usual = [&settings.public_url, &settings.redirect_url];
        let usual: Vec<_> =
            usual.into_iter().filter_map(|url| OriginRule::of_url(url).ok()).collect();
        let settled =
            settings.client_keys.iter().map(|key| Application::new(key.clone(), &usual)).collect();
        Self { usual, settled, added: RwLock::default() }
    }

    /// Those that there are now. Those of the settings may call whatever becomes of the backend.
    pub(super) async fn now(&self, backend: &dyn RestBackend) -> KnownApplications<'_> {
        let (added, failure) = match backend.client_keys().await {
            Ok(keys) => (self.read(keys), None),
            Err(error) => (Arc::default(), Some(error)),
        };
        KnownApplications { settled: &self.settled, added, failure }
    }

    /// Parsed keys; made anew only when the backend read them anew.
    fn read(&self, keys: Arc<[AddedKey]>) -> Arc<[Application]> {
        if let Ok(Some(last)) = self.added.read().as_deref()
            && Arc::ptr_eq(&last.keys, &keys)
        {
            return Arc::clone(&last.applications);
        }
        let meant = keys.iter().map(|key| Application::new(ClientKey::from(key), &self.usual));
        let applications: Arc<[Application]> = meant.collect();
        if let Ok(mut added) = self.added.write() {
            *added = Some(Added { keys, applications: Arc::clone(&applications) });
        }
        applications
    }
}

impl KnownApplications<'_> {
    /// The application that sends this request: it needs a known key, and from a web page a page of
    /// that key.
    ///
    /// # Errors
    /// What is wrong with the key or the origin. Where not all keys could be asked for, none is
    /// said to be wrong.
    pub(super) fn authorize(&mut self, headers: &HeaderMap) -> Result<&Application, Rejection> {
        let key = headers.get(headers::CLIENT_KEY).ok_or(Fault::MissingClientKey)?;
        // Every key is compared, each in constant time: an answer's time tells nothing of the keys
        // there are.
        let found = self.settled.iter().chain(&*self.added).fold(None, |found, application| {
            if bool::from(application.key.as_bytes().ct_eq(key.as_bytes())) {
                Some(application)
            } else {
                found
            }
        });
        let Some(application) = found else {
            return Err(self
                .failure
                .take()
                .map_or(Fault::InvalidClientKey.into(), Rejection::from));
        };
        match headers.get(header::ORIGIN) {
            Some(origin) if !application.is_for(origin) => Err(Fault::DomainNotAuthorized.into()),
            _ => Ok(application),
        }
    }

    /// The origin of the page that asks, if any application is for it.
    pub(super) fn origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.settled
            .iter()
            .chain(&*self.added)
            .any(|application| application.is_for(origin))
            .then_some(origin)
    }
}

impl Application {
    fn new(key: ClientKey, usual: &[OriginRule]) -> Self {
        let ClientKey { key, mut origins, redirect_url, enforce_session } = key;
        origins.extend_from_slice(usual);
        origins.extend(redirect_url.as_deref().and_then(|url| OriginRule::of_url(url).ok()));
        Self { key, origins, redirect_url, enforce_session }
    }

    fn is_for(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|rule| rule.is_for(origin.as_bytes()))
    }
}

impl From<&AddedKey> for ClientKey {
    fn from(added: &AddedKey) -> Self {
        Self {
            key: added.key.clone(),
            origins: added.origins.iter().filter_map(|origin| origin.parse().ok()).collect(),
            redirect_url: added.redirect_url.clone(),
            enforce_session: added.enforce_session,
        }
    }
}
