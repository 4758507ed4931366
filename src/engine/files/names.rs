//! Names: names of buckets and files, tags, and types of content.

use crate::port::{Code, TagChange};

/// The longest name of a bucket or a file, in characters.
const NAME_MAX: usize = 255;
/// How many tags a bucket or a file may have.
const TAGS_MAX: usize = 50;
/// The longest tag, in characters.
const TAG_MAX: usize = 100;
/// The longest type of content, in bytes (RFC 6838 §4.2 allows 127 on each side of the slash).
const TYPE_MAX: usize = 127;

/// A name of a file. Names never reach the file system (S70), so they need only be readable.
///
/// # Errors
/// `InvalidBucketName`, whose sentence says what a name may be.
pub(in crate::engine) fn parse_file_name(entered: &str) -> Result<String, Code> {
    let name = entered.trim();
    let is_long = name.chars().count() > NAME_MAX;
    if name.is_empty()
        || is_long
        || name.chars().any(|letter| is_unseen(letter) || matches!(letter, '/' | '\\'))
    {
        return Err(Code::InvalidBucketName);
    }
    Ok(name.to_owned())
}

/// A name of a bucket. As buckets are found by their names and their ids alike, none may look like
/// an id: it would stand in the way of the bucket that has it.
///
/// # Errors
/// As [`parse_file_name`].
pub(in crate::engine) fn parse_bucket_name(entered: &str) -> Result<String, Code> {
    let name = parse_file_name(entered)?;
    if name.len() == 24 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Code::InvalidBucketName);
    }
    Ok(name)
}

/// Tags after a change, each once.
///
/// # Errors
/// `InvalidTags` when there would be too many, or one is empty, too long or cannot be read.
pub(in crate::engine) fn changed_tags(
    tags: &[String],
    change: TagChange,
) -> Result<Vec<String>, Code> {
    let (mut changed, added) = match change {
        TagChange::Set(set) => (Vec::new(), set),
        TagChange::Add(added) => (tags.to_vec(), added),
        TagChange::Remove(removed) => {
            (tags.iter().filter(|tag| !removed.contains(tag)).cloned().collect(), Vec::new())
        }
    };
    for tag in added {
        if tag.is_empty() || tag.chars().count() > TAG_MAX || tag.chars().any(is_unseen) {
            return Err(Code::InvalidTags);
        }
        if !changed.contains(&tag) {
            changed.push(tag);
        }
        if changed.len() > TAGS_MAX {
            return Err(Code::InvalidTags);
        }
    }
    Ok(changed)
}

/// Media type from the sender, without parameters. It is remembered and shown, and nothing is ever
/// served by it.
pub(in crate::engine) fn parse_mime_type(said: &str) -> String {
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match essence.split_once('/') {
        Some((kind, subtype))
            if essence.len() <= TYPE_MAX && is_token(kind) && is_token(subtype) =>
        {
            essence
        }
        _ => "application/octet-stream".to_owned(),
    }
}

/// Whether a character is invisible: control characters, and those that turn the direction of
/// writing or hide (Unicode Technical Report 36, §3.5 and UAX #9).
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S70
    #[test]
    fn a_name_is_what_people_call_files_and_nothing_that_deceives() {
        let longest = "x".repeat(255);
        for name in [
            "me.png",
            "Ann's, résumé + notes & [draft] (2)!.pdf",
            "写真.jpg",
            "50% = half~#@.txt",
            ".env",
            "..",
            &longest,
        ] {
            assert_eq!(parse_file_name(name).as_deref(), Ok(name));
        }
        assert_eq!(parse_file_name(" a.png\n").as_deref(), Ok("a.png"));
        let long = "x".repeat(256);
        for name in [
            "",
            "  ",
            "../up",
            "a\\b",
            "a\0b",
            "a\nb",
            "gpj.\u{202e}exe",
            "a\u{200b}b",
            "\u{feff}a",
            &long,
        ] {
            assert_eq!(parse_file_name(name), Err(Code::InvalidBucketName), "{name:?}");
        }
        assert!(parse_bucket_name("0123456789abcdefABCDEF01").is_err());
        assert!(parse_bucket_name("0123456789abcdefABCDEF0").is_ok());
    }

    #[test]
    fn tags_are_set_added_and_removed_and_stand_once() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let tags = words("a b");
        assert_eq!(changed_tags(&tags, TagChange::Add(words("b c c"))), Ok(words("a b c")));
        assert_eq!(changed_tags(&tags, TagChange::Remove(words("a z"))), Ok(words("b")));
        assert_eq!(changed_tags(&tags, TagChange::Set(words("x"))), Ok(words("x")));
        let many = (0..51).map(|number| number.to_string()).collect();
        for wrong in [many, vec![String::new()], vec!["x".repeat(101)], vec!["a\0".to_owned()]] {
            assert_eq!(changed_tags(&tags, TagChange::Add(wrong)), Err(Code::InvalidTags));
        }
    }

    #[test]
    fn a_type_is_a_type_or_unknown() {
        assert_eq!(parse_mime_type("Text/Plain; charset=UTF-8"), "text/plain");
        assert_eq!(parse_mime_type("application/vnd.a-b+json"), "application/vnd.a-b+json");
        for wrong in
            ["", "text", "text/", "a/b c", "a/b\r\nx: y", &format!("a/{}", "x".repeat(200))]
        {
            assert_eq!(parse_mime_type(wrong), "application/octet-stream");
        }
    }
}
