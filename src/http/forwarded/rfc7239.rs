//! One `Forwarded` line, read as RFC 7239 §4 writes it.
//!
//! ```text
//! Forwarded         = 1#forwarded-element
//! forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
//! forwarded-pair    = token "=" ( token / quoted-string )
//! ```
//!
//! The reader is strict, and a fault anywhere makes the whole line worth nothing. That is what
//! keeps a client from hiding what the proxy appends to its line: a quotation mark that the client
//! leaves open swallows the proxy's words, but then the line ends inside a quotation, or goes on
//! behind one without a separator, and both are faults. A reader that forgave either would let
//! visitors choose where they come from.
//!
//! One thing is forgiven, as it cannot hide anything: the characters `[`, `]` and `:` in a value
//! without quotation marks, which proxies write for IPv6 and ports.

use std::net::IpAddr;

use super::address;

/// The `for` of each element, from the left. An element that has none, or one that is `unknown` or
/// obfuscated (`_hidden`, §6.3), is `None`. A line that does not follow the grammar has no
/// elements.
pub(super) fn elements(line: &str) -> Vec<Option<IpAddr>> {
    Reader { rest: line.trim() }.elements().unwrap_or_default()
}

struct Reader<'line> {
    rest: &'line str,
}

/// Separator after a pair.
enum After {
    Pair,
    Element,
    End,
}

impl Reader<'_> {
    fn elements(&mut self) -> Option<Vec<Option<IpAddr>>> {
        let mut elements = Vec::new();
        loop {
            let (element, is_last) = self.element()?;
            elements.push(element);
            if is_last {
                return Some(elements);
            }
        }
    }

    fn element(&mut self) -> Option<(Option<IpAddr>, bool)> {
        let mut node = None;
        loop {
            self.skip_space();
            if !self.rest.is_empty() && !self.rest.starts_with([',', ';']) {
                let name = self.token()?;
                self.rest = self.rest.strip_prefix('=')?;
                let value = self.value()?;
                // "Each parameter MUST NOT occur more than once" (§4).
                if name.eq_ignore_ascii_case("for") && node.replace(address(&value)).is_some() {
                    return None;
                }
            }
            match self.after()? {
                After::Pair => {}
                After::Element => return Some((node.flatten(), false)),
                After::End => return Some((node.flatten(), true)),
            }
        }
    }

    fn after(&mut self) -> Option<After> {
        self.skip_space();
        let mut letters = self.rest.chars();
        let after = match letters.next() {
            None => return Some(After::End),
            Some(';') => After::Pair,
            Some(',') => After::Element,
            Some(_) => return None,
        };
        self.rest = letters.as_str();
        Some(after)
    }

    fn value(&mut self) -> Option<String> {
        match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()
            }
            None => self
                .take_while(|letter| is_token(letter) || matches!(letter, '[' | ']' | ':'))
                .map(str::to_owned),
        }
    }

    /// The rest of a quoted-string (RFC 9110 §5.6.4), without what quotes.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut letters = self.rest.chars();
        loop {
            match letters.next()? {
                '"' => {
                    self.rest = letters.as_str();
                    return Some(text);
                }
                '\\' => text.push(letters.next()?),
                letter => text.push(letter),
            }
        }
    }

    fn token(&mut self) -> Option<String> {
        self.take_while(is_token).map(str::to_owned)
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> Option<&str> {
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        let (part, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!part.is_empty()).then_some(part)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }
}

/// RFC 9110 §5.6.2.
fn is_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        let shown = |element: &Option<IpAddr>| {
            element.map_or("?".to_owned(), |address| address.to_string())
        };
        elements(line).iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        assert_eq!(read("for=\"_gazonk\""), "?");
        assert_eq!(read("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(read("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
        assert_eq!(read("for=192.0.2.43, for=198.51.100.17"), "192.0.2.43 198.51.100.17");
        assert_eq!(
            read("for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown"),
            "192.0.2.43 2001:db8:cafe::17 ?"
        );
        assert_eq!(read("for=_hidden, for=_SEVKISEK"), "? ?");
    }

    #[test]
    fn what_proxies_write_is_read() {
        assert_eq!(read("for=[2001:db8::7]:40000;proto=https"), "2001:db8::7");
        assert_eq!(read("proto=https;for=\"203.0.113.9:5555\";host=\"a, b;c\""), "203.0.113.9");
        assert_eq!(read("proto=https"), "?");
        assert_eq!(read(r#"for="203.0.113\.9""#), "203.0.113.9");
    }

    /// S49: the quotation that a client leaves open costs it the line, and gives it nothing.
    #[test]
    fn a_client_cannot_swallow_what_the_proxy_appends() {
        for forged in
            ["for=198.51.100.1;x=\"", "for=\"198.51.100.1", "for=198.51.100.1;x=\"\\", "x=\"a\\\""]
        {
            for appended in
                ["for=203.0.113.9", "for=\"203.0.113.9\"", "for=\"203.0.113.9\";by=\"10.0.0.1\""]
            {
                assert_eq!(read(&format!("{forged}, {appended}")), "", "{forged}, {appended}");
            }
        }
    }

    #[test]
    fn a_line_that_breaks_the_grammar_says_nothing() {
        for line in [
            "for",
            "for=",
            "=a",
            "for=1.2.3.4;for=1.2.3.5",
            "for=1.2.3.4 x",
            "for=\"1.2.3.4\"x",
            "f(r=1.2.3.4",
        ] {
            assert_eq!(read(line), "", "{line}");
        }
    }

    /// Client input does not matter: before a separator, the last element is the proxy's, or there
    /// is none.
    #[test]
    fn no_beginning_of_a_line_changes_its_end() {
        let pieces = [
            "\"",
            "\\",
            ",",
            ";",
            "=",
            "for",
            "for=198.51.100.1",
            " ",
            "x=\"",
            "\t",
            "é",
            "[",
            ":",
            "\0",
        ];
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..100_000 {
            let mut line = String::new();
            for _ in 0..(state >> 60) {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                line.push_str(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
            }
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            line.push_str(", for=203.0.113.9");
            let last = elements(&line).pop();
            assert!(
                last.is_none() || last == Some("203.0.113.9".parse().ok()),
                "{line:?}: {last:?}"
            );
        }
    }
}
