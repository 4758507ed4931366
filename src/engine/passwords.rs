//! Which passwords are accepted.
//!
//! Length, and whether others would guess it: no composition rules, no rotation, nothing trimmed (NIST SP 800-63B-4
//! §3.1.1.2; SECURITY.md S07–S09). Guessability is judged offline by zxcvbn, which knows the lists of common and breached
//! passwords, names, words, keyboard walks and dates that attackers begin with.

use unicode_normalization::UnicodeNormalization;
use zxcvbn::Score;

use super::credentials::MAX_PASSWORD_BYTES;
use crate::port::{Code, Password};

/// How much of a password is looked at for guessability; its cost grows with the square of the length.
const JUDGED_CHARACTERS: usize = 64;

/// The shortest part of a name or an address that makes a password personal.
const PERSONAL_CHARACTERS: usize = 4;

/// Says whether a password may be chosen.
///
/// `personal` is what others know: the name, the address, the product's name.
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
    let judged: String = password.chars().take(JUDGED_CHARACTERS).collect();
    let known: Vec<&str> = personal.iter().map(String::as_str).collect();
    match zxcvbn::zxcvbn(&judged, &known).score() {
        Score::Zero | Score::One => Err(Code::PasswordTooCommon),
        _ => Ok(()),
    }
}

/// The words of what others know, lowered: "Ann Example", "ann.example@mail.example" → ann.example, example, mail.
fn personal_parts(personal: &[&str]) -> Vec<String> {
    let mut parts = Vec::new();
    for text in personal {
        let text = text.to_lowercase();
        let words = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned);
        parts.extend(words);
        parts.push(text.split('@').next().unwrap_or_default().to_owned());
        parts.push(text);
    }
    parts.retain(|part| part.chars().count() >= PERSONAL_CHARACTERS);
    parts
}

/// Whether next to nothing is left of the password once what others know is taken out.
fn too_personal(password: &str, personal: &[String]) -> bool {
    let password = password.to_lowercase();
    personal.iter().any(|part| {
        password.contains(part.as_str()) && password.replace(part.as_str(), "").chars().count() < PERSONAL_CHARACTERS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<(), Code> {
        judge(&Password::typed(password), 8, &["Ann Example", "ann.example@mail.example", "Vestibule"])
    }

    #[test]
    fn a_few_words_are_a_good_password_without_digits_or_signs() {
        assert_eq!(judged("a calm blue door"), Ok(()));
        assert_eq!(judged("пароль на каждый день"), Ok(()));
        assert_eq!(judged(&"long words make long passwords ".repeat(30)), Ok(()));
    }

    #[test]
    fn what_attackers_try_first_is_refused() {
        for common in ["password", "Password1", "12345678", "qwertyuiop", "letmein123", "aaaaaaaaaaaa", "iloveyou1"] {
            assert_eq!(judged(common), Err(Code::PasswordTooCommon), "{common}");
        }
    }

    #[test]
    fn ones_own_name_and_address_and_the_products_name_are_refused() {
        for own in ["Ann Example", "ann.example", "ann.example@mail.example", "vestibule", "Vestibule1!", "example12"] {
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
