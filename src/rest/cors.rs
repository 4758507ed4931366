//! Which web pages may call: an allow-list of origins for each client key (ALTOGIC_WIRE.md §2.1).
//!
//! A browser asks first (preflight), without the key; so the headers are given to every origin that *some* key is for, and the
//! call itself is then refused when the origin is not one of *its* key's. Errors carry the headers too: without them the
//! application would see "Failed to fetch" instead of the sentence.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};
use subtle::ConstantTimeEq;
use url::Url;

use crate::protocol::{errors::Fault, headers};

use super::Settings;

/// How long a browser may remember a preflight, in seconds: Chromium's upper limit.
const PREFLIGHT_SECONDS: &str = "7200";

/// The applications, with the origins of their pages in the browser's own spelling.
pub(super) struct Applications(Vec<Application>);

struct Application {
    key: String,
    origins: Vec<String>,
    redirect_url: Option<String>,
}

impl Applications {
    pub(super) fn new(settings: &Settings) -> Self {
        let usual = [settings.public_url.clone(), settings.redirect_url.clone()];
        let applications = settings.client_keys.iter().map(|client| {
            let origins = if client.allowed_origins.is_empty() { &usual[..] } else { &client.allowed_origins[..] };
            Application {
                key: client.key.clone(),
                origins: origins.iter().filter_map(|origin| as_browsers_write(origin)).collect(),
                redirect_url: client.redirect_url.clone(),
            }
        });
        Self(applications.collect())
    }

    /// Lets a request in, and says which redirect URL its application has of its own: it needs a known key, and from a web page a page of that key.
    ///
    /// # Errors
    /// What is wrong with the key or the origin.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Option<String>, Fault> {
        let key = headers.get(headers::CLIENT_KEY).ok_or(Fault::MissingClientKey)?;
        // Every key is compared, each in constant time: an answer's time tells nothing of the keys there are.
        let application = self.0.iter().fold(None, |found, application| {
            if bool::from(application.key.as_bytes().ct_eq(key.as_bytes())) { Some(application) } else { found }
        });
        let application = application.ok_or(Fault::InvalidClientKey)?;
        match headers.get(header::ORIGIN) {
            Some(origin) if !application.is_for(origin) => Err(Fault::DomainNotAuthorized),
            _ => Ok(application.redirect_url.clone()),
        }
    }

    /// The answer to a preflight.
    pub(super) fn preflight(&self, headers: &HeaderMap) -> HttpResponse {
        let mut response = HttpResponse::NoContent().finish();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("OPTIONS, GET, HEAD, POST"));
        if self.known_origin(headers).is_some() {
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, headers::ALLOWED_METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, headers::ALLOWED_HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        response
    }

    /// Lets a page of a known origin read the answer, whatever it is.
    pub(super) fn dress(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        answer.insert(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.known_origin(asked) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            // A browser hides this one from pages unless told.
            let exposed: HeaderName = header::ACCESS_CONTROL_EXPOSE_HEADERS;
            answer.insert(exposed, HeaderValue::from_static("retry-after"));
        }
    }

    fn known_origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        headers.get(header::ORIGIN).filter(|origin| self.0.iter().any(|application| application.is_for(origin)))
    }
}

impl Application {
    fn is_for(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes())
    }
}

/// The origin of a URL as a browser writes it in `Origin`: lower case, default port left out. `None` for what has none.
fn as_browsers_write(url: &str) -> Option<String> {
    let origin = Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}
