//! Twilio, Messages resource (`POST /2010-04-01/Accounts/{sid}/Messages.json`).
//!
//! It has no key that would make a repeated request harmless.

use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{
    OutgoingSms, SmsAccount, endpoint,
    provider::{SmsAnswer, SmsSender, number},
};

/// Longest time that Twilio may keep a message waiting, in seconds (its error 90007).
const LONGEST_VALIDITY: i64 = 36_000;

pub(super) struct Twilio(pub(super) SmsAccount);

impl SmsSender for Twilio {
    fn name(&self) -> &'static str {
        "Twilio"
    }

    fn request(&self, http: &Client, message: &OutgoingSms) -> RequestBuilder {
        let SmsAccount { account, secret, from, base_url } = &self.0;
        let url = endpoint(base_url, &["2010-04-01", "Accounts", account, "Messages.json"]);
        // A messaging service chooses the sender itself.
        let sender =
            if from.starts_with("MG") && from.len() == 34 { "MessagingServiceSid" } else { "From" };
        let mut fields = vec![
            ("To", message.to.clone()),
            (sender, from.clone()),
            ("Body", message.text.clone()),
        ];
        if let Some(seconds) = message.seconds_left() {
            fields.push(("ValidityPeriod", seconds.clamp(1, LONGEST_VALIDITY).to_string()));
        }
        http.post(url).basic_auth(account, Some(secret.expose_secret())).form(&fields)
    }

    fn verdict(&self, body: &Value) -> SmsAnswer {
        match (body["sid"].as_str(), body["status"].as_str()) {
            (Some(_), Some("failed" | "undelivered" | "canceled")) => {
                SmsAnswer::Refused(number(&body["error_code"]))
            }
            (Some(_), Some(_)) => SmsAnswer::Taken,
            _ => SmsAnswer::Unclear,
        }
    }

    fn reason(&self, body: &Value) -> Option<i64> {
        number(&body["code"])
    }
}
