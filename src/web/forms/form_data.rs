//! Form data, parsed strictly: each field once, valid UTF-8, nothing that a line cannot hold.

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::super::error::PageError;
use crate::port::{Password, Phone};

/// The hidden field that carries the form token.
pub(crate) const CSRF: &str = "csrf";

/// Fields that a body may have. The largest form has about ten; each costs an allocation (S108).
pub(in crate::web) const PAIRS_MAX: usize = 200;

/// One input of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// One line of text, shown again as it was typed.
    Line(&'static str),
    /// A secret: never shown again.
    Secret(&'static str),
}

/// The values of a form's inputs, by name. A missing one is an empty one.
#[derive(Default)]
pub(crate) struct FormData {
    values: Vec<(Input, Zeroizing<String>)>,
    token: Zeroizing<String>,
    proof: Option<Password>,
    phone: Option<Phone>,
}

impl Input {
    /// The name it has in the form, which is its id on the page too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Line(name) | Self::Secret(name) => name,
        }
    }
}

impl FormData {
    /// Reads an `application/x-www-form-urlencoded` body (WHATWG URL §5.1). Fields that the form
    /// does not have are ignored (S59).
    ///
    /// # Errors
    /// For a field that comes twice (S60), for bytes that are not UTF-8, and for control characters
    /// in a line (S58).
    pub(crate) fn parse(body: &[u8], inputs: &[Input]) -> Result<Self, PageError> {
        if body.iter().filter(|byte| **byte == b'&').count() > PAIRS_MAX {
            return Err(PageError::Malformed(
                "The form had too many fields. Please go back and send it again.",
            ));
        }
        let mut form_data = Self::default();
        let mut token_seen = false;
        for pair in body.split(|byte| *byte == b'&') {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let Ok(name) = decode(name) else { continue };
            if *name == CSRF {
                once(&mut token_seen)?;
                form_data.token = decode(value)?;
            } else if let Some(input) = inputs.iter().find(|input| input.name() == *name) {
                once(&mut form_data.values.iter().any(|(known, _)| known == input))?;
                form_data.values.push((*input, fitting(*input, decode(value)?)?));
            }
        }
        Ok(form_data)
    }

    /// A form that is already filled in in one place.
    pub(crate) fn filled(name: &'static str, value: &str) -> Self {
        Self {
            values: vec![(Input::Line(name), Zeroizing::new(value.to_owned()))],
            ..Self::default()
        }
    }

    /// Nothing but a form token.
    pub(crate) fn with_token(token: String) -> Self {
        Self { token: Zeroizing::new(token), ..Self::default() }
    }

    /// The form token that came along.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// A line as it was typed, to show it again. Secrets are never shown.
    pub(crate) fn shown(&self, name: &str) -> &str {
        let shown = |input: &Input| matches!(input, Input::Line(line) if *line == name);
        self.values.iter().find(|(input, _)| shown(input)).map_or("", |(_, value)| value)
    }

    /// Whether a field came along, filled in or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(input, _)| input.name() == name)
    }

    /// Every line as it was typed. No secrets.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().filter_map(|(input, value)| match input {
            Input::Line(name) => Some((*name, value.as_str())),
            Input::Secret(_) => None,
        })
    }

    /// Keeps the password of a step-up page for the operation, where the backend judges it there.
    pub(crate) fn hand_on(&mut self, proof: Password) {
        self.proof = Some(proof);
    }

    /// The current password, for an operation that may need it: there only where the backend keeps
    /// no proofs.
    pub(crate) fn proof(&mut self) -> Option<Password> {
        self.proof.take()
    }

    /// Keeps the phone number that the backend read of what was typed.
    pub(crate) fn keep_phone(&mut self, phone: Phone) {
        self.phone = Some(phone);
    }

    /// The phone number, where one was typed.
    pub(crate) fn phone(&self) -> Option<&Phone> {
        self.phone.as_ref()
    }

    /// A line, for the operation.
    pub(crate) fn line(&self, name: &'static str) -> String {
        self.shown(name).to_owned()
    }

    /// A secret, for the operation; what was typed is wiped.
    pub(crate) fn secret(&mut self, name: &'static str) -> Password {
        let form_data = self.values.iter_mut().find(|(input, _)| *input == Input::Secret(name));
        Password::entered(
            form_data.map_or_else(String::new, |(_, value)| std::mem::take(&mut **value)),
        )
    }
}

fn once(seen: &mut bool) -> Result<(), PageError> {
    if std::mem::replace(seen, true) {
        return Err(PageError::Malformed(
            "A field of the form came twice. Please go back and send it again.",
        ));
    }
    Ok(())
}

/// Undoes the form encoding. An incomplete escape stands for itself, as in every browser.
fn decode(bytes: &[u8]) -> Result<Zeroizing<String>, PageError> {
    let spaced: Zeroizing<Vec<u8>> =
        Zeroizing::new(bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect());
    let decoded = percent_decode(&spaced).collect();
    String::from_utf8(decoded).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        PageError::Malformed(
            "The form had bytes that are no text (UTF-8). Please go back and type it again.",
        )
    })
}

/// A line has no control characters; a secret may have any but NUL, since nobody shows or stores
/// it.
fn fitting(input: Input, value: Zeroizing<String>) -> Result<Zeroizing<String>, PageError> {
    let strange = match input {
        Input::Line(_) => value.chars().any(char::is_control),
        Input::Secret(_) => value.contains('\0'),
    };
    if strange {
        return Err(PageError::Malformed(
            "A field had characters that no keyboard types (control characters). Please go back \
                and type it again.",
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: &[Input] = &[Input::Line("email"), Input::Secret("password")];

    fn parse(body: &[u8]) -> Option<FormData> {
        FormData::parse(body, INPUTS).ok()
    }

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let mut form_data =
            parse(b"csrf=t&email=Ann+B%40example.com&password=%20a+%C3%A9%26%3D").unwrap();
        assert_eq!(
            (form_data.token(), form_data.line("email").as_str()),
            ("t", "Ann B@example.com")
        );
        assert_eq!(form_data.secret("password").expose(), " a é&=");
        assert_eq!(form_data.secret("password").expose(), "", "handed out once");
    }

    #[test]
    fn a_secret_is_never_shown_again() {
        assert_eq!(parse(b"password=hunter2").unwrap().shown("password"), "");
    }

    #[test]
    fn a_missing_field_is_an_empty_one_and_a_foreign_one_is_ignored_s59() {
        let form_data = parse(b"role=admin&role=admin&%ff=x&&=&==&email").unwrap();
        assert_eq!(
            (form_data.shown("email"), form_data.shown("role"), form_data.token()),
            ("", "", "")
        );
        assert_eq!(parse(b"").unwrap().shown("email"), "");
    }

    #[test]
    fn a_field_that_comes_twice_is_refused_s60() {
        for body in ["email=a&email=b", "csrf=a&csrf=b", "password=a&pass%77ord=b"] {
            assert!(parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    /// S108
    #[test]
    fn thousands_of_fields_are_refused_unread() {
        assert!(parse(format!("email=a{}", "&a".repeat(PAIRS_MAX)).as_bytes()).is_some());
        assert!(parse(format!("email=a{}", "&a".repeat(PAIRS_MAX + 1)).as_bytes()).is_none());
    }

    #[test]
    fn what_is_no_text_is_refused_s58() {
        for body in [
            &b"email=%ff"[..],
            b"email=\xff",
            b"email=%c0%80",
            b"email=a%00b",
            b"email=a%0d%0ab",
            b"email=a%09",
            b"email=%c2%85",
            b"password=a%00",
        ] {
            assert!(parse(body).is_none(), "{body:?}");
        }
    }

    #[test]
    fn whatever_arrives_is_read_or_refused_and_never_panics() {
        let signs = b"%&=+a0f\xff\x00\xc3;";
        let mut state = 1_u32;
        for _ in 0..20_000 {
            let body: Vec<u8> = (0..12)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    signs[(state >> 16) as usize % signs.len()]
                })
                .collect();
            drop(parse(&body));
            drop(parse(&[b"email=", &body[..]].concat()));
        }
    }
}
