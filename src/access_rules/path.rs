//! Paths: the ways in which a site may read one, and the patterns of the rules.
//!
//! A site behind the proxy may decode a path once more than we do, drop what stands behind a `;`,
//! ignore the case of letters, or take a full-width letter for a plain one. A rule holds only if it
//! holds for each of these [readings](readings). A path that some site could read as climbing, or
//! that holds what no honest page has in its address, has no readings and is refused.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// How often a path may be encoded. One that is encoded more often is refused.
const ROUNDS: usize = 4;

/// Path of a rule: a prefix that ends where a segment ends (`/admin` is for `/admin` and
/// `/admin/x`, not for `/administrators`), or with stars a pattern for the whole path: `*` stands
/// for signs within a segment, `**` for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    raw: String,
    /// The same as a [folded](Reading::Folded) reading writes it.
    folded: String,
}

/// One way in which a site may read a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// Letter by letter, as most sites do.
    Exact(String),
    /// As sites read it that ignore case, look-alike letters, invisible signs, and dots and blanks
    /// around a segment (Windows).
    Folded(String),
}

impl PathPattern {
    /// Takes a path that begins with a slash.
    pub fn new(raw: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#%\\;".contains(&byte);
        let climbs = raw.split('/').any(|segment| segment == "." || segment == "..");
        let good =
            raw.starts_with('/') && !raw.contains("//") && raw.bytes().all(is_plain) && !climbs;
        good.then(|| Self { raw: raw.to_owned(), folded: folded_pattern(raw) })
    }

    /// Every path.
    pub fn everything() -> Self {
        Self { raw: "/".to_owned(), folded: "/".to_owned() }
    }

    /// Whether one reading of a path is meant.
    pub(super) fn matches(&self, reading: &Reading) -> bool {
        match reading {
            Reading::Exact(path) => fits(&self.raw, path),
            Reading::Folded(path) => fits(&self.folded, path),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.raw)
    }
}

/// Reads a path as it stands in a request line in every way, exact ones first. Each differs from
/// the first in one or more of these:
///
/// * it is decoded again, as often as there is something to decode;
/// * an encoded slash is a letter, not a slash;
/// * parameters of a segment (`;…`) are dropped, and so is what follows an encoded `?` or `#`;
/// * it is [folded](Reading::Folded).
///
/// `None` for a path that can be read as climbing, and for backslashes, control characters, broken
/// encodings, bytes that are no UTF-8, streams of NTFS (`:$`) and a bare `#`, encoded or not.
pub(super) fn readings(path: &str) -> Option<Vec<Reading>> {
    if !path.starts_with('/') {
        return None;
    }
    let mut readings = Vec::with_capacity(2);
    let texts = decoded_texts(path)?;
    for text in &texts {
        for variant in variants(text) {
            add(&mut readings, Reading::Exact(exact(&variant)?));
        }
    }
    for text in &texts {
        for variant in variants(&folded_letters(text)) {
            add(&mut readings, Reading::Folded(folded(&variant)?));
        }
    }
    Some(readings)
}

fn add(readings: &mut Vec<Reading>, reading: Reading) {
    if !readings.contains(&reading) {
        readings.push(reading);
    }
}

/// Decodes the path once, with an encoded slash as a slash and as a letter; then again and again.
fn decoded_texts(path: &str) -> Option<Vec<String>> {
    let mut last = decoded(path, Slash::Parts)?;
    let mut texts = vec![last.clone()];
    let with_letters = decoded(path, Slash::IsLetter)?;
    if with_letters != last {
        texts.push(with_letters);
    }
    for _ in 1..ROUNDS {
        let again = decoded_again(&last)?;
        if again == last {
            return Some(texts);
        }
        texts.push(again.clone());
        last = again;
    }
    (decoded_again(&last)? == last).then_some(texts)
}

/// Meaning of an encoded slash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slash {
    Parts,
    IsLetter,
}

/// Decodes what came in the request line. Each `%` there must begin an escape.
fn decoded(path: &str, slash: Slash) -> Option<String> {
    let bytes = path.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let (byte, long) = match byte {
            b'%' => (escaped(bytes.get(at + 1..at + 3)?)?, 3),
            byte => (byte, 1),
        };
        match byte {
            b'#' if long == 1 => return None,
            b'/' if long == 3 && slash == Slash::IsLetter => decoded.extend_from_slice(b"%2F"),
            byte => decoded.push(byte),
        }
        at += long;
    }
    String::from_utf8(decoded).ok().filter(|text| is_honest(text))
}

/// Decodes a text that was decoded before, in which a `%` may be a `%`. Full-width signs (`％２Ｆ`)
/// are read as plain ones first.
fn decoded_again(text: &str) -> Option<String> {
    let plain = if text.is_ascii() { text.to_owned() } else { text.nfkc().collect() };
    let bytes = plain.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' && is_wide_escape(&bytes[at + 1..]) {
            return None;
        }
        let escape = bytes.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(escaped);
        decoded.push(escape.unwrap_or(byte));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).ok().filter(|text| is_honest(text))
}

fn escaped(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

/// `u0061`, which is how IIS encodes a letter.
fn is_wide_escape(after: &[u8]) -> bool {
    let [b'u' | b'U', digits @ ..] = after else { return false };
    digits.get(..4).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether a text is free of what no page has in its address.
fn is_honest(text: &str) -> bool {
    !text.contains(":$") && !text.chars().any(|letter| letter == '\\' || letter.is_control())
}

/// The text as it is, without the parameters of its segments, without what follows a `?` or `#`,
/// and without both.
fn variants(text: &str) -> Vec<String> {
    let mut variants = vec![text.to_owned()];
    if let Some((before, _)) = text.split_once(['?', '#']) {
        variants.push(before.to_owned());
    }
    for index in 0..variants.len() {
        if variants[index].contains(';') {
            let segments: Vec<_> = variants[index].split('/').map(bare).collect();
            variants.push(segments.join("/"));
        }
    }
    variants
}

/// A segment without its parameters.
fn bare(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

/// The text with one slash for several.
fn exact(text: &str) -> Option<String> {
    let mut reading = String::with_capacity(text.len());
    let mut segments = text.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if climbs(segment) {
            return None;
        }
        if !segment.is_empty() || segments.peek().is_none() {
            reading.push('/');
            reading.push_str(segment);
        }
    }
    if reading.is_empty() { Some("/".to_owned()) } else { Some(reading) }
}

/// The text with its segments trimmed, without empty ones and without a slash at its end.
fn folded(text: &str) -> Option<String> {
    if !is_honest(text) {
        return None;
    }
    let mut reading = String::with_capacity(text.len());
    for segment in text.split('/').filter(|segment| !segment.is_empty()) {
        let trimmed = trimmed(segment);
        // Blanks, dots or invisible signs alone: some sites drop such a segment, others climb.
        if trimmed.is_empty() || climbs(trimmed) {
            return None;
        }
        reading.push('/');
        reading.push_str(trimmed);
    }
    if reading.is_empty() { Some("/".to_owned()) } else { Some(reading) }
}

/// Without blanks around it and dots behind it.
fn trimmed(segment: &str) -> &str {
    segment.trim_start().trim_end_matches(|letter: char| letter == '.' || letter.is_whitespace())
}

/// Whether a segment leads up for some site, such as one that takes the letters `%2F` or the yen
/// sign for a slash.
fn climbs(segment: &str) -> bool {
    let apart = segment.to_ascii_lowercase().replace("%2f", "/");
    apart.split(['/', '\u{a5}', '\u{20a9}']).map(bare).any(|part| part == "." || part == "..")
}

/// Look-alikes as plain letters (NFKC), without invisible signs, in one case.
fn folded_letters(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let visible = text.nfkc().filter(|letter| !is_invisible(*letter));
    let lowered = visible.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    // The dot that is left of a Turkish capital, İ.
    lowered.filter(|letter| *letter != '\u{307}').nfkc().collect()
}

/// Signs that have no width or only steer others; some file systems and databases pass over them.
fn is_invisible(letter: char) -> bool {
    matches!(
        u32::from(letter),
        0xad | 0x34f
            | 0x61c
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x200b..=0x200f
            | 0x202a..=0x202e
            | 0x2060..=0x206f
            | 0x3164
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xffa0
            | 0xfff0..=0xfff8
            | 0xe0000..=0xe0fff
    )
}

/// A pattern as folded readings are written. Stars stay.
fn folded_pattern(raw: &str) -> String {
    let segments = raw.split('/').skip(1).filter(|segment| !segment.is_empty());
    let trimmed = segments.map(|segment| segment.trim_end_matches('.').to_ascii_lowercase());
    let folded: String = trimmed.map(|segment| format!("/{segment}")).collect();
    if folded.is_empty() { "/".to_owned() } else { folded }
}

fn fits(pattern: &str, path: &str) -> bool {
    if pattern.contains('*') {
        return glob(pattern.as_bytes(), path.as_bytes());
    }
    let rest = path.strip_prefix(pattern.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the whole text fits. All places of the pattern where the text so far may end are kept
/// side by side, so the work grows with the lengths of both and not faster.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut places = Places::new(pattern);
    places.add(0);
    for sign in text {
        let former = places.take();
        for place in former {
            match pattern.get(place) {
                Some(b'*') if is_any(pattern, place) || *sign != b'/' => places.add(place),
                Some(b'*') | None => {}
                Some(wanted) if wanted == sign => places.add(place + 1),
                Some(_) => {}
            }
        }
    }
    places.has(pattern.len())
}

/// Whether two stars stand at a place.
fn is_any(pattern: &[u8], place: usize) -> bool {
    pattern.get(place + 1) == Some(&b'*')
}

/// Places in a pattern, each once.
struct Places<'a> {
    pattern: &'a [u8],
    listed: Vec<usize>,
    is_listed: Vec<bool>,
}

impl<'a> Places<'a> {
    fn new(pattern: &'a [u8]) -> Self {
        Self { pattern, listed: Vec::new(), is_listed: vec![false; pattern.len() + 1] }
    }

    /// Adds a place, and the one behind each star, which may stand for nothing.
    fn add(&mut self, mut place: usize) {
        while let Some(is_listed) = self.is_listed.get_mut(place).filter(|is_listed| !**is_listed) {
            *is_listed = true;
            self.listed.push(place);
            if self.pattern.get(place) != Some(&b'*') {
                return;
            }
            place += if is_any(self.pattern, place) { 2 } else { 1 };
        }
    }

    /// Empties the list.
    fn take(&mut self) -> Vec<usize> {
        for place in &self.listed {
            self.is_listed[*place] = false;
        }
        std::mem::take(&mut self.listed)
    }

    fn has(&self, place: usize) -> bool {
        self.is_listed.get(place) == Some(&true)
    }
}
