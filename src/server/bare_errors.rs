//! Headers for the answers that actix gives by itself.
//!
//! What is no HTTP, has too large a head, or takes too long to send one, is answered by actix with
//! a bare head before anything of ours is asked: 400, 431, 408. There is no hook for it, so the
//! head is recognised among the bytes that go out, and gets the headers of every answer that is no
//! page (S54).

use std::sync::Arc;

use actix_web::web::BytesMut;

/// Longer than any of those heads.
const LONGEST: usize = 256;

/// The lines that are added, each with its end.
#[derive(Clone)]
pub(super) struct BareErrors(Arc<str>);

impl BareErrors {
    pub(super) fn new(lines: &str) -> Self {
        Self(lines.into())
    }

    /// The bytes to write instead of `bytes`, whose first `old` were offered before; `None` where
    /// those are fine as they are.
    pub(super) fn dressed(&self, bytes: &[u8], old: usize) -> Option<BytesMut> {
        let new = bytes.get(old..).filter(|new| is_bare_error(new))?;
        let end = bytes.len() - 2;
        let mut dressed = BytesMut::with_capacity(bytes.len() + self.0.len());
        dressed.extend_from_slice(&bytes[..end]);
        dressed.extend_from_slice(self.0.as_bytes());
        dressed.extend_from_slice(&new[new.len() - 2..]);
        Some(dressed)
    }
}

/// Whether these bytes are one head, whole and alone, of an error without a body that none of our
/// layers saw.
fn is_bare_error(bytes: &[u8]) -> bool {
    let is_error = bytes.starts_with(b"HTTP/1.1 4") || bytes.starts_with(b"HTTP/1.1 5");
    if !is_error || bytes.len() > LONGEST {
        return false;
    }
    let Ok(head) = std::str::from_utf8(bytes) else { return false };
    let head = head.to_ascii_lowercase();
    head.find("\r\n\r\n") == Some(head.len() - 4)
        && head.contains("\r\ncontent-length: 0\r\n")
        && !head.contains("\r\nx-content-type-options:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    fn dressed(bytes: &str, old: usize) -> Option<String> {
        let lines = BareErrors::new("x-content-type-options: nosniff\r\n");
        lines.dressed(bytes.as_bytes(), old).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// S54
    #[test]
    fn a_bare_error_gets_the_lines_and_keeps_its_own() {
        let answer = dressed(BARE, 0).unwrap();
        assert!(answer.starts_with(BARE.trim_end()), "{answer}");
        assert!(
            answer.ends_with("connection: close\r\nx-content-type-options: nosniff\r\n\r\n"),
            "{answer}"
        );
        let behind = format!("the rest of an answer{BARE}");
        let answer = dressed(&behind, "the rest of an answer".len()).unwrap();
        assert!(answer.starts_with("the rest of an answerHTTP/1.1 400"), "{answer}");
    }

    #[test]
    fn whatever_else_goes_out_stays_as_it_is() {
        let answers = [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nX-Content-Type-Options: nosniff\r\n\r\n".to_owned(),
            "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno".to_owned(),
            format!("{BARE}{BARE}"),
            BARE[..20].to_owned(),
            String::new(),
        ];
        for answer in answers {
            assert_eq!(dressed(&answer, 0), None, "{answer}");
        }
        assert_eq!(dressed(BARE, 3), None, "the rest of a head");
        assert_eq!(dressed(BARE, 4096), None);
    }
}
