//! Moving an account to another address.

use vestibule::port::{Code, Field, LinkKey, Password};

use super::fixture::{Fixture, Surface, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";
const NEW: &str = "ann@new.example";

#[actix_web::test]
async fn nothing_changes_before_the_new_address_is_proved() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(ANN).await;
        let change = fixture.auth.change_email(
            fixture.with(&grant),
            Some(Password::entered(PASSWORD)),
            NEW.to_owned(),
        );
        assert_eq!(change.await.unwrap().email.as_deref(), Some(ANN));
        assert_eq!(fixture.emails(NEW).await, 1);
        let signed_in_user = fixture.auth.signed_in_user(fixture.with(&grant)).await.unwrap();
        assert_eq!(signed_in_user.user.email.as_deref(), Some(ANN));
    }
}

#[actix_web::test]
async fn where_addresses_are_not_proved_it_changes_at_once() {
    for fixture in Fixture::each_with(&[("VESTIBULE_ENGINE__CONFIRM_EMAIL", "false")]).await {
        let grant = fixture.sign_up(ANN, PASSWORD, None).await.unwrap().grant.expect("a grant");
        fixture.sign_up("bob@example.com", PASSWORD, None).await.unwrap();
        let change = |email: &str| {
            fixture.auth.change_email(
                fixture.with(&grant),
                Some(Password::entered(PASSWORD)),
                email.to_owned(),
            )
        };
        assert_eq!(change(NEW).await.unwrap().email.as_deref(), Some(NEW));
        fixture.sign_in(NEW, PASSWORD).await.unwrap();
    }
}

#[actix_web::test]
async fn a_change_wants_the_current_password_and_another_address() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(ANN).await;
        let current = Some(Field::CurrentPassword);
        for (password, email, problems) in [
            ("a wrong password", NEW, vec![(Code::InvalidCredentials, current)]),
            (PASSWORD, ANN, vec![(Code::EmailUnchanged, Some(Field::Email))]),
            (
                "",
                "nonsense",
                vec![(Code::InvalidEmail, Some(Field::Email)), (Code::MissingPassword, current)],
            ),
        ] {
            let change = fixture.auth.change_email(
                fixture.with(&grant),
                Some(Password::entered(password)),
                email.to_owned(),
            );
            refused(&fixture, change.await, &problems);
        }
        let nobody = fixture
            .auth
            .change_email(fixture.somebody(), Some(Password::entered(PASSWORD)), NEW.to_owned())
            .await;
        refused(&fixture, nobody, &[(Code::MissingSessionToken, None)]);
    }
}

/// S04: the pages do not tell that an address is taken, before whatever environment they stand.
#[actix_web::test]
async fn that_an_address_is_taken_is_told_at_the_wire_alone() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("bob@example.com").await;
        let grant = fixture.signed_in_user(ANN).await;
        let change = fixture
            .auth
            .change_email(
                fixture.with(&grant),
                Some(Password::entered(PASSWORD)),
                "bob@example.com".to_owned(),
            )
            .await;
        match fixture.way {
            Surface::Rest => {
                refused(&fixture, change, &[(Code::EmailNotUnique, Some(Field::Email))])
            }
            Surface::Pages | Surface::Remote => {
                assert_eq!(change.unwrap().email.as_deref(), Some(ANN))
            }
        }
    }
}

#[actix_web::test]
async fn a_key_that_is_none_changes_nothing() {
    for fixture in Fixture::each().await {
        let key = LinkKey::parse("a-key-of-nobody").unwrap();
        let outcome = fixture.auth.confirm_email_change(fixture.somebody(), key).await;
        refused(&fixture, outcome, &[(Code::InvalidAccessToken, None)]);
    }
}
