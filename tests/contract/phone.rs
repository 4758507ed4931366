//! Numbers, codes, and the second factor.

use serde_json::json;
use vestibule::port::{Code, Entrance, Field, FieldUpdate, Grant, Password, SecondFactorOf, SignUpWithPhone, Update};

use super::bench::{Bench, Way, granted, refused};
use crate::support::PASSWORD;

const PHONE: &str = "+4915112345678";
const ANN: &str = "ann@example.com";

/// Somebody who signed up with a number and proved it.
async fn member(bench: &Bench) -> Grant {
    let sign_up = SignUpWithPhone {
        phone: PHONE.to_owned(),
        password: Password::typed(PASSWORD),
        name: Some("Ann".to_owned()),
        fields: serde_json::Map::new(),
    };
    let signed_up = bench.auth.sign_up_with_phone(bench.somebody(), sign_up).await.unwrap();
    assert!(signed_up.grant.is_none() && !signed_up.user.phone_verified);
    let code = bench.code(PHONE).await;
    let verified = bench.auth.verify_phone(bench.somebody(), PHONE.to_owned(), code).await.unwrap();
    verified.grant.expect("a grant")
}

#[actix_web::test]
async fn a_number_is_proved_and_signs_in() {
    for bench in Bench::each().await {
        let grant = member(&bench).await;
        assert_eq!((grant.user.phone.as_deref(), grant.user.phone_verified), (Some(PHONE), true));
        let sign_in =
            |password| bench.auth.sign_in_with_phone(bench.somebody(), PHONE.to_owned(), Password::typed(password));
        assert_eq!(granted(sign_in(PASSWORD).await.unwrap()).user.id, grant.user.id);
        refused(&bench, sign_in("a wrong password").await, &[(Code::InvalidPhoneCredentials, None)]);
        let wrong = bench.auth.verify_phone(bench.somebody(), PHONE.to_owned(), "12345".to_owned()).await;
        refused(&bench, wrong, &[(Code::InvalidOneTimeCode, Some(Field::OneTimeCode))]);
    }
}

#[actix_web::test]
async fn a_code_signs_in_once_and_another_resets_the_password() {
    for bench in Bench::each().await {
        let first = member(&bench).await;
        bench.auth.send_sign_in_code(bench.somebody(), PHONE.to_owned()).await.unwrap();
        let code = bench.code(PHONE).await;
        let sign_in = || bench.auth.sign_in_with_code(bench.somebody(), PHONE.to_owned(), code.clone());
        assert_eq!(granted(sign_in().await.unwrap()).user.id, first.user.id);
        refused(&bench, sign_in().await, &[(Code::InvalidOneTimeCode, Some(Field::OneTimeCode))]);

        bench.auth.send_reset_password_code(bench.somebody(), PHONE.to_owned()).await.unwrap();
        let (code, new) = (bench.code(PHONE).await, Password::typed("a calm green gate"));
        bench.auth.reset_password_with_code(bench.somebody(), PHONE.to_owned(), code, new).await.unwrap();
        assert!(!bench.is_alive(&bench.with(&first)).await);
    }
}

#[actix_web::test]
async fn a_second_factor_asks_for_a_code() {
    for bench in Bench::each().await {
        let caller = bench.with(&bench.member(ANN).await);
        let on = || vec![FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(true)) }];
        assert!(bench.auth.update_user(caller.clone(), on()).await.is_err(), "there is no number yet");
        bench.auth.set_phone(caller.clone(), PHONE.to_owned()).await.unwrap();
        let code = bench.code(PHONE).await;
        let user = bench.auth.verify_own_phone(caller.clone(), PHONE.to_owned(), code).await.unwrap();
        assert_eq!((user.phone.as_deref(), user.phone_verified), (Some(PHONE), true));
        assert!(bench.auth.update_user(caller, on()).await.unwrap().two_factor);

        let entrance =
            bench.auth.sign_in_with_email(bench.somebody(), ANN.to_owned(), Password::typed(PASSWORD)).await.unwrap();
        let Entrance::Challenged(challenge) = entrance else { panic!("{:?}: not challenged", bench.way) };
        assert_eq!(challenge.sent.as_ref().expect("a code").phone, PHONE);
        if bench.way == Way::Remote {
            let again = bench.auth.resend_second_factor(bench.somebody(), challenge.token.clone()).await;
            refused(&bench, again, &[(Code::ChallengeGone, None)]);
        }
        let of = SecondFactorOf::Challenge(challenge.token);
        let code = bench.code(PHONE).await;
        let grant = bench.auth.sign_in_with_second_factor(bench.somebody(), of, code, false).await.unwrap();
        assert!(bench.is_alive(&bench.with(&grant)).await);
    }
}
