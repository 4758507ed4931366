//! Accounts with a number: what a person does, one after the other.

use super::{
    fixture::{Fixture, PASSWORD, granted, refused, somebody, with},
    sent_messages::{SentMessages, other_than},
};
use crate::port::{
    AuthManager, Caller, Channel, Code, Grant, Outcome, Password, PhoneVerified, SignUpWithPhone,
    SignedUp,
};

pub(super) const ANN: &str = "+4915112345678";
pub(super) const BEN: &str = "+905302223344";
const NEW_PASSWORD: &str = "nine orange otters";

/// A fixture with somebody's messages.
pub(super) struct Fixtures {
    pub(super) fixture: Fixture,
    pub(super) sent_messages: SentMessages,
}

impl Fixtures {
    pub(super) async fn each() -> Vec<Self> {
        Self::of(Fixture::each().await)
    }

    pub(super) async fn each_without_limits() -> Vec<Self> {
        Self::of(Fixture::each_with(|settings| settings.limits_factor = 100.0).await)
    }

    pub(super) fn of(benches: Vec<Fixture>) -> Vec<Self> {
        benches
            .into_iter()
            .map(|fixture| Self { sent_messages: SentMessages::of(&fixture), fixture })
            .collect()
    }

    pub(super) async fn sign_up(&self, phone: &str, password: &str) -> Outcome<SignedUp> {
        let (phone, password) = (phone.to_owned(), Password::entered(password));
        let sign_up = SignUpWithPhone {
            phone,
            password,
            name: Some("Ann".to_owned()),
            fields: serde_json::Map::new(),
        };
        self.fixture.engine.sign_up_with_phone(on_the_wire(), sign_up).await
    }

    pub(super) async fn verify(&self, phone: &str, code: &str) -> Outcome<PhoneVerified> {
        self.fixture.engine.verify_phone(on_the_wire(), phone.to_owned(), code.to_owned()).await
    }

    pub(super) async fn sign_in(&self, phone: &str, password: &str) -> Outcome<Grant> {
        let password = Password::entered(password);
        self.fixture
            .engine
            .sign_in_with_phone(on_the_wire(), phone.to_owned(), password)
            .await
            .map(granted)
    }

    /// Somebody who signed up and proved their number.
    pub(super) async fn signed_in_user(&self, phone: &str) -> Grant {
        self.sign_up(phone, PASSWORD).await.unwrap();
        let code = self.sent_messages.code(phone).await;
        self.verify(phone, &code).await.unwrap().grant.expect("a session")
    }

    async fn send_sign_in_code(&self, phone: &str) -> Outcome<()> {
        self.fixture.engine.send_sign_in_code(on_the_wire(), phone.to_owned()).await
    }

    pub(super) async fn sign_in_with_code(&self, phone: &str, code: &str) -> Outcome<Grant> {
        self.fixture
            .engine
            .sign_in_with_code(on_the_wire(), phone.to_owned(), code.to_owned())
            .await
            .map(granted)
    }

    async fn send_reset_code(&self, phone: &str) -> Outcome<()> {
        self.fixture.engine.send_reset_password_code(on_the_wire(), phone.to_owned()).await
    }

    async fn reset(&self, phone: &str, code: &str, password: &str) -> Outcome<()> {
        let (phone, code) = (phone.to_owned(), code.to_owned());
        self.fixture
            .engine
            .reset_password_with_code(on_the_wire(), phone, code, Password::entered(password))
            .await
    }

    async fn resend(&self, phone: &str) -> Outcome<()> {
        self.fixture.engine.resend_verification_code(on_the_wire(), phone.to_owned()).await
    }

    pub(super) async fn change(
        &self,
        grant: &Grant,
        password: &str,
        phone: &str,
    ) -> Outcome<crate::port::User> {
        let caller = Caller { channel: Channel::Api, ..with(grant) };
        self.fixture
            .engine
            .change_phone(caller, Some(Password::entered(password)), phone.to_owned())
            .await
    }
}

pub(super) fn on_the_wire() -> Caller {
    Caller { channel: Channel::Api, ..somebody() }
}

#[tokio::test]
async fn somebody_signs_up_with_a_number_proves_it_and_signs_in() {
    for fixtures in Fixtures::each().await {
        let signed_up = fixtures.sign_up(" +49 (1511) 234-5678 ", PASSWORD).await.unwrap();
        assert!(
            signed_up.grant.is_none()
                && !signed_up.user.phone_verified
                && signed_up.user.email.is_none()
        );
        refused(fixtures.sign_in(ANN, PASSWORD).await, Code::PhoneNotVerified);
        refused(fixtures.sign_in(ANN, "wrong").await, Code::InvalidPhoneCredentials);
        let code = fixtures.sent_messages.code(ANN).await;
        refused(fixtures.verify(ANN, &other_than(&code)).await, Code::InvalidOneTimeCode);
        refused(fixtures.verify(BEN, &code).await, Code::InvalidOneTimeCode);
        let verified = fixtures.verify(ANN, &code).await.unwrap();
        assert!(verified.user.phone_verified);
        assert_eq!(verified.grant.unwrap().user.id, signed_up.user.id);
        refused(fixtures.verify(ANN, &code).await, Code::InvalidOneTimeCode);
        let grant = fixtures.sign_in("+49 1511 2345678", PASSWORD).await.unwrap();
        assert_eq!(
            fixtures
                .fixture
                .engine
                .signed_in_user(with(&grant))
                .await
                .unwrap()
                .user
                .phone
                .as_deref(),
            Some(ANN)
        );
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_sign_up_is_told_at_once_and_a_number_is_no_password() {
    for fixtures in Fixtures::each().await {
        let Err(crate::port::OperationError::Rejected(refusal)) =
            fixtures.sign_up("0151", "short").await
        else {
            panic!("not refused")
        };
        assert_eq!(refusal.problems().len(), 2);
        refused(
            fixtures.sign_up("+49 1511 2345678", "4915112345678").await,
            Code::PasswordTooPersonal,
        );
        let signed_in_user = fixtures.signed_in_user(ANN).await;
        let (old, new) = (Password::entered(PASSWORD), Password::entered("+4915112345678"));
        refused(
            fixtures.fixture.engine.change_password(with(&signed_in_user), old, new).await,
            Code::PasswordTooPersonal,
        );
    }
}

/// S04, S66
#[tokio::test]
async fn a_number_that_was_proved_is_taken_and_its_owner_told_and_one_that_was_not_is_free() {
    for fixtures in Fixtures::each().await {
        fixtures.sign_up(ANN, "the password of another").await.unwrap();
        let anothers = fixtures.sent_messages.code(ANN).await;
        fixtures.signed_in_user(ANN).await;
        refused(fixtures.verify(ANN, &anothers).await, Code::InvalidOneTimeCode);
        refused(
            fixtures.sign_in(ANN, "the password of another").await,
            Code::InvalidPhoneCredentials,
        );
        refused(fixtures.sign_up(ANN, PASSWORD).await, Code::PhoneNotUnique);
        let told = fixtures.sent_messages.arrived(ANN).await;
        assert!(
            told.len() == 1 && told[0].text.starts_with("Somebody tried to sign up"),
            "{told:?}"
        );
    }
}

/// S16
#[tokio::test]
async fn a_code_lives_ten_minutes_and_a_new_one_revokes_the_former() {
    for fixtures in Fixtures::each().await {
        fixtures.sign_up(ANN, PASSWORD).await.unwrap();
        let first = fixtures.sent_messages.code(ANN).await;
        fixtures.resend(ANN).await.unwrap();
        let second = fixtures.sent_messages.code(ANN).await;
        if first != second {
            refused(fixtures.verify(ANN, &first).await, Code::InvalidOneTimeCode);
        }
        fixtures.fixture.pass(10 * 60);
        refused(fixtures.verify(ANN, &second).await, Code::InvalidOneTimeCode);
        fixtures.resend(ANN).await.unwrap();
        let third = fixtures.sent_messages.code(ANN).await;
        fixtures.fixture.pass(10 * 60 - 1);
        fixtures.verify(ANN, &third).await.unwrap();
    }
}

/// S17
#[tokio::test]
async fn five_wrong_guesses_revoke_a_code_and_new_codes_bring_no_guesses_back() {
    for fixtures in Fixtures::each().await {
        fixtures.signed_in_user(ANN).await;
        for wrong_guesses in [5, 4] {
            fixtures.send_sign_in_code(ANN).await.unwrap();
            let code = fixtures.sent_messages.code(ANN).await;
            for _ in 0..wrong_guesses {
                refused(
                    fixtures.sign_in_with_code(ANN, &other_than(&code)).await,
                    Code::InvalidOneTimeCode,
                );
            }
            let Err(crate::port::OperationError::Rejected(refusal)) =
                fixtures.sign_in_with_code(ANN, &code).await
            else {
                panic!("a guess too many")
            };
            assert_eq!(refusal.retry_after().is_some(), wrong_guesses == 4, "{refusal:?}");
        }
        fixtures.fixture.pass(30);
        fixtures.send_sign_in_code(ANN).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        fixtures.sign_in_with_code(ANN, &code).await.unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_code_works_once() {
    for fixtures in Fixtures::each().await {
        let signed_in_user = fixtures.signed_in_user(ANN).await;
        fixtures.send_sign_in_code(ANN).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        refused(fixtures.verify(ANN, &code).await, Code::InvalidOneTimeCode);
        refused(fixtures.reset(ANN, &code, NEW_PASSWORD).await, Code::InvalidOneTimeCode);
        assert_eq!(
            fixtures.sign_in_with_code(ANN, &code).await.unwrap().user.id,
            signed_in_user.user.id
        );
        refused(fixtures.sign_in_with_code(ANN, &code).await, Code::InvalidOneTimeCode);
    }
}

/// S03, S05, S65
#[tokio::test]
async fn whoever_asks_for_a_code_learns_nothing_and_floods_nobody() {
    for fixtures in Fixtures::each().await {
        fixtures.signed_in_user(ANN).await;
        fixtures.sign_up(BEN, PASSWORD).await.unwrap();
        fixtures.sent_messages.code(BEN).await;
        fixtures.send_sign_in_code(BEN).await.unwrap();
        assert!(
            fixtures.sent_messages.codes(BEN).await.is_empty(),
            "nobody has proved that number"
        );
        fixtures.resend(ANN).await.unwrap();
        assert!(
            fixtures.sent_messages.codes(ANN).await.is_empty(),
            "that number is proved already"
        );
        let mut told = Vec::new();
        for phone in [ANN, "+4915112345679"] {
            let mut worked = Vec::new();
            for _ in 0..10 {
                worked.push(fixtures.send_sign_in_code(phone).await.is_ok());
                worked.push(fixtures.send_reset_code(phone).await.is_ok());
            }
            told.push(worked);
        }
        assert_eq!(told[0], told[1], "known and unknown alike");
        assert!((1..=10).contains(&fixtures.sent_messages.codes(ANN).await.len()));
        refused(fixtures.send_sign_in_code("0151").await, Code::InvalidPhone);
        refused(fixtures.send_sign_in_code("").await, Code::MissingPhone);
    }
}

/// S21, S35, S46
#[tokio::test]
async fn a_reset_by_code_ends_every_session_and_every_code_and_signs_nobody_in() {
    for fixtures in Fixtures::each().await {
        let grant = fixtures.signed_in_user(ANN).await;
        fixtures.send_sign_in_code(ANN).await.unwrap();
        let sign_in_code = fixtures.sent_messages.code(ANN).await;
        fixtures.send_reset_code(ANN).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        for weak in ["short", "4915112345678"] {
            assert!(fixtures.reset(ANN, &code, weak).await.is_err());
        }
        fixtures.reset(ANN, &code, NEW_PASSWORD).await.unwrap();
        refused(fixtures.reset(ANN, &code, PASSWORD).await, Code::InvalidOneTimeCode);
        refused(fixtures.sign_in_with_code(ANN, &sign_in_code).await, Code::InvalidOneTimeCode);
        refused(
            fixtures.fixture.engine.signed_in_user(with(&grant)).await,
            Code::InvalidSessionToken,
        );
        refused(fixtures.sign_in(ANN, PASSWORD).await, Code::InvalidPhoneCredentials);
        let told = fixtures.sent_messages.arrived(ANN).await;
        assert!(told.len() == 1 && told[0].text.contains("was changed"), "{told:?}");
        fixtures.send_reset_code(ANN).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        fixtures.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        refused(fixtures.reset(ANN, &code, PASSWORD).await, Code::InvalidOneTimeCode);
    }
}

/// S23
#[tokio::test]
async fn a_reset_of_a_sign_up_that_waits_proves_the_number_and_locks_out_who_set_the_password() {
    for fixtures in Fixtures::each().await {
        fixtures.sign_up(ANN, "the password of a thief").await.unwrap();
        fixtures.sent_messages.code(ANN).await;
        fixtures.send_reset_code(ANN).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        fixtures.reset(ANN, &code, NEW_PASSWORD).await.unwrap();
        refused(
            fixtures.sign_in(ANN, "the password of a thief").await,
            Code::InvalidPhoneCredentials,
        );
        assert!(fixtures.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone_verified);
    }
}

#[tokio::test]
async fn a_sweep_deletes_numbers_that_waited_a_week_and_keeps_the_others() {
    for fixtures in Fixtures::each().await {
        fixtures.signed_in_user(ANN).await;
        fixtures.sign_up(BEN, PASSWORD).await.unwrap();
        fixtures.fixture.pass(7 * 24 * 3600 - 1);
        fixtures.fixture.engine.sweep().await;
        refused(fixtures.sign_in(BEN, PASSWORD).await, Code::PhoneNotVerified);
        fixtures.fixture.pass(1);
        fixtures.fixture.engine.sweep().await;
        refused(fixtures.sign_in(BEN, PASSWORD).await, Code::InvalidPhoneCredentials);
        fixtures.sign_in(ANN, PASSWORD).await.unwrap();
    }
}

/// S06, S12
#[tokio::test]
async fn guesses_end_for_known_and_unknown_numbers_alike_and_come_back() {
    for fixtures in Fixtures::each().await {
        fixtures.signed_in_user(ANN).await;
        for phone in [ANN, BEN] {
            for _ in 0..5 {
                refused(fixtures.sign_in(phone, "wrong").await, Code::InvalidPhoneCredentials);
            }
            let Err(crate::port::OperationError::Rejected(refusal)) =
                fixtures.sign_in(phone, PASSWORD).await
            else {
                panic!("a sixth guess")
            };
            assert!(refusal.retry_after().is_some());
        }
        fixtures.fixture.pass(30);
        fixtures.sign_in(ANN, PASSWORD).await.unwrap();
    }
}

/// S23
#[tokio::test]
async fn of_two_sign_ups_with_one_number_the_proved_one_keeps_no_password_that_another_may_know() {
    for fixtures in Fixtures::each().await {
        fixtures.sign_up(ANN, PASSWORD).await.unwrap();
        fixtures.sign_up(ANN, "four grey geese there").await.unwrap();
        let codes = fixtures.sent_messages.codes(ANN).await;
        fixtures.verify(ANN, &codes[0]).await.unwrap().grant.expect("a session");
        for password in [PASSWORD, "four grey geese there"] {
            refused(fixtures.sign_in(ANN, password).await, Code::InvalidPhoneCredentials);
        }
    }
}

#[tokio::test]
async fn a_sign_up_repeated_with_the_same_password_is_one_account() {
    for fixtures in Fixtures::each().await {
        let first = fixtures.sign_up(ANN, PASSWORD).await.unwrap().user;
        fixtures.sent_messages.code(ANN).await;
        let second = fixtures.sign_up(ANN, PASSWORD).await.unwrap().user;
        assert_eq!(first.id, second.id);
        let code = fixtures.sent_messages.code(ANN).await;
        fixtures.verify(ANN, &code).await.unwrap();
        fixtures.sign_in(ANN, PASSWORD).await.unwrap();
    }
}
