//! The table of operations on both channels.

use std::time::Duration;

use serde_json::json;

use super::{
    bench::{Bench, PASSWORD, refused, somebody, with},
    factors::{code_of, guarded},
    provider_races::{begin, providers, with_providers},
    waiting_changes::{Begun, Factor, callers, switch_on, two_sessions},
};
use crate::{
    engine::rules::{AddressLimit, Need, Operation, Proof},
    port::{
        AuthManager, Caller, Code, Door, Entrance, Failure, FieldUpdate, Outcome, Password, ProviderFor,
        SecondFactorOf, Update,
    },
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const TEN_MINUTES: i64 = 600;

fn with_proof() -> impl Iterator<Item = Operation> {
    Operation::ALL.iter().copied().filter(|operation| {
        let rule = operation.rule();
        rule.session == Need::SignedIn && matches!(rule.proof, Proof::Recent | Proof::InCall)
    })
}

fn channels(caller: &Caller) -> [Caller; 2] {
    [Door::Pages, Door::Rest].map(|door| Caller { door, ..caller.clone() })
}

/// Calls an operation with what would be right for it.
async fn call(bench: &Bench, operation: Operation, caller: Caller) -> Outcome<()> {
    let engine = &bench.engine;
    let password = || Password::typed(PASSWORD);
    let (phone, code) = (PHONE.to_owned(), "123456".to_owned());
    let email = "ann@new.example".to_owned();
    match operation {
        Operation::ChangePhone => engine.change_phone(caller, Some(password()), phone).await.map(drop),
        Operation::SetPhone => engine.set_phone(caller, phone).await,
        Operation::VerifyOwnPhone => engine.verify_own_phone(caller, phone, code).await.map(drop),
        Operation::SwitchTextFactor => engine.switch_text_factor(caller, false).await.map(drop),
        Operation::BeginAuthenticator => engine.begin_authenticator(caller).await,
        Operation::WaitingAuthenticator => engine.waiting_authenticator(caller).await.map(drop),
        Operation::ConfirmAuthenticator => engine.confirm_authenticator(caller, code).await.map(drop),
        Operation::RemoveAuthenticator => engine.remove_authenticator(caller).await,
        Operation::MakeRecoveryCodes => engine.make_recovery_codes(caller).await.map(drop),
        Operation::UntrustBrowsers => engine.untrust_browsers(caller, None).await,
        Operation::ChangePassword => {
            let new = Password::typed("a calm green gate");
            engine.change_password(caller, password(), new).await.map(drop)
        }
        Operation::ChangeEmail => engine.change_email(caller, Some(password()), email).await.map(drop),
        Operation::ConfirmEmailChangeWithCode => {
            engine.confirm_email_change_with_code(caller, email, code).await.map(drop)
        }
        Operation::AcceptConnection => engine.accept_connection(caller, "offer".to_owned()).await,
        Operation::Disconnect => engine.disconnect(caller, "google".to_owned()).await,
        other => panic!("{other:?} needs a call here"),
    }
}

async fn switch_over_the_wire(bench: &Bench, caller: &Caller, on: bool) -> Outcome<()> {
    let update = FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(on)) };
    let id = bench.engine.member(caller.clone()).await?.user.id;
    let wire = Caller { door: Door::Rest, ..caller.clone() };
    bench.engine.update_user_object(wire, id, vec![update]).await.map(drop)
}

/// Each method of the port has a row under its own name.
#[test]
fn every_operation_of_the_port_is_in_the_table() {
    let port = include_str!("../../port/auth_manager.rs");
    let names = port.lines().filter_map(|line| line.strip_prefix("    fn ")?.split_once('('));
    let methods = names.map(|(name, _)| name.replace('_', "")).filter(|name| name != "offers");
    let methods: Vec<String> = methods.collect();
    assert!(methods.len() > 50, "{methods:?}");
    for method in methods {
        let is_method = |row: &&Operation| format!("{row:?}").to_lowercase() == method;
        assert!(Operation::ALL.iter().any(|row| is_method(&row)), "{method} has no row");
    }
}

/// S103
#[test]
fn every_row_that_changes_a_way_in_while_signed_in_wants_a_proof() {
    for operation in Operation::ALL {
        let rule = operation.rule();
        let is_free = rule.session != Need::NoSession && rule.proof == Proof::Nothing;
        assert!(!(rule.changes_way_in && is_free), "{operation:?}");
        assert!(rule.recorded || !rule.changes_way_in, "{operation:?} is not on record");
    }
}

/// S109: only reads with a session have no limit by address.
#[test]
fn every_operation_that_writes_or_takes_a_guess_has_a_limit_by_address() {
    for operation in Operation::ALL {
        let rule = operation.rule();
        let is_read = rule.address_limit == AddressLimit::Read;
        let is_harmless = rule.session == Need::SignedIn && !rule.recorded && !rule.changes_way_in;
        assert!(!is_read || is_harmless, "{operation:?}");
    }
}

/// S83: a session that cannot be looked up lets nothing run that needs one.
#[tokio::test]
async fn a_look_up_that_fails_lets_no_verb_run() {
    let bench = Bench::each().await.remove(0);
    for operation in Operation::ALL {
        let rule = operation.rule();
        let current = Some(Err(Failure::broken("the database is away").into()));
        let is_let_through = bench.engine.enforce(&rule, &somebody(), current).is_ok();
        assert_eq!(is_let_through, rule.session == Need::NoSession, "{operation:?}");
    }
}

/// S20, S103: a stolen session alone changes no way in.
#[tokio::test]
async fn a_stale_session_changes_no_way_in_on_either_channel() {
    for bench in Bench::each().await {
        let caller = with(&bench.member(EMAIL).await);
        bench.pass(TEN_MINUTES);
        for operation in with_proof().filter(|operation| operation.rule().proof == Proof::Recent) {
            for caller in channels(&caller) {
                refused(call(&bench, operation, caller).await, Code::ProofNeeded);
            }
        }
    }
}

/// S104
#[tokio::test]
async fn a_session_from_before_the_second_factor_changes_no_way_in_on_either_channel() {
    for bench in Bench::each().await {
        let before = with(&bench.member(EMAIL).await);
        let owner = with(&bench.sign_in(EMAIL, PASSWORD).await.unwrap());
        bench.engine.begin_authenticator(owner.clone()).await.unwrap();
        let key = bench.engine.waiting_authenticator(owner.clone()).await.unwrap().expect("a key");
        let code = code_of(&bench, key.text());
        bench.engine.confirm_authenticator(owner.clone(), code).await.unwrap();
        for operation in with_proof() {
            for caller in channels(&before) {
                refused(call(&bench, operation, caller).await, Code::ProofNeeded);
            }
        }
        // Where the second factor was shown, the password in the call is enough.
        for caller in channels(&owner) {
            call(&bench, Operation::ChangePhone, caller).await.unwrap();
        }
    }
}

/// S104: rows that need no session finish what a code, a link or a provider begins. What was begun before the second factor
/// changes no way in, whoever finishes it on whichever channel; a reset changes the password, and the factor is asked for after it.
#[tokio::test]
async fn rows_without_a_session_finish_nothing_from_before_the_second_factor() {
    let (_server, providers) = providers(None).await;
    let rows = Operation::ALL.iter().copied().filter(|operation| {
        let rule = operation.rule();
        rule.session == Need::NoSession && rule.changes_way_in
    });
    for operation in rows {
        for bench in Bench::each_with(with_providers(&providers)).await {
            let (thief, owner) = two_sessions(&bench).await;
            let Some(begun) = Begun::of(&bench, operation, &thief).await else { continue };
            let before = begun.ways_in(&bench).await;
            switch_on(&bench, &owner, Factor::App).await;
            for caller in callers(&thief, &owner) {
                let finished = begun.finish(&bench, operation, caller).await;
                assert!(finished.is_err() || operation.is_reset(), "{operation:?}");
            }
            assert_eq!(begun.ways_in(&bench).await, before, "{operation:?}");
            for password in [PASSWORD, "nine orange otters"] {
                let typed = Password::typed(password);
                let entrance = bench.engine.sign_in_with_email(somebody(), EMAIL.to_owned(), typed).await;
                assert!(!matches!(entrance, Ok(Entrance::Granted(_))), "{operation:?}");
            }
        }
    }
}

impl Operation {
    /// Whether it chooses a password for somebody who is not signed in.
    fn is_reset(self) -> bool {
        matches!(self, Self::ResetPasswordWithCode | Self::ResetPasswordWithToken | Self::ChooseLinkPassword)
    }
}

/// S103, S104: a journey that connects a provider needs a proof at its beginning.
#[tokio::test]
async fn a_connection_is_begun_with_a_recent_proof_and_the_second_factor() {
    let (_server, providers) = providers(None).await;
    for bench in Bench::each_with(with_providers(&providers)).await {
        let (thief, owner) = two_sessions(&bench).await;
        let [thief, owner] =
            [thief, owner].map(|caller| Caller { browser: super::bench::at("a-browser").browser, ..caller });
        begin(&bench, &thief, "discord", ProviderFor::Connection).await;
        switch_on(&bench, &owner, Factor::App).await;
        let again = async |caller: &Caller| {
            bench.engine.begin_provider(caller.clone(), "discord".to_owned(), ProviderFor::Connection).await
        };
        refused(again(&thief).await, Code::ProofNeeded);
        again(&owner).await.unwrap();
        bench.pass(TEN_MINUTES);
        refused(again(&owner).await, Code::ProofNeeded);
    }
}

#[tokio::test]
async fn without_a_session_both_channels_refuse_alike() {
    for bench in Bench::each().await {
        for operation in with_proof() {
            for caller in channels(&somebody()) {
                refused(call(&bench, operation, caller).await, Code::MissingSessionToken);
            }
        }
    }
}

/// S103, S104: `db/object/update {twoFactorAuth}`.
#[tokio::test]
async fn the_field_that_switches_the_second_factor_wants_a_recent_proof() {
    for bench in Bench::each().await {
        let grant = bench.member(EMAIL).await;
        let caller = with(&grant);
        bench.engine.set_phone(caller.clone(), PHONE.to_owned()).await.unwrap();
        let code = bench.newest_code();
        bench.engine.verify_own_phone(caller.clone(), PHONE.to_owned(), code).await.unwrap();
        let before = with(&bench.sign_in(EMAIL, PASSWORD).await.unwrap());
        bench.pass(TEN_MINUTES);
        refused(switch_over_the_wire(&bench, &caller, true).await, Code::ProofNeeded);
        switch_over_the_wire(&bench, &caller, false).await.unwrap();

        bench.pass(-TEN_MINUTES);
        switch_over_the_wire(&bench, &caller, true).await.unwrap();
        refused(switch_over_the_wire(&bench, &before, false).await, Code::ProofNeeded);
        switch_over_the_wire(&bench, &caller, false).await.unwrap();
    }
}

/// S109: guesses at second steps of ever other accounts end for their address.
#[tokio::test]
async fn one_address_cannot_guess_at_the_second_step_without_end() {
    for bench in Bench::each().await {
        let eve = Caller { address: Some([203, 0, 113, 7].into()), ..somebody() };
        let guess = async |number: u32, caller: Caller| {
            let of = SecondFactorOf::Phone(format!("+4915112{number:06}"));
            bench.engine.sign_in_with_second_factor(caller, of, "123456".to_owned(), false).await
        };
        for number in 0..120 {
            refused(guess(number, eve.clone()).await, Code::InvalidOneTimeCode);
        }
        let retry_after = Duration::from_secs(3);
        refused(guess(120, eve.clone()).await, Code::RateLimitExceeded { retry_after });
        let elsewhere = Caller { address: Some([198, 51, 100, 7].into()), ..somebody() };
        refused(guess(120, elsewhere).await, Code::InvalidOneTimeCode);
    }
}

/// S104: a session that has shown the second factor keeps what it had.
#[tokio::test]
async fn the_session_that_switched_the_factor_on_goes_on() {
    for bench in Bench::each().await {
        let (grant, ..) = guarded(&bench).await;
        bench.engine.make_recovery_codes(with(&grant)).await.unwrap();
    }
}
