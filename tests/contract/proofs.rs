//! Proving again to be the owner.

use vestibule::port::{Code, Field, Password, Proof, Proved};

use super::bench::{Bench, Way, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";
const NEW: &str = "ann@new.example";

#[actix_web::test]
async fn a_change_without_the_current_password_needs_a_proof() {
    for bench in Bench::each().await {
        let caller = bench.with(&bench.member(ANN).await);
        let change = bench.auth.change_email(caller.clone(), None, NEW.to_owned()).await;
        let phone = bench.auth.change_phone(caller, None, "+4915112345678".to_owned()).await;
        match bench.way {
            // Signing in was a proof.
            Way::Pages => assert!(change.is_ok() && phone.is_ok()),
            Way::Rest => {
                refused(&bench, change, &[(Code::MissingPassword, Some(Field::CurrentPassword))]);
                refused(&bench, phone, &[(Code::MissingPassword, Some(Field::CurrentPassword))]);
            }
            Way::Remote => {
                refused(&bench, change, &[(Code::ProofNeeded, None)]);
                refused(&bench, phone, &[(Code::ProofNeeded, None)]);
            }
        }
    }
}

/// S32
#[actix_web::test]
async fn the_password_proves_the_owner_at_once_or_with_the_change() {
    for bench in Bench::each().await {
        let caller = bench.with(&bench.member(ANN).await);
        let methods = bench.auth.proof_methods(caller.clone()).await.unwrap();
        assert!(methods.password && methods.code.is_none(), "{:?}", bench.way);
        refused(&bench, bench.auth.send_proof_code(caller.clone()).await, &[(Code::ProofCodeNotOffered, None)]);
        match bench.auth.prove(caller.clone(), Proof::Password(Password::typed(PASSWORD))).await.unwrap() {
            Proved::Session(session) => {
                assert!(bench.way != Way::Remote && !bench.is_alive(&caller).await, "the old token is dead");
                let caller = vestibule::port::Caller { session: session.token, ..caller };
                assert!(bench.is_alive(&caller).await);
            }
            Proved::WithTheChange(password) => {
                assert_eq!((bench.way, password.expose()), (Way::Remote, PASSWORD));
                bench.auth.change_email(caller.clone(), Some(password), NEW.to_owned()).await.unwrap();
                let wrong = Some(Password::typed("a wrong password"));
                let change = bench.auth.change_email(caller, wrong, "ann@third.example".to_owned()).await;
                refused(&bench, change, &[(Code::InvalidCredentials, Some(Field::CurrentPassword))]);
            }
        }
    }
}
