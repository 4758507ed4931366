//! The table of operations on both channels.

use std::time::Duration;

use serde_json::json;

use super::{
    fixture::{Fixture, PASSWORD, refused, somebody, with},
    provider_races::{begin, providers, with_providers},
    storage::note,
    two_factor::{code_of, guarded},
    waiting_changes::{Begun, Factor, callers, switch_on, two_sessions},
};
use crate::{
    engine::{
        limits::LimitedAction,
        rules::{AddressLimit, Need, Operation, RequiredProof},
    },
    port::{
        AuthManager, BucketChange, Caller, Channel, Code, Failure, FieldUpdate, FileChange,
        FileName, FileQuery, NewBucket, OperationError, Outcome, Password, ProviderFor,
        SecondFactorOf, SignInOutcome, Storage as _, Update,
    },
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const TEN_MINUTES: i64 = 600;

fn with_proof() -> impl Iterator<Item = Operation> {
    Operation::ALL.iter().copied().filter(|operation| {
        let rule = operation.rule();
        rule.session == Need::SignedIn
            && matches!(rule.proof, RequiredProof::Recent | RequiredProof::InCall)
    })
}

fn channels(caller: &Caller) -> [Caller; 2] {
    [Channel::Pages, Channel::Api].map(|channel| Caller { channel, ..caller.clone() })
}

/// Calls an operation with what would be right for it.
async fn call(fixture: &Fixture, operation: Operation, caller: Caller) -> Outcome<()> {
    let engine = &fixture.engine;
    let password = || Password::entered(PASSWORD);
    let (phone, code) = (PHONE.to_owned(), "123456".to_owned());
    let email = "ann@new.example".to_owned();
    match operation {
        Operation::ChangePhone => {
            engine.change_phone(caller, Some(password()), phone).await.map(drop)
        }
        Operation::SetPhone => engine.set_phone(caller, phone).await,
        Operation::VerifyOwnPhone => engine.verify_own_phone(caller, phone, code).await.map(drop),
        Operation::SwitchSmsFactor => engine.switch_sms_factor(caller, false).await.map(drop),
        Operation::BeginAuthenticator => engine.begin_authenticator(caller).await,
        Operation::WaitingAuthenticator => engine.waiting_authenticator(caller).await.map(drop),
        Operation::ConfirmAuthenticator => {
            engine.confirm_authenticator(caller, code).await.map(drop)
        }
        Operation::RemoveAuthenticator => engine.remove_authenticator(caller).await,
        Operation::MakeRecoveryCodes => engine.make_recovery_codes(caller).await.map(drop),
        Operation::UntrustBrowsers => engine.untrust_browsers(caller, None).await,
        Operation::ChangePassword => {
            let new = Password::entered("a calm green gate");
            engine.change_password(caller, password(), new).await.map(drop)
        }
        Operation::ChangeEmail => {
            engine.change_email(caller, Some(password()), email).await.map(drop)
        }
        Operation::ConfirmEmailChangeWithCode => {
            engine.confirm_email_change_with_code(caller, email, code).await.map(drop)
        }
        Operation::AcceptConnection => engine.accept_connection(caller, "offer".to_owned()).await,
        Operation::Disconnect => engine.disconnect(caller, "google".to_owned()).await,
        other => panic!("{other:?} needs a call here"),
    }
}

async fn switch_over_the_wire(fixture: &Fixture, caller: &Caller, on: bool) -> Outcome<()> {
    let update = FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(on)) };
    let id = fixture.engine.signed_in_user(caller.clone()).await?.user.id;
    let wire = Caller { channel: Channel::Api, ..caller.clone() };
    fixture.engine.update_user_object(wire, id, vec![update]).await.map(drop)
}

/// Methods of a trait in a file of the port: its name, and that of each method.
fn methods(file: &str) -> Vec<(String, String)> {
    let mut methods = Vec::new();
    for part in file.split("\npub trait ").skip(1) {
        let (name, rest) = part.split_once([':', ' ']).expect("a name");
        let body = rest.split("\n}").next().expect("a body");
        let names =
            body.lines().filter_map(|line| line.strip_prefix("    fn ")?.split(['(', '<']).next());
        methods.extend(names.map(|method| (name.to_owned(), method.to_owned())));
    }
    methods
}

/// S109: each method of every trait of the port, and each call on objects, has a row under its own
/// name.
#[test]
fn every_operation_of_the_port_is_in_the_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/port");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut all: Vec<(String, String)> = files.flat_map(|file| methods(&file)).collect();
    let objects = include_str!("../users/objects.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("    pub fn "));
    all.extend(
        objects.map(|line| {
            ("Objects".to_owned(), line.split('(').next().unwrap_or_default().to_owned())
        }),
    );
    // No operations: the time, chance, the inbox of a developer; what is offered; and a public
    // picture, served to anybody.
    all.retain(|(name, _)| !["Clock", "Random", "DevInbox"].contains(&&**name));
    all.retain(|(_, method)| !["capabilities", "public_file"].contains(&&**method));
    for name in ["AuthManager", "Storage", "Objects"] {
        assert!(all.iter().any(|(of, _)| of == name), "{name}: {all:?}");
    }
    assert!(all.len() > 80, "{all:?}");
    for (name, method) in all {
        // As `update_user`; a field decides which of two rows it is.
        let method = if method == "update_user_object" { "update_user".to_owned() } else { method };
        let is_method =
            |row: &&Operation| format!("{row:?}").to_lowercase() == method.replace('_', "");
        assert!(Operation::ALL.iter().any(|row| is_method(&row)), "{name}: {method} has no row");
    }
}

/// S103
#[test]
fn every_row_that_changes_a_way_in_while_signed_in_wants_a_proof() {
    for operation in Operation::ALL {
        let rule = operation.rule();
        let is_free = rule.session != Need::NoSession && rule.proof == RequiredProof::Nothing;
        assert!(!(rule.changes_way_in && is_free), "{operation:?}");
        assert!(rule.audited || !rule.changes_way_in, "{operation:?} is not on record");
    }
}

/// S109: only reads with a session have no limit by address.
#[test]
fn every_operation_that_writes_or_takes_a_guess_has_a_limit_by_address() {
    for operation in Operation::ALL {
        let rule = operation.rule();
        let is_read = rule.address_limit == AddressLimit::Read;
        let is_harmless = rule.session == Need::SignedIn && !rule.audited && !rule.changes_way_in;
        assert!(!is_read || is_harmless, "{operation:?}");
    }
}

/// S83: a session that cannot be looked up lets nothing run that needs one.
#[tokio::test]
async fn a_look_up_that_fails_lets_no_verb_run() {
    let fixture = Fixture::each().await.remove(0);
    for operation in Operation::ALL {
        let rule = operation.rule();
        let current = Some(Err(Failure::broken("the database is away").into()));
        let is_let_through = fixture.engine.enforce(&rule, &somebody(), current).is_ok();
        assert_eq!(is_let_through, rule.session == Need::NoSession, "{operation:?}");
    }
}

/// S20, S103: a stolen session alone changes no way in.
#[tokio::test]
async fn a_stale_session_changes_no_way_in_on_either_channel() {
    for fixture in Fixture::each().await {
        let caller = with(&fixture.signed_in_user(EMAIL).await);
        fixture.pass(TEN_MINUTES);
        for operation in
            with_proof().filter(|operation| operation.rule().proof == RequiredProof::Recent)
        {
            for caller in channels(&caller) {
                refused(call(&fixture, operation, caller).await, Code::ProofNeeded);
            }
        }
    }
}

/// S104
#[tokio::test]
async fn a_session_from_before_the_second_factor_changes_no_way_in_on_either_channel() {
    for fixture in Fixture::each().await {
        let before = with(&fixture.signed_in_user(EMAIL).await);
        let owner = with(&fixture.sign_in(EMAIL, PASSWORD).await.unwrap());
        fixture.engine.begin_authenticator(owner.clone()).await.unwrap();
        let key =
            fixture.engine.waiting_authenticator(owner.clone()).await.unwrap().expect("a key");
        let code = code_of(&fixture, key.text());
        fixture.engine.confirm_authenticator(owner.clone(), code).await.unwrap();
        for operation in with_proof() {
            for caller in channels(&before) {
                refused(call(&fixture, operation, caller).await, Code::ProofNeeded);
            }
        }
        // Where the second factor was shown, the password in the call is enough.
        for caller in channels(&owner) {
            call(&fixture, Operation::ChangePhone, caller).await.unwrap();
        }
    }
}

/// S104: rows that need no session finish what a code, a link or a provider begins. What was begun
/// before the second factor changes no way in, whoever finishes it on whichever channel; a reset
/// changes the password, and the factor is asked for after it.
#[tokio::test]
async fn rows_without_a_session_finish_nothing_from_before_the_second_factor() {
    let (_server, providers) = providers(None).await;
    let rows = Operation::ALL.iter().copied().filter(|operation| {
        let rule = operation.rule();
        rule.session == Need::NoSession && rule.changes_way_in
    });
    for operation in rows {
        for fixture in Fixture::each_with(with_providers(&providers)).await {
            let (thief, owner) = two_sessions(&fixture).await;
            let Some(begun) = Begun::of(&fixture, operation, &thief).await else { continue };
            let before = begun.ways_in(&fixture).await;
            switch_on(&fixture, &owner, Factor::App).await;
            for caller in callers(&thief, &owner) {
                let finished = begun.finish(&fixture, operation, caller).await;
                assert!(finished.is_err() || operation.is_reset(), "{operation:?}");
            }
            assert_eq!(begun.ways_in(&fixture).await, before, "{operation:?}");
            for password in [PASSWORD, "nine orange otters"] {
                let entered = Password::entered(password);
                let sign_in_outcome =
                    fixture.engine.sign_in_with_email(somebody(), EMAIL.to_owned(), entered).await;
                assert!(
                    !matches!(sign_in_outcome, Ok(SignInOutcome::SignedIn(_))),
                    "{operation:?}"
                );
            }
        }
    }
}

impl Operation {
    /// Whether it chooses a password for somebody who is not signed in.
    fn is_reset(self) -> bool {
        matches!(
            self,
            Self::ResetPasswordWithCode | Self::ResetPasswordWithToken | Self::ChooseLinkPassword
        )
    }
}

/// S103, S104: a journey that connects a provider needs a proof at its beginning.
#[tokio::test]
async fn a_connection_is_begun_with_a_recent_proof_and_the_second_factor() {
    let (_server, providers) = providers(None).await;
    for fixture in Fixture::each_with(with_providers(&providers)).await {
        let (thief, owner) = two_sessions(&fixture).await;
        let [thief, owner] = [thief, owner]
            .map(|caller| Caller { browser: super::fixture::at("a-browser").browser, ..caller });
        begin(&fixture, &thief, "discord", ProviderFor::Connection).await;
        switch_on(&fixture, &owner, Factor::App).await;
        let again = async |caller: &Caller| {
            fixture
                .engine
                .begin_provider(caller.clone(), "discord".to_owned(), ProviderFor::Connection)
                .await
        };
        refused(again(&thief).await, Code::ProofNeeded);
        again(&owner).await.unwrap();
        fixture.pass(TEN_MINUTES);
        refused(again(&owner).await, Code::ProofNeeded);
    }
}

#[tokio::test]
async fn without_a_session_both_channels_refuse_alike() {
    for fixture in Fixture::each().await {
        for operation in with_proof() {
            for caller in channels(&somebody()) {
                refused(call(&fixture, operation, caller).await, Code::MissingSessionToken);
            }
        }
    }
}

/// S103, S104: `db/object/update {twoFactorAuth}`.
#[tokio::test]
async fn the_field_that_switches_the_second_factor_wants_a_recent_proof() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(EMAIL).await;
        let caller = with(&grant);
        fixture.engine.set_phone(caller.clone(), PHONE.to_owned()).await.unwrap();
        let code = fixture.newest_code();
        fixture.engine.verify_own_phone(caller.clone(), PHONE.to_owned(), code).await.unwrap();
        let before = with(&fixture.sign_in(EMAIL, PASSWORD).await.unwrap());
        fixture.pass(TEN_MINUTES);
        refused(switch_over_the_wire(&fixture, &caller, true).await, Code::ProofNeeded);
        switch_over_the_wire(&fixture, &caller, false).await.unwrap();

        fixture.pass(-TEN_MINUTES);
        switch_over_the_wire(&fixture, &caller, true).await.unwrap();
        refused(switch_over_the_wire(&fixture, &before, false).await, Code::ProofNeeded);
        switch_over_the_wire(&fixture, &caller, false).await.unwrap();
    }
}

/// S109: guesses at second steps of ever other accounts end for their address.
#[tokio::test]
async fn one_address_cannot_guess_at_the_second_step_without_end() {
    for fixture in Fixture::each().await {
        let eve = Caller { address: Some([203, 0, 113, 7].into()), ..somebody() };
        let guess = async |number: u32, caller: Caller| {
            let of = SecondFactorOf::Phone(format!("+4915112{number:06}"));
            fixture.engine.sign_in_with_second_factor(caller, of, "123456".to_owned(), false).await
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
    for fixture in Fixture::each().await {
        let (grant, ..) = guarded(&fixture).await;
        fixture.engine.make_recovery_codes(with(&grant)).await.unwrap();
    }
}

/// Calls an operation of the storage or of objects with what would be right for it.
async fn store(fixture: &Fixture, operation: Operation, caller: Caller) -> Outcome<()> {
    let engine = &fixture.engine;
    let (bucket, query) = ("root".to_owned(), FileQuery::default());
    let new_bucket = || NewBucket { name: "pets".to_owned(), is_public: true, tags: Vec::new() };
    let file = || FileName { bucket: "root".to_owned(), file: "a.txt".to_owned() };
    match operation {
        Operation::UserObject => engine.user_object(caller, "id".to_owned()).await.map(drop),
        Operation::CreateBucket => engine.create_bucket(caller, new_bucket()).await.map(drop),
        Operation::ListBuckets => engine.list_buckets(caller, query).await.map(drop),
        Operation::StorageStats => engine.storage_stats(caller).await.map(drop),
        Operation::BucketExists => engine.bucket_exists(caller, bucket).await.map(drop),
        Operation::BucketInfo => engine.bucket_info(caller, bucket).await.map(drop),
        Operation::BucketStats => engine.bucket_stats(caller, bucket).await.map(drop),
        Operation::ChangeBucket => {
            engine.change_bucket(caller, bucket, BucketChange::default()).await.map(drop)
        }
        Operation::EmptyBucket => engine.empty_bucket(caller, bucket).await,
        Operation::DeleteBucket => engine.delete_bucket(caller, bucket).await,
        Operation::SearchFiles => engine.search_files(caller, query).await.map(drop),
        Operation::ListFiles => engine.list_files(caller, bucket, query).await.map(drop),
        Operation::Upload => engine.upload(caller, note("root", Some(false))).await.map(drop),
        Operation::ReplaceFile => {
            engine.replace_file(caller, file(), note("root", None).content, None).await.map(drop)
        }
        Operation::FileExists => engine.file_exists(caller, file()).await.map(drop),
        Operation::FileInfo => engine.file_info(caller, file()).await.map(drop),
        Operation::DownloadFile => engine.download_file(caller, file()).await.map(drop),
        Operation::ChangeFile => {
            engine.change_file(caller, file(), FileChange::default()).await.map(drop)
        }
        Operation::DuplicateFile => engine.duplicate_file(caller, file(), None).await.map(drop),
        Operation::CopyFile => engine.copy_file(caller, file(), bucket).await.map(drop),
        Operation::MoveFile => engine.move_file(caller, file(), bucket).await.map(drop),
        Operation::DeleteFiles => {
            engine.delete_files(caller, bucket, vec!["a.txt".to_owned()]).await
        }
        Operation::DeleteNamedFile => engine.delete_named_file(caller, file()).await,
        Operation::DeleteFile => engine.delete_file(caller, "/a.txt".to_owned()).await,
        other => panic!("{other:?} needs a call here"),
    }
}

/// S109: also where the session is a good one.
#[tokio::test]
async fn every_operation_of_the_storage_and_of_objects_ends_for_an_address_that_goes_on_asking() {
    let first = Operation::ALL.iter().position(|row| *row == Operation::UserObject).expect("a row");
    let storage = &Operation::ALL[first..];
    for fixture in Fixture::each().await {
        let ann = Caller {
            address: Some([203, 0, 113, 7].into()),
            ..with(&fixture.signed_in_user(EMAIL).await)
        };
        for action in [
            LimitedAction::ReadFromAddress,
            LimitedAction::WriteStorage,
            LimitedAction::SearchFiles,
        ] {
            while fixture.engine.limits().take_from_caller(action, &ann, fixture.now()).is_ok() {}
        }
        for operation in storage {
            let is_write =
                operation.rule().address_limit == AddressLimit::Takes(LimitedAction::WriteStorage);
            assert_eq!(operation.rule().audited, is_write, "{operation:?}");
            for caller in channels(&ann) {
                match store(&fixture, *operation, caller).await {
                    Err(OperationError::Rejected(refusal)) => {
                        assert!(refusal.retry_after().is_some(), "{operation:?}")
                    }
                    other => panic!("{operation:?}: {other:?}"),
                }
            }
            let elsewhere = Caller { address: Some([198, 51, 100, 7].into()), ..ann.clone() };
            if let Err(OperationError::Rejected(refusal)) =
                store(&fixture, *operation, elsewhere).await
            {
                assert!(refusal.retry_after().is_none(), "{operation:?}");
            }
            refused(store(&fixture, *operation, somebody()).await, Code::MissingSessionToken);
        }
    }
}
