//! Work that a sign-up costs, whoever else has the address.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{CLIENT_KEY, Hall, PASSWORD};

const OTHER_PASSWORD: &str = "another lamp in the hall";

/// Addresses and numbers: free, of a sign-up that waits, and of an account.
const EMAILS: [&str; 3] = ["free@example.com", "waiting@example.com", "taken@example.com"];
const PHONES: [&str; 3] = ["+4915112340001", "+4915112340002", "+4915112340003"];

async fn hall() -> Hall {
    let hall = Hall::open_with(&[("VESTIBULE_LIMITS__FACTOR", "100")]).await;
    hall.member("Ann", EMAILS[2]).await;
    call(&hall, "signup-phone", json!({"phone": PHONES[2], "password": PASSWORD})).await;
    let code = hall.newest_code_to(PHONES[2]).await;
    call(&hall, &format!("verify-phone?phone=%2B{}&code={code}", &PHONES[2][1..]), json!({})).await;
    call(&hall, "signup-email", json!({"email": EMAILS[1], "password": PASSWORD})).await;
    call(&hall, "signup-phone", json!({"phone": PHONES[1], "password": PASSWORD})).await;
    hall
}

async fn call(hall: &Hall, path: &str, body: Value) {
    let uri = format!("/_api/rest/v1/auth/{path}");
    let request = TestRequest::post().uri(&uri).insert_header(("x-client-key", CLIENT_KEY));
    hall.send(request.set_json(body)).await;
}

async fn at_the_pages(hall: &Hall, path: &str, label: &str, target: &str, password: &str) {
    let mut browser = hall.browser();
    browser.open(path).await;
    browser.fill("Name", "Ann").fill(label, target).fill("Password", password);
    browser.press("Create account").await;
}

fn hashes(hall: &Hall) -> u64 {
    hall.vestibule.figures().expect("an engine").hashes
}

/// S04: the work does not tell that somebody signed up before.
#[actix_web::test]
async fn a_sign_up_runs_one_hash_whoever_else_has_the_address_at_the_pages_and_over_the_wire() {
    let hall = hall().await;
    for password in [OTHER_PASSWORD, PASSWORD] {
        for email in EMAILS {
            let before = hashes(&hall);
            at_the_pages(&hall, "/sign-up", "E-mail", email, password).await;
            assert_eq!(hashes(&hall), before + 1, "{email}, a page");
            call(&hall, "signup-email", json!({"email": email, "password": password})).await;
            assert_eq!(hashes(&hall), before + 2, "{email}, the wire");
        }
        for phone in PHONES {
            let before = hashes(&hall);
            at_the_pages(&hall, "/sign-up/phone", "Phone number", phone, password).await;
            assert_eq!(hashes(&hall), before + 1, "{phone}, a page");
            call(&hall, "signup-phone", json!({"phone": phone, "password": password})).await;
            assert_eq!(hashes(&hall), before + 2, "{phone}, the wire");
        }
    }
}
