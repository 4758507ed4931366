//! The metrics, as Prometheus reads them, on a listener of their own (`metrics.listen`; off by
//! default, S101).
//!
//! Nothing in them is about a person: requests are counted by the pattern of their route, never by
//! their path, and sign-ins by operation and outcome. What the engine counts is asked for when
//! Prometheus asks.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, dev::Server, web};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{
    engine::{Engine, Stats},
    port::Failure,
};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds. A page takes a millisecond, a password hash 30.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// All metrics. Shared by the workers.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    hashes: Counter,
    hashes_refused: Counter,
    hashes_waiting: Gauge,
    sign_ins: Family<SignInCounts, Counter>,
    outbox_messages: Gauge,
    outbox_oldest: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignInCounts {
    operation: &'static str,
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut new = Self {
            registry: Registry::with_prefix("vestibule"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            hashes: Counter::default(),
            hashes_refused: Counter::default(),
            hashes_waiting: Gauge::default(),
            sign_ins: Family::default(),
            outbox_messages: Gauge::default(),
            outbox_oldest: Gauge::default(),
        };
        let all = &mut new.registry;
        all.register("http_requests", "Requests that were answered", new.requests.clone());
        let durations = new.durations.clone();
        all.register_with_unit(
            "http_request_duration",
            "Until an answer began",
            Unit::Seconds,
            durations,
        );
        all.register("password_hashes", "Password hashes that were begun", new.hashes.clone());
        all.register(
            "password_hashes_refused",
            "Passwords sent away, the queue being full",
            new.hashes_refused.clone(),
        );
        all.register(
            "password_hashes_waiting",
            "Passwords that wait for a thread",
            new.hashes_waiting.clone(),
        );
        all.register("sign_ins", "Sign-ins by operation and outcome", new.sign_ins.clone());
        all.register(
            "outbox_messages",
            "Messages that are not sent yet",
            new.outbox_messages.clone(),
        );
        let oldest = new.outbox_oldest.clone();
        all.register_with_unit(
            "outbox_oldest_message_age",
            "How long the oldest one waits",
            Unit::Seconds,
            oldest,
        );
        new
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Counts a request. `route` is a pattern: there are as many as there are routes.
    pub(crate) fn count(&self, method: &str, route: String, status: u16, took: Duration) {
        let request = Request { method: known(method), route: route.clone(), status };
        self.requests.get_or_create(&request).inc();
        self.durations.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    /// All of it as text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(8 * 1024);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Takes over what the engine counted.
    pub(crate) async fn take(&self, engine: &Engine) -> Result<(), Failure> {
        let Stats { hashes, hashes_waiting, hashes_refused, sign_ins } = engine.stats();
        self.hashes.inner().store(hashes, Ordering::Relaxed);
        self.hashes_refused.inner().store(hashes_refused, Ordering::Relaxed);
        self.hashes_waiting.set(hashes_waiting.cast_signed());
        for ((operation, outcome), count) in sign_ins {
            let sign_ins = self.sign_ins.get_or_create(&SignInCounts { operation, outcome });
            sign_ins.inner().store(count, Ordering::Relaxed);
        }
        let waiting = engine.waiting().await?;
        self.outbox_messages.set(waiting.messages.cast_signed());
        self.outbox_oldest.set(waiting.oldest.as_secs().cast_signed());
        Ok(())
    }
}

/// Serves `/metrics` there; without an engine, the requests alone.
///
/// # Errors
/// When it cannot be listened there.
pub(crate) fn serve(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    engine: Option<Engine>,
) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        let (metrics, engine) = (Arc::clone(&metrics), engine.clone());
        let show = move || show(Arc::clone(&metrics), engine.clone());
        App::new().route("/metrics", web::get().to(show))
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).bind(address)?.run())
}

async fn show(metrics: Arc<Metrics>, engine: Option<Engine>) -> HttpResponse {
    if let Some(engine) = engine
        && let Err(failure) = metrics.take(&engine).await
    {
        // The other metrics are wanted all the more.
        tracing::warn!("the outbox could not be counted: {failure}");
    }
    match metrics.text() {
        Ok(text) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Maps unknown methods to one label.
fn known(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_documented() {
        const OPERATIONS: &str = include_str!("../../docs/operations.md");
        let text = Metrics::default().text().unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        for name in names {
            assert!(OPERATIONS.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn requests_are_counted_by_route_and_status_and_invented_methods_are_not_kept() {
        let metrics = Metrics::default();
        for method in ["GET", "GET", "XYZZY"] {
            metrics.count(method, "/sign-in".to_owned(), 200, Duration::from_millis(3));
        }
        let text = metrics.text().unwrap();
        for line in [
            "vestibule_http_requests_total{method=\"GET\",route=\"/sign-in\",status=\"200\"} 2\n",
            "vestibule_http_requests_total{method=\"other\",route=\"/sign-in\",status=\"200\"} 1\n",
            "vestibule_http_request_duration_seconds_bucket{le=\"0.005\",route=\"/sign-in\"} 3\n",
            "vestibule_outbox_oldest_message_age_seconds 0\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
