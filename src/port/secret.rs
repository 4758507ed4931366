//! Secrets: types that can be handed on and compared, and cannot print.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::Code;

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $max:expr, $missing:expr, $invalid:expr) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Reads a token as it arrived. Says nothing about whether it is good.
            ///
            /// # Errors
            /// One code for nothing, another for a text that no token of ours looks like.
            pub fn parse(text: &str) -> Result<Self, Code> {
                if text.is_empty() {
                    return Err($missing);
                }
                if text.len() > $max || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err($invalid);
                }
                Ok(Self(SecretString::from(text)))
            }

            /// The token itself, for the cookie, the header or the digest it is meant for.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

token! {
    /// Proves a session. A remote environment's may be a JWT, hence the length.
    SessionToken, 1024, Code::MissingSessionToken, Code::InvalidSessionToken
}
token! {
    /// Access token that a redirect carries after an emailed link or a provider; consumed once.
    AccessToken, 512, Code::MissingAccessToken, Code::InvalidAccessToken
}
token! {
    /// The authorization code of a provider; some are longer than a thousand letters.
    ProviderCode, 4096, Code::ProviderAnswerInvalid, Code::ProviderAnswerInvalid
}
token! {
    /// The key inside an emailed link. Fetching the link does not spend it.
    LinkKey, 512, Code::MissingAccessToken, Code::InvalidAccessToken
}
token! {
    /// Marks one browser across a journey.
    BrowserId, 128, Code::InvalidAccessToken, Code::InvalidAccessToken
}

token! {
    /// Marks a browser that somebody signed in with before, across sign-outs.
    DeviceToken, 128, Code::InvalidAccessToken, Code::InvalidAccessToken
}
token! {
    /// Token for signing out at the provider as well; consumed once.
    ProviderLogoutToken, 128, Code::ProviderJourneyGone, Code::ProviderJourneyGone
}
token! {
    /// Logout token of a provider (OpenID Connect Back-Channel Logout 1.0 §2.4): a JWT, not checked
    /// yet.
    LogoutToken, 16384, Code::ProviderAnswerInvalid, Code::ProviderAnswerInvalid
}
token! {
    /// Marks one sign-in whose first factor was right, until its second one is.
    ChallengeToken, 128, Code::InvalidOneTimeCode, Code::InvalidOneTimeCode
}

/// Six digits that came by SMS or email, as somebody typed them.
#[derive(Clone)]
pub struct OneTimeCode(SecretString);

impl OneTimeCode {
    /// Reads a code; blanks and dashes that phones and people put between the digits are dropped.
    ///
    /// # Errors
    /// `MissingOneTimeCode` for nothing, `InvalidOneTimeCode` for what is not six digits.
    pub fn parse(entered: &str) -> Result<Self, Code> {
        if entered.trim().is_empty() {
            return Err(Code::MissingOneTimeCode);
        }
        let digits: String =
            entered.chars().take(64).filter(|letter| !" \t-\u{a0}".contains(*letter)).collect();
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Code::InvalidOneTimeCode);
        }
        Ok(Self(SecretString::from(digits)))
    }

    /// The six digits, for the message or the digest they are meant for.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OneTimeCode(…)")
    }
}

/// A recovery code, as somebody typed it.
#[derive(Clone)]
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    /// Alphabet of the codes: no letter or digit that looks like another one.
    pub const SIGNS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    /// Signs of a code; 49 bits (S19).
    pub const LENGTH: usize = 10;

    /// Reads a code; its dash, blanks and capitals mean nothing.
    ///
    /// # Errors
    /// `MissingOneTimeCode` for nothing, `InvalidOneTimeCode` for what no recovery code looks like.
    pub fn parse(entered: &str) -> Result<Self, Code> {
        if entered.trim().is_empty() {
            return Err(Code::MissingOneTimeCode);
        }
        let signs: String =
            entered.chars().take(64).filter(|sign| !" \t-\u{a0}".contains(*sign)).collect();
        let signs = signs.to_ascii_lowercase();
        if signs.len() != Self::LENGTH || !signs.bytes().all(|sign| Self::SIGNS.contains(&sign)) {
            return Err(Code::InvalidOneTimeCode);
        }
        Ok(Self(SecretString::from(signs)))
    }

    /// The ten signs, for the page that shows them once or the digest.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCode(…)")
    }
}

/// A password as it was typed: not trimmed, not judged.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Takes any text, the empty one included.
    pub fn entered(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The password itself, for the one place that hashes it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Password::entered("hunter2 hunter2")), "Password(…)");
        assert_eq!(format!("{:?}", SessionToken::parse("abc").unwrap()), "SessionToken(…)");
    }

    #[test]
    fn a_code_is_six_digits_however_they_are_grouped() {
        for entered in ["314159", " 314 159", "314-159"] {
            assert_eq!(OneTimeCode::parse(entered).unwrap().expose(), "314159");
        }
        assert_eq!(OneTimeCode::parse(" ").unwrap_err(), Code::MissingOneTimeCode);
        for entered in ["31415", "3141592", "31415x", "３１４１５９"] {
            assert_eq!(
                OneTimeCode::parse(entered).unwrap_err(),
                Code::InvalidOneTimeCode,
                "{entered}"
            );
        }
    }

    #[test]
    fn a_recovery_code_is_ten_signs_however_they_are_written() {
        for entered in ["abcde-fgh23", "ABCDE FGH23", " abcdefgh23 "] {
            assert_eq!(RecoveryCode::parse(entered).unwrap().expose(), "abcdefgh23");
        }
        assert_eq!(RecoveryCode::parse("").unwrap_err(), Code::MissingOneTimeCode);
        for entered in ["314159", "abcde-fghi1", "abcde-fgh234", "äbcde-fgh23"] {
            assert_eq!(
                RecoveryCode::parse(entered).unwrap_err(),
                Code::InvalidOneTimeCode,
                "{entered}"
            );
        }
    }

    #[test]
    fn a_token_has_no_blanks_and_an_end() {
        assert!(SessionToken::parse("a b").is_err());
        assert!(AccessToken::parse(&"a".repeat(513)).is_err());
        assert_eq!(AccessToken::parse("").unwrap_err(), Code::MissingAccessToken);
    }
}
