//! Which passwords are accepted.
//!
//! Length, and whether others would guess it: no composition rules, no rotation, nothing trimmed (NIST SP 800-63B-4
//! §3.1.1.2; SECURITY.md S07–S09). Guessability is judged offline: by the [lists](common) of common and breached passwords that
//! attackers begin with, and by zxcvbn, which knows names, words, keyboard walks, dates and how they are mangled.

mod common;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::Score;

use super::credentials::MAX_PASSWORD_BYTES;
use crate::port::{Code, Password, Phone};

/// How much of a password is looked at for guessability; its cost grows with the square of the length.
const JUDGED_CHARACTERS: usize = 64;

/// The shortest part of a name or an address that makes a password personal.
const PERSONAL_CHARACTERS: usize = 4;

/// Says whether a password may be chosen.
///
/// `personal` is what others know: the name, the address, the number, the product's name.
///
/// # Errors
/// The reason, as a code that belongs to the password field.
pub fn judge(password: &Password, min: usize, personal: &[&str]) -> Result<(), Code> {
    let password = password.expose();
    if password.is_empty() {
        return Err(Code::MissingPassword);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(Code::PasswordTooLong);
    }
    let password: String = password.nfkc().collect();
    if password.chars().count() < min {
        return Err(Code::PasswordTooShort { min });
    }
    let personal = personal_parts(personal);
    if too_personal(&password, &personal) {
        return Err(Code::PasswordTooPersonal);
    }
    if common::is_listed(&password) {
        return Err(Code::PasswordTooCommon);
    }
    let judged: String = password.chars().take(JUDGED_CHARACTERS).collect();
    let known: Vec<&str> = personal.iter().map(String::as_str).collect();
    match zxcvbn::zxcvbn(&judged, &known).score() {
        Score::Zero | Score::One => Err(Code::PasswordTooCommon),
        _ => Ok(()),
    }
}

/// The words of what others know, lowered: "Ann Example", "ann.example@mail.example" → ann.example, example, mail. A number is
/// known without its country as well, however long the calling code is: "+4915112345678" → 4915112345678, 15112345678.
fn personal_parts(personal: &[&str]) -> Vec<String> {
    let mut parts = Vec::new();
    for text in personal {
        if let Ok(phone) = Phone::parse(text) {
            parts.extend((1..=4).filter_map(|start| phone.as_str().get(start..)).map(str::to_owned));
        }
        let text = text.to_lowercase();
        let words = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned);
        parts.extend(words);
        parts.push(text.split('@').next().unwrap_or_default().to_owned());
        parts.push(text);
    }
    parts.retain(|part| part.chars().count() >= PERSONAL_CHARACTERS);
    parts
}

/// Whether next to nothing is left of the password once what others know is taken out, however it is spaced.
fn too_personal(password: &str, personal: &[String]) -> bool {
    let password = password.to_lowercase();
    let unspaced: String = password.chars().filter(|letter| letter.is_alphanumeric()).collect();
    [password, unspaced].iter().any(|password| {
        personal.iter().any(|part| {
            let rest = || password.replace(part.as_str(), "").chars().count();
            password.contains(part.as_str()) && rest() < PERSONAL_CHARACTERS
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<(), Code> {
        let known = ["Ann Example", "ann.example@mail.example", "+4915112345678", "Vestibule"];
        judge(&Password::typed(password), 8, &known)
    }

    #[test]
    fn a_few_words_are_a_good_password_without_digits_or_signs() {
        assert_eq!(judged("a calm blue door"), Ok(()));
        assert_eq!(judged("пароль на каждый день"), Ok(()));
        assert_eq!(judged(&"long words make long passwords ".repeat(30)), Ok(()));
    }

    #[test]
    fn what_attackers_try_first_is_refused() {
        for common in
            ["password", "Password1", "12345678", "qwertyuiop", "letmein123", "aaaaaaaaaaaa", "iloveyou1", "Borboleta"]
        {
            assert_eq!(judged(common), Err(Code::PasswordTooCommon), "{common}");
        }
    }

    #[test]
    fn ones_own_name_address_and_number_and_the_products_name_are_refused() {
        let words = ["Ann Example", "ann.example", "ann.example@mail.example", "vestibule", "Vestibule1!", "example12"];
        let numbers = ["+4915112345678", "015112345678", "0151-12345678", "15112345678!"];
        for own in words.into_iter().chain(numbers) {
            assert_eq!(judged(own), Err(Code::PasswordTooPersonal), "{own}");
        }
    }

    #[test]
    fn length_is_counted_in_characters_and_capped_in_bytes() {
        assert_eq!(judged("käsebrö"), Err(Code::PasswordTooShort { min: 8 }));
        assert_eq!(judged(""), Err(Code::MissingPassword));
        assert_eq!(judged(&"x".repeat(1025)), Err(Code::PasswordTooLong));
    }
}
