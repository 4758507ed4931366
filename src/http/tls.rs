//! TLS for connections that go out: rustls with ring, the one provider in this program.

use rustls::crypto::ring;

/// Makes ring the provider of every TLS client of this process. Asking again changes nothing, so
/// each place that builds a client asks first.
pub(crate) fn install() {
    // An error says that a provider is there already: ours, or that of the application we are
    // mounted in.
    let _ = ring::default_provider().install_default();
}
