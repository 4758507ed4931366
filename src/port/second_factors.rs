//! Second factors: what an account asks for after a first factor that was right.

use std::{fmt, net::IpAddr};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::Agent;

/// The second factors of an account, as its owner sees them.
#[derive(Debug, Clone)]
pub struct SecondFactors {
    /// Whether codes go to the verified phone by SMS.
    pub text: bool,
    /// Since when an authenticator app makes codes.
    pub authenticator_since: Option<Timestamp>,
    /// Recovery codes that are left; 0 also where none were ever made.
    pub recovery_codes: usize,
    /// Browsers that are not asked for a second factor, the last used one first.
    pub trusted_browsers: Vec<TrustedBrowser>,
}

impl SecondFactors {
    /// Whether anything is asked for after the first factor.
    pub fn is_on(&self) -> bool {
        self.text || self.authenticator_since.is_some()
    }
}

/// A browser that its owner trusts for a while.
#[derive(Debug, Clone)]
pub struct TrustedBrowser {
    /// Names it towards its owner.
    pub handle: String,
    pub agent: Agent,
    pub address: Option<IpAddr>,
    pub last_seen_at: Timestamp,
    /// When it is asked again.
    pub until: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// With what a sign-in that waits can be finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Factors {
    /// A code by SMS.
    pub text: bool,
    /// A code of the authenticator app.
    pub authenticator: bool,
    /// One of the recovery codes.
    pub recovery_code: bool,
}

/// The key that an authenticator app is given (RFC 6238: SHA-1, six digits, 30 seconds). Cannot
/// print itself.
#[derive(Clone)]
pub struct AuthenticatorKey {
    url: SecretString,
    text: SecretString,
}

impl AuthenticatorKey {
    pub fn new(url: String, text: String) -> Self {
        Self { url: url.into(), text: text.into() }
    }

    /// The `otpauth:` URL, for the picture that the app reads.
    pub fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// The key in base32, for those who type it.
    pub fn text(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for AuthenticatorKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AuthenticatorKey(…)")
    }
}

/// Fresh recovery codes, to be shown this once. Cannot print themselves.
#[derive(Clone)]
pub struct RecoveryCodes(Vec<SecretString>);

impl RecoveryCodes {
    pub fn new(codes: impl IntoIterator<Item = String>) -> Self {
        Self(codes.into_iter().map(SecretString::from).collect())
    }

    /// Each code as its owner writes it down.
    pub fn shown(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCodes(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S80
    #[test]
    fn neither_a_key_nor_a_recovery_code_prints_itself() {
        let key = AuthenticatorKey::new("otpauth://totp/x?secret=ABC".into(), "ABC".into());
        let codes = RecoveryCodes::new(["abcde-fghij".to_owned()]);
        assert_eq!(format!("{key:?} {codes:?}"), "AuthenticatorKey(…) RecoveryCodes(…)");
    }
}
