//! A sign-up that arrives twice at once.

use actix_web::{http::Method, test::TestRequest};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";

fn call(path: &str, body: Value) -> TestRequest {
    let uri = format!("/_api/rest/v1/auth/{path}");
    TestRequest::post().uri(&uri).insert_header(("x-client-key", CLIENT_KEY)).set_json(body)
}

/// S111
#[actix_web::test]
async fn an_application_that_signs_up_twice_at_once_gets_one_account_whose_password_works() {
    let server = TestServer::open().await;
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let twice = (0..2).map(|_| server.send(call("signup-email", body.clone())));
    let users: Vec<Value> = join_all(twice)
        .await
        .into_iter()
        .map(|(status, _, bytes)| {
            assert_eq!(status, 200);
            serde_json::from_slice::<Value>(&bytes).expect("JSON")["user"]["_id"].clone()
        })
        .collect();
    assert_eq!(users[0], users[1]);
    for mail in server.email_to(EMAIL).await.into_iter().take(1) {
        let path =
            mail.link().strip_prefix(&server.public_url).expect("a link of the hall").to_owned();
        let (_, headers, _) = server.send(TestRequest::get().uri(&path)).await;
        let location =
            url::Url::parse(headers.get("location").expect("a location").to_str().expect("ASCII"));
        let location = location.expect("an address");
        let token = location
            .query_pairs()
            .find(|(name, _)| name == "access_token")
            .expect("a token")
            .1
            .into_owned();
        let uri = format!("/_api/rest/v1/auth/grant?key={token}");
        // S43: a HEAD spends nothing.
        for (method, status) in [(Method::HEAD, 405), (Method::GET, 200)] {
            let grant = TestRequest::with_uri(&uri).method(method);
            let grant = grant.insert_header(("x-client-key", CLIENT_KEY));
            assert_eq!(server.send(grant).await.0, status);
        }
    }
    assert_eq!(server.send(call("signin-email", body)).await.0, 200);
}

/// S111
#[actix_web::test]
async fn an_application_that_signs_a_phone_up_twice_at_once_gets_one_account_whose_password_works()
{
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    let body = json!({"phone": PHONE, "password": PASSWORD});
    let twice = (0..2).map(|_| server.send(call("signup-phone", body.clone())));
    for (status, _, bytes) in join_all(twice).await {
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    }
    let code = server.newest_code_to(PHONE).await;
    let verify = call(&format!("verify-phone?phone=%2B4915112345678&code={code}"), json!({}));
    let (status, _, bytes) = server.send(verify).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    assert_eq!(server.send(call("signin-phone", body)).await.0, 200);
}
