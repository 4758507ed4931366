//! Making an account and proving its address.

use vestibule::port::{BrowserTicket, Caller, Code, Field};

use super::bench::{Bench, Way, granted, refused};
use crate::support::PASSWORD;

#[actix_web::test]
async fn a_sign_up_waits_for_its_proof_and_the_proof_signs_in() {
    for bench in Bench::each().await {
        let signed_up = bench.sign_up(" Ann@Example.com ", PASSWORD, Some("Ann Example")).await.unwrap();
        assert!(signed_up.grant.is_none());
        let user = signed_up.user;
        assert_eq!((user.email.as_deref(), user.email_verified), (Some("ann@example.com"), false));
        assert_eq!((user.name.as_deref(), user.provider.as_str()), (Some("Ann Example"), "altogic"));
        assert_eq!((user.id.len(), &user.provider_user_id), (24, &user.id));
        refused(&bench, bench.sign_in("ann@example.com", PASSWORD).await, &[(Code::EmailNotVerified, None)]);

        let token = bench.token("ann@example.com", "email-confirm").await;
        let grant = granted(bench.auth.get_auth_grant(bench.somebody(), token.clone()).await.unwrap());
        assert_eq!((grant.user.id.as_str(), grant.user.email_verified), (user.id.as_str(), true));
        assert_eq!(grant.session.user_id, user.id);
        assert!(grant.session.token.is_some() && grant.session.current);
        let again = bench.auth.get_auth_grant(bench.somebody(), token).await;
        refused(&bench, again, &[(Code::InvalidAccessToken, None)]);
        assert!(bench.is_alive(&bench.with(&grant)).await);
    }
}

#[actix_web::test]
async fn a_name_is_nobodys_duty() {
    for bench in Bench::each().await {
        let signed_up = bench.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        assert_eq!(signed_up.user.name, None);
    }
}

#[actix_web::test]
async fn all_that_is_wrong_is_told_at_once_beside_its_fields() {
    for bench in Bench::each().await {
        for (email, password, name, problems) in [
            (
                "nonsense",
                "short",
                "Ann",
                vec![
                    (Code::InvalidEmail, Some(Field::Email)),
                    (Code::PasswordTooShort { min: 8 }, Some(Field::Password)),
                ],
            ),
            (
                "",
                "",
                "\u{7}",
                vec![
                    (Code::InvalidName, Some(Field::Name)),
                    (Code::MissingEmail, Some(Field::Email)),
                    (Code::MissingPassword, Some(Field::Password)),
                ],
            ),
            ("ann@example.com", "ann@example.com", "Ann", vec![(Code::PasswordTooPersonal, Some(Field::Password))]),
            ("ann@example.com", "password1", "Ann", vec![(Code::PasswordTooCommon, Some(Field::Password))]),
        ] {
            refused(&bench, bench.sign_up(email, password, Some(name)).await, &problems);
        }
        let long = bench.sign_up("ann@example.com", &"x".repeat(2000), Some(&"x".repeat(101))).await;
        let problems = [(Code::NameTooLong, Some(Field::Name)), (Code::PasswordTooLong, Some(Field::Password))];
        refused(&bench, long, &problems);
    }
}

/// S04
#[actix_web::test]
async fn a_proved_address_is_taken_and_its_owner_is_told() {
    for bench in Bench::each().await {
        bench.member("ann@example.com").await;
        let mails = bench.mails("ann@example.com").await;
        let taken = bench.sign_up("Ann@example.com", PASSWORD, None).await;
        refused(&bench, taken, &[(Code::EmailNotUnique, Some(Field::Email))]);
        assert_eq!(bench.mails("ann@example.com").await, mails + 1);
    }
}

/// S23: an address that nobody proved is free.
#[actix_web::test]
async fn whoever_proves_an_address_has_it() {
    for bench in Bench::each().await {
        bench.sign_up("ann@example.com", "the password of another", None).await.unwrap();
        bench.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        let token = bench.token("ann@example.com", "email-confirm").await;
        bench.auth.get_auth_grant(bench.somebody(), token).await.unwrap();
        let other = bench.sign_in("ann@example.com", "the password of another").await;
        refused(&bench, other, &[(Code::InvalidSignInCredentials, None)]);
        // Who has two links cannot tell which is their own: they are in, and no password that somebody else may know is.
        let own = bench.sign_in("ann@example.com", PASSWORD).await;
        refused(&bench, own, &[(Code::InvalidSignInCredentials, None)]);
    }
}

#[actix_web::test]
async fn who_signs_up_twice_with_one_password_has_one_account() {
    for bench in Bench::each().await {
        let first = bench.sign_up("ann@example.com", PASSWORD, Some("An")).await.unwrap().user;
        let second = bench.sign_up("ann@example.com", PASSWORD, Some("Ann")).await.unwrap().user;
        assert_eq!((&second.id, second.name.as_deref()), (&first.id, Some("Ann")));
        let token = bench.token("ann@example.com", "email-confirm").await;
        bench.auth.get_auth_grant(bench.somebody(), token).await.unwrap();
        bench.sign_in("ann@example.com", PASSWORD).await.unwrap();
    }
}

#[actix_web::test]
async fn where_addresses_are_not_proved_a_sign_up_is_a_session() {
    for bench in Bench::each_with(&[("VESTIBULE_ENGINE__CONFIRM_EMAIL", "false")]).await {
        let signed_up = bench.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        let grant = signed_up.grant.expect("a grant");
        assert!(bench.is_alive(&bench.with(&grant)).await);
        bench.sign_in("ann@example.com", PASSWORD).await.unwrap();
        let resent = bench.auth.resend_verification_email(bench.somebody(), "ann@example.com".to_owned()).await;
        refused(&bench, resent, &[(Code::EmailVerificationDisabled, None)]);
    }
}

/// S04: known, unknown and proved addresses get the same answer.
#[actix_web::test]
async fn a_confirmation_is_sent_again_to_those_who_wait_for_it() {
    for bench in Bench::each().await {
        bench.member("bob@example.com").await;
        bench.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        let bob = bench.mails("bob@example.com").await;
        for email in ["ann@example.com", "bob@example.com", "eve@example.com"] {
            bench.auth.resend_verification_email(bench.somebody(), email.to_owned()).await.unwrap();
        }
        assert_eq!(bench.mails("ann@example.com").await, 2);
        assert_eq!(bench.mails("bob@example.com").await, bob);
        assert_eq!(bench.mails("eve@example.com").await, 0);
        let nonsense = bench.auth.resend_verification_email(bench.somebody(), "nonsense".to_owned()).await;
        refused(&bench, nonsense, &[(Code::InvalidEmail, Some(Field::Email))]);
    }
}

/// The engine knows the browser that signed up; the wire does not, so before another environment nothing can be corrected.
#[actix_web::test]
async fn only_the_browser_that_signed_up_corrects_its_address() {
    for bench in Bench::each().await {
        let at = |browser| Caller { browser: Some(BrowserTicket::parse(browser).unwrap()), ..bench.somebody() };
        let sign_up = vestibule::port::SignUpWithEmail {
            email: "amn@example.com".to_owned(),
            password: vestibule::port::Password::typed(PASSWORD),
            name: None,
            fields: serde_json::Map::new(),
        };
        bench.auth.sign_up_with_email(at("hers"), sign_up).await.unwrap();
        let correct = |caller| {
            bench.auth.correct_sign_up_email(caller, "amn@example.com".to_owned(), "ann@example.com".to_owned())
        };
        refused(&bench, correct(at("other")).await, &[(Code::NothingToCorrect, None)]);
        match bench.way {
            Way::Remote => refused(&bench, correct(at("hers")).await, &[(Code::NothingToCorrect, None)]),
            Way::Pages | Way::Rest => correct(at("hers")).await.unwrap(),
        }
    }
}
