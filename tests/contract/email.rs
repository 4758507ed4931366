//! Moving an account to another address.

use vestibule::port::{Code, Field, LinkKey, Password};

use super::bench::{Bench, Way, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";
const NEW: &str = "ann@new.example";

#[actix_web::test]
async fn nothing_changes_before_the_new_address_is_proved() {
    for bench in Bench::each().await {
        let grant = bench.member(ANN).await;
        let change = bench.auth.change_email(bench.with(&grant), Some(Password::typed(PASSWORD)), NEW.to_owned());
        assert_eq!(change.await.unwrap().email.as_deref(), Some(ANN));
        assert_eq!(bench.mails(NEW).await, 1);
        let member = bench.auth.member(bench.with(&grant)).await.unwrap();
        assert_eq!(member.user.email.as_deref(), Some(ANN));
    }
}

#[actix_web::test]
async fn where_addresses_are_not_proved_it_changes_at_once() {
    for bench in Bench::each_with(&[("VESTIBULE_ENGINE__CONFIRM_EMAIL", "false")]).await {
        let grant = bench.sign_up(ANN, PASSWORD, None).await.unwrap().grant.expect("a grant");
        bench.sign_up("bob@example.com", PASSWORD, None).await.unwrap();
        let change = |email: &str| {
            bench.auth.change_email(bench.with(&grant), Some(Password::typed(PASSWORD)), email.to_owned())
        };
        assert_eq!(change(NEW).await.unwrap().email.as_deref(), Some(NEW));
        bench.sign_in(NEW, PASSWORD).await.unwrap();
    }
}

#[actix_web::test]
async fn a_change_wants_the_current_password_and_another_address() {
    for bench in Bench::each().await {
        let grant = bench.member(ANN).await;
        let current = Some(Field::CurrentPassword);
        for (password, email, problems) in [
            ("a wrong password", NEW, vec![(Code::InvalidCredentials, current)]),
            (PASSWORD, ANN, vec![(Code::EmailUnchanged, Some(Field::Email))]),
            ("", "nonsense", vec![(Code::InvalidEmail, Some(Field::Email)), (Code::MissingPassword, current)]),
        ] {
            let change = bench.auth.change_email(bench.with(&grant), Some(Password::typed(password)), email.to_owned());
            refused(&bench, change.await, &problems);
        }
        let nobody = bench.auth.change_email(bench.somebody(), Some(Password::typed(PASSWORD)), NEW.to_owned()).await;
        refused(&bench, nobody, &[(Code::MissingSessionToken, None)]);
    }
}

/// S04: the pages do not tell that an address is taken, before whatever environment they stand.
#[actix_web::test]
async fn that_an_address_is_taken_is_told_at_the_wire_alone() {
    for bench in Bench::each().await {
        bench.member("bob@example.com").await;
        let grant = bench.member(ANN).await;
        let change = bench
            .auth
            .change_email(bench.with(&grant), Some(Password::typed(PASSWORD)), "bob@example.com".to_owned())
            .await;
        match bench.way {
            Way::Rest => refused(&bench, change, &[(Code::EmailNotUnique, Some(Field::Email))]),
            Way::Pages | Way::Remote => assert_eq!(change.unwrap().email.as_deref(), Some(ANN)),
        }
    }
}

#[actix_web::test]
async fn a_key_that_is_none_changes_nothing() {
    for bench in Bench::each().await {
        let key = LinkKey::parse("a-key-of-nobody").unwrap();
        let outcome = bench.auth.confirm_email_change(bench.somebody(), key).await;
        refused(&bench, outcome, &[(Code::InvalidAccessToken, None)]);
    }
}
