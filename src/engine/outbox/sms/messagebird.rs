//! MessageBird (Bird), SMS API (`POST /messages`).
//!
//! `reference` only names the message in reports; a repeated one is sent again.

use reqwest::{Client, RequestBuilder, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{
    OutgoingSms, SmsAccount, endpoint,
    provider::{SmsAnswer, SmsSender, number},
};

pub(super) struct MessageBird(pub(super) SmsAccount);

impl SmsSender for MessageBird {
    fn name(&self) -> &'static str {
        "MessageBird"
    }

    fn request(&self, http: &Client, message: &OutgoingSms) -> RequestBuilder {
        let SmsAccount { secret, from, base_url, .. } = &self.0;
        let mut body = json!({
            "originator": from,
            "recipients": [message.to.trim_start_matches('+')],
            "body": message.text,
            "reference": message.id,
            "datacoding": "auto",
        });
        if let Some(seconds) = message.seconds_left() {
            body["validity"] = seconds.max(1).into();
        }
        http.post(endpoint(base_url, &["messages"]))
            .header(header::AUTHORIZATION, format!("AccessKey {}", secret.expose_secret()))
            .json(&body)
    }

    fn verdict(&self, body: &Value) -> SmsAnswer {
        if body["errors"].is_array() {
            return SmsAnswer::Refused(self.reason(body));
        }
        let recipient = &body["recipients"]["items"][0];
        match (body["id"].as_str(), recipient["status"].as_str()) {
            (Some(_), Some("delivery_failed" | "expired")) => {
                SmsAnswer::Refused(number(&recipient["statusErrorCode"]))
            }
            (Some(_), Some(_)) => SmsAnswer::Taken,
            _ => SmsAnswer::Unclear,
        }
    }

    fn reason(&self, body: &Value) -> Option<i64> {
        number(&body["errors"][0]["code"])
    }
}
