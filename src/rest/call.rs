//! A call as it arrived: who asks, the query, and the body within its limits.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, dev::Payload, http::header, web::BytesMut};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::{RestBackend, reply::Rejection};
use crate::{
    http::forwarded::{RequestOrigin, origin},
    port::{Caller, Channel, Code, SessionToken, SignedInUser},
    protocol::{errors::Fault, headers},
};

/// The largest JSON body of an ordinary call, in bytes.
pub(super) const BODY_MAX: usize = 64 * 1024;
/// How long an ordinary body may take to arrive. actix-web bounds the headers only (S72).
const BODY_TIME: Duration = Duration::from_secs(20);
/// The longest user agent that is looked at, in bytes.
const USER_AGENT_MAX: usize = 512;

/// How deep JSON may nest. Declared fields nest to eight (`engine/users/fields/value.rs`).
const DEPTH_MAX: usize = 16;
/// Keys and elements that JSON may have: more than fit into all fields of a user.
const PARTS_MAX: usize = 4096;

/// One call.
pub(super) struct Call {
    pub(super) backend: Arc<dyn RestBackend>,
    pub(super) request: HttpRequest,
    pub(super) payload: Payload,
    /// The redirect URL that the application has of its own.
    pub(super) redirect_url: Option<String>,
    /// Whether an API key came along.
    pub(super) is_operator: bool,
}

impl Call {
    /// Caller of the request. A session header that cannot be a token is like none: a stale one
    /// must not hinder a sign-in.
    pub(super) fn caller(&self) -> Caller {
        self.caller_with(self.session().ok())
    }

    /// Caller of a call that needs a session. Whether it is alive is the backend's to say.
    ///
    /// # Errors
    /// `MissingSessionToken` or `InvalidSessionToken`. The client library drops its session when it
    /// reads one of these, so they are said of the caller's own session and of nothing else.
    pub(super) fn signed_in_user(&self) -> Result<Caller, Code> {
        Ok(self.caller_with(Some(self.session()?)))
    }

    /// As [`signed_in_user`](Self::signed_in_user), and looked up: for calls that must know whose
    /// session it is, or whose body is so large that a visitor's is not read.
    pub(super) async fn signed_in_user_of(&self) -> Result<(Caller, SignedInUser), Rejection> {
        let caller = self.signed_in_user()?;
        let signed_in_user = self.backend.signed_in_user(caller.clone()).await?;
        Ok((caller, signed_in_user))
    }

    /// A query parameter; empty where there is none, the first where there are several. Only
    /// percent-decoded: the client sends `email` as it is, and its `+` is a plus
    /// (altogic-protocol.md §1.3).
    pub(super) fn query(&self, name: &str) -> String {
        let mut parameters =
            self.request.query_string().split('&').filter_map(|pair| pair.split_once('='));
        let value = parameters.find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    }

    /// The JSON body. No body is an empty object: the client sends none where it has nothing to
    /// say.
    ///
    /// # Errors
    /// What is wrong with the body.
    pub(super) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Fault> {
        self.json_within(BODY_MAX, BODY_TIME).await
    }

    /// As [`json`](Self::json), with limits of its own.
    pub(super) async fn json_within<T: DeserializeOwned>(
        &mut self,
        most: usize,
        time: Duration,
    ) -> Result<T, Fault> {
        let body =
            tokio::time::timeout(time, self.body(most)).await.map_err(|_| Fault::BodyTooSlow)??;
        if body.is_empty() {
            return serde_json::from_str("{}").map_err(|_| Fault::BodyShape);
        }
        if self.media_type() != "application/json" {
            return Err(Fault::UnsupportedMediaType);
        }
        // serde would take an array for an object, field by field.
        if body.trim_ascii_start().first() == Some(&b'[') {
            return Err(Fault::BodyShape);
        }
        if !is_simple(&body) {
            return Err(Fault::BodyTooComplex);
        }
        serde_json::from_slice(&body)
            .map_err(|error| if error.is_data() { Fault::BodyShape } else { Fault::BodySyntax })
    }

    /// The content type without its parameters, in lower case.
    pub(super) fn media_type(&self) -> String {
        let value =
            self.request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    async fn body(&mut self, most: usize) -> Result<BytesMut, Fault> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.payload.next().await {
            let piece = piece.map_err(|_| Fault::BodyBroken)?;
            if body.len() + piece.len() > most {
                return Err(Fault::BodyTooLarge);
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn session(&self) -> Result<SessionToken, Code> {
        let header =
            self.request.headers().get(headers::SESSION).ok_or(Code::MissingSessionToken)?;
        SessionToken::parse(header.to_str().map_err(|_| Code::InvalidSessionToken)?)
    }

    fn caller_with(&self, session: Option<SessionToken>) -> Caller {
        let RequestOrigin { address, unlisted } = origin(&self.request);
        Caller {
            channel: Channel::Api,
            address,
            user_agent: self.user_agent(),
            session,
            browser: None,
            devices: Vec::new(),
            redirect_url: self.redirect_url.clone(),
            unlisted,
            is_operator: self.is_operator,
        }
    }

    fn user_agent(&self) -> String {
        let header = self
            .request
            .headers()
            .get(header::USER_AGENT)
            .map_or(&b""[..], |value| value.as_bytes());
        let agent = String::from_utf8_lossy(&header[..header.len().min(USER_AGENT_MAX)]);
        agent.chars().filter(|letter| !letter.is_control()).collect()
    }
}

/// Whether JSON is bounded in depth and number of parts, before anything is built of it (S75,
/// S108). Text that is no JSON is the parser's to refuse.
pub(super) fn is_simple(json: &[u8]) -> bool {
    let (mut depth, mut parts) = (0_usize, 0_usize);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => (depth, parts) = (depth + 1, parts + 1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => parts += 1,
            _ => {}
        }
        if depth > DEPTH_MAX || parts > PARTS_MAX {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S75, S108
    #[test]
    fn json_is_bounded_in_depth_and_parts() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let list = |parts: usize| format!("[1{}]", ",1".repeat(parts));
        for simple in [
            nested(DEPTH_MAX),
            list(PARTS_MAX - 1),
            r#"{"a":"[[[[[[[[[[[[[[[[[[[[\"[,,,"}"#.to_owned(),
        ] {
            assert!(is_simple(simple.as_bytes()), "{simple}");
        }
        for complex in
            [nested(DEPTH_MAX + 1), list(PARTS_MAX), format!(r#"{{"a\\":{}}}"#, nested(DEPTH_MAX))]
        {
            assert!(!is_simple(complex.as_bytes()), "{complex}");
        }
    }
}
