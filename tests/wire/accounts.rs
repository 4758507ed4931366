//! Accounts over the wire.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Wire, at, signed};

const PASSWORD: &str = "a lamp in the hall";

async fn signed_up(wire: &Wire, email: &str) -> (String, Value) {
    let answer =
        wire.post("/auth/signup-email", "", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.bytes));
    let json = answer.json();
    (json["session"]["token"].as_str().unwrap_or_default().to_owned(), json["user"].clone())
}

#[actix_web::test]
async fn a_sign_up_answers_the_user_and_no_session_while_it_waits() {
    let wire = Wire::open(true).await;
    let body = json!({
        "email": "Ann+x@Example.com",
        "password": PASSWORD,
        "nameOrUserData": {"name": "Ann", "emailVerified": true},
    });
    let answer = wire.post("/auth/signup-email", "", body).await;
    insta::assert_json_snapshot!(answer.json(), {
        ".user._id" => "[id]", ".user.providerUserId" => "[id]", ".user.signUpAt" => "[date]",
        ".user.lastLoginAt" => "[date]",
    }, @r#"
    {
      "session": null,
      "user": {
        "_id": "[id]",
        "email": "ann+x@example.com",
        "emailVerified": false,
        "lastLoginAt": "[date]",
        "name": "Ann",
        "provider": "altogic",
        "providerUserId": "[id]",
        "signUpAt": "[date]",
        "twoFactorAuth": false
      }
    }
    "#);
    let answer = wire
        .post("/auth/signin-email", "", json!({"email": "ann+x@example.com", "password": PASSWORD}))
        .await;
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "errors": [
        {
          "code": "email_not_verified",
          "message": "The email address has not been verified yet.",
          "origin": "client_error"
        }
      ]
    }
    "#);
    assert_eq!(answer.status, 401);
}

#[actix_web::test]
async fn two_bad_fields_are_two_errors() {
    let wire = Wire::open(true).await;
    let answer =
        wire.post("/auth/signup-email", "", json!({"email": "ann", "password": "x"})).await;
    assert_eq!((answer.status, answer.json()["errors"].as_array().map(Vec::len)), (400, Some(2)));
}

#[actix_web::test]
async fn calls_without_a_body_work_and_a_plus_stays_a_plus() {
    let wire = Wire::open(true).await;
    for path in ["/auth/resend", "/auth/send-magic", "/auth/send-reset"] {
        let request = TestRequest::post().uri(&at(&format!("{path}?email=a+b@example.com")));
        let answer = wire.send(signed(request, "")).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 0), "{path}");
    }
}

#[actix_web::test]
async fn a_session_shows_itself_and_ends_everywhere_else() {
    let wire = Wire::open(false).await;
    let (first, user) = signed_up(&wire, "ann@example.com").await;
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let second = wire.post("/auth/signin-email", "", body).await.json()["session"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(wire.get("/auth/user", &first).await.json()["_id"], user["_id"]);
    let sessions = wire.get("/auth/sessions", &second).await.json();
    let tokens: Vec<&str> = sessions
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["token"].as_str().unwrap())
        .collect();
    assert!(
        tokens.contains(&second.as_str()) && !tokens.contains(&first.as_str()),
        "only the caller's own token is real"
    );
    assert_eq!(sessions[0]["userAgent"]["os"]["family"], "Other");
    assert_eq!(
        wire.get("/auth/user", tokens.iter().find(|token| **token != second).unwrap()).await.code(),
        "invalid_session_token"
    );
    let answer = wire.post("/auth/signout-all-except", &second, json!({})).await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
    assert_eq!(wire.get("/auth/user", &first).await.code(), "invalid_session_token");
    assert_eq!(wire.post("/auth/signout", &second, json!({})).await.status, 200);
    assert_eq!(wire.get("/auth/user", &second).await.code(), "invalid_session_token");
}

#[actix_web::test]
async fn one_can_change_ones_own_object_and_nobody_elses() {
    let wire = Wire::open(false).await;
    let (ann, user) = signed_up(&wire, "ann@example.com").await;
    let (bob, _) = signed_up(&wire, "bob@example.com").await;
    let update = |values: Value| {
        json!({
            "model": "users",
            "id": user["_id"],
            "values": values,
            "options": {},
        })
    };
    let answer = wire.post("/db/object/update", &ann, update(json!({"name": "Ann B."}))).await;
    assert_eq!((answer.status, &answer.json()["name"]), (200, &json!("Ann B.")));
    let answer = wire.post("/db/object/update", &bob, update(json!({"name": "x"}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "object_not_found"));
    let answer = wire.post("/db/object/update", &ann, update(json!({"emailVerified": true}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "permission_denied"));
    let unset = json!({
        "model": "users",
        "id": user["_id"],
        "updates": [{"field": "name", "updateType": "unset"}],
    });
    assert_eq!(wire.post("/db/object/update-fields", &ann, unset).await.json().get("name"), None);
    let push = json!({
        "model": "users",
        "id": user["_id"],
        "updates": [{"field": "name", "updateType": "push"}],
    });
    assert_eq!(wire.post("/db/object/update-fields", &ann, push).await.code(), "validation_error");
}

#[actix_web::test]
async fn a_visitor_uploads_nothing_and_a_text_is_no_picture() {
    let wire = Wire::open(false).await;
    let upload = "/storage/bucket/upload-object?bucket=root&fileName=a&options=%7B%22createBucket%22%3Atrue%7D";
    assert_eq!(wire.post(upload, "", json!("text")).await.code(), "missing_session_token");
    let (ann, _) = signed_up(&wire, "ann@example.com").await;
    let answer = wire.post(upload, &ann, json!("text")).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "file_upload_error"));
    let text = TestRequest::post()
        .uri(&at("/storage/bucket/upload-formdata"))
        .set_payload("[object FormData]");
    let answer = wire.send(signed(text, &ann).insert_header(("content-type", "text/plain"))).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "file_upload_error"));
}
