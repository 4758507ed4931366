//! The adapter before an environment that is not ours, played by a server that answers what it is
//! told to.

use std::{
    sync::atomic::{AtomicI64, Ordering::SeqCst},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{header, method, path},
};

use super::*;
use crate::port::{
    AccessToken, AuthManager, Code, Password, SecondFactorOf, SessionToken, SignInOutcome,
};

const KEY: &str = "a-client-key";

#[derive(Default)]
struct MovedClock(AtomicI64);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(SeqCst)).unwrap()
    }
}

fn remote_at(env_url: &str, clock: Arc<MovedClock>) -> Remote {
    let capabilities = Capabilities {
        providers: Vec::new(),
        confirm_email: true,
        confirm_phone: true,
        phone_sign_up: true,
        sign_in_codes: true,
        password_min: 8,
        authenticators: false,
        link_minutes: 60,
        code_minutes: 10,
        email_codes: false,
        sms_countries: None,
    };
    let settings = RemoteSettings {
        env_url: env_url.to_owned(),
        client_key: KEY.to_owned(),
        public_url: "https://hall.example".to_owned(),
        capabilities,
    };
    Remote::new(settings, clock).unwrap()
}

/// An environment that answers everything alike.
async fn answering(response: ResponseTemplate) -> (MockServer, Remote) {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(response).mount(&server).await;
    let remote = remote_at(&server.uri(), Arc::default());
    (server, remote)
}

fn error(status: u16, code: &str) -> ResponseTemplate {
    let entry = json!({ "origin": "client_error", "code": code, "message": "No." });
    ResponseTemplate::new(status).set_body_json(json!({ "errors": [entry] }))
}

fn user() -> Value {
    json!({ "_id": "6234a7210b72592107523c6c", "email": "ann@example.com", "emailVerified": true })
}

fn ann() -> Caller {
    Caller {
        address: Some("198.51.100.7".parse().unwrap()),
        user_agent: "Lynx/2.9".to_owned(),
        session: Some(SessionToken::parse("ann-token").unwrap()),
        ..nobody()
    }
}

async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

async fn sign_in(remote: &Remote) -> Outcome<SignInOutcome> {
    remote
        .sign_in_with_email(nobody(), "ann@example.com".to_owned(), Password::entered("a password"))
        .await
}

fn failed<T: std::fmt::Debug>(outcome: Outcome<T>) -> Failure {
    match outcome {
        Err(OperationError::Internal(failure)) => failure,
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test]
async fn a_call_says_who_asks_and_by_which_application() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/e:62a1/_api/rest/v1/auth/user"))
        .and(header("x-client", "vestibule"))
        .and(header("x-client-key", KEY))
        .and(header("session", "ann-token"))
        .and(header("user-agent", "Lynx/2.9"))
        .and(header("x-forwarded-for", "198.51.100.7"))
        .respond_with(ResponseTemplate::new(200).set_body_json(user()))
        .mount(&server)
        .await;
    let remote = remote_at(&format!("{}/e:62a1", server.uri()), Arc::default());
    assert_eq!(
        remote.signed_in_user(ann()).await.unwrap().user.email.as_deref(),
        Some("ann@example.com")
    );
}

/// altogic-protocol.md §1.3: no server takes the plus of an address for a blank.
#[tokio::test]
async fn a_plus_in_an_address_arrives_as_one() {
    let (server, remote) = answering(ResponseTemplate::new(200)).await;
    remote.send_magic_link_email(nobody(), "ann+news@example.com".to_owned()).await.unwrap();
    let request = &received(&server).await[0];
    assert_eq!(request.url.query(), Some("email=ann%2Bnews%40example%2Ecom"));
    assert!(request.headers.get("session").is_none());
}

#[tokio::test]
async fn whatever_is_no_answer_of_the_protocol_is_a_failure_that_may_pass() {
    for response in [
        ResponseTemplate::new(502).set_body_string("<h1>Bad gateway</h1>"),
        ResponseTemplate::new(404).set_body_string("<h1>Not found</h1>"),
        ResponseTemplate::new(302).insert_header("location", "https://elsewhere.example/"),
        ResponseTemplate::new(200).set_body_string("<h1>Welcome</h1>"),
        ResponseTemplate::new(200).set_body_json(json!({ "user": {}, "session": null })),
        ResponseTemplate::new(200).set_body_string(format!("\"{}\"", "x".repeat(1024 * 1024))),
        error(500, "internal_server_error"),
    ] {
        let (server, remote) = answering(response).await;
        assert!(failed(sign_in(&remote).await).retry_after.is_some());
        assert_eq!(
            received(&server).await.len(),
            1,
            "nothing is tried again, no redirect followed"
        );
    }
}

#[tokio::test]
async fn when_to_come_back_is_the_environments_to_say() {
    let (_server, remote) =
        answering(error(503, "internal_server_error").insert_header("retry-after", "7")).await;
    assert_eq!(failed(sign_in(&remote).await).retry_after, Some(Duration::from_secs(7)));
}

/// Failures that only the operator can mend go to the log; nobody is signed out for it.
#[tokio::test]
async fn a_client_key_that_is_refused_is_a_failure_and_no_refusal() {
    let (_server, remote) = answering(error(401, "invalid_client_key")).await;
    let failure = failed(remote.signed_in_user(ann()).await);
    assert!(
        failure.retry_after.is_none() && failure.to_string().contains("invalid_client_key"),
        "{failure}"
    );
    assert!(remote.ready().await.is_err());
}

/// S80: the key of a grant stands in the URL, and errors like to name their URL.
#[tokio::test]
async fn a_failure_does_not_tell_the_token_it_failed_with() {
    let remote = remote_at("http://127.0.0.1:9", Arc::default());
    let token = AccessToken::parse("a-secret-token").unwrap();
    let failure = failed(remote.get_auth_grant(nobody(), token).await).to_string();
    assert!(!failure.contains("secret") && !failure.contains("127.0.0.1"), "{failure}");
}

/// R27
#[tokio::test]
async fn an_environment_that_fails_in_a_row_is_left_alone_for_a_moment() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(502)).mount(&server).await;
    let clock = Arc::new(MovedClock::default());
    let remote = remote_at(&server.uri(), clock.clone());
    for _ in 0..10 {
        failed(sign_in(&remote).await);
    }
    assert_eq!(received(&server).await.len(), 5);
    clock.0.fetch_add(2001, SeqCst);
    failed(sign_in(&remote).await);
    failed(sign_in(&remote).await);
    assert_eq!(received(&server).await.len(), 6, "one tries");
}

/// S04: an original environment tells who has an account; it is not passed on.
#[tokio::test]
async fn sending_something_answers_the_same_for_all() {
    for (status, word) in
        [(404, "user_not_found"), (401, "invalid_credentials"), (401, "email_already_verified")]
    {
        let (_server, remote) = answering(error(status, word)).await;
        remote.send_magic_link_email(nobody(), "a@example.com".to_owned()).await.unwrap();
        remote.resend_verification_email(nobody(), "a@example.com".to_owned()).await.unwrap();
        remote.send_sign_in_code(nobody(), "+4915112345678".to_owned()).await.unwrap();
    }
    let (_server, remote) = answering(error(401, "sms_auth_codes_disabled")).await;
    let refused = remote.send_sign_in_code(nobody(), "+4915112345678".to_owned()).await;
    assert!(matches!(
        refused,
        Err(OperationError::Rejected(refusal)) if refusal.is(Code::SignInCodesDisabled)
    ));
}

/// altogic-protocol.md §8
#[tokio::test]
async fn a_second_factor_is_found_again_by_its_number() {
    let server = MockServer::start().await;
    let details = json!({ "phone": "+4915112345678" });
    let entry = json!({ "code": "second_factor_required", "message": "m", "details": details });
    Mock::given(path("/_api/rest/v1/auth/signin-email"))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({ "errors": [entry] })))
        .mount(&server)
        .await;
    Mock::given(path("/user/verify-sign-in"))
        .and(wiremock::matchers::body_json(
            json!({ "code": "314159", "phoneNumber": "+4915112345678" }),
        ))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "found": user(), "session": { "token": "new-token" } })),
        )
        .mount(&server)
        .await;
    let remote = remote_at(&server.uri(), Arc::default());
    let SignInOutcome::SecondFactorRequired(challenge) = sign_in(&remote).await.unwrap() else {
        panic!("not challenged")
    };
    assert_eq!(challenge.sent.unwrap().phone, "+4915112345678");
    let of = SecondFactorOf::Challenge(challenge.token);
    let grant =
        remote.sign_in_with_second_factor(nobody(), of, "314159".to_owned(), false).await.unwrap();
    assert_eq!(grant.session.token.unwrap().expose(), "new-token");
}

/// An original environment lists the real tokens of all sessions. None of another session reaches a
/// page.
#[tokio::test]
async fn the_token_of_another_session_stays_here() {
    let server = MockServer::start().await;
    let listed = json!([
        { "token": "ann-token" },
        { "token": "other-token", "creationDtm": "2022-03-18T15:37:05.835Z" },
    ]);
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(listed))
        .mount(&server)
        .await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let remote = remote_at(&server.uri(), Arc::default());
    let sessions = remote.get_all_sessions(ann()).await.unwrap();
    let other = sessions.iter().find(|session| !session.current).unwrap();
    assert!(other.token.is_none() && !other.handle.contains("other"));
    remote.sign_out(ann(), Some(other.handle.clone())).await.unwrap();
    let last = received(&server).await.pop().unwrap();
    assert_eq!(last.body_json::<Value>().unwrap(), json!({ "token": "other-token" }));
}

/// S31: whatever URL stands in the user object, the environment is asked and nobody else; S69: what
/// is no picture is not shown.
#[tokio::test]
async fn a_picture_comes_from_the_environment_or_not_at_all() {
    let server = MockServer::start().await;
    let mut person = user();
    person["profilePicture"] = json!("http://169.254.169.254/_storage/e/b/f");
    Mock::given(path("/e:62a1/_api/rest/v1/auth/user"))
        .respond_with(ResponseTemplate::new(200).set_body_json(person))
        .mount(&server)
        .await;
    Mock::given(path("/_storage/e/b/f"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(&b"\x89PNG\r\n\x1a\n..."[..]))
        .mount(&server)
        .await;
    Mock::given(path("/_storage/e/b/svg"))
        .respond_with(
            ResponseTemplate::new(200).set_body_raw("<svg onload='x()'/>", "image/svg+xml"),
        )
        .mount(&server)
        .await;
    let remote = remote_at(&format!("{}/e:62a1", server.uri()), Arc::default());
    let shown = remote.signed_in_user(ann()).await.unwrap().user.profile_picture;
    assert_eq!(shown.as_deref(), Some("https://hall.example/_storage/e/b/f"));
    assert_eq!(remote.picture("e", "b", "f").await.unwrap().unwrap().mime_type, "image/png");
    for file in ["svg", "missing", "..", "f/../x"] {
        assert!(remote.picture("e", "b", file).await.unwrap().is_none(), "{file}");
    }
    let pictures = received(&server)
        .await
        .into_iter()
        .filter(|request| request.url.path().starts_with("/_storage"));
    for request in pictures {
        assert!(
            request.headers.get("session").is_none()
                && request.headers.get("x-client-key").is_none()
        );
    }
}
