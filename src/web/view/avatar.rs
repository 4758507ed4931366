//! The picture of a person: their own, or their initials.

use super::super::PageState;
use crate::port::User;

/// How many tones the stylesheet has for initials; white on each of them has a contrast of at least
/// 4.5:1.
const TONES: u32 = 6;

/// Avatar of an account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Avatar {
    /// A path of ours.
    Picture(String),
    /// One or two letters and a tone.
    Initials { letters: String, tone: u32 },
}

impl Avatar {
    /// The person's picture, if it is one that we serve: an application may have set any URL, and
    /// ours are the only ones that are surely a picture and tell nobody who looks at the page.
    pub(crate) fn of(user: &User, site: &PageState) -> Self {
        let own =
            user.profile_picture.as_deref().and_then(|url| url.strip_prefix(site.paths.origin()));
        match own.filter(|path| path.starts_with(&format!("{}/_storage/", site.paths.prefix()))) {
            Some(path) => Self::Picture(path.to_owned()),
            None => Self::initials(user),
        }
    }

    fn initials(user: &User) -> Self {
        let name = user.name.as_deref().or(user.email.as_deref()).unwrap_or("?");
        let tone = user
            .id
            .bytes()
            .fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
            % TONES;
        Self::Initials { letters: letters(name), tone }
    }
}

/// The first letters of the first and the last word. Marks that belong to a letter stay with it.
fn letters(name: &str) -> String {
    let mut words = name
        .split(|letter: char| letter.is_whitespace() || letter == '@')
        .filter(|word| !word.is_empty());
    let first = words.next().map(initial).unwrap_or_default();
    let last = if name.contains('@') { None } else { words.next_back().map(initial) };
    let both = first + &last.unwrap_or_default();
    if both.is_empty() { "?".to_owned() } else { both }
}

fn initial(word: &str) -> String {
    let mut letters = word.chars();
    let Some(first) = letters.next() else { return String::new() };
    let marks = letters
        .take_while(|letter| unicode_normalization::char::is_combining_mark(*letter))
        .take(2);
    first.to_uppercase().chain(marks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Ann Example", "AE"),
            ("ann", "A"),
            ("Jean-Luc van der Berg", "JB"),
            ("ann@example.com", "A"),
            ("e\u{301}lodie ß", "E\u{301}SS"),
            ("  ", "?"),
            ("山田 太郎", "山太"),
        ] {
            assert_eq!(letters(name), expected, "{name}");
        }
    }
}
