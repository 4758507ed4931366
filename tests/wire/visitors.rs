//! Visitors elsewhere, over the wire: they keep no owner out and use up no code that an owner asked
//! for (issue 12, points 8 and 9).

use std::net::SocketAddr;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Answer, Wire, at, signed};

const PASSWORD: &str = "a lamp in the hall";
const EMAIL: &str = "ann@example.com";
const PHONE: &str = "%2B4915112345678";
/// Client address of the owner.
const HOME: &str = "198.51.100.7";
/// Client address that the owner never used before.
const ABROAD: &str = "192.0.2.44";
/// Client address of a visitor.
const ELSEWHERE: &str = "203.0.113.9";

impl Wire {
    async fn call_from(&self, address: &str, path: &str, session: &str, body: Value) -> Answer {
        let path = if path.starts_with("/user") { format!("/entrance{path}") } else { at(path) };
        let peer = SocketAddr::new(address.parse().expect("an address"), 40_000);
        self.send(signed(TestRequest::post().uri(&path), session).set_json(body).peer_addr(peer))
            .await
    }

    /// An environment with the limits of a real one.
    async fn limited() -> Self {
        Self::open_with(|settings| (settings.limits_factor, settings.confirm_email) = (1.0, false))
            .await
    }

    /// Signs up at home; answers the session token.
    async fn owner(&self) -> String {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let answer = self.call_from(HOME, "/auth/signup-email", "", body).await;
        answer.json()["session"]["token"].as_str().expect("a session").to_owned()
    }

    async fn sign_in_from(&self, address: &str, password: &str) -> u16 {
        let body = json!({"email": EMAIL, "password": password});
        self.call_from(address, "/auth/signin-email", "", body).await.status
    }
}

fn other_than(code: &str) -> &'static str {
    if code == "123456" { "654321" } else { "123456" }
}

/// S12
#[actix_web::test]
async fn wrong_passwords_make_nobody_wait_elsewhere() {
    for path in ["/auth/signin-email", "/users/sign-in"] {
        let wire = Wire::limited().await;
        wire.owner().await;
        let body = |password: &str| json!({"email": EMAIL, "password": password});
        let mut told = 0;
        for _ in 0..10 {
            told += usize::from(
                wire.call_from(ELSEWHERE, path, "", body("a wrong one")).await.status == 429,
            );
        }
        assert_eq!(told, 5, "{path}");
        for address in [HOME, ABROAD] {
            assert_eq!(
                wire.call_from(address, path, "", body(PASSWORD)).await.status,
                200,
                "{path} {address}"
            );
        }
    }
}

/// S12, S107
#[actix_web::test]
async fn wrong_passwords_from_many_networks_end_and_the_owner_gets_in_at_home() {
    let wire = Wire::limited().await;
    wire.owner().await;
    let mut looked_at = 0;
    for network in 0..25 {
        for _ in 0..5 {
            looked_at += usize::from(
                wire.sign_in_from(&format!("203.0.{network}.9"), "a wrong one").await != 429,
            );
        }
    }
    // The clock is a real one: one may have come back meanwhile.
    assert!((100..=101).contains(&looked_at), "{looked_at}");
    assert_eq!(wire.sign_in_from(ABROAD, PASSWORD).await, 429);
    assert_eq!(wire.sign_in_from(HOME, PASSWORD).await, 200);
}

/// S23: with one sign-up, and a code that the owner of the number asked for.
#[actix_web::test]
async fn a_visitors_password_opens_nothing_once_the_owner_proves_the_number() {
    for (proves_at, status) in [(HOME, 401), (ELSEWHERE, 200)] {
        let wire = Wire::limited().await;
        let sign_up = json!({"phone": "+4915112345678", "password": PASSWORD, "name": "Eve"});
        let answer = wire.call_from(ELSEWHERE, "/auth/signup-phone", "", sign_up).await;
        assert_eq!(answer.status, 200);
        let resend = format!("/auth/resend-code?phone={PHONE}");
        assert_eq!(wire.call_from(proves_at, &resend, "", json!({})).await.status, 200);
        let reauthenticate = format!("/auth/verify-phone?phone={PHONE}&code={}", wire.code().await);
        let proved = wire.call_from(proves_at, &reauthenticate, "", json!({})).await.json();
        assert!(proved["session"]["token"].is_string(), "{proved}");
        let credentials = json!({"phone": "+4915112345678", "password": PASSWORD});
        let answer = wire.call_from(ELSEWHERE, "/auth/signin-phone", "", credentials).await;
        assert_eq!(answer.status, status, "proved at {proves_at}");
    }
}

/// S12, S16, S17
#[actix_web::test]
async fn a_visitor_who_asks_for_a_code_and_guesses_leaves_the_owners_alone() {
    let calls = [
        ("/auth/send-code", "/auth/signin-code"),
        ("/auth/send-reset-code", "/auth/reset-pwd-code"),
    ];
    for (ask, enter) in calls {
        let wire = Wire::limited().await;
        wire.phone_user().await;
        let body = json!({"newPassword": "four grey geese there"});
        let ask = format!("{ask}?phone={PHONE}");
        let enter = |code: &str| format!("{enter}?phone={PHONE}&code={code}");
        assert_eq!(wire.call_from(ABROAD, &ask, "", json!({})).await.status, 200);
        let code = wire.code().await;
        assert_eq!(wire.call_from(ELSEWHERE, &ask, "", json!({})).await.status, 200);
        for _ in 0..12 {
            assert_ne!(
                wire.call_from(ELSEWHERE, &enter(other_than(&code)), "", body.clone()).await.status,
                200
            );
        }
        let answer = wire.call_from(ABROAD, &enter(&code), "", body.clone()).await;
        assert_eq!(
            answer.status,
            200,
            "{enter}: {}",
            String::from_utf8_lossy(&answer.bytes),
            enter = enter("-")
        );
    }
}

/// S12, S16, S17: not even one who knows the password.
#[actix_web::test]
async fn a_visitor_at_the_second_factor_leaves_the_owners_sign_in_alone() {
    let wire = Wire::limited().await;
    let session = wire.owner().await;
    assert_eq!(
        wire.call_from(HOME, &format!("/users/set-phone?phoneNumber={PHONE}"), &session, json!({}))
            .await
            .status,
        200
    );
    let proof = json!({"phoneNumber": "+4915112345678", "code": wire.code().await});
    let user = wire.call_from(HOME, "/users/verify-phone", &session, proof).await.json();
    let id = user["_id"].as_str().or(user["user"]["_id"].as_str()).expect("an id").to_owned();
    let on = json!({"model": "users", "id": id, "values": {"twoFactorAuth": true}});
    assert_eq!(wire.call_from(HOME, "/db/object/update", &session, on).await.status, 200);

    let first = json!({"email": EMAIL, "password": PASSWORD});
    wire.call_from(HOME, "/users/sign-in", "", first.clone()).await;
    let code = wire.code().await;
    let second = |code: &str| json!({"phoneNumber": "+4915112345678", "code": code});
    wire.call_from(ELSEWHERE, "/users/sign-in", "", first).await;
    for _ in 0..12 {
        let wrong = second(other_than(&code));
        assert_ne!(wire.call_from(ELSEWHERE, "/user/verify-sign-in", "", wrong).await.status, 200);
    }
    let answer = wire.call_from(HOME, "/user/verify-sign-in", "", second(&code)).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.bytes));
}
