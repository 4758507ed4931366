//! Email addresses, and the one place that says when two are the same.

use std::fmt;

use unicode_normalization::is_nfc;

use super::Code;

/// An email address that email can be sent to.
///
/// # When two addresses are the same
///
/// Surrounding white space is dropped, ASCII letters are lowered, and the domain is brought to its
/// ASCII form (IDNA). Nothing else: dots and `+tags` are kept, and letters beyond ASCII are neither
/// case-folded nor normalised, so that a look-alike (`ı`, the Kelvin sign) can never receive email
/// for this mailbox (S93; CVE-2019-19844). A local part that is not in NFC is refused: normalising
/// it could turn one mailbox into another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// RFC 5321 §4.5.3.1.3: a path is at most 256 octets, two of them the angle brackets.
    pub const MAX_BYTES: usize = 254;

    /// Reads an address as somebody typed it.
    ///
    /// # Errors
    /// `MissingEmail` for nothing, `InvalidEmail` for anything that is not one plain address: no
    /// display names, quoted local parts, address literals, control characters or bare host names.
    pub fn parse(entered: &str) -> Result<Self, Code> {
        let entered = entered.trim();
        if entered.is_empty() {
            return Err(Code::MissingEmail);
        }
        if entered.len() > Self::MAX_BYTES {
            return Err(Code::InvalidEmail);
        }
        let (local, domain) = entered.rsplit_once('@').ok_or(Code::InvalidEmail)?;
        let local = local.to_ascii_lowercase();
        let domain = match url::Host::parse(domain) {
            Ok(url::Host::Domain(domain)) if domain.contains('.') && !domain.ends_with('.') => {
                domain
            }
            _ => return Err(Code::InvalidEmail),
        };
        let address = format!("{local}@{domain}");
        let plain = email_address::EmailAddress::parse_with_options(
            &address,
            email_address::Options::default()
                .without_display_text()
                .without_domain_literal()
                .with_required_tld(),
        );
        let strange = |letter: char| {
            letter.is_control() || letter.is_whitespace() || "\"\\,;<>()[]:".contains(letter)
        };
        if plain.is_err()
            || !is_nfc(&local)
            || local.chars().any(strange)
            || address.len() > Self::MAX_BYTES
        {
            return Err(Code::InvalidEmail);
        }
        Ok(Self(address))
    }

    /// The address in the form it is stored and compared in.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As its owner recognises it and nobody else learns it: "a…@example.com".
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or_default();
        format!("{}…@{domain}", local.chars().take(1).collect::<String>())
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A personal datum: it prints as a hint, so that no log line carries an address by accident.
impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        write!(formatter, "Email(…@{domain})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_lowered_and_trimmed_and_keeps_its_tag() {
        assert_eq!(
            Email::parse("  Ann+News@Example.COM ").unwrap().as_str(),
            "ann+news@example.com"
        );
        assert_eq!(
            Email::parse("ann@bücher.example").unwrap().as_str(),
            "ann@xn--bcher-kva.example"
        );
    }

    #[test]
    fn what_is_not_one_plain_address_is_refused() {
        for entered in [
            "ann",
            "@example.com",
            "ann@",
            "ann@localhost",
            "a b@example.com",
            "Ann <ann@example.com>",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "a\r\nBcc:x@example.com",
            "a\0@example.com",
            "a,b@example.com",
            "a@b@example.com",
            "\"a\"@example.com",
        ] {
            assert_eq!(Email::parse(entered), Err(Code::InvalidEmail), "{entered:?}");
        }
        assert_eq!(Email::parse(" "), Err(Code::MissingEmail));
        assert_eq!(
            Email::parse(&format!("{}@example.com", "a".repeat(300))),
            Err(Code::InvalidEmail)
        );
    }

    #[test]
    fn letters_beyond_ascii_are_never_folded_into_another_mailbox() {
        assert_ne!(Email::parse("m\u{131}ke@example.com"), Email::parse("mike@example.com"));
        assert_eq!(Email::parse("\u{212a}@example.com"), Err(Code::InvalidEmail));
    }

    #[test]
    fn a_masked_address_keeps_its_first_letter_and_its_domain() {
        assert_eq!(Email::parse("ann.example@example.com").unwrap().masked(), "a…@example.com");
    }

    #[test]
    fn an_address_does_not_print_itself() {
        assert_eq!(
            format!("{:?}", Email::parse("ann@example.com").unwrap()),
            "Email(…@example.com)"
        );
    }
}
