//! Vonage (Nexmo), SMS API (`POST /sms/json`).
//!
//! It answers 200 to nearly everything and says in the body what became of it: a status for each
//! part of the message. `client-ref` only names the message in reports; a repeated one is sent
//! again.

use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{
    OutgoingSms, SmsAccount, endpoint, gsm,
    provider::{SmsAnswer, SmsSender, number},
};

/// Throttled, internal error, too many binds: the statuses that pass.
const PASSING: [i64; 3] = [1, 5, 10];
/// The bounds of `ttl`, in seconds.
const TTL: std::ops::RangeInclusive<i64> = 20..=604_800;

pub(super) struct Vonage(pub(super) SmsAccount);

impl SmsSender for Vonage {
    fn name(&self) -> &'static str {
        "Vonage"
    }

    fn request(&self, http: &Client, message: &OutgoingSms) -> RequestBuilder {
        let SmsAccount { account, secret, from, base_url } = &self.0;
        let text_type = if gsm::parts(&message.text).is_some() { "text" } else { "unicode" };
        let mut fields = vec![
            ("api_key", account.clone()),
            ("api_secret", secret.expose_secret().to_owned()),
            // Both without the plus.
            ("from", from.trim_start_matches('+').to_owned()),
            ("to", message.to.trim_start_matches('+').to_owned()),
            ("type", text_type.to_owned()),
            ("text", message.text.clone()),
            ("client-ref", message.id.clone()),
        ];
        if let Some(seconds) = message.seconds_left() {
            let seconds = seconds.clamp(*TTL.start(), *TTL.end());
            fields.push(("ttl", (seconds * 1000).to_string()));
        }
        http.post(endpoint(base_url, &["sms", "json"])).form(&fields)
    }

    fn verdict(&self, body: &Value) -> SmsAnswer {
        let parts = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let statuses: Option<Vec<i64>> = parts.iter().map(|part| number(&part["status"])).collect();
        let refused = |status: i64| {
            if PASSING.contains(&status) {
                SmsAnswer::Busy(Some(status))
            } else {
                SmsAnswer::Refused(Some(status))
            }
        };
        match statuses.as_deref() {
            Some([first, rest @ ..]) if *first != 0 && !rest.contains(&0) => refused(*first),
            Some(all @ [_, ..]) if all.iter().all(|status| *status == 0) => SmsAnswer::Taken,
            // Half of it went out: the other half alone cannot be sent.
            _ => SmsAnswer::Unclear,
        }
    }

    fn reason(&self, body: &Value) -> Option<i64> {
        number(&body["messages"][0]["status"])
    }
}
