//! The custom endpoints of the two-factor example (altogic-protocol.md §8). What needs a code is in
//! `tests/compat` and `tests/journeys`.

use actix_web::{http::Method, test::TestRequest};
use serde_json::json;

use super::{Wire, signed};

const PASSWORD: &str = "a lamp in the hall";

#[actix_web::test]
async fn without_a_second_factor_the_custom_sign_in_answers_session_and_user() {
    let wire = Wire::open(false).await;
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    wire.post("/auth/signup-email", "", body.clone()).await;
    for base in ["/entrance", "/entrance/e:0123456789abcdef01234567"] {
        let request = TestRequest::post().uri(&format!("{base}/users/sign-in"));
        let answer = wire.send(signed(request, "").set_json(body.clone())).await;
        assert_eq!(answer.status, 200);
        let json = answer.json();
        assert_eq!(json["session"]["userId"], json["user"]["_id"], "{json}");
    }
}

#[actix_web::test]
async fn the_custom_endpoints_stand_behind_the_same_channel() {
    let wire = Wire::open(true).await;
    for path in
        ["/users/set-phone", "/users/verify-phone", "/users/sign-in", "/user/verify-sign-in"]
    {
        let uri = format!("/entrance{path}");
        let without_key = wire.send(TestRequest::post().uri(&uri).set_json(json!({}))).await;
        assert_eq!(without_key.code(), "missing_client_key", "{path}");
        let preflight = TestRequest::default().method(Method::OPTIONS).uri(&uri);
        let preflight = wire.send(preflight.insert_header(("origin", "http://hall.example"))).await;
        assert_eq!(preflight.status, 204, "{path}");
        assert_eq!(
            preflight.header("access-control-allow-origin"),
            "http://hall.example",
            "{path}"
        );
    }
    let bodyless =
        TestRequest::post().uri("/entrance/users/set-phone?phoneNumber=%2B4915112345678");
    assert_eq!(wire.send(signed(bodyless, "")).await.code(), "missing_session_token");
}
