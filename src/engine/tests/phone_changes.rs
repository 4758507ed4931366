//! Moving an account to another number, and settings that switch phones off.

use super::{
    bench::{Bench, PASSWORD, refused, with},
    phones::{ANN, BEN, Hall, on_the_wire},
};
use crate::port::{AuthManager, Code, Password};

/// S21, S22
#[tokio::test]
async fn a_number_changes_once_the_new_one_is_proved_and_the_old_one_is_told() {
    for hall in Hall::each().await {
        let grant = hall.member(ANN).await;
        refused(hall.change(&grant, PASSWORD, ANN).await, Code::PhoneUnchanged);
        refused(hall.change(&grant, "wrong", BEN).await, Code::InvalidCredentials);
        assert_eq!(hall.change(&grant, PASSWORD, BEN).await.unwrap().phone.as_deref(), Some(ANN));
        let code = hall.pocket.code(BEN).await;
        let changed = hall.verify(BEN, &code).await.unwrap();
        assert!(changed.grant.is_none() && changed.user.phone_verified);
        refused(hall.verify(BEN, &code).await, Code::InvalidOneTimeCode);
        let told = hall.pocket.arrived(ANN).await;
        assert!(told.len() == 1 && told[0].text.contains("+90") && !told[0].text.contains(BEN), "{told:?}");
        let user = hall.bench.engine.member(with(&grant)).await.unwrap().user;
        assert_eq!(user.phone.as_deref(), Some(BEN), "its sessions go on");
        hall.sign_in(BEN, PASSWORD).await.unwrap();
        refused(hall.sign_in(ANN, PASSWORD).await, Code::InvalidPhoneCredentials);
        hall.member(ANN).await;
        refused(hall.change(&grant, PASSWORD, ANN).await, Code::PhoneNotUnique);
    }
}

#[tokio::test]
async fn an_account_with_an_address_adds_a_number_and_the_other_way_round() {
    for hall in Hall::each().await {
        let ann = hall.bench.member("ann@example.com").await;
        hall.pocket.arrived("ann@example.com").await;
        hall.change(&ann, PASSWORD, ANN).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        hall.verify(ANN, &code).await.unwrap();
        assert_eq!(hall.pocket.arrived("ann@example.com").await.len(), 1, "the mailbox is told");
        assert_eq!(hall.sign_in(ANN, PASSWORD).await.unwrap().user.id, ann.user.id);

        let ben = hall.member(BEN).await;
        let ask =
            hall.bench.engine.change_email(with(&ben), Some(Password::typed(PASSWORD)), "ben@example.com".to_owned());
        ask.await.unwrap();
        let key = hall.bench.change_keys().await.pop().unwrap();
        hall.bench.engine.confirm_email_change(on_the_wire(), key).await.unwrap();
        assert_eq!(hall.bench.sign_in("ben@example.com", PASSWORD).await.unwrap().user.id, ben.user.id);
    }
}

#[tokio::test]
async fn without_confirmation_a_number_is_held_at_once_and_no_code_is_sent() {
    for hall in Hall::of(Bench::each_with(|settings| settings.confirm_phone = false).await) {
        let grant = hall.sign_up(ANN, PASSWORD).await.unwrap().grant.expect("a session");
        assert!(!grant.user.phone_verified);
        refused(hall.sign_up(ANN, PASSWORD).await, Code::PhoneNotUnique);
        hall.sign_in(ANN, PASSWORD).await.unwrap();
        assert_eq!(hall.change(&grant, PASSWORD, BEN).await.unwrap().phone.as_deref(), Some(BEN));
        let (engine, phone) = (&hall.bench.engine, || BEN.to_owned());
        refused(engine.resend_verification_code(on_the_wire(), phone()).await, Code::PhoneVerificationDisabled);
        refused(engine.send_reset_password_code(on_the_wire(), phone()).await, Code::PhoneVerificationDisabled);
        refused(hall.verify(BEN, "123456").await, Code::PhoneVerificationDisabled);
        assert!(hall.pocket.codes(BEN).await.is_empty());
    }
}

#[tokio::test]
async fn what_is_switched_off_is_refused() {
    let off = |settings: &mut crate::engine::Settings| {
        settings.phone_sign_up = false;
        settings.sign_in_codes = false;
    };
    for hall in Hall::of(Bench::each_with(off).await) {
        refused(hall.sign_up(ANN, PASSWORD).await, Code::PhoneSignUpDisabled);
        let sent = hall.bench.engine.send_sign_in_code(on_the_wire(), ANN.to_owned()).await;
        refused(sent, Code::SignInCodesDisabled);
        refused(hall.sign_in_with_code(ANN, "123456").await, Code::SignInCodesDisabled);
    }
}

/// S08: a password is refused that is made of what others know of the account, whichever way it is chosen.
#[tokio::test]
async fn ones_own_number_address_and_name_are_no_password_at_a_sign_up_a_change_and_a_reset() {
    for hall in Hall::each().await {
        for own in ["015112345678", "+49 1511 2345678", "Vestibule1"] {
            refused(hall.sign_up(ANN, own).await, Code::PasswordTooPersonal);
        }
        let engine = &hall.bench.engine;
        let grant = hall.bench.member("quillenbergh@example.com").await;
        engine.set_phone(with(&grant), ANN.to_owned()).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        engine.verify_own_phone(with(&grant), ANN.to_owned(), code).await.unwrap();
        engine.send_reset_password_code(on_the_wire(), ANN.to_owned()).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        for own in ["015112345678", "quillenbergh1", "Vestibule1"] {
            let (old, new) = (Password::typed(PASSWORD), Password::typed(own));
            refused(engine.change_password(with(&grant), old, new.clone()).await, Code::PasswordTooPersonal);
            let reset = engine.reset_password_with_code(on_the_wire(), ANN.to_owned(), code.clone(), new);
            refused(reset.await, Code::PasswordTooPersonal);
        }
        let new = Password::typed("four grey geese there");
        engine.reset_password_with_code(on_the_wire(), ANN.to_owned(), code, new).await.unwrap();
    }
}
