//! Accounts with a number: what a person does, one after the other.

use super::{
    bench::{Bench, PASSWORD, granted, refused, somebody, with},
    pocket::{Pocket, other_than},
};
use crate::port::{
    AuthManager, Caller, Code, Door, Grant, Outcome, Password, PhoneVerified, SignUpWithPhone, SignedUp,
};

pub(super) const ANN: &str = "+4915112345678";
pub(super) const BEN: &str = "+905302223344";
const NEW_PASSWORD: &str = "nine orange otters";

/// A bench with somebody's pocket.
pub(super) struct Hall {
    pub(super) bench: Bench,
    pub(super) pocket: Pocket,
}

impl Hall {
    pub(super) async fn each() -> Vec<Self> {
        Self::of(Bench::each().await)
    }

    pub(super) async fn each_without_limits() -> Vec<Self> {
        Self::of(Bench::each_with(|settings| settings.limits_factor = 100.0).await)
    }

    pub(super) fn of(benches: Vec<Bench>) -> Vec<Self> {
        benches.into_iter().map(|bench| Self { pocket: Pocket::of(&bench), bench }).collect()
    }

    pub(super) async fn sign_up(&self, phone: &str, password: &str) -> Outcome<SignedUp> {
        let (phone, password) = (phone.to_owned(), Password::typed(password));
        let sign_up = SignUpWithPhone { phone, password, name: Some("Ann".to_owned()), fields: serde_json::Map::new() };
        self.bench.engine.sign_up_with_phone(on_the_wire(), sign_up).await
    }

    pub(super) async fn verify(&self, phone: &str, code: &str) -> Outcome<PhoneVerified> {
        self.bench.engine.verify_phone(on_the_wire(), phone.to_owned(), code.to_owned()).await
    }

    pub(super) async fn sign_in(&self, phone: &str, password: &str) -> Outcome<Grant> {
        let password = Password::typed(password);
        self.bench.engine.sign_in_with_phone(on_the_wire(), phone.to_owned(), password).await.map(granted)
    }

    /// Somebody who signed up and proved their number.
    pub(super) async fn member(&self, phone: &str) -> Grant {
        self.sign_up(phone, PASSWORD).await.unwrap();
        let code = self.pocket.code(phone).await;
        self.verify(phone, &code).await.unwrap().grant.expect("a session")
    }

    async fn send_sign_in_code(&self, phone: &str) -> Outcome<()> {
        self.bench.engine.send_sign_in_code(on_the_wire(), phone.to_owned()).await
    }

    pub(super) async fn sign_in_with_code(&self, phone: &str, code: &str) -> Outcome<Grant> {
        self.bench.engine.sign_in_with_code(on_the_wire(), phone.to_owned(), code.to_owned()).await.map(granted)
    }

    async fn send_reset_code(&self, phone: &str) -> Outcome<()> {
        self.bench.engine.send_reset_password_code(on_the_wire(), phone.to_owned()).await
    }

    async fn reset(&self, phone: &str, code: &str, password: &str) -> Outcome<()> {
        let (phone, code) = (phone.to_owned(), code.to_owned());
        self.bench.engine.reset_password_with_code(on_the_wire(), phone, code, Password::typed(password)).await
    }

    async fn resend(&self, phone: &str) -> Outcome<()> {
        self.bench.engine.resend_verification_code(on_the_wire(), phone.to_owned()).await
    }

    pub(super) async fn change(&self, grant: &Grant, password: &str, phone: &str) -> Outcome<crate::port::User> {
        let caller = Caller { door: Door::Rest, ..with(grant) };
        self.bench.engine.change_phone(caller, Some(Password::typed(password)), phone.to_owned()).await
    }
}

pub(super) fn on_the_wire() -> Caller {
    Caller { door: Door::Rest, ..somebody() }
}

#[tokio::test]
async fn somebody_signs_up_with_a_number_proves_it_and_signs_in() {
    for hall in Hall::each().await {
        let signed_up = hall.sign_up(" +49 (1511) 234-5678 ", PASSWORD).await.unwrap();
        assert!(signed_up.grant.is_none() && !signed_up.user.phone_verified && signed_up.user.email.is_none());
        refused(hall.sign_in(ANN, PASSWORD).await, Code::PhoneNotVerified);
        refused(hall.sign_in(ANN, "wrong").await, Code::InvalidPhoneCredentials);
        let code = hall.pocket.code(ANN).await;
        refused(hall.verify(ANN, &other_than(&code)).await, Code::InvalidOneTimeCode);
        refused(hall.verify(BEN, &code).await, Code::InvalidOneTimeCode);
        let verified = hall.verify(ANN, &code).await.unwrap();
        assert!(verified.user.phone_verified);
        assert_eq!(verified.grant.unwrap().user.id, signed_up.user.id);
        refused(hall.verify(ANN, &code).await, Code::InvalidOneTimeCode);
        let grant = hall.sign_in("+49 1511 2345678", PASSWORD).await.unwrap();
        assert_eq!(hall.bench.engine.member(with(&grant)).await.unwrap().user.phone.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_sign_up_is_told_at_once_and_a_number_is_no_password() {
    for hall in Hall::each().await {
        let Err(crate::port::Trouble::Refused(refusal)) = hall.sign_up("0151", "short").await else {
            panic!("not refused")
        };
        assert_eq!(refusal.problems().len(), 2);
        refused(hall.sign_up("+49 1511 2345678", "4915112345678").await, Code::PasswordTooPersonal);
        let member = hall.member(ANN).await;
        let (old, new) = (Password::typed(PASSWORD), Password::typed("+4915112345678"));
        refused(hall.bench.engine.change_password(with(&member), old, new).await, Code::PasswordTooPersonal);
    }
}

/// S04, S66
#[tokio::test]
async fn a_number_that_was_proved_is_taken_and_its_owner_told_and_one_that_was_not_is_free() {
    for hall in Hall::each().await {
        hall.sign_up(ANN, "the password of another").await.unwrap();
        let anothers = hall.pocket.code(ANN).await;
        hall.member(ANN).await;
        refused(hall.verify(ANN, &anothers).await, Code::InvalidOneTimeCode);
        refused(hall.sign_in(ANN, "the password of another").await, Code::InvalidPhoneCredentials);
        refused(hall.sign_up(ANN, PASSWORD).await, Code::PhoneNotUnique);
        let told = hall.pocket.arrived(ANN).await;
        assert!(told.len() == 1 && told[0].text.starts_with("Somebody tried to sign up"), "{told:?}");
    }
}

/// S16
#[tokio::test]
async fn a_code_lives_ten_minutes_and_a_new_one_kills_the_former() {
    for hall in Hall::each().await {
        hall.sign_up(ANN, PASSWORD).await.unwrap();
        let first = hall.pocket.code(ANN).await;
        hall.resend(ANN).await.unwrap();
        let second = hall.pocket.code(ANN).await;
        if first != second {
            refused(hall.verify(ANN, &first).await, Code::InvalidOneTimeCode);
        }
        hall.bench.pass(10 * 60);
        refused(hall.verify(ANN, &second).await, Code::InvalidOneTimeCode);
        hall.resend(ANN).await.unwrap();
        let third = hall.pocket.code(ANN).await;
        hall.bench.pass(10 * 60 - 1);
        hall.verify(ANN, &third).await.unwrap();
    }
}

/// S17
#[tokio::test]
async fn five_wrong_guesses_kill_a_code_and_new_codes_bring_no_guesses_back() {
    for hall in Hall::each().await {
        hall.member(ANN).await;
        for wrong_guesses in [5, 4] {
            hall.send_sign_in_code(ANN).await.unwrap();
            let code = hall.pocket.code(ANN).await;
            for _ in 0..wrong_guesses {
                refused(hall.sign_in_with_code(ANN, &other_than(&code)).await, Code::InvalidOneTimeCode);
            }
            let Err(crate::port::Trouble::Refused(refusal)) = hall.sign_in_with_code(ANN, &code).await else {
                panic!("a guess too many")
            };
            assert_eq!(refusal.retry_after().is_some(), wrong_guesses == 4, "{refusal:?}");
        }
        hall.bench.pass(30);
        hall.send_sign_in_code(ANN).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        hall.sign_in_with_code(ANN, &code).await.unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_code_works_once() {
    for hall in Hall::each().await {
        let member = hall.member(ANN).await;
        hall.send_sign_in_code(ANN).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        refused(hall.verify(ANN, &code).await, Code::InvalidOneTimeCode);
        refused(hall.reset(ANN, &code, NEW_PASSWORD).await, Code::InvalidOneTimeCode);
        assert_eq!(hall.sign_in_with_code(ANN, &code).await.unwrap().user.id, member.user.id);
        refused(hall.sign_in_with_code(ANN, &code).await, Code::InvalidOneTimeCode);
    }
}

/// S03, S05, S65
#[tokio::test]
async fn whoever_asks_for_a_code_learns_nothing_and_floods_nobody() {
    for hall in Hall::each().await {
        hall.member(ANN).await;
        hall.sign_up(BEN, PASSWORD).await.unwrap();
        hall.pocket.code(BEN).await;
        hall.send_sign_in_code(BEN).await.unwrap();
        assert!(hall.pocket.codes(BEN).await.is_empty(), "nobody has proved that number");
        hall.resend(ANN).await.unwrap();
        assert!(hall.pocket.codes(ANN).await.is_empty(), "that number is proved already");
        let mut told = Vec::new();
        for phone in [ANN, "+4915112345679"] {
            let mut worked = Vec::new();
            for _ in 0..10 {
                worked.push(hall.send_sign_in_code(phone).await.is_ok());
                worked.push(hall.send_reset_code(phone).await.is_ok());
            }
            told.push(worked);
        }
        assert_eq!(told[0], told[1], "known and unknown alike");
        assert!((1..=10).contains(&hall.pocket.codes(ANN).await.len()));
        refused(hall.send_sign_in_code("0151").await, Code::InvalidPhone);
        refused(hall.send_sign_in_code("").await, Code::MissingPhone);
    }
}

/// S21, S35, S46
#[tokio::test]
async fn a_reset_by_code_ends_every_session_and_every_code_and_signs_nobody_in() {
    for hall in Hall::each().await {
        let grant = hall.member(ANN).await;
        hall.send_sign_in_code(ANN).await.unwrap();
        let sign_in_code = hall.pocket.code(ANN).await;
        hall.send_reset_code(ANN).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        for weak in ["short", "4915112345678"] {
            assert!(hall.reset(ANN, &code, weak).await.is_err());
        }
        hall.reset(ANN, &code, NEW_PASSWORD).await.unwrap();
        refused(hall.reset(ANN, &code, PASSWORD).await, Code::InvalidOneTimeCode);
        refused(hall.sign_in_with_code(ANN, &sign_in_code).await, Code::InvalidOneTimeCode);
        refused(hall.bench.engine.member(with(&grant)).await, Code::InvalidSessionToken);
        refused(hall.sign_in(ANN, PASSWORD).await, Code::InvalidPhoneCredentials);
        let told = hall.pocket.arrived(ANN).await;
        assert!(told.len() == 1 && told[0].text.contains("was changed"), "{told:?}");
        hall.send_reset_code(ANN).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        hall.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        refused(hall.reset(ANN, &code, PASSWORD).await, Code::InvalidOneTimeCode);
    }
}

/// S23
#[tokio::test]
async fn a_reset_of_a_sign_up_that_waits_proves_the_number_and_locks_out_who_set_the_password() {
    for hall in Hall::each().await {
        hall.sign_up(ANN, "the password of a thief").await.unwrap();
        hall.pocket.code(ANN).await;
        hall.send_reset_code(ANN).await.unwrap();
        let code = hall.pocket.code(ANN).await;
        hall.reset(ANN, &code, NEW_PASSWORD).await.unwrap();
        refused(hall.sign_in(ANN, "the password of a thief").await, Code::InvalidPhoneCredentials);
        assert!(hall.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone_verified);
    }
}

#[tokio::test]
async fn a_sweep_deletes_numbers_that_waited_a_week_and_keeps_the_others() {
    for hall in Hall::each().await {
        hall.member(ANN).await;
        hall.sign_up(BEN, PASSWORD).await.unwrap();
        hall.bench.pass(7 * 24 * 3600 - 1);
        hall.bench.engine.sweep().await;
        refused(hall.sign_in(BEN, PASSWORD).await, Code::PhoneNotVerified);
        hall.bench.pass(1);
        hall.bench.engine.sweep().await;
        refused(hall.sign_in(BEN, PASSWORD).await, Code::InvalidPhoneCredentials);
        hall.sign_in(ANN, PASSWORD).await.unwrap();
    }
}

/// S06, S12
#[tokio::test]
async fn guesses_end_for_known_and_unknown_numbers_alike_and_come_back() {
    for hall in Hall::each().await {
        hall.member(ANN).await;
        for phone in [ANN, BEN] {
            for _ in 0..5 {
                refused(hall.sign_in(phone, "wrong").await, Code::InvalidPhoneCredentials);
            }
            let Err(crate::port::Trouble::Refused(refusal)) = hall.sign_in(phone, PASSWORD).await else {
                panic!("a sixth guess")
            };
            assert!(refusal.retry_after().is_some());
        }
        hall.bench.pass(30);
        hall.sign_in(ANN, PASSWORD).await.unwrap();
    }
}

/// S23
#[tokio::test]
async fn of_two_sign_ups_with_one_number_the_proved_one_keeps_no_password_that_another_may_know() {
    for hall in Hall::each().await {
        hall.sign_up(ANN, PASSWORD).await.unwrap();
        hall.sign_up(ANN, "four grey geese there").await.unwrap();
        let codes = hall.pocket.codes(ANN).await;
        hall.verify(ANN, &codes[0]).await.unwrap().grant.expect("a session");
        for password in [PASSWORD, "four grey geese there"] {
            refused(hall.sign_in(ANN, password).await, Code::InvalidPhoneCredentials);
        }
    }
}

#[tokio::test]
async fn a_sign_up_repeated_with_the_same_password_is_one_account() {
    for hall in Hall::each().await {
        let first = hall.sign_up(ANN, PASSWORD).await.unwrap().user;
        hall.pocket.code(ANN).await;
        let second = hall.sign_up(ANN, PASSWORD).await.unwrap().user;
        assert_eq!(first.id, second.id);
        let code = hall.pocket.code(ANN).await;
        hall.verify(ANN, &code).await.unwrap();
        hall.sign_in(ANN, PASSWORD).await.unwrap();
    }
}
