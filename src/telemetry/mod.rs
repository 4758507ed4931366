//! The log: on standard error, levels by `RUST_LOG`, as lines for people or as objects for
//! programs.
//!
//! # The contract
//!
//! * One event is one line, whatever is in it: control characters and those that turn the direction
//!   of writing are escaped, so that nothing that somebody typed can forge a line or drive a
//!   terminal (S81).
//! * Every line of a request carries its id, also where the work goes on in a task of its own
//!   ([`crate::http::request_log`]).
//! * Times are UTC, in RFC 3339 (S82).

mod format;
pub(crate) mod log_throttle;
pub(crate) mod metrics;

use std::{
    fmt::{self, Write as _},
    io::{self, Write as _},
    sync::{Arc, OnceLock},
};

use tracing::{Event, Id, Subscriber, span::Attributes};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use self::format::{Record, RequestIdField};
use crate::{config::LogFormat, port::Clock};

/// The name of the span of a request; its `id` goes into every line.
pub(crate) const REQUEST_SPAN: &str = "request";

/// Our own news and everybody's warnings. Not that somebody sent what is no HTTP: a visitor could
/// fill the disk with it.
const USUAL: &str = "warn,vestibule=info,actix_session=error,actix_http::h1::dispatcher=off";

/// Prints a line to standard output. `println!` panics once nobody reads
/// (`vestibule config check | head`).
macro_rules! say {
    ($($words:tt)*) => { $crate::telemetry::print(format_args!($($words)*)) };
}
/// Prints a line to standard error, where there is one.
macro_rules! hint {
    ($($words:tt)*) => { $crate::telemetry::print_hint(format_args!($($words)*)) };
}
pub(crate) use {hint, say};

/// Why standard output took no more, where it is more than a reader that has gone.
static UNPRINTED: OnceLock<io::Error> = OnceLock::new();

/// Prints a line, see [`say`]. A reader that has gone has read enough: the command goes on without
/// a word.
pub(crate) fn print(line: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        drop(UNPRINTED.set(error));
    }
}

/// Prints a line, see [`hint`]. There is nowhere to tell of a failure.
pub(crate) fn print_hint(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// The first failure to print, such as a full disk.
pub(crate) fn unprinted() -> Option<&'static io::Error> {
    UNPRINTED.get()
}

/// Starts the log. Unless `RUST_LOG` says otherwise, our own news and everybody's warnings are
/// shown.
pub(crate) fn start(format: LogFormat, clock: Arc<dyn Clock>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let write = |line: &str| drop(std::io::stderr().lock().write_all(line.as_bytes()));
    // Refused only where somebody who embeds us has started a log already: theirs is the right one
    // then.
    drop(
        tracing_subscriber::registry()
            .with(filter)
            .with(JsonLines { format, clock, write })
            .try_init(),
    );
}

/// Writes each event as one line.
struct JsonLines<W> {
    format: LogFormat,
    clock: Arc<dyn Clock>,
    write: W,
}

/// The id of a request, kept with its span.
struct SpanRequestId(String);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != REQUEST_SPAN {
            return;
        }
        let mut field = RequestIdField::default();
        attributes.record(&mut field);
        if let (Some(id), Some(span)) = (field.0, context.span(id)) {
            span.extensions_mut().insert(SpanRequestId(id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut record = Record::new(self.format, metadata.target());
        event.record(&mut record);
        let mut line = String::with_capacity(256);
        let now = self.clock.now();
        // Writing into a String does not fail.
        let _ = match self.format {
            LogFormat::Lines => write!(line, "{now:.3} {:5} {}", metadata.level(), record.target()),
            LogFormat::Json => write!(
                line,
                "{{\"time\":\"{now:.3}\",\"level\":\"{}\",\"target\":\"{}\"",
                metadata.level(),
                record.target()
            ),
        };
        let spans = context.event_scope(event).into_iter().flatten();
        for span in spans {
            if let Some(SpanRequestId(id)) = span.extensions().get() {
                line.push_str(&record.request_id(id));
                break;
            }
        }
        line.push_str(&record.finish());
        line.push('\n');
        (self.write)(&line);
    }
}

#[cfg(test)]
mod tests;
