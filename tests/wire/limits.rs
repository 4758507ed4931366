//! Every call that can be tried too often says so, and when to come back.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Answer, Wire, at, signed};

const PASSWORD: &str = "a lamp in the hall";
const WRONG: &str = "a wrong password";

/// A call, made from a number so that no two are alike where they need not be.
type Tried = fn(usize) -> (String, Value);

impl Wire {
    async fn with_limits() -> Self {
        Self::open_with(|settings| (settings.limits_factor, settings.confirm_email) = (1.0, false))
            .await
    }

    /// From one machine, again and again, until it is told to wait.
    async fn until_limited(&self, tried: Tried, session: &str) -> (usize, Answer) {
        for number in 0..300 {
            let (path, body) = tried(number);
            let path =
                if path.starts_with("/user") { format!("/entrance{path}") } else { at(&path) };
            let request = signed(TestRequest::post().uri(&path), session).set_json(body);
            let answer = self
                .send(request.peer_addr("198.51.100.7:40000".parse().expect("an address")))
                .await;
            if answer.status == 429 {
                return (number, answer);
            }
        }
        panic!("nothing limits it")
    }
}

/// Says how long in the header and in words.
fn assert_told(name: &str, (taken, answer): (usize, Answer), allowance: usize, longest: u64) {
    assert_eq!(answer.code(), "rate_limit_exceeded", "{name}");
    let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=longest).contains(&seconds), "{name}: {seconds}");
    let message = answer.json()["errors"][0]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("Wait ") && message.contains("try again"), "{name}: {message}");
    // The clock is a real one: some may have come back meanwhile.
    assert!((allowance..allowance + 10).contains(&taken), "{name}: {taken}");
}

fn phone(number: usize) -> String {
    format!("%2B4915112{number:06}")
}

/// S06, S12, S64, S65: for whoever is not signed in.
#[actix_web::test]
async fn every_call_of_a_visitor_that_can_be_tried_says_when_to_come_back() {
    let tried: [(&str, Tried, usize, u64); 15] = [
        (
            "one account",
            |_| ("/auth/signin-email".into(), json!({"email": "a@example.com", "password": WRONG})),
            5,
            30,
        ),
        (
            "one number",
            |_| {
                ("/auth/signin-phone".into(), json!({"phone": "+4915112345678", "password": WRONG}))
            },
            5,
            30,
        ),
        (
            "custom",
            |_| ("/users/sign-in".into(), json!({"email": "a@example.com", "password": WRONG})),
            5,
            30,
        ),
        (
            "many",
            |n| {
                (
                    "/auth/signin-email".into(),
                    json!({"email": format!("a{n}@example.com"), "password": WRONG}),
                )
            },
            60,
            6,
        ),
        (
            "sign-up",
            |n| {
                (
                    "/auth/signup-email".into(),
                    json!({"email": format!("a{n}@example.com"), "password": PASSWORD}),
                )
            },
            20,
            180,
        ),
        (
            "by phone",
            |n| {
                (
                    "/auth/signup-phone".into(),
                    json!({"phone": format!("+4915112{n:06}"), "password": PASSWORD}),
                )
            },
            10,
            360,
        ),
        (
            "magic link",
            |n| (format!("/auth/send-magic?email=a{n}@example.com"), json!({})),
            20,
            180,
        ),
        (
            "reset link",
            |n| (format!("/auth/send-reset?email=a{n}@example.com"), json!({})),
            20,
            180,
        ),
        ("code", |n| (format!("/auth/send-code?phone={}", phone(n)), json!({})), 10, 360),
        ("code again", |n| (format!("/auth/resend-code?phone={}", phone(n)), json!({})), 10, 360),
        (
            "reset code",
            |n| (format!("/auth/send-reset-code?phone={}", phone(n)), json!({})),
            10,
            360,
        ),
        (
            "guess",
            |_| (format!("/auth/signin-code?phone={}&code=123456", phone(1)), json!({})),
            10,
            30,
        ),
        (
            "proof",
            |_| (format!("/auth/verify-phone?phone={}&code=123456", phone(1)), json!({})),
            10,
            30,
        ),
        (
            "reset",
            |_| {
                (
                    format!("/auth/reset-pwd-code?phone={}&code=123456", phone(1)),
                    json!({"newPassword": PASSWORD}),
                )
            },
            10,
            30,
        ),
        (
            "second factor",
            |_| {
                (
                    "/user/verify-sign-in".into(),
                    json!({"phoneNumber": "+4915112345678", "code": "123456"}),
                )
            },
            10,
            30,
        ),
    ];
    for (name, tried, allowance, wait) in tried {
        let wire = Wire::with_limits().await;
        assert_told(name, wire.until_limited(tried, "").await, allowance, wait);
    }
}

/// The confirmation is emailed again only where addresses are confirmed.
#[actix_web::test]
async fn asking_for_the_confirmation_again_says_when_to_come_back() {
    let wire = Wire::open_with(|settings| settings.limits_factor = 1.0).await;
    let tried: Tried = |n| (format!("/auth/resend?email=a{n}@example.com"), json!({}));
    assert_told("resend", wire.until_limited(tried, "").await, 20, 180);
}

/// For signed-in users: what asks for the password, what texts, what emails, what stores.
#[actix_web::test]
async fn every_call_of_a_signed_in_user_that_can_be_tried_says_when_to_come_back() {
    let tried: [(&str, Tried, usize, u64); 6] = [
        (
            "password",
            |_| {
                (
                    "/auth/change-pwd".into(),
                    json!({"oldPassword": WRONG, "newPassword": "four grey geese there"}),
                )
            },
            5,
            30,
        ),
        (
            "email",
            |_| {
                (
                    "/auth/change-email".into(),
                    json!({"currentPassword": WRONG, "newEmail": "b@example.com"}),
                )
            },
            5,
            30,
        ),
        (
            "phone",
            |_| {
                (
                    "/auth/change-phone".into(),
                    json!({"currentPassword": WRONG, "newPhone": "+4915112345678"}),
                )
            },
            5,
            30,
        ),
        (
            "many phones",
            |n| (format!("/users/set-phone?phoneNumber={}", phone(n)), json!({})),
            10,
            600,
        ),
        (
            "proof",
            |_| {
                (
                    "/users/verify-phone".into(),
                    json!({"phoneNumber": "+4915112345678", "code": "123456"}),
                )
            },
            10,
            30,
        ),
        (
            "many addresses",
            |n| {
                (
                    "/auth/change-email".into(),
                    json!({"currentPassword": PASSWORD, "newEmail": format!("b{n}@example.com")}),
                )
            },
            10,
            600,
        ),
    ];
    for (name, tried, allowance, wait) in tried {
        let wire = Wire::with_limits().await;
        let body = json!({"email": "ann@example.com", "password": PASSWORD});
        let session = wire.post("/auth/signup-email", "", body).await.json()["session"]["token"]
            .as_str()
            .map(str::to_owned);
        let limited = wire.until_limited(tried, &session.expect("a session")).await;
        assert_told(name, limited, allowance, wait);
    }
}

/// S108: work that takes longer than a millisecond has a limit, whatever comes of it.
#[actix_web::test]
async fn reading_numbers_and_rating_passwords_is_limited_by_address() {
    let number: Tried =
        |n| ("/auth/signin-phone".into(), json!({"phone": format!("+4{n}"), "password": WRONG}));
    let password: Tried = |n| {
        (
            "/auth/signup-email".into(),
            json!({"email": format!("a{n}@example.com"), "password": "password"}),
        )
    };
    for (name, tried, allowance, wait) in
        [("number", number, 240, 1), ("password", password, 120, 3)]
    {
        let wire = Wire::with_limits().await;
        assert_told(name, wire.until_limited(tried, "").await, allowance, wait);
    }
}

/// S75, S108
#[actix_web::test]
async fn json_that_nests_deep_or_has_thousands_of_parts_is_refused_unread() {
    let wire = Wire::open(true).await;
    let nested = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let many: serde_json::Map<String, Value> =
        (0..5000).map(|number| (number.to_string(), json!(1))).collect();
    for value in [nested, Value::Object(many)] {
        let answer =
            wire.post("/auth/signup-email", "", json!({"nameOrUserData": {"a": value}})).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "validation_error"));
        assert!(
            answer.json()["errors"][0]["message"]
                .as_str()
                .is_some_and(|message| message.contains("nests"))
        );
    }
}
