//! Parses `User-Agent` headers into the shape of the wire.
//!
//! The full tables of browsers and devices cost 29 MB and half a second to load; an owner who looks
//! at a list of sessions needs to know "Firefox on Linux" from "Safari on an iPhone". So: the
//! families that people use, found by the tokens their makers put there, most specific first, and
//! `Other` for the rest.

use crate::port::{Agent, Version};

/// Browsers by the token that carries their version. Order matters: nearly everybody also claims to
/// be Chrome or Safari.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge Mobile"),
    ("EdgiOS/", "Edge Mobile"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera Touch"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("DuckDuckGo/", "DuckDuckGo Mobile"),
    ("FxiOS/", "Firefox iOS"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("Chromium/", "Chromium"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Lynx/", "Lynx"),
    ("w3m/", "w3m"),
    ("Links (", "Links"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
];

/// Reads a header; always complete, `Other` and `0` where it says nothing.
pub fn parse(header: &str) -> Agent {
    Agent { browser: browser(header), device: device(header), system: system(header) }
}

fn browser(header: &str) -> Version {
    for (token, family) in BROWSERS {
        if let Some(numbers) = after(header, token) {
            let mobile = *family == "Chrome" && header.contains("Mobile");
            return version(if mobile { "Chrome Mobile" } else { family }, numbers);
        }
    }
    match (after(header, "Version/"), header.contains("Safari/")) {
        (Some(numbers), true) if header.contains("Mobile/") => version("Mobile Safari", numbers),
        (Some(numbers), true) => version("Safari", numbers),
        _ => other(),
    }
}

fn system(header: &str) -> Version {
    if let Some(numbers) = after(header, "Windows NT ") {
        let number = match numbers.split([';', ')']).next().unwrap_or_default() {
            "10.0" => "10",
            "6.3" => "8.1",
            "6.2" => "8",
            "6.1" => "7",
            _ => "",
        };
        return version("Windows", number);
    }
    if let Some(numbers) = after(header, "iPhone OS ").or_else(|| after(header, "CPU OS ")) {
        return version("iOS", numbers);
    }
    if let Some(numbers) = after(header, "Mac OS X ") {
        return version("Mac OS X", numbers);
    }
    if let Some(numbers) = after(header, "Android ") {
        return version("Android", numbers);
    }
    if let Some(numbers) = after(header, "CrOS ") {
        return version("Chrome OS", numbers.split_once(' ').map_or("", |(_, numbers)| numbers));
    }
    for family in ["Ubuntu", "Fedora", "FreeBSD", "OpenBSD", "NetBSD", "Linux"] {
        if header.contains(family) {
            return version(family, "");
        }
    }
    other()
}

fn device(header: &str) -> Version {
    let family =
        ["iPhone", "iPad", "iPod", "Macintosh"].into_iter().find(|family| header.contains(family));
    match family {
        Some("Macintosh") => version("Mac", ""),
        Some(family) => version(family, ""),
        None if header.contains("Android") && header.contains("Mobile") => {
            version("Generic Smartphone", "")
        }
        None if header.contains("Android") => version("Generic Tablet", ""),
        None => other(),
    }
}

/// Text after a token.
fn after<'header>(header: &'header str, token: &str) -> Option<&'header str> {
    header.find(token).map(|start| &header[start + token.len()..])
}

/// A family and the up to three numbers at the start of a text, parted by dots or underscores.
fn version(family: &str, numbers: &str) -> Version {
    let end =
        numbers.find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != '_');
    let mut numbers = numbers[..end.unwrap_or(numbers.len())]
        .split(['.', '_'])
        .filter(|number| !number.is_empty());
    let mut next =
        || numbers.next().map_or_else(|| "0".to_owned(), |number| number.chars().take(8).collect());
    Version { family: family.to_owned(), major: next(), minor: next(), patch: next() }
}

fn other() -> Version {
    version("Other", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(header: &str) -> String {
        let Agent { browser, device, system } = parse(header);
        let name = |version: Version| {
            format!("{} {}.{}.{}", version.family, version.major, version.minor, version.patch)
        };
        [browser, device, system].map(name).join(" | ")
    }

    #[test]
    fn the_browsers_people_use_are_told_apart() {
        for (header, expected) in [
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like \
                    Gecko) Chrome/99.0.4844.51 Safari/537.36",
                "Chrome 99.0.4844 | Mac 0.0.0 | Mac OS X 10.15.7",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox 128.0.0 | Other 0.0.0 | Linux 0.0.0",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                    (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Mobile Safari 17.5.0 | iPhone 0.0.0 | iOS 17.5.0",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/124.0.0.0 Safari/537.36 Edg/124.0.2478.51",
                "Edge 124.0.2478 | Other 0.0.0 | Windows 10.0.0",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/124.0.0.0 Mobile Safari/537.36",
                "Chrome Mobile 124.0.0 | Generic Smartphone 0.0.0 | Android 14.0.0",
            ),
            ("Lynx/2.9.0dev.12 libwww-FM/2.14", "Lynx 2.9.0 | Other 0.0.0 | Other 0.0.0"),
        ] {
            assert_eq!(told(header), expected, "{header}");
        }
    }

    #[test]
    fn what_says_nothing_is_other_and_still_complete() {
        for header in [
            "",
            "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
            "\u{202e}Chrom",
            "Chrome",
            "Windows NT ",
        ] {
            assert!(
                told(header).starts_with("Other 0.0.0 | Other 0.0.0 | "),
                "{header}: {}",
                told(header)
            );
        }
    }
}
