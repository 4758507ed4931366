//! Texts on their way.

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::*;
use crate::{
    engine::outbox::{Schedule, SmsAccount, SmsMessage, SmsProvider},
    port::{OneTimeCode, Phone},
};

const TO: &str = "+4915112345678";

impl Office {
    /// With a provider that answers one thing.
    async fn by_provider(provider: SmsProvider, answer: ResponseTemplate) -> (Self, MockServer) {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let account = SmsAccount {
            account: "AC0".to_owned(),
            secret: SecretString::from("not-a-real-secret"),
            from: "+15005550006".to_owned(),
            base_url: server.uri().parse().unwrap(),
        };
        let mut office = Self::into_folder().await;
        office.delivery_worker.sms = SmsTransport::provider(provider, account).unwrap();
        (office, server)
    }

    async fn queue_text(&self, message: &SmsMessage, expires_in: Option<i64>) {
        let expires_at =
            expires_in.map(|seconds| later(self.clock.now(), SignedDuration::from_secs(seconds)));
        let schedule = Schedule { expires_at, ..Schedule::default() };
        let mut tx = self.delivery_worker.store.begin().await.unwrap();
        self.delivery_worker
            .outbox
            .enqueue_sms(&mut tx, message, &Phone::parse(TO).unwrap(), schedule)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn queue_code(&self) {
        let code = OneTimeCode::parse("314159").unwrap();
        self.queue_text(&SmsMessage::SecondFactor { code, minutes: 1 }, Some(60)).await;
    }
}

async fn tries(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_text_goes_to_the_outbox_folder() {
    let office = Office::into_folder().await;
    office.queue_code().await;
    assert_eq!(office.delivery_worker.drain().await, 1);
    let text = "314159 is your second step to sign in to Vestibule, good for one minute. Tell it \
                to nobody.\n\n\
                @example.com #314159";
    let written: Value = serde_json::from_str(&office.emails()[0]).unwrap();
    assert_eq!(written, json!({ "to": TO, "text": text, "sentAt": "1970-01-12T13:46:40Z" }));
    assert!(office.left().await.is_empty());
}

/// S33
#[tokio::test]
async fn a_waiting_text_shows_neither_its_code_nor_its_receiver() {
    let office = Office::into_folder().await;
    office.queue_code().await;
    office.delivery_worker.store.close().await;
    for file in ["db", "db-wal"] {
        let Ok(bytes) = std::fs::read(office.folder.path().join(file)) else { continue };
        for secret in [&b"4915112345678"[..], b"314159"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{file}");
        }
    }
}

/// R11: one more try, seconds later, and not after the end of the code.
#[tokio::test]
async fn a_code_is_tried_twice_within_its_life() {
    let (office, server) =
        Office::by_provider(SmsProvider::Twilio, ResponseTemplate::new(503)).await;
    office.queue_code().await;
    office.delivery_worker.drain().await;
    office.delivery_worker.drain().await;
    assert_eq!(tries(&server).await, 1, "not again at once");
    office.pass(5);
    office.delivery_worker.drain().await;
    office.pass(5);
    office.delivery_worker.drain().await;
    assert_eq!(tries(&server).await, 2);
    let (attempts, error, dead) = office.left().await.remove(0);
    assert_eq!((attempts, error.as_deref(), dead), (2, Some("Twilio answered 503"), true));
}

/// R11
#[tokio::test]
async fn a_provider_is_asked_again_when_it_says_and_a_dead_code_not_at_all() {
    let busy = ResponseTemplate::new(429).insert_header("Retry-After", "30");
    let (office, server) = Office::by_provider(SmsProvider::Vonage, busy).await;
    office.queue_code().await;
    office.delivery_worker.drain().await;
    office.pass(29);
    office.delivery_worker.drain().await;
    assert_eq!(tries(&server).await, 1);
    office.pass(31);
    office.delivery_worker.drain().await;
    assert_eq!(tries(&server).await, 1, "the code died meanwhile");
    assert!(office.left().await.is_empty());
}

/// R11: no double charge.
#[tokio::test]
async fn a_text_that_may_have_been_taken_is_not_sent_again() {
    let garbage = ResponseTemplate::new(200).set_body_string("<html>maintenance</html>");
    let (office, server) = Office::by_provider(SmsProvider::MessageBird, garbage).await;
    office.queue_code().await;
    for _ in 0..3 {
        office.delivery_worker.drain().await;
        office.pass(10);
    }
    assert_eq!(tries(&server).await, 1);
    assert!(office.left().await[0].2);
}

#[tokio::test]
async fn a_notice_is_tried_for_longer_than_a_code() {
    let (office, server) =
        Office::by_provider(SmsProvider::Webhook, ResponseTemplate::new(500)).await;
    office.queue_text(&SmsMessage::PasswordChanged, None).await;
    for _ in 0..5 {
        office.delivery_worker.drain().await;
        office.pass(300);
    }
    assert_eq!(tries(&server).await, 5);
    let requests = server.received_requests().await.unwrap();
    let ids: std::collections::HashSet<_> =
        requests.iter().map(|request| &request.headers["webhook-id"]).collect();
    assert_eq!(ids.len(), 1, "the receiver knows it again");
}

/// R29: a provider that hangs costs the codes after it no more than one try, and the email nothing.
#[tokio::test]
async fn texts_are_sent_beside_each_other() {
    let slow = ResponseTemplate::new(204).set_delay(std::time::Duration::from_millis(300));
    let (office, server) = Office::by_provider(SmsProvider::Webhook, slow).await;
    for _ in 0..8 {
        office.queue_code().await;
    }
    let begun = std::time::Instant::now();
    assert_eq!(office.delivery_worker.drain().await, 8);
    assert!(begun.elapsed() < std::time::Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_eq!(tries(&server).await, 8);
}
