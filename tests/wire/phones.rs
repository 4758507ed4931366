//! Accounts with a number, over the wire.

use std::sync::Arc;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use vestibule::{
    engine::{
        SystemClock, SystemRandom,
        outbox::{DeliveryWorker, OutboxFolder, SmsTransport, Transport},
        store::Store,
    },
    port::DevInbox,
};

use super::{Answer, Wire, at, signed};

const PASSWORD: &str = "a lamp in the hall";
const PHONE: &str = "+4915112345678";

impl Wire {
    /// The newest code that was sent.
    pub(super) async fn code(&self) -> String {
        let folder = self._folder.path();
        let out = folder.join("outbox");
        let store =
            Store::open(&format!("sqlite:{}/hall.db", folder.display())).await.expect("a store");
        let mail = Transport::folder(&out, "hall@example.com", "Vestibule").expect("a folder");
        let sms = SmsTransport::folder(&out).expect("a folder");
        let outbox = self.engine.outbox().clone();
        DeliveryWorker::new(
            store,
            outbox,
            mail,
            sms,
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        )
        .drain()
        .await;
        let messages = OutboxFolder::new(out).messages().await.expect("messages");
        messages.first().and_then(|message| message.codes.first()).expect("a code").clone()
    }

    /// A call that has everything in its query, and no body.
    async fn ask(&self, path: &str) -> Answer {
        self.send(signed(TestRequest::post().uri(&at(path)), "")).await
    }

    /// As [`ask`](Self::ask), with a session and from an address.
    async fn ask_from(&self, path: &str, session: &str, address: &str) -> Answer {
        let peer = address.parse().expect("an address");
        self.send(signed(TestRequest::post().uri(&at(path)), session).peer_addr(peer)).await
    }

    /// Begins to change a number, from an address.
    async fn change_phone_from(&self, session: &str, phone: &str, address: &str) {
        let body = json!({"currentPassword": PASSWORD, "newPhone": phone});
        let request = signed(TestRequest::post().uri(&at("/auth/change-phone")), session);
        let peer = address.parse().expect("an address");
        assert_eq!(self.send(request.set_json(body).peer_addr(peer)).await.status, 200);
    }

    async fn sign_up_phone(&self) {
        let body = json!({"phone": PHONE, "password": PASSWORD, "name": "Ann"});
        assert_eq!(self.post("/auth/signup-phone", "", body).await.status, 200);
    }

    /// Signs up, proves the number and answers the session token.
    pub(super) async fn phone_user(&self) -> String {
        self.sign_up_phone().await;
        let answer = self
            .ask(&format!("/auth/verify-phone?code={}&phone=%2B4915112345678", self.code().await))
            .await;
        token(&answer.json())
    }
}

fn token(answer: &Value) -> String {
    answer["session"]["token"].as_str().expect("a session").to_owned()
}

#[actix_web::test]
async fn a_sign_up_with_a_number_waits_for_its_code_and_then_has_a_session() {
    let wire = Wire::open(true).await;
    let user_data = json!({"name": "Ann", "phoneVerified": true});
    let body =
        json!({"phone": "+49 1511 2345678", "password": PASSWORD, "nameOrUserData": user_data});
    let answer = wire.post("/auth/signup-phone", "", body).await;
    insta::assert_json_snapshot!(answer.json(), {
        ".user._id" => "[id]", ".user.providerUserId" => "[id]", ".user.signUpAt" => "[date]",
        ".user.lastLoginAt" => "[date]",
    }, @r#"
    {
      "session": null,
      "user": {
        "_id": "[id]",
        "lastLoginAt": "[date]",
        "name": "Ann",
        "phone": "+4915112345678",
        "phoneVerified": false,
        "provider": "altogic",
        "providerUserId": "[id]",
        "signUpAt": "[date]",
        "twoFactorAuth": false
      }
    }
    "#);
    let sign_in =
        || wire.post("/auth/signin-phone", "", json!({"phone": PHONE, "password": PASSWORD}));
    let answer = sign_in().await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "phone_not_verified"));
    let code = wire.code().await;
    let verified =
        wire.ask(&format!("/auth/verify-phone?code={code}&phone=+4915112345678")).await.json();
    assert_eq!(wire.get("/auth/user", &token(&verified)).await.json()["phoneVerified"], true);
    assert_eq!(sign_in().await.json()["user"]["_id"], verified["user"]["_id"]);
    let answer =
        wire.post("/auth/signup-phone", "", json!({"phone": PHONE, "password": PASSWORD})).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "phone_not_unique"));
}

#[actix_web::test]
async fn an_unknown_number_and_a_wrong_password_are_one_answer() {
    let wire = Wire::open(true).await;
    wire.phone_user().await;
    for phone in [PHONE, "+4915112345679"] {
        let answer =
            wire.post("/auth/signin-phone", "", json!({"phone": phone, "password": "wrong"})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_credentials"),
            "{phone}"
        );
    }
}

#[actix_web::test]
async fn asking_for_a_code_answers_the_same_whether_or_not_there_is_an_account() {
    let wire = Wire::open(true).await;
    wire.phone_user().await;
    for path in ["/auth/resend-code", "/auth/send-code", "/auth/send-reset-code"] {
        for phone in ["%2B4915112345678", "%2B4915112345679"] {
            let answer = wire.ask(&format!("{path}?phone={phone}")).await;
            assert_eq!((answer.status, answer.bytes.len()), (200, 0), "{path} {phone}");
        }
        let answer = wire.ask(path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "missing_phone_number"),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn a_code_signs_in_once_and_another_one_resets_the_password() {
    let wire = Wire::open(true).await;
    wire.phone_user().await;
    wire.ask("/auth/send-code?phone=%2B4915112345678").await;
    let sign_in = format!("/auth/signin-code?code={}&phone=%2B4915112345678", wire.code().await);
    let session = token(&wire.ask(&sign_in).await.json());
    let answer = wire.ask(&sign_in).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "invalid_access_token"));
    assert_eq!(
        wire.ask("/auth/signin-code?phone=%2B4915112345678").await.code(),
        "missing_sms_code"
    );
    wire.ask("/auth/send-reset-code?phone=%2B4915112345678").await;
    let reset = format!("/auth/reset-pwd-code?phone=%2B4915112345678&code={}", wire.code().await);
    let answer = wire.post(&reset, "", json!({"newPassword": "another lamp in the hall"})).await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
    assert_eq!(wire.get("/auth/user", &session).await.code(), "invalid_session_token");
}

#[actix_web::test]
async fn a_change_answers_the_bare_user_and_its_proof_no_session() {
    let wire = Wire::open(true).await;
    let session = wire.phone_user().await;
    let change = |password: &str| json!({"currentPassword": password, "newPhone": "+905302223344"});
    let answer = wire.post("/auth/change-phone", "", change(PASSWORD)).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "missing_session_token"));
    let answer = wire.post("/auth/change-phone", &session, change("wrong")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_credentials"));
    assert_eq!(
        wire.post("/auth/change-phone", &session, change(PASSWORD)).await.json()["phone"],
        PHONE
    );
    let proof = format!("/auth/verify-phone?code={}&phone=%2B905302223344", wire.code().await);
    let verified = wire.ask(&proof).await.json();
    assert_eq!(
        (&verified["user"]["phone"], &verified["session"]),
        (&json!("+905302223344"), &Value::Null)
    );
}

/// S23: from wherever the owner of the number signs up.
#[actix_web::test]
async fn a_change_of_number_that_a_visitor_began_is_not_finished_by_the_owner_of_the_number() {
    for address in ["198.51.100.7:40000", "203.0.113.9:40000"] {
        let wire = Wire::open(true).await;
        let eve = wire.phone_user().await;
        wire.change_phone_from(&eve, "+905302223344", "198.51.100.7:40000").await;
        let eves_code = wire.code().await;
        let body = json!({"phone": "+905302223344", "password": PASSWORD, "name": "Ann"});
        let request = signed(TestRequest::post().uri(&at("/auth/signup-phone")), "");
        let request = request.set_json(body).peer_addr(address.parse().expect("an address"));
        assert_eq!(wire.send(request).await.status, 200);
        let anns_code = wire.code().await;
        let proof = |code: &str| format!("/auth/verify-phone?code={code}&phone=%2B905302223344");
        let answer = wire.ask_from(&proof(&eves_code), "", address).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "invalid_access_token"));
        assert_eq!(wire.get("/auth/user", &eve).await.json()["phone"], PHONE);
        let ann = token(&wire.ask_from(&proof(&anns_code), "", address).await.json());
        assert_eq!(wire.get("/auth/user", &ann).await.json()["phone"], "+905302223344");
    }
}

/// S23: the program that asked, or a session of the account, finishes a change; nobody else does.
#[actix_web::test]
async fn a_change_of_number_is_finished_where_it_was_begun_or_with_a_session() {
    const HERE: &str = "198.51.100.7:40000";
    const THERE: &str = "203.0.113.9:40000";
    for (address, has_session, status) in
        [(HERE, false, 200), (HERE, true, 200), (THERE, true, 200), (THERE, false, 403)]
    {
        let wire = Wire::open(true).await;
        let session = wire.phone_user().await;
        wire.change_phone_from(&session, "+905302223344", HERE).await;
        let proof = format!("/auth/verify-phone?code={}&phone=%2B905302223344", wire.code().await);
        let session = if has_session { &*session } else { "" };
        let answer = wire.ask_from(&proof, session, address).await;
        assert_eq!(answer.status, status, "{address} {has_session}");
    }
}

#[actix_web::test]
async fn what_is_switched_off_says_so() {
    let wire = Wire::open_with(|settings| {
        (settings.phone_sign_up, settings.sign_in_codes) = (false, false)
    })
    .await;
    let answer =
        wire.post("/auth/signup-phone", "", json!({"phone": PHONE, "password": PASSWORD})).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "not_allowed"));
    let answer = wire.ask("/auth/send-code?phone=%2B4915112345678").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "sms_auth_codes_disabled"));
}
