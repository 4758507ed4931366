//! Numbers, codes, and the second factor.

use serde_json::json;
use vestibule::port::{
    Code, Field, FieldUpdate, Grant, Password, SecondFactorOf, SignInOutcome, SignUpWithPhone,
    Update,
};

use super::fixture::{Fixture, Surface, granted, refused};
use crate::support::PASSWORD;

const PHONE: &str = "+4915112345678";
const ANN: &str = "ann@example.com";

/// Somebody who signed up with a number and proved it.
async fn signed_in_user(fixture: &Fixture) -> Grant {
    let sign_up = SignUpWithPhone {
        phone: PHONE.to_owned(),
        password: Password::entered(PASSWORD),
        name: Some("Ann".to_owned()),
        fields: serde_json::Map::new(),
    };
    let signed_up = fixture.auth.sign_up_with_phone(fixture.somebody(), sign_up).await.unwrap();
    assert!(signed_up.grant.is_none() && !signed_up.user.phone_verified);
    let code = fixture.code(PHONE).await;
    let verified =
        fixture.auth.verify_phone(fixture.somebody(), PHONE.to_owned(), code).await.unwrap();
    verified.grant.expect("a grant")
}

#[actix_web::test]
async fn a_number_is_proved_and_signs_in() {
    for fixture in Fixture::each().await {
        let grant = signed_in_user(&fixture).await;
        assert_eq!((grant.user.phone.as_deref(), grant.user.phone_verified), (Some(PHONE), true));
        let sign_in = |password| {
            fixture.auth.sign_in_with_phone(
                fixture.somebody(),
                PHONE.to_owned(),
                Password::entered(password),
            )
        };
        assert_eq!(granted(sign_in(PASSWORD).await.unwrap()).user.id, grant.user.id);
        refused(
            &fixture,
            sign_in("a wrong password").await,
            &[(Code::InvalidPhoneCredentials, None)],
        );
        let wrong = fixture
            .auth
            .verify_phone(fixture.somebody(), PHONE.to_owned(), "12345".to_owned())
            .await;
        refused(&fixture, wrong, &[(Code::InvalidOneTimeCode, Some(Field::OneTimeCode))]);
    }
}

#[actix_web::test]
async fn a_code_signs_in_once_and_another_resets_the_password() {
    for fixture in Fixture::each().await {
        let first = signed_in_user(&fixture).await;
        fixture.auth.send_sign_in_code(fixture.somebody(), PHONE.to_owned()).await.unwrap();
        let code = fixture.code(PHONE).await;
        let sign_in =
            || fixture.auth.sign_in_with_code(fixture.somebody(), PHONE.to_owned(), code.clone());
        assert_eq!(granted(sign_in().await.unwrap()).user.id, first.user.id);
        refused(&fixture, sign_in().await, &[(Code::InvalidOneTimeCode, Some(Field::OneTimeCode))]);

        fixture.auth.send_reset_password_code(fixture.somebody(), PHONE.to_owned()).await.unwrap();
        let (code, new) = (fixture.code(PHONE).await, Password::entered("a calm green gate"));
        fixture
            .auth
            .reset_password_with_code(fixture.somebody(), PHONE.to_owned(), code, new)
            .await
            .unwrap();
        assert!(!fixture.is_alive(&fixture.with(&first)).await);
    }
}

#[actix_web::test]
async fn a_second_factor_asks_for_a_code() {
    for fixture in Fixture::each().await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        let on = || {
            vec![FieldUpdate {
                field: "twoFactorAuth".to_owned(),
                update: Update::Set(json!(true)),
            }]
        };
        assert!(
            fixture.auth.update_user(caller.clone(), on()).await.is_err(),
            "there is no number yet"
        );
        fixture.auth.set_phone(caller.clone(), PHONE.to_owned()).await.unwrap();
        let code = fixture.code(PHONE).await;
        let user =
            fixture.auth.verify_own_phone(caller.clone(), PHONE.to_owned(), code).await.unwrap();
        assert_eq!((user.phone.as_deref(), user.phone_verified), (Some(PHONE), true));
        assert!(fixture.auth.update_user(caller, on()).await.unwrap().two_factor);

        let sign_in_outcome = fixture
            .auth
            .sign_in_with_email(fixture.somebody(), ANN.to_owned(), Password::entered(PASSWORD))
            .await
            .unwrap();
        let SignInOutcome::SecondFactorRequired(challenge) = sign_in_outcome else {
            panic!("{:?}: not challenged", fixture.way)
        };
        assert_eq!(challenge.sent.as_ref().expect("a code").phone, PHONE);
        if fixture.way == Surface::Remote {
            let again = fixture
                .auth
                .resend_second_factor(fixture.somebody(), challenge.token.clone())
                .await;
            refused(&fixture, again, &[(Code::ChallengeGone, None)]);
        }
        let of = SecondFactorOf::Challenge(challenge.token);
        let code = fixture.code(PHONE).await;
        let grant = fixture
            .auth
            .sign_in_with_second_factor(fixture.somebody(), of, code, false)
            .await
            .unwrap();
        assert!(fixture.is_alive(&fixture.with(&grant)).await);
    }
}
