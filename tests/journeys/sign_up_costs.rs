//! Work that a sign-up costs, whoever else has the address.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{CLIENT_KEY, PASSWORD, TestServer};

const OTHER_PASSWORD: &str = "another lamp in the hall";

/// Addresses and numbers: free, of a sign-up that waits, and of an account.
const EMAILS: [&str; 3] = ["free@example.com", "waiting@example.com", "taken@example.com"];
const PHONES: [&str; 3] = ["+4915112340001", "+4915112340002", "+4915112340003"];

async fn server() -> TestServer {
    let server = TestServer::open_with(&[("VESTIBULE_LIMITS__FACTOR", "100")]).await;
    server.signed_in_user("Ann", EMAILS[2]).await;
    call(&server, "signup-phone", json!({"phone": PHONES[2], "password": PASSWORD})).await;
    let code = server.newest_code_to(PHONES[2]).await;
    call(&server, &format!("verify-phone?phone=%2B{}&code={code}", &PHONES[2][1..]), json!({}))
        .await;
    call(&server, "signup-email", json!({"email": EMAILS[1], "password": PASSWORD})).await;
    call(&server, "signup-phone", json!({"phone": PHONES[1], "password": PASSWORD})).await;
    server
}

async fn call(server: &TestServer, path: &str, body: Value) {
    let uri = format!("/_api/rest/v1/auth/{path}");
    let request = TestRequest::post().uri(&uri).insert_header(("x-client-key", CLIENT_KEY));
    server.send(request.set_json(body)).await;
}

async fn at_the_pages(server: &TestServer, path: &str, label: &str, target: &str, password: &str) {
    let mut browser = server.browser();
    browser.open(path).await;
    browser.fill("Name", "Ann").fill(label, target).fill("Password", password);
    browser.press("Create account").await;
}

fn hashes(server: &TestServer) -> u64 {
    server.vestibule.stats().expect("an engine").hashes
}

/// S04: the work does not tell that somebody signed up before.
#[actix_web::test]
async fn a_sign_up_runs_one_hash_whoever_else_has_the_address_at_the_pages_and_over_the_wire() {
    let server = server().await;
    for password in [OTHER_PASSWORD, PASSWORD] {
        for email in EMAILS {
            let before = hashes(&server);
            at_the_pages(&server, "/sign-up", "E-mail", email, password).await;
            assert_eq!(hashes(&server), before + 1, "{email}, a page");
            call(&server, "signup-email", json!({"email": email, "password": password})).await;
            assert_eq!(hashes(&server), before + 2, "{email}, the wire");
        }
        for phone in PHONES {
            let before = hashes(&server);
            at_the_pages(&server, "/sign-up/phone", "Phone number", phone, password).await;
            assert_eq!(hashes(&server), before + 1, "{phone}, a page");
            call(&server, "signup-phone", json!({"phone": phone, "password": password})).await;
            assert_eq!(hashes(&server), before + 2, "{phone}, the wire");
        }
    }
}
