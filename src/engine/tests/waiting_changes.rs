//! Changes that wait for a code, a link or a provider while a second factor is switched on.

use super::{
    fixture::{Fixture, PASSWORD, at, refused, somebody, with},
    provider_races::{begin, count, providers, with_providers},
    two_factor::code_of,
};
use crate::{
    engine::{rules::Operation, store::values},
    port::{
        AccessToken, AuthManager, Caller, Channel, Code, FieldUpdate, LinkKey, Outcome, Password,
        ProviderAnswer, ProviderFor, Update,
    },
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const THIEFS_PHONE: &str = "+905302223344";
const THIEFS_EMAIL: &str = "thief@example.com";

/// A second factor, and the channel that switches it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    App,
    Text,
    /// Over the wire, as a field of the user.
    TextField,
}

const FACTORS: [Factor; 3] = [Factor::App, Factor::Text, Factor::TextField];

async fn benches() -> Vec<Fixture> {
    Fixture::each_with(|settings| settings.limits_factor = 100.0).await
}

/// Somebody with a number: a thief's session and the owner's.
pub(super) async fn two_sessions(fixture: &Fixture) -> (Caller, Caller) {
    let owner = with(&fixture.signed_in_user(EMAIL).await);
    fixture.engine.set_phone(owner.clone(), PHONE.to_owned()).await.unwrap();
    fixture
        .engine
        .verify_own_phone(owner.clone(), PHONE.to_owned(), fixture.newest_code())
        .await
        .unwrap();
    (with(&fixture.sign_in(EMAIL, PASSWORD).await.unwrap()), owner)
}

pub(super) async fn switch_on(fixture: &Fixture, owner: &Caller, factor: Factor) {
    let engine = &fixture.engine;
    match factor {
        Factor::App => {
            engine.begin_authenticator(owner.clone()).await.unwrap();
            let key = engine.waiting_authenticator(owner.clone()).await.unwrap().expect("a key");
            let code = code_of(fixture, key.text());
            engine.confirm_authenticator(owner.clone(), code).await.unwrap();
        }
        Factor::Text => drop(engine.switch_sms_factor(owner.clone(), true).await.unwrap()),
        Factor::TextField => {
            let update =
                FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(true.into()) };
            let wire = Caller { channel: Channel::Api, ..owner.clone() };
            engine.update_user(wire, vec![update]).await.unwrap();
        }
    }
}

/// The thief with the session from before, without one, and the owner: on both channels.
pub(super) fn callers(thief: &Caller, owner: &Caller) -> Vec<Caller> {
    let who = [thief.clone(), somebody(), owner.clone()];
    who.into_iter()
        .flat_map(|caller| {
            [Channel::Pages, Channel::Api].map(|channel| Caller { channel, ..caller.clone() })
        })
        .collect()
}

#[track_caller]
fn is_refused<T>(outcome: Outcome<T>, what: &str) {
    let Err(crate::port::OperationError::Rejected(refusal)) = outcome else { panic!("{what}") };
    assert!(
        [Code::InvalidOneTimeCode, Code::InvalidAccessToken, Code::ProofNeeded]
            .iter()
            .any(|code| refusal.is(*code)),
        "{what}: {refusal:?}"
    );
}

async fn ways_in(fixture: &Fixture) -> (Option<String>, Option<String>) {
    let sql = "select email, phone from users";
    let row = fixture.engine.store().fetch_optional(sql, values![]).await.unwrap().unwrap();
    (row.optional_text("email").unwrap(), row.optional_text("phone").unwrap())
}

/// Requirements to finish an operation without a session.
pub(super) struct Begun {
    code: String,
    key: Option<LinkKey>,
    token: Option<AccessToken>,
    answer: Option<ProviderAnswer>,
}

impl Begun {
    /// Begins what the operation finishes. `None` for the report of the owner, which takes back
    /// what came after, factors included.
    pub(super) async fn of(
        fixture: &Fixture,
        operation: Operation,
        thief: &Caller,
    ) -> Option<Self> {
        let (engine, password) = (&fixture.engine, || Some(Password::entered(PASSWORD)));
        let nothing = Self { code: String::new(), key: None, token: None, answer: None };
        Some(match operation {
            Operation::VerifyPhone => {
                engine
                    .change_phone(thief.clone(), password(), THIEFS_PHONE.to_owned())
                    .await
                    .unwrap();
                Self { code: fixture.newest_code(), ..nothing }
            }
            Operation::ConfirmEmailChange | Operation::ConfirmEmailChangeWithPassword => {
                engine
                    .change_email(thief.clone(), password(), THIEFS_EMAIL.to_owned())
                    .await
                    .unwrap();
                Self { key: fixture.change_keys().await.pop(), ..nothing }
            }
            Operation::FinishProvider => {
                let caller = Caller { browser: at("a-browser").browser, ..thief.clone() };
                let answer = begin(fixture, &caller, "discord", ProviderFor::Connection).await;
                Self { answer: Some(answer), ..nothing }
            }
            Operation::ResetPasswordWithCode => {
                engine.send_reset_password_code(somebody(), PHONE.to_owned()).await.unwrap();
                Self { code: fixture.newest_code(), ..nothing }
            }
            Operation::ResetPasswordWithToken => {
                engine.send_reset_password_email(somebody(), EMAIL.to_owned()).await.unwrap();
                Self { token: Some(fixture.token("reset-pwd").await), ..nothing }
            }
            Operation::ChooseLinkPassword => {
                engine.send_magic_link_email(somebody(), EMAIL.to_owned()).await.unwrap();
                Self { token: Some(fixture.token("magic-link").await), ..nothing }
            }
            Operation::RecoverAccount => return None,
            other => panic!("{other:?} needs a beginning here"),
        })
    }

    pub(super) async fn finish(
        &self,
        fixture: &Fixture,
        operation: Operation,
        caller: Caller,
    ) -> Outcome<()> {
        let (engine, code, new) =
            (&fixture.engine, self.code.clone(), Password::entered("nine orange otters"));
        let (key, token) = (|| self.key.clone().unwrap(), || self.token.clone().unwrap());
        match operation {
            Operation::VerifyPhone => {
                engine.verify_phone(caller, THIEFS_PHONE.to_owned(), code).await.map(drop)
            }
            Operation::ConfirmEmailChange => {
                engine.confirm_email_change(caller, key()).await.map(drop)
            }
            Operation::ConfirmEmailChangeWithPassword => {
                let password = Password::entered(PASSWORD);
                engine.confirm_email_change_with_password(caller, key(), password).await.map(drop)
            }
            Operation::FinishProvider => {
                let caller = Caller { browser: at("a-browser").browser, ..caller };
                engine
                    .finish_provider(caller, "discord".to_owned(), self.answer.clone().unwrap())
                    .await
                    .map(drop)
            }
            Operation::ResetPasswordWithCode => {
                engine.reset_password_with_code(caller, PHONE.to_owned(), code, new).await
            }
            Operation::ResetPasswordWithToken => {
                engine.reset_password_with_token(caller, token(), new).await
            }
            Operation::ChooseLinkPassword => {
                engine.choose_link_password(caller, token(), Some(new)).await.map(drop)
            }
            other => panic!("{other:?} needs an end here"),
        }
    }

    /// Email, number and connected accounts.
    pub(super) async fn ways_in(&self, fixture: &Fixture) -> (Option<String>, Option<String>, i64) {
        let (email, phone) = ways_in(fixture).await;
        // A reset by email takes a number back that was added lately.
        let phone = phone.filter(|_| self.token.is_none());
        (email, phone, count(fixture, "identities").await)
    }
}

/// S104
#[tokio::test]
async fn a_change_of_number_from_before_the_second_factor_is_finished_by_nobody() {
    for factor in FACTORS {
        for fixture in benches().await {
            let (thief, owner) = two_sessions(&fixture).await;
            let password = Some(Password::entered(PASSWORD));
            fixture
                .engine
                .change_phone(thief.clone(), password, THIEFS_PHONE.to_owned())
                .await
                .unwrap();
            let code = fixture.newest_code();
            switch_on(&fixture, &owner, factor).await;
            for caller in callers(&thief, &owner) {
                let verified = fixture
                    .engine
                    .verify_phone(caller, THIEFS_PHONE.to_owned(), code.clone())
                    .await;
                is_refused(verified, &format!("{factor:?}"));
            }
            assert_eq!(ways_in(&fixture).await, (Some(EMAIL.to_owned()), Some(PHONE.to_owned())));
        }
    }
}

/// S104
#[tokio::test]
async fn a_number_that_was_to_be_set_before_the_second_factor_is_set_by_nobody() {
    for factor in FACTORS {
        for fixture in benches().await {
            let (thief, owner) = two_sessions(&fixture).await;
            fixture.engine.set_phone(thief.clone(), THIEFS_PHONE.to_owned()).await.unwrap();
            let code = fixture.newest_code();
            switch_on(&fixture, &owner, factor).await;
            for caller in
                callers(&thief, &owner).into_iter().filter(|caller| caller.session.is_some())
            {
                let verified = fixture
                    .engine
                    .verify_own_phone(caller, THIEFS_PHONE.to_owned(), code.clone())
                    .await;
                let Err(crate::port::OperationError::Rejected(_)) = verified else {
                    panic!("{factor:?}")
                };
            }
            assert_eq!(ways_in(&fixture).await, (Some(EMAIL.to_owned()), Some(PHONE.to_owned())));
        }
    }
}

/// S104: by the link, by the link with the password, and by its code.
#[tokio::test]
async fn a_change_of_email_from_before_the_second_factor_is_finished_by_nobody() {
    for factor in FACTORS {
        for fixture in benches().await {
            let (thief, owner) = two_sessions(&fixture).await;
            let thief = Caller { browser: at("thiefs-browser").browser, ..thief };
            let password = || Password::entered(PASSWORD);
            let asked = fixture
                .engine
                .change_email(thief.clone(), Some(password()), THIEFS_EMAIL.to_owned())
                .await;
            asked.unwrap();
            let (key, code) = (fixture.change_keys().await.pop().unwrap(), fixture.newest_code());
            switch_on(&fixture, &owner, factor).await;
            let engine = &fixture.engine;
            for caller in callers(&thief, &owner) {
                is_refused(
                    engine.confirm_email_change(caller.clone(), key.clone()).await,
                    "by link",
                );
                let entered = engine
                    .confirm_email_change_with_password(caller.clone(), key.clone(), password())
                    .await;
                is_refused(entered, "by password");
                if caller.session.is_some() {
                    let email = THIEFS_EMAIL.to_owned();
                    is_refused(
                        engine.confirm_email_change_with_code(caller, email, code.clone()).await,
                        "by code",
                    );
                }
            }
            assert_eq!(ways_in(&fixture).await, (Some(EMAIL.to_owned()), Some(PHONE.to_owned())));
        }
    }
}

/// S104
#[tokio::test]
async fn a_connection_from_before_the_second_factor_is_finished_by_nobody() {
    let (_server, providers) = providers(None).await;
    for factor in FACTORS {
        for fixture in Fixture::each_with(with_providers(&providers)).await {
            let (thief, owner) = two_sessions(&fixture).await;
            let thief = Caller { browser: at("thiefs-browser").browser, ..thief };
            let answer = begin(&fixture, &thief, "discord", ProviderFor::Connection).await;
            switch_on(&fixture, &owner, factor).await;
            let finished =
                fixture.engine.finish_provider(thief, "discord".to_owned(), answer).await;
            let Err(crate::port::OperationError::Rejected(_)) = finished else {
                panic!("{factor:?}")
            };
            assert_eq!(count(&fixture, "identities").await, 0);
        }
    }
}

/// S104: the key of an app that a thief has seen is no key that the owner would confirm.
#[tokio::test]
async fn a_key_that_waited_before_the_second_factor_is_not_shown_again() {
    for fixture in benches().await {
        let (thief, owner) = two_sessions(&fixture).await;
        fixture.engine.begin_authenticator(thief).await.unwrap();
        switch_on(&fixture, &owner, Factor::Text).await;
        assert!(fixture.engine.waiting_authenticator(owner).await.unwrap().is_none());
    }
}

/// S104: a session that has not shown the second factor is no sign that the owner confirms a change
/// of email.
#[tokio::test]
async fn a_link_is_not_confirmed_by_a_session_from_before_the_second_factor() {
    for fixture in benches().await {
        let (thief, owner) = two_sessions(&fixture).await;
        switch_on(&fixture, &owner, Factor::App).await;
        let owner = Caller { browser: at("anns-browser").browser, ..owner };
        let asked = fixture
            .engine
            .change_email(owner, Some(Password::entered(PASSWORD)), THIEFS_EMAIL.to_owned())
            .await;
        asked.unwrap();
        let key = fixture.change_keys().await.pop().unwrap();
        refused(fixture.engine.confirm_email_change(thief, key).await, Code::MissingPassword);
    }
}
