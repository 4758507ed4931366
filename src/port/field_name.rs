//! The name of a field of the user object.

use std::fmt;

/// Longest name, in characters.
const LONGEST: usize = 40;

/// A name such as `city` or `jobTitle`: a letter, then letters, digits and underscores, 40
/// characters at most. What somebody typed is repeated in an error only when it is one, so that an
/// error cannot carry anything else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldName {
    letters: [u8; LONGEST],
    length: u8,
}

impl FieldName {
    /// Reads a name; `None` where it cannot be one.
    pub fn parse(entered: &str) -> Option<Self> {
        let plain = entered.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain
            || entered.len() > LONGEST
            || !entered.starts_with(|letter: char| letter.is_ascii_alphabetic())
        {
            return None;
        }
        let mut letters = [0; LONGEST];
        letters[..entered.len()].copy_from_slice(entered.as_bytes());
        Some(Self { letters, length: u8::try_from(entered.len()).ok()? })
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_plain_word() {
        for name in ["a", "jobTitle", "line_2", &"a".repeat(40)] {
            assert_eq!(FieldName::parse(name).map(|name| name.to_string()).as_deref(), Some(name));
        }
        for entered in
            ["", "_id", "2nd", "a.b", "a b", "größe", "a\n", "__proto__", &"a".repeat(41)]
        {
            assert!(FieldName::parse(entered).is_none(), "{entered:?}");
        }
    }
}
