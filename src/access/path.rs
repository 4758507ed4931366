//! Paths: in how many ways one can be read, and the patterns of the rules.

use std::fmt;

/// A path of a rule: a prefix that ends where a segment ends (`/admin` is for `/admin` and `/admin/x`, not for
/// `/administrators`), or with stars a pattern for the whole path: `*` stands for signs within a segment, `**` for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(String);

impl PathPattern {
    /// Takes a path that begins with a slash.
    pub fn new(typed: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#%\\;".contains(&byte);
        let climbs = typed.split('/').any(|segment| segment == "." || segment == "..");
        let good = typed.starts_with('/') && !typed.contains("//") && typed.bytes().all(is_plain) && !climbs;
        good.then(|| Self(typed.to_owned()))
    }

    /// Every path.
    pub fn everything() -> Self {
        Self("/".to_owned())
    }

    /// Whether one reading of a path is meant.
    pub fn matches(&self, path: &str) -> bool {
        if self.0.contains('*') {
            return glob(self.0.as_bytes(), path.as_bytes());
        }
        let rest = path.strip_prefix(self.0.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Every way in which the site may read a path as it stands in a request line: decoded once, with one slash for several, an
/// encoded slash being a slash or a letter, parameters of a segment (`;…`) being part of it or not. `None` for one that can be
/// read as climbing, and for backslashes, control characters, broken encodings and a bare `#`, which honest pages do not have.
pub(super) fn readings(path: &str) -> Option<Vec<String>> {
    if !path.starts_with('/') {
        return None;
    }
    let mut readings: Vec<String> = Vec::with_capacity(1);
    for (slash, parameters) in [(true, true), (true, false), (false, true), (false, false)] {
        let reading = read(path, slash, parameters)?;
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    Some(readings)
}

/// One reading: whether an encoded slash is one, and whether parameters stay.
fn read(path: &str, slash: bool, parameters: bool) -> Option<String> {
    let decoded = decoded(path, slash)?;
    let mut reading = String::with_capacity(decoded.len());
    let mut segments = decoded.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let bare = segment.split(';').next().unwrap_or_default();
        if climbs(bare) {
            return None;
        }
        let kept = if parameters { segment } else { bare };
        if !kept.is_empty() || segments.peek().is_none() {
            reading.push('/');
            reading.push_str(kept);
        }
    }
    Some(reading)
}

/// Whether a segment leads up for somebody, such as a site that decodes twice or takes `%2F` for a slash.
fn climbs(segment: &str) -> bool {
    let again = segment.to_ascii_lowercase().replace("%2e", ".").replace("%5c", "%2f");
    again.split("%2f").any(|part| part == "." || part == "..")
}

fn decoded(path: &str, slash: bool) -> Option<String> {
    let bytes = path.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let (byte, long) = if byte == b'%' { (hexadecimal(bytes.get(at + 1..at + 3)?)?, 3) } else { (byte, 1) };
        match byte {
            b'\\' | 0..=31 | 127 => return None,
            b'#' if long == 1 => return None,
            b'/' if long == 3 && !slash => decoded.extend_from_slice(b"%2F"),
            byte => decoded.push(byte),
        }
        at += long;
    }
    String::from_utf8(decoded).ok()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

/// Whether the whole text fits. Two marks to go back to, one for each kind of star, so that the work stays quadratic at worst.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // where to go on in the pattern, and how far of the text the star has taken
    let mut one: Option<(usize, usize)> = None;
    let mut two: Option<(usize, usize)> = None;
    loop {
        match pattern.get(p) {
            Some(b'*') if pattern.get(p + 1) == Some(&b'*') => {
                p += 2;
                (one, two) = (None, Some((p, t)));
            }
            Some(b'*') => {
                p += 1;
                one = Some((p, t));
            }
            Some(sign) if text.get(t) == Some(sign) => (p, t) = (p + 1, t + 1),
            None if t == text.len() => return true,
            _ => {
                if let Some((after, taken)) =
                    one.filter(|(_, taken)| text.get(*taken).is_some_and(|sign| *sign != b'/'))
                {
                    (p, t, one) = (after, taken + 1, Some((after, taken + 1)));
                } else if let Some((after, taken)) = two.filter(|(_, taken)| *taken < text.len()) {
                    (p, t, one, two) = (after, taken + 1, None, Some((after, taken + 1)));
                } else {
                    return false;
                }
            }
        }
    }
}
