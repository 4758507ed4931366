//! Damaged rows and retired keys at the REST channel.

use serde_json::json;
use vestibule::engine::SecretKey;

use super::{Wire, secret_key};

const PASSWORD: &str = "a lamp in the hall";

const DAMAGE: [&str; 8] = [
    "update users set fields = '{'",
    "update users set name = cast(x'fffe80' as text), email = x'ff'",
    "update users set password_hash = 'garbage'",
    "update users set signed_up_at = 'yesterday', provider = x'ff', provider_user_id = x'ff'",
    "update users set two_factor = 'on'",
    "update sessions set started_at = 9223372036854775807",
    "update sessions set user_agent = x'ff', address = x'ff'",
    "update sessions set expires_at = 'never', proved_at = 'now'",
];

/// S112, R24
#[actix_web::test]
async fn no_call_fails_for_a_damaged_row() {
    for sql in DAMAGE {
        let mut wire = Wire::open(false).await;
        let body = json!({"email": "ann@example.com", "password": PASSWORD});
        let signed_up = wire.post("/auth/signup-email", "", body.clone()).await;
        let session = signed_up.json()["session"]["token"].as_str().expect("a session").to_owned();
        wire.store().await.execute(sql, vec![]).await.expect("damage");
        wire = wire.restarted(vec![secret_key()]).await;
        for path in ["/auth/user", "/auth/sessions"] {
            let answer = wire.get(path, &session).await;
            assert!(answer.status < 500, "{sql}: {path} {}", answer.status);
        }
        let signed_in = wire.post("/auth/signin-email", "", body).await;
        assert!(signed_in.status < 500, "{sql}: {}", signed_in.status);
        let signed_out = wire.post("/auth/signout", &session, json!({})).await;
        assert!(signed_out.status < 500, "{sql}: {}", signed_out.status);
        let ben = json!({"email": "ben@example.com", "password": PASSWORD});
        assert_eq!(
            wire.post("/auth/signup-email", "", ben).await.status,
            200,
            "{sql}: others go on"
        );
    }
}

/// S96, S112
#[actix_web::test]
async fn sessions_passwords_and_api_keys_outlive_the_secret_key_that_they_were_made_under() {
    let wire = Wire::open(false).await;
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let signed_up = wire.post("/auth/signup-email", "", body.clone()).await;
    let session = signed_up.json()["session"]["token"].as_str().expect("a session").to_owned();
    let key = wire.add_api_key(None).await;
    let new =
        || SecretKey::new(b"7Qm3vYw0xK9sZ2bTfJ6nLrPcHd8aGeUi4oXk1MyVtRs".to_vec()).expect("a key");
    let wire = wire.restarted(vec![new(), secret_key()]).await;
    let wire = wire.restarted(vec![new()]).await;
    assert_eq!(wire.get("/auth/sessions", &session).await.status, 200);
    assert_eq!(wire.post("/auth/signin-email", "", body).await.status, 200);
    let vouched = json!({
        "email": "eve@example.com",
        "password": PASSWORD,
        "nameOrUserData": {"emailVerified": true},
    });
    let answer = wire.post_with(&key, "/auth/signup-email", "", vouched).await;
    assert!(
        answer.status == 200 && answer.json()["session"]["token"].is_string(),
        "{}",
        answer.status
    );
}
