//! Making an account and proving its address.

use vestibule::port::{BrowserId, Caller, Code, Field};

use super::fixture::{Fixture, Surface, granted, refused};
use crate::support::PASSWORD;

#[actix_web::test]
async fn a_sign_up_waits_for_its_proof_and_the_proof_signs_in() {
    for fixture in Fixture::each().await {
        let signed_up =
            fixture.sign_up(" Ann@Example.com ", PASSWORD, Some("Ann Example")).await.unwrap();
        assert!(signed_up.grant.is_none());
        let user = signed_up.user;
        assert_eq!((user.email.as_deref(), user.email_verified), (Some("ann@example.com"), false));
        assert_eq!(
            (user.name.as_deref(), user.provider.as_str()),
            (Some("Ann Example"), "altogic")
        );
        assert_eq!((user.id.len(), &user.provider_user_id), (24, &user.id));
        refused(
            &fixture,
            fixture.sign_in("ann@example.com", PASSWORD).await,
            &[(Code::EmailNotVerified, None)],
        );

        let token = fixture.token("ann@example.com", "email-confirm").await;
        let grant =
            granted(fixture.auth.get_auth_grant(fixture.somebody(), token.clone()).await.unwrap());
        assert_eq!((grant.user.id.as_str(), grant.user.email_verified), (user.id.as_str(), true));
        assert_eq!(grant.session.user_id, user.id);
        assert!(grant.session.token.is_some() && grant.session.current);
        let again = fixture.auth.get_auth_grant(fixture.somebody(), token).await;
        refused(&fixture, again, &[(Code::InvalidAccessToken, None)]);
        assert!(fixture.is_alive(&fixture.with(&grant)).await);
    }
}

#[actix_web::test]
async fn a_name_is_nobodys_duty() {
    for fixture in Fixture::each().await {
        let signed_up = fixture.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        assert_eq!(signed_up.user.name, None);
    }
}

#[actix_web::test]
async fn all_that_is_wrong_is_told_at_once_beside_its_fields() {
    for fixture in Fixture::each().await {
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
            (
                "ann@example.com",
                "ann@example.com",
                "Ann",
                vec![(Code::PasswordTooPersonal, Some(Field::Password))],
            ),
            (
                "ann@example.com",
                "password1",
                "Ann",
                vec![(Code::PasswordTooCommon, Some(Field::Password))],
            ),
        ] {
            refused(&fixture, fixture.sign_up(email, password, Some(name)).await, &problems);
        }
        let long =
            fixture.sign_up("ann@example.com", &"x".repeat(2000), Some(&"x".repeat(101))).await;
        let problems = [
            (Code::NameTooLong, Some(Field::Name)),
            (Code::PasswordTooLong, Some(Field::Password)),
        ];
        refused(&fixture, long, &problems);
    }
}

/// S04
#[actix_web::test]
async fn a_proved_address_is_taken_and_its_owner_is_told() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        let emails = fixture.emails("ann@example.com").await;
        let taken = fixture.sign_up("Ann@example.com", PASSWORD, None).await;
        refused(&fixture, taken, &[(Code::EmailNotUnique, Some(Field::Email))]);
        assert_eq!(fixture.emails("ann@example.com").await, emails + 1);
    }
}

/// S23: an address that nobody proved is free.
#[actix_web::test]
async fn whoever_proves_an_address_has_it() {
    for fixture in Fixture::each().await {
        fixture.sign_up("ann@example.com", "the password of another", None).await.unwrap();
        fixture.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        let token = fixture.token("ann@example.com", "email-confirm").await;
        fixture.auth.get_auth_grant(fixture.somebody(), token).await.unwrap();
        let other = fixture.sign_in("ann@example.com", "the password of another").await;
        refused(&fixture, other, &[(Code::InvalidSignInCredentials, None)]);
        // Who has two links cannot tell which is their own: they are in, and no password that
        // somebody else may know is.
        let own = fixture.sign_in("ann@example.com", PASSWORD).await;
        refused(&fixture, own, &[(Code::InvalidSignInCredentials, None)]);
    }
}

#[actix_web::test]
async fn who_signs_up_twice_with_one_password_has_one_account() {
    for fixture in Fixture::each().await {
        let first = fixture.sign_up("ann@example.com", PASSWORD, Some("An")).await.unwrap().user;
        let second = fixture.sign_up("ann@example.com", PASSWORD, Some("Ann")).await.unwrap().user;
        assert_eq!((&second.id, second.name.as_deref()), (&first.id, Some("Ann")));
        let token = fixture.token("ann@example.com", "email-confirm").await;
        fixture.auth.get_auth_grant(fixture.somebody(), token).await.unwrap();
        fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
    }
}

#[actix_web::test]
async fn where_addresses_are_not_proved_a_sign_up_is_a_session() {
    for fixture in Fixture::each_with(&[("VESTIBULE_ENGINE__CONFIRM_EMAIL", "false")]).await {
        let signed_up = fixture.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        let grant = signed_up.grant.expect("a grant");
        assert!(fixture.is_alive(&fixture.with(&grant)).await);
        fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
        let resent = fixture
            .auth
            .resend_verification_email(fixture.somebody(), "ann@example.com".to_owned())
            .await;
        refused(&fixture, resent, &[(Code::EmailVerificationDisabled, None)]);
    }
}

/// S04: known, unknown and proved addresses get the same answer.
#[actix_web::test]
async fn a_confirmation_is_sent_again_to_those_who_wait_for_it() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("bob@example.com").await;
        fixture.sign_up("ann@example.com", PASSWORD, None).await.unwrap();
        let bob = fixture.emails("bob@example.com").await;
        for email in ["ann@example.com", "bob@example.com", "eve@example.com"] {
            fixture
                .auth
                .resend_verification_email(fixture.somebody(), email.to_owned())
                .await
                .unwrap();
        }
        assert_eq!(fixture.emails("ann@example.com").await, 2);
        assert_eq!(fixture.emails("bob@example.com").await, bob);
        assert_eq!(fixture.emails("eve@example.com").await, 0);
        let nonsense =
            fixture.auth.resend_verification_email(fixture.somebody(), "nonsense".to_owned()).await;
        refused(&fixture, nonsense, &[(Code::InvalidEmail, Some(Field::Email))]);
    }
}

/// The engine knows the browser that signed up; the wire does not, so before another environment
/// nothing can be corrected.
#[actix_web::test]
async fn only_the_browser_that_signed_up_corrects_its_address() {
    for fixture in Fixture::each().await {
        let at = |browser| Caller {
            browser: Some(BrowserId::parse(browser).unwrap()),
            ..fixture.somebody()
        };
        let sign_up = vestibule::port::SignUpWithEmail {
            email: "amn@example.com".to_owned(),
            password: vestibule::port::Password::entered(PASSWORD),
            name: None,
            fields: serde_json::Map::new(),
        };
        fixture.auth.sign_up_with_email(at("hers"), sign_up).await.unwrap();
        let correct = |caller| {
            fixture.auth.correct_sign_up_email(
                caller,
                "amn@example.com".to_owned(),
                "ann@example.com".to_owned(),
            )
        };
        refused(&fixture, correct(at("other")).await, &[(Code::NothingToCorrect, None)]);
        match fixture.way {
            Surface::Remote => {
                refused(&fixture, correct(at("hers")).await, &[(Code::NothingToCorrect, None)])
            }
            Surface::Pages | Surface::Rest => correct(at("hers")).await.unwrap(),
        }
    }
}
