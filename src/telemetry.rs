//! The log: lines on standard error, levels by `RUST_LOG`.

use tracing_subscriber::EnvFilter;

/// Starts the log. Unless `RUST_LOG` says otherwise, our own news and everybody's warnings are shown.
pub(crate) fn start() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,vestibule=info,actix_session=error"));
    // Refused only where somebody who embeds us has started a log already: theirs is the right one then.
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init());
}
