//! The way in: keys, origins, and that every answer can be read.

use actix_web::{http::Method, test::TestRequest};

use super::{KEY, OTHER_KEY, Wire, at};

fn sign_in() -> TestRequest {
    TestRequest::post().uri(&at("/auth/signin-email")).insert_header(("x-client-key", KEY))
}

#[actix_web::test]
async fn an_application_needs_a_key() {
    let wire = Wire::open(true).await;
    let user = || TestRequest::get().uri(&at("/auth/user"));
    let answer = wire.send(user()).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "missing_client_key"));
    let answer = wire.send(user().insert_header(("x-client-key", "a-client-kez"))).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_client_key"));
    let answer = wire.send(user().insert_header(("x-client-key", KEY))).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "missing_session_token"));
    let answer = wire
        .send(user().insert_header(("x-client-key", KEY)).insert_header(("session", "a b")))
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_session_token"));
}

#[actix_web::test]
async fn every_path_and_method_that_is_not_there_has_an_envelope() {
    let wire = Wire::open(true).await;
    for path in [
        "/entrance/_api",
        "/entrance/_api/",
        "/entrance/_api/x%00%ff",
        "/entrance/e:abc/_api/rest/v1/auth/nothing",
    ] {
        let answer = wire.send(TestRequest::get().uri(path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "resource_not_found"), "{path}");
    }
    let answer = wire.send(TestRequest::get().uri(&at("/auth/signin-email"))).await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(answer.header("allow"), "POST, OPTIONS");
    for path in
        ["/entrance/_storage/a/b/c", "/entrance/e:x/_storage/a", "/entrance/_storage/a/b/c/d"]
    {
        assert_eq!(
            wire.send(TestRequest::get().uri(path)).await.code(),
            "resource_not_found",
            "{path}"
        );
    }
}

#[actix_web::test]
async fn everything_is_there_under_an_environment_too() {
    let wire = Wire::open(true).await;
    let path = "/entrance/e:5f1b0a7c2d3e4f5a6b7c8d9e/_api/rest/v1/auth/user";
    let answer = wire.send(TestRequest::get().uri(path).insert_header(("x-client-key", KEY))).await;
    assert_eq!(answer.code(), "missing_session_token");
}

#[actix_web::test]
async fn a_body_that_is_wrong_has_an_envelope() {
    let wire = Wire::open(true).await;
    let json = ("content-type", "application/json; charset=utf-8");
    for (body, status, code) in [
        (&b"{"[..], 400, "invalid_request_body_syntax"),
        (b"\xff\xfe", 400, "invalid_request_body_syntax"),
        (b"{\"email\":\"\xff\"}", 400, "invalid_request_body_syntax"),
        (b"[]", 400, "validation_error"),
        (b"{\"email\":1}", 400, "validation_error"),
        (b"{\"email\":\"a\",\"email\":\"b\"}", 400, "validation_error"),
    ] {
        let answer = wire.send(sign_in().insert_header(json).set_payload(body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body:?}");
    }
    let answer = wire.send(sign_in().insert_header(json).set_payload(vec![b' '; 65 * 1024])).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "request_body_size_too_large"));
    let answer =
        wire.send(sign_in().insert_header(("content-type", "text/plain")).set_payload("{}")).await;
    assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"));
}

#[actix_web::test]
async fn a_page_of_a_known_origin_may_ask_and_read_and_others_may_not() {
    let wire = Wire::open(true).await;
    let asked = |origin: &str| {
        let request = TestRequest::default().method(Method::OPTIONS).uri(&at("/auth/user"));
        request.insert_header(("origin", origin.to_owned()))
    };
    for origin in ["http://hall.example", "https://app.example"] {
        let answer = wire.send(asked(origin)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, origin));
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        let headers = "content-type, x-client, x-client-key, session, authorization";
        assert_eq!(answer.header("access-control-allow-headers"), headers);
        assert_eq!(answer.header("vary"), "Origin");
    }
    for origin in ["https://app.example.evil", "null", "http://app.example"] {
        let answer = wire.send(asked(origin)).await;
        assert_eq!(
            (answer.header("access-control-allow-origin"), answer.header("vary")),
            ("", "Origin"),
            "{origin}"
        );
    }
}

#[actix_web::test]
async fn a_key_is_only_for_pages_of_its_own_origins() {
    let wire = Wire::open(true).await;
    let call = |key: &'static str| {
        let request = TestRequest::get()
            .uri(&at("/auth/user"))
            .insert_header(("origin", "https://app.example"));
        request.insert_header(("x-client-key", key))
    };
    let answer = wire.send(call(KEY)).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "domain_not_authorized"));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://app.example",
        "the page can read why"
    );
    assert_eq!(wire.send(call(OTHER_KEY)).await.code(), "missing_session_token");
}

#[actix_web::test]
async fn an_answer_is_neither_kept_nor_sniffed() {
    let wire = Wire::open(true).await;
    for request in [sign_in(), TestRequest::get().uri("/entrance/_api/nothing")] {
        let answer = wire.send(request).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
}

#[actix_web::test]
async fn a_bad_emailed_link_goes_on_with_the_reason() {
    let wire = Wire::open(true).await;
    let answer =
        wire.send(TestRequest::get().uri(&at("/auth/verify?key=x&action=magic-link"))).await;
    let location = "http://hall.example/entrance/auth-redirect?status=400&action=magic-link&error=Invalid+or+expired+access+token";
    assert_eq!((answer.status, answer.header("location")), (302, location));
}
