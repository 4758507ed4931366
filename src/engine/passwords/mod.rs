//! Which passwords are accepted.
//!
//! Length, and whether others would guess it: no composition rules, no rotation, nothing trimmed
//! (NIST SP 800-63B-4 §3.1.1.2; S07–S09). Guessability is judged offline: by the [lists](common) of
//! common and breached passwords that attackers begin with, and by zxcvbn, which knows names,
//! words, keyboard walks, dates and how they are mangled.

mod common;
pub mod hashing;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::Score;

use self::hashing::MAX_PASSWORD_BYTES;
use super::{Engine, limits::LimitedAction};
use crate::port::{Caller, Code, Outcome, Password, Phone};

/// How much of a password is looked at for guessability; its cost grows with the square of the
/// length.
const CHECKED_CHARACTERS: usize = 64;

/// Parts of a password that zxcvbn may look up, over all ways to read its signs as letters: four
/// milliseconds at most.
const LOOK_UPS: usize = 10_000;

/// Signs that zxcvbn reads as letters, and the letter that each stands for most often.
const SIGNS: &str = "4@8({[<3691!|70$5+%2";
const LETTERS: &str = "aabcccceggiiitosstxz";

/// Longest text about a person that is looked at, in characters, and most parts of all of them.
const KNOWN_CHARACTERS: usize = 256;
const KNOWN_PARTS: usize = 64;

/// The shortest part of a name or an address that makes a password personal.
const PERSONAL_CHARACTERS: usize = 4;

/// Says whether a password may be chosen: [`validate`], after a limit and on the threads that hash
/// (S108).
///
/// # Errors
/// `RateLimitExceeded`; unavailable when too many passwords wait to be rated.
pub(super) async fn rate(
    engine: &Engine,
    caller: &Caller,
    password: &Password,
    personal: &[&str],
) -> Outcome<Result<(), Code>> {
    engine.limits().take_from_caller(LimitedAction::RatePassword, caller, engine.now())?;
    let min = engine.settings().password_min;
    let password = Password::entered(password.expose());
    let personal: Vec<String> =
        personal.iter().map(|text| text.chars().take(KNOWN_CHARACTERS).collect()).collect();
    let rating = move || {
        let personal: Vec<&str> = personal.iter().map(String::as_str).collect();
        validate(&password, min, &personal)
    };
    Ok(engine.hasher().rate(rating).await?)
}

/// Says whether a password may be chosen. Takes a few milliseconds: requests call [`rate`].
///
/// `personal` is what others know: the name, the address, the number, the product's name.
///
/// # Errors
/// The reason, as a code that belongs to the password field.
pub fn validate(password: &Password, min: usize, personal: &[&str]) -> Result<(), Code> {
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
    let validated: String = password.chars().take(CHECKED_CHARACTERS).collect();
    let known: Vec<&str> = personal.iter().map(String::as_str).collect();
    if readings(&validated).iter().any(|reading| is_guessable(reading, &known)) {
        return Err(Code::PasswordTooCommon);
    }
    Ok(())
}

fn is_guessable(password: &str, known: &[&str]) -> bool {
    matches!(zxcvbn::zxcvbn(password, known).score(), Score::Zero | Score::One)
}

/// The texts that are rated. zxcvbn tries each way to read signs as letters (`p4$$w0rd`), and their
/// number multiplies with each sign: a password that has too many for its length is rated with each
/// sign as its usual letter, and as other signs.
fn readings(password: &str) -> Vec<String> {
    let length = password.chars().count();
    if ways_to_read(password).saturating_mul(length * (length + 1) / 2) <= LOOK_UPS {
        return vec![password.to_owned()];
    }
    let replaced = |with: &str| -> String {
        let of = |sign: char| {
            SIGNS
                .chars()
                .zip(with.chars())
                .find(|(from, _)| *from == sign)
                .map_or(sign, |(_, to)| to)
        };
        password.chars().map(of).collect()
    };
    let (letters, other_signs) = (LETTERS, "#&*)}]>:;,?/.\\=_^-~'");
    vec![replaced(letters), replaced(other_signs)]
}

/// In how many ways zxcvbn reads the signs of a password, at most.
fn ways_to_read(password: &str) -> usize {
    let letters = ["4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2"];
    let ways = letters
        .iter()
        .map(|signs| signs.chars().filter(|sign| password.contains(*sign)).count().max(1));
    // A sign of two letters doubles them.
    let doubled = "1|7".chars().filter(|sign| password.contains(*sign)).count();
    ways.product::<usize>() << doubled
}

/// The words of what others know, lowered: "Ann Example", "ann.example@mail.example" → ann.example,
/// example, email. A number is known without its country as well, however long the calling code is:
/// "+4915112345678" → 4915112345678, 15112345678.
fn personal_parts(personal: &[&str]) -> Vec<String> {
    let mut parts = Vec::new();
    for text in personal {
        if let Ok(phone) = Phone::parse(text) {
            parts
                .extend((1..=4).filter_map(|start| phone.as_str().get(start..)).map(str::to_owned));
        }
        let text = text.to_lowercase();
        let words = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned);
        parts.extend(words);
        parts.push(text.split('@').next().unwrap_or_default().to_owned());
        parts.push(text);
    }
    parts.retain(|part| part.chars().count() >= PERSONAL_CHARACTERS);
    parts.truncate(KNOWN_PARTS);
    parts
}

/// Whether next to nothing is left of the password once what others know is taken out, however it
/// is spaced.
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

    fn validated(password: &str) -> Result<(), Code> {
        let known = ["Ann Example", "ann.example@mail.example", "+4915112345678", "Vestibule"];
        validate(&Password::entered(password), 8, &known)
    }

    #[test]
    fn a_few_words_are_a_good_password_without_digits_or_signs() {
        assert_eq!(validated("a calm blue door"), Ok(()));
        assert_eq!(validated("пароль на каждый день"), Ok(()));
        assert_eq!(validated(&"long words make long passwords ".repeat(30)), Ok(()));
    }

    #[test]
    fn what_attackers_try_first_is_refused() {
        for common in [
            "password",
            "Password1",
            "12345678",
            "qwertyuiop",
            "letmein123",
            "aaaaaaaaaaaa",
            "iloveyou1",
            "Borboleta",
        ] {
            assert_eq!(validated(common), Err(Code::PasswordTooCommon), "{common}");
        }
    }

    #[test]
    fn ones_own_name_address_and_number_and_the_products_name_are_refused() {
        let words = [
            "Ann Example",
            "ann.example",
            "ann.example@mail.example",
            "vestibule",
            "Vestibule1!",
            "example12",
        ];
        let numbers = ["+4915112345678", "015112345678", "0151-12345678", "15112345678!"];
        for own in words.into_iter().chain(numbers) {
            assert_eq!(validated(own), Err(Code::PasswordTooPersonal), "{own}");
        }
    }

    /// S108
    #[test]
    fn signs_for_letters_neither_take_long_nor_hide_a_common_password() {
        let signs: String = SIGNS.chars().cycle().take(64).collect();
        assert!(readings(&signs).iter().all(|reading| ways_to_read(reading) == 1));
        assert_eq!(SIGNS.chars().count(), 20);
        assert_eq!(validated(&signs[..8]), Ok(()), "the first one loads the dictionaries");
        let began = std::time::Instant::now();
        assert_eq!(validated(&signs), Ok(()));
        assert!(
            began.elapsed() < std::time::Duration::from_millis(400),
            "unoptimised: {:?}",
            began.elapsed()
        );
        assert_eq!(validated("P4$$w0rd1"), Err(Code::PasswordTooCommon));
        assert_eq!(validated("k7!Qz1@4$5|{[9x2%"), Ok(()));
    }

    #[test]
    fn length_is_counted_in_characters_and_capped_in_bytes() {
        assert_eq!(validated("käsebrö"), Err(Code::PasswordTooShort { min: 8 }));
        assert_eq!(validated(""), Err(Code::MissingPassword));
        assert_eq!(validated(&"x".repeat(1025)), Err(Code::PasswordTooLong));
    }
}
