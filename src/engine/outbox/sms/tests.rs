//! Each provider against a server on loopback that gives the answers that the provider's
//! documentation and client libraries show, with numbers of no one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::*;

const TO: &str = "+4915112345678";
const TEXT: &str = "314159 is your code.";
const ALL: [SmsProvider; 4] =
    [SmsProvider::Twilio, SmsProvider::Vonage, SmsProvider::MessageBird, SmsProvider::Webhook];

fn account(base_url: &str) -> SmsAccount {
    SmsAccount {
        account: "AC0123456789abcdef0123456789abcdef".to_owned(),
        secret: SecretString::from("not-a-real-secret"),
        from: "+15005550006".to_owned(),
        base_url: base_url.parse().unwrap(),
    }
}

fn message() -> OutgoingSms {
    let sent_at: Timestamp = "2026-11-21T04:12:00Z".parse().unwrap();
    OutgoingSms {
        id: "0123456789abcdef01234567".to_owned(),
        to: TO.to_owned(),
        text: TEXT.to_owned(),
        created: SystemTime::UNIX_EPOCH,
        sent_at,
        expires_at: Some("2026-11-21T04:22:00Z".parse().unwrap()),
    }
}

async fn send_to(base_url: &str, provider: SmsProvider) -> Result<(), SendError> {
    let http = provider::client(Duration::from_millis(400)).unwrap();
    provider::send(&http, &*provider.open(account(base_url)), &message()).await
}

/// Verdict on an answer, and the request that got it.
async fn answered(
    provider: SmsProvider,
    answer: ResponseTemplate,
) -> (Result<(), SendError>, Request) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let sent = send_to(&server.uri(), provider).await;
    let mut requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1, "one request a try");
    (sent, requests.remove(0))
}

fn json(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn form(request: &Request) -> Value {
    url::form_urlencoded::parse(&request.body)
        .map(|(name, value)| (name.into_owned(), json!(value)))
        .collect()
}

fn twilio_error(status: u16, code: i64) -> ResponseTemplate {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let message = format!("The 'To' number {TO} is not a valid phone number.");
    json(status, json!({ "code": code, "message": message, "more_info": more, "status": status }))
}

fn vonage(part: Value) -> ResponseTemplate {
    json(200, json!({ "message-count": "1", "messages": [part] }))
}

fn messagebird_error(status: u16, code: i64, description: &str) -> ResponseTemplate {
    json(
        status,
        json!({
            "errors": [{ "code": code, "description": description, "parameter": "recipients" }],
        }),
    )
}

/// The good answer of each.
fn taken(provider: SmsProvider) -> ResponseTemplate {
    match provider {
        SmsProvider::Twilio => json(
            201,
            json!({
                "sid": "SM87105d09dfd4049dc7e135166d4bec59", "status": "queued", "to": TO,
                "body": TEXT,
                "num_segments": "1", "direction": "outbound-api", "error_code": null,
                "error_message": null,
            }),
        ),
        SmsProvider::Vonage => vonage(json!({
            "to": "4915112345678", "message-id": "0A0000000123ABCD1", "status": "0",
            "remaining-balance": "3.14159265",
            "message-price": "0.03330000", "network": "26201",
            "client-ref": "0123456789abcdef01234567",
        })),
        SmsProvider::MessageBird => json(
            201,
            json!({
                "id": "49e40bae0b374f1ca5e3d04d46edc7c1", "direction": "mt", "type": "sms",
                "body": TEXT,
                "recipients": {
                    "totalCount": 1, "totalSentCount": 1, "totalDeliveredCount": 0,
                    "totalDeliveryFailedCount": 0,
                    "items": [{ "recipient": 4_915_112_345_678_i64, "status": "sent", "messagePartCount": 1 }],
                },
            }),
        ),
        SmsProvider::Webhook => ResponseTemplate::new(204),
    }
}

/// The reason of a refusal that is final, which names nobody.
fn refusal(sent: Result<(), SendError>) -> String {
    let Err(SendError::Permanent(reason)) = sent else { panic!("{sent:?}") };
    assert!(!reason.contains("491511") && !reason.contains("secret"), "{reason}");
    reason
}

#[tokio::test]
async fn twilio_gets_a_form_with_the_account_in_path_and_header() {
    let (sent, request) = answered(SmsProvider::Twilio, taken(SmsProvider::Twilio)).await;
    sent.unwrap();
    assert_eq!(
        request.url.path(),
        "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json"
    );
    assert!(request.headers["authorization"].to_str().unwrap().starts_with("Basic "));
    let fields = json!({ "To": TO, "From": "+15005550006", "Body": TEXT, "ValidityPeriod": "600" });
    assert_eq!(form(&request), fields);
}

#[tokio::test]
async fn twilio_refuses_with_a_number() {
    let (sent, _) = answered(SmsProvider::Twilio, twilio_error(400, 21211)).await;
    assert_eq!(refusal(sent), "Twilio answered 400 (reason 21211)");
    let (sent, _) = answered(SmsProvider::Twilio, twilio_error(401, 20003)).await;
    assert_eq!(refusal(sent), "Twilio answered 401 (reason 20003): are the credentials right?");
    let failed = json!({ "sid": "SM1", "status": "failed", "error_code": 30007 });
    let (sent, _) = answered(SmsProvider::Twilio, json(201, failed)).await;
    assert_eq!(refusal(sent), "Twilio refused it (reason 30007)");
}

#[tokio::test]
async fn vonage_gets_a_form_without_the_plus() {
    let (sent, request) = answered(SmsProvider::Vonage, taken(SmsProvider::Vonage)).await;
    sent.unwrap();
    assert_eq!(request.url.path(), "/sms/json");
    let fields = json!({
        "api_key": "AC0123456789abcdef0123456789abcdef", "api_secret": "not-a-real-secret",
        "from": "15005550006",
        "to": "4915112345678", "type": "text", "text": TEXT,
        "client-ref": "0123456789abcdef01234567", "ttl": "600000",
    });
    assert_eq!(form(&request), fields);
}

/// R11: 200 with an error.
#[tokio::test]
async fn vonage_says_no_in_a_200() {
    for (status, text) in
        [("7", "Number barred."), ("4", "Bad Credentials"), ("9", "Quota Exceeded - rejected")]
    {
        let (sent, _) =
            answered(SmsProvider::Vonage, vonage(json!({ "status": status, "error-text": text })))
                .await;
        assert_eq!(refusal(sent), format!("Vonage refused it (reason {status})"));
    }
    for status in ["1", "5", "10"] {
        let (sent, _) = answered(
            SmsProvider::Vonage,
            vonage(json!({ "status": status, "error-text": "Later" })),
        )
        .await;
        assert!(matches!(sent, Err(SendError::Temporary { .. })), "{status}: {sent:?}");
    }
    let halves =
        json!({ "message-count": "2", "messages": [{ "status": "0" }, { "status": "5" }] });
    let (sent, _) = answered(SmsProvider::Vonage, json(200, halves)).await;
    assert!(matches!(sent, Err(SendError::Unclear(_))), "half of it went out: {sent:?}");
}

#[tokio::test]
async fn messagebird_gets_json_under_its_access_key() {
    let (sent, request) = answered(SmsProvider::MessageBird, taken(SmsProvider::MessageBird)).await;
    sent.unwrap();
    assert_eq!(request.url.path(), "/messages");
    assert_eq!(request.headers["authorization"], "AccessKey not-a-real-secret");
    let body = json!({
        "originator": "+15005550006", "recipients": ["4915112345678"], "body": TEXT,
        "datacoding": "auto",
        "reference": "0123456789abcdef01234567", "validity": 600,
    });
    assert_eq!(request.body_json::<Value>().unwrap(), body);
}

#[tokio::test]
async fn messagebird_refuses_with_a_number() {
    let no_recipient = messagebird_error(422, 9, "no (correct) recipients found");
    let (sent, _) = answered(SmsProvider::MessageBird, no_recipient).await;
    assert_eq!(refusal(sent), "MessageBird answered 422 (reason 9)");
    let bad_key = messagebird_error(401, 2, "Request not allowed (incorrect access_key)");
    let (sent, _) = answered(SmsProvider::MessageBird, bad_key).await;
    assert_eq!(refusal(sent), "MessageBird answered 401 (reason 2): are the credentials right?");
    let (sent, _) =
        answered(SmsProvider::MessageBird, messagebird_error(200, 25, "Not enough balance")).await;
    assert_eq!(refusal(sent), "MessageBird refused it (reason 25)");
}

#[tokio::test]
async fn a_webhook_gets_json_with_a_signature() {
    let (sent, request) = answered(SmsProvider::Webhook, taken(SmsProvider::Webhook)).await;
    sent.unwrap();
    let body = json!({ "id": "0123456789abcdef01234567", "to": TO, "text": TEXT });
    assert_eq!(request.body_json::<Value>().unwrap(), body);
    assert_eq!(request.headers["webhook-id"], "0123456789abcdef01234567");
    assert_eq!(request.headers["webhook-timestamp"], "1795234320");
    let signature = request.headers["webhook-signature"].to_str().unwrap();
    assert!(signature.starts_with("v1,") && signature.len() == 3 + 44, "{signature}");
    let (sent, _) = answered(SmsProvider::Webhook, ResponseTemplate::new(422)).await;
    assert_eq!(refusal(sent), "the webhook answered 422");
}

/// R11
#[tokio::test]
async fn a_provider_that_is_busy_or_broken_is_asked_again_when_it_says() {
    for provider in ALL {
        let busy = || ResponseTemplate::new(429);
        for (answer, seconds) in [
            (busy().insert_header("Retry-After", "17"), Some(17)),
            (busy().insert_header("Retry-After", "Sat, 21 Nov 2026 04:12:30 GMT"), Some(30)),
            (busy().insert_header("Retry-After", "soon"), None),
            (ResponseTemplate::new(500).set_body_string("<html>oops</html>"), None),
            (ResponseTemplate::new(503), None),
        ] {
            let (sent, _) = answered(provider, answer).await;
            let Err(SendError::Temporary { retry_after, .. }) = sent else {
                panic!("{provider:?}: {sent:?}")
            };
            assert_eq!(retry_after.map(|wait| wait.as_secs()), seconds);
        }
        let unreachable = send_to("http://127.0.0.1:1", provider).await;
        assert!(
            matches!(unreachable, Err(SendError::Temporary { .. })),
            "{provider:?}: {unreachable:?}"
        );
    }
}

/// R11: what may have been charged is not sent again, unless the receiver knows it again.
#[tokio::test]
async fn a_provider_that_does_not_answer_costs_its_budget_and_no_second_message() {
    assert!(provider::BUDGET <= Duration::from_secs(5));
    for provider in ALL {
        let begun = Instant::now();
        let (sent, _) =
            answered(provider, taken(provider).set_delay(Duration::from_secs(30))).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
        match (provider, sent) {
            (SmsProvider::Webhook, Err(SendError::Temporary { .. }))
            | (_, Err(SendError::Unclear(_))) => {}
            (provider, sent) => panic!("{provider:?}: {sent:?}"),
        }
    }
}

/// R11: slow drip.
#[tokio::test]
async fn an_answer_that_drips_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut drop = b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n".as_slice();
        while connection.write_all(drop).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop = b" ";
        }
    });
    let sent =
        tokio::time::timeout(Duration::from_secs(5), send_to(&base_url, SmsProvider::Twilio))
            .await
            .unwrap();
    assert!(matches!(sent, Err(SendError::Unclear(_))), "{sent:?}");
}

#[tokio::test]
async fn garbage_in_a_2xx_is_neither_yes_nor_no() {
    let large = "[".repeat(1024 * 1024);
    for body in [
        "",
        "OK",
        "[]",
        "{}",
        "null",
        r#"{"messages":[]}"#,
        r#"{"messages":{"status":"0"}}"#,
        &large,
    ] {
        for provider in [SmsProvider::Twilio, SmsProvider::Vonage, SmsProvider::MessageBird] {
            let (sent, _) =
                answered(provider, ResponseTemplate::new(200).set_body_string(body)).await;
            assert!(matches!(sent, Err(SendError::Unclear(_))), "{provider:?}: {sent:?}");
        }
    }
}

/// S85: a redirect would carry the credentials to somebody else.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    for provider in ALL {
        let elsewhere = ResponseTemplate::new(307).insert_header("Location", "http://127.0.0.1:1/");
        let (sent, _) = answered(provider, elsewhere).await;
        assert!(refusal(sent).contains("answered 307"));
    }
}
