//! Moving an account to another number, and settings that switch phones off.

use super::{
    fixture::{Fixture, PASSWORD, refused, with},
    phones::{ANN, BEN, Fixtures, on_the_wire},
};
use crate::port::{AuthManager, Code, Password};

/// S21, S22
#[tokio::test]
async fn a_number_changes_once_the_new_one_is_proved_and_the_old_one_is_told() {
    for fixtures in Fixtures::each().await {
        let grant = fixtures.signed_in_user(ANN).await;
        refused(fixtures.change(&grant, PASSWORD, ANN).await, Code::PhoneUnchanged);
        refused(fixtures.change(&grant, "wrong", BEN).await, Code::InvalidCredentials);
        assert_eq!(
            fixtures.change(&grant, PASSWORD, BEN).await.unwrap().phone.as_deref(),
            Some(ANN)
        );
        let code = fixtures.sent_messages.code(BEN).await;
        let changed = fixtures.verify(BEN, &code).await.unwrap();
        assert!(changed.grant.is_none() && changed.user.phone_verified);
        refused(fixtures.verify(BEN, &code).await, Code::InvalidOneTimeCode);
        let told = fixtures.sent_messages.arrived(ANN).await;
        assert!(
            told.len() == 1 && told[0].text.contains("+90") && !told[0].text.contains(BEN),
            "{told:?}"
        );
        let user = fixtures.fixture.engine.signed_in_user(with(&grant)).await.unwrap().user;
        assert_eq!(user.phone.as_deref(), Some(BEN), "its sessions go on");
        fixtures.sign_in(BEN, PASSWORD).await.unwrap();
        refused(fixtures.sign_in(ANN, PASSWORD).await, Code::InvalidPhoneCredentials);
        fixtures.signed_in_user(ANN).await;
        refused(fixtures.change(&grant, PASSWORD, ANN).await, Code::PhoneNotUnique);
    }
}

#[tokio::test]
async fn an_account_with_an_address_adds_a_number_and_the_other_way_round() {
    for fixtures in Fixtures::each().await {
        let ann = fixtures.fixture.signed_in_user("ann@example.com").await;
        fixtures.sent_messages.arrived("ann@example.com").await;
        fixtures.change(&ann, PASSWORD, ANN).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        fixtures.verify(ANN, &code).await.unwrap();
        assert_eq!(
            fixtures.sent_messages.arrived("ann@example.com").await.len(),
            1,
            "the mailbox is told"
        );
        assert_eq!(fixtures.sign_in(ANN, PASSWORD).await.unwrap().user.id, ann.user.id);

        let ben = fixtures.signed_in_user(BEN).await;
        let ask = fixtures.fixture.engine.change_email(
            with(&ben),
            Some(Password::entered(PASSWORD)),
            "ben@example.com".to_owned(),
        );
        ask.await.unwrap();
        let key = fixtures.fixture.change_keys().await.pop().unwrap();
        fixtures.fixture.engine.confirm_email_change(on_the_wire(), key).await.unwrap();
        assert_eq!(
            fixtures.fixture.sign_in("ben@example.com", PASSWORD).await.unwrap().user.id,
            ben.user.id
        );
    }
}

#[tokio::test]
async fn without_confirmation_a_number_is_held_at_once_and_no_code_is_sent() {
    for fixtures in
        Fixtures::of(Fixture::each_with(|settings| settings.confirm_phone = false).await)
    {
        let grant = fixtures.sign_up(ANN, PASSWORD).await.unwrap().grant.expect("a session");
        assert!(!grant.user.phone_verified);
        refused(fixtures.sign_up(ANN, PASSWORD).await, Code::PhoneNotUnique);
        fixtures.sign_in(ANN, PASSWORD).await.unwrap();
        assert_eq!(
            fixtures.change(&grant, PASSWORD, BEN).await.unwrap().phone.as_deref(),
            Some(BEN)
        );
        let (engine, phone) = (&fixtures.fixture.engine, || BEN.to_owned());
        refused(
            engine.resend_verification_code(on_the_wire(), phone()).await,
            Code::PhoneVerificationDisabled,
        );
        refused(
            engine.send_reset_password_code(on_the_wire(), phone()).await,
            Code::PhoneVerificationDisabled,
        );
        refused(fixtures.verify(BEN, "123456").await, Code::PhoneVerificationDisabled);
        assert!(fixtures.sent_messages.codes(BEN).await.is_empty());
    }
}

#[tokio::test]
async fn what_is_switched_off_is_refused() {
    let off = |settings: &mut crate::engine::EngineSettings| {
        settings.phone_sign_up = false;
        settings.sign_in_codes = false;
    };
    for fixtures in Fixtures::of(Fixture::each_with(off).await) {
        refused(fixtures.sign_up(ANN, PASSWORD).await, Code::PhoneSignUpDisabled);
        let sent = fixtures.fixture.engine.send_sign_in_code(on_the_wire(), ANN.to_owned()).await;
        refused(sent, Code::SignInCodesDisabled);
        refused(fixtures.sign_in_with_code(ANN, "123456").await, Code::SignInCodesDisabled);
    }
}

/// S08: a password is refused that is made of what others know of the account, whichever way it is
/// chosen.
#[tokio::test]
async fn ones_own_number_address_and_name_are_no_password_at_a_sign_up_a_change_and_a_reset() {
    for fixtures in Fixtures::each().await {
        for own in ["015112345678", "+49 1511 2345678", "Vestibule1"] {
            refused(fixtures.sign_up(ANN, own).await, Code::PasswordTooPersonal);
        }
        let engine = &fixtures.fixture.engine;
        let grant = fixtures.fixture.signed_in_user("quillenbergh@example.com").await;
        engine.set_phone(with(&grant), ANN.to_owned()).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        engine.verify_own_phone(with(&grant), ANN.to_owned(), code).await.unwrap();
        engine.send_reset_password_code(on_the_wire(), ANN.to_owned()).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        for own in ["015112345678", "quillenbergh1", "Vestibule1"] {
            let (old, new) = (Password::entered(PASSWORD), Password::entered(own));
            refused(
                engine.change_password(with(&grant), old, new.clone()).await,
                Code::PasswordTooPersonal,
            );
            let reset =
                engine.reset_password_with_code(on_the_wire(), ANN.to_owned(), code.clone(), new);
            refused(reset.await, Code::PasswordTooPersonal);
        }
        let new = Password::entered("four grey geese there");
        engine.reset_password_with_code(on_the_wire(), ANN.to_owned(), code, new).await.unwrap();
    }
}
