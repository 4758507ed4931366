//! Proving again to be the owner.

use vestibule::port::{Code, Field, Password, Proof, Reauthenticated};

use super::fixture::{Fixture, Surface, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";
const NEW: &str = "ann@new.example";

#[actix_web::test]
async fn a_change_without_the_current_password_needs_a_proof() {
    for fixture in Fixture::each().await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        let change = fixture.auth.change_email(caller.clone(), None, NEW.to_owned()).await;
        let phone = fixture.auth.change_phone(caller, None, "+4915112345678".to_owned()).await;
        match fixture.way {
            // Signing in was a proof.
            Surface::Pages => assert!(change.is_ok() && phone.is_ok()),
            Surface::Rest => {
                refused(&fixture, change, &[(Code::MissingPassword, Some(Field::CurrentPassword))]);
                refused(&fixture, phone, &[(Code::MissingPassword, Some(Field::CurrentPassword))]);
            }
            Surface::Remote => {
                refused(&fixture, change, &[(Code::ProofNeeded, None)]);
                refused(&fixture, phone, &[(Code::ProofNeeded, None)]);
            }
        }
    }
}

/// S32
#[actix_web::test]
async fn the_password_proves_the_owner_at_once_or_with_the_change() {
    for fixture in Fixture::each().await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        let methods = fixture.auth.proof_methods(caller.clone()).await.unwrap();
        assert!(methods.password && methods.code.is_none(), "{:?}", fixture.way);
        refused(
            &fixture,
            fixture.auth.send_proof_code(caller.clone()).await,
            &[(Code::ProofCodeNotOffered, None)],
        );
        match fixture
            .auth
            .reauthenticate(caller.clone(), Proof::Password(Password::entered(PASSWORD)))
            .await
            .unwrap()
        {
            Reauthenticated::Session(session) => {
                assert!(
                    fixture.way != Surface::Remote && !fixture.is_alive(&caller).await,
                    "the old token is dead"
                );
                let caller = vestibule::port::Caller { session: session.token, ..caller };
                assert!(fixture.is_alive(&caller).await);
            }
            Reauthenticated::WithTheChange(password) => {
                assert_eq!((fixture.way, password.expose()), (Surface::Remote, PASSWORD));
                fixture
                    .auth
                    .change_email(caller.clone(), Some(password), NEW.to_owned())
                    .await
                    .unwrap();
                let wrong = Some(Password::entered("a wrong password"));
                let change =
                    fixture.auth.change_email(caller, wrong, "ann@third.example".to_owned()).await;
                refused(
                    &fixture,
                    change,
                    &[(Code::InvalidCredentials, Some(Field::CurrentPassword))],
                );
            }
        }
    }
}
