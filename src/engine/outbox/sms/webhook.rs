//! A server of the operator's own that sends the text: one POST for each.
//!
//! # The contract
//!
//! ```http
//! POST <sms.webhook.url>
//! Content-Type: application/json
//! webhook-id: 0123456789abcdef01234567
//! webhook-timestamp: 1763697600
//! webhook-signature: v1,<base64>
//!
//! {"id":"0123456789abcdef01234567","text":"314159 is your code …","to":"+4915112345678"}
//! ```
//!
//! The signature is that of Standard Webhooks 1.0: HMAC-SHA256 under `sms.webhook.secret`, over the
//! id, the timestamp (seconds since 1970) and the raw body, joined with dots. A secret that begins
//! with `whsec_` is base64 after that; any other is taken as it is. There are libraries for it in
//! most languages.
//!
//! Any 2xx says that the text was taken; its body is not read. The same `webhook-id` may come
//! twice, after an answer that got lost: it must be sent once. The receiver should refuse
//! timestamps that are more than five minutes off.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, RequestBuilder, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    OutgoingSms, SmsAccount,
    provider::{SmsAnswer, SmsSender},
};

pub(super) struct Webhook(pub(super) SmsAccount);

impl SmsSender for Webhook {
    fn name(&self) -> &'static str {
        "the webhook"
    }

    fn request(&self, http: &Client, message: &OutgoingSms) -> RequestBuilder {
        let body = json!({ "id": message.id, "to": message.to, "text": message.text }).to_string();
        let timestamp = message.sent_at.as_second();
        let signature = signature(&self.0.secret, &format!("{}.{timestamp}.{body}", message.id));
        http.post(self.0.base_url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(body)
    }

    fn verdict(&self, _body: &Value) -> SmsAnswer {
        SmsAnswer::Taken
    }

    fn reason(&self, _body: &Value) -> Option<i64> {
        None
    }

    fn knows_repeats(&self) -> bool {
        true
    }
}

fn signature(secret: &SecretString, signed: &str) -> String {
    let secret = secret.expose_secret();
    let decoded = secret.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(&key)
        .map(|mac| mac.chain_update(signed).finalize().into_bytes());
    mac.map(|mac| STANDARD.encode(mac)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (standard-webhooks 1.0, "Signature scheme").
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        assert_eq!(signature(&secret, signed), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
