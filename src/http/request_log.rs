//! Request id, request log and metrics.
//!
//! The id is the one that our proxy gave in `X-Request-Id`, or one of our own. It stands on the
//! answer under that name, in every line of the log that is written for the request, and on error
//! pages, so that a person who reports one names the line. A visitor's `X-Request-Id` is not taken:
//! it would let them name other people's lines.
//!
//! To mount it, where the server is a part of another application:
//!
//! ```no_run
//! # fn mount(vestibule: vestibule::Vestibule) {
//! use actix_web::{App, middleware::from_fn};
//!
//! let log = from_fn(vestibule::http::request_log::log_requests);
//! let app = App::new().wrap(log).configure(vestibule.routes());
//! # }
//! ```

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use tracing::Instrument as _;

use crate::{http::forwarded::TrustedProxies, port::Random, telemetry::metrics::Metrics};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a proxy, in bytes.
const LONGEST: usize = 128;

/// Names a request: printable ASCII.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

/// Label of the route, where the path alone does not say it: an endpoint of the REST channel.
#[derive(Debug, Clone, Copy)]
pub struct RouteLabel(pub &'static str);

/// Receiver of request metrics. Kept in the application's data.
#[derive(Clone)]
pub(crate) struct RequestLog {
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Option<Arc<Metrics>>,
}

impl RequestLog {
    fn count<B>(&self, response: &ServiceResponse<B>, took: Duration) {
        let Some(metrics) = &self.metrics else { return };
        let request = response.request();
        let answered =
            request.extensions().get::<RouteLabel>().map(|answered| answered.0.to_owned());
        let route =
            answered.or_else(|| request.match_pattern()).unwrap_or_else(|| "other".to_owned());
        metrics.count(request.method().as_str(), route, response.status().as_u16(), took);
    }
}

impl RequestId {
    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    fn of_proxy(request: &ServiceRequest) -> Option<Self> {
        let sent = request.headers().get(X_REQUEST_ID)?;
        let proxies = request.app_data::<TrustedProxies>()?;
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
        let is_good = (1..=LONGEST).contains(&sent.len()) && sent.as_bytes().iter().all(is_letter);
        let is_trusted = || proxies.trust(request.peer_addr().map(|peer| peer.ip()));
        (is_good && is_trusted()).then(|| Self(sent.clone()))
    }

    fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let digits = format!("{:016x}", u64::from_be_bytes(bytes));
        Self(HeaderValue::from_str(&digits).unwrap_or(HeaderValue::from_static("0")))
    }
}

/// The layer around everything.
///
/// # Errors
/// What the layers within could not answer.
pub async fn log_requests<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(observer) = request.app_data::<RequestLog>().cloned() else {
        return next.call(request).await;
    };
    let id = RequestId::of_proxy(&request).unwrap_or_else(|| RequestId::new(&*observer.random));
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", id = id.as_str());
    let started = Instant::now();
    async move {
        let mut response = next.call(request).await?;
        response.headers_mut().insert(X_REQUEST_ID, id.0);
        observer.count(&response, started.elapsed());
        tracing::debug!(
            method = %response.request().method(),
            path = response.request().path(),
            status = response.status().as_u16(),
            milliseconds = started.elapsed().as_millis(),
            "answered"
        );
        Ok(response)
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use actix_web::{App, HttpRequest, HttpResponse, middleware::from_fn, test, web};

    use super::*;
    use crate::http::forwarded::ForwardedHeader;

    /// Another number each time.
    struct Counted;

    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            static NEXT: AtomicU8 = AtomicU8::new(1);
            bytes.fill(NEXT.fetch_add(1, Ordering::Relaxed));
        }
    }

    /// The id on the answer, and the one that the handler saw.
    async fn ids(peer: &str, sent: &str) -> (String, String) {
        let proxies =
            TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()], ForwardedHeader::default());
        let show = |request: HttpRequest| async move {
            let id = request.extensions().get::<RequestId>().unwrap().as_str().to_owned();
            HttpResponse::Ok().body(id)
        };
        let app = App::new()
            .app_data(proxies)
            .app_data(RequestLog { random: Arc::new(Counted), metrics: None });
        let app =
            test::init_service(app.wrap(from_fn(log_requests)).default_service(web::to(show)))
                .await;
        let request = test::TestRequest::default()
            .peer_addr(peer.parse().unwrap())
            .insert_header((X_REQUEST_ID, sent));
        let response = test::call_service(&app, request.to_request()).await;
        let header = response.headers().get(X_REQUEST_ID).unwrap().to_str().unwrap().to_owned();
        (header, String::from_utf8(test::read_body(response).await.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn a_request_is_named_by_our_proxy_or_by_us() {
        let named = ("4bf92f35-77b3.a".to_owned(), "4bf92f35-77b3.a".to_owned());
        assert_eq!(ids("10.0.0.1:1", "4bf92f35-77b3.a").await, named);
        for (peer, sent) in
            [("203.0.113.9:1", "4bf92f35-77b3.a"), ("10.0.0.1:1", "a b"), ("10.0.0.1:1", "")]
        {
            let (header, seen) = ids(peer, sent).await;
            assert_eq!((header.len(), &header), (16, &seen), "{peer} {sent}");
            assert_ne!(header, ids(peer, sent).await.0);
        }
    }
}
