//! Changes that were let through and wait for the database while the account behind them changes.

use std::time::Duration;

use super::{
    account_recovery::account_recovery_key,
    fixture::{Fixture, PASSWORD, refused, somebody, with},
    sent_messages::SentMessages,
    two_factor::{code_of, guarded},
};
use crate::{
    engine::{Engine, EngineSettings, store::values},
    port::{
        AuthManager, Caller, Channel, Code, FieldUpdate, Grant, LinkKey, Outcome, Password, Update,
    },
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const THIEFS_PHONE: &str = "+905302223344";
const THIEFS_EMAIL: &str = "thief@example.com";
const TEN_MINUTES: i64 = 600;
/// How often one looks whether a call has come as far as the database.
const A_MOMENT: Duration = Duration::from_millis(20);

async fn benches(set: impl Fn(&mut EngineSettings)) -> Vec<Fixture> {
    Fixture::each_with(|settings| {
        settings.limits_factor = 100.0;
        set(settings);
    })
    .await
}

/// Lets two calls wait for the database, and goes on once both do: the first is served first.
async fn one_after_the_other<A: Send + 'static, B: Send + 'static>(
    fixture: &Fixture,
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> (A, B) {
    let mut tx = fixture.engine.store().begin().await.unwrap();
    // SQLite has one that writes at a time. On PostgreSQL a row that is only locked keeps the order
    // of those who wait for it.
    if fixture.engine.store().is_shared() {
        tx.fetch_all("select id from users for update", values![]).await.unwrap();
    }
    let first = tokio::spawn(first);
    has_come(fixture, 2).await;
    let second = tokio::spawn(second);
    has_come(fixture, 3).await;
    tx.commit().await.unwrap();
    (first.await.unwrap(), second.await.unwrap())
}

/// Waits until so many have waited for the database for a while, the one that holds it included.
async fn has_come(fixture: &Fixture, writers: usize) {
    let mut looks = 0;
    for _ in 0..500 {
        tokio::time::sleep(A_MOMENT).await;
        let have_come = match fixture.engine.store().is_shared() {
            true => 1 + waiting_for_a_lock(fixture).await,
            false => fixture.engine.store().writers(),
        };
        looks = if have_come >= writers { looks + 1 } else { 0 };
        if looks == 10 {
            return;
        }
    }
}

/// Counts the connections of PostgreSQL that wait for a row that another one holds.
async fn waiting_for_a_lock(fixture: &Fixture) -> usize {
    let sql = "select count(*) as waiting from pg_stat_activity \
               where datname = current_database() and wait_event_type = 'Lock'";
    let row = fixture.engine.store().fetch_optional(sql, values![]).await.unwrap().unwrap();
    usize::try_from(row.integer("waiting").unwrap()).unwrap()
}

/// Gives Ann a number that no recovery takes away.
async fn add_phone(fixture: &Fixture, grant: &Grant) {
    fixture.engine.set_phone(with(grant), PHONE.to_owned()).await.unwrap();
    fixture
        .engine
        .verify_own_phone(with(grant), PHONE.to_owned(), fixture.newest_code())
        .await
        .unwrap();
    fixture.engine.store().execute("update held_phones set vouched = 1", values![]).await.unwrap();
}

/// The link of a notification that told of a new password, and the session of a thief.
async fn robbed(fixture: &Fixture, sent_messages: &SentMessages) -> (LinkKey, Caller) {
    let grant = fixture.sign_in(EMAIL, PASSWORD).await.unwrap();
    sent_messages.arrived(EMAIL).await;
    let (old, new) = (Password::entered(PASSWORD), Password::entered("six silver swans"));
    fixture.engine.change_password(with(&grant), old, new).await.unwrap();
    let key = account_recovery_key(sent_messages, EMAIL).await;
    (key, with(&fixture.sign_in(EMAIL, "six silver swans").await.unwrap()))
}

fn field(on: bool) -> Vec<FieldUpdate> {
    vec![FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(on.into()) }]
}

/// A change of a way in, as a thief with a session that has just begun makes it.
#[derive(Debug, Clone, Copy)]
enum Change {
    Phone,
    SetPhone,
    Email,
    TextFactor,
    TextField,
    Authenticator,
    Untrust,
    Password,
    Name,
}

impl Change {
    const ALL: [Self; 9] = [
        Self::Phone,
        Self::SetPhone,
        Self::Email,
        Self::TextFactor,
        Self::TextField,
        Self::Authenticator,
        Self::Untrust,
        Self::Password,
        Self::Name,
    ];

    async fn make(self, engine: Engine, caller: Caller) -> Outcome<()> {
        match self {
            Self::Phone => {
                engine.change_phone(caller, None, THIEFS_PHONE.to_owned()).await.map(drop)
            }
            Self::SetPhone => engine.set_phone(caller, THIEFS_PHONE.to_owned()).await,
            Self::Email => {
                engine.change_email(caller, None, THIEFS_EMAIL.to_owned()).await.map(drop)
            }
            Self::TextFactor => engine.switch_sms_factor(caller, true).await.map(drop),
            Self::TextField => engine.update_user(caller, field(true)).await.map(drop),
            Self::Authenticator => engine.begin_authenticator(caller).await,
            Self::Untrust => engine.untrust_browsers(caller, None).await,
            Self::Password => {
                let [old, new] =
                    ["six silver swans", "a thief has this one"].map(Password::entered);
                engine.change_password(caller, old, new).await.map(drop)
            }
            Self::Name => {
                let update =
                    FieldUpdate { field: "name".to_owned(), update: Update::Set("Eve".into()) };
                engine.update_user(caller, vec![update]).await.map(drop)
            }
        }
    }
}

/// Everything that lets somebody into Ann's account, or would.
async fn ways_in(fixture: &Fixture) -> (Option<String>, Option<String>, i64, usize) {
    let sql = "select email, phone, two_factor from users";
    let row = fixture.engine.store().fetch_optional(sql, values![]).await.unwrap().unwrap();
    let mut waiting = 0;
    for sql in
        ["select user_id from codes", "select user_id from authenticators where confirmed = 0"]
    {
        waiting += fixture.engine.store().fetch_all(sql, values![]).await.unwrap().len();
    }
    let links = "select user_id from links where purpose = 'change-email'";
    waiting += fixture.engine.store().fetch_all(links, values![]).await.unwrap().len();
    let texts = ["email", "phone"].map(|column| row.optional_text(column).unwrap());
    let [email, phone] = texts;
    (email, phone, row.integer("two_factor").unwrap(), waiting)
}

/// S21, S103: whatever was under way when the owner took the account back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_waits_while_its_owner_takes_the_account_back_changes_nothing() {
    for confirms in [true, false] {
        for change in Change::ALL {
            let set = |settings: &mut EngineSettings| {
                (settings.confirm_email, settings.confirm_phone) = (confirms, confirms)
            };
            for mut fixture in benches(|_| {}).await {
                let sent_messages = SentMessages::of(&fixture);
                let grant = fixture.signed_in_user(EMAIL).await;
                add_phone(&fixture, &grant).await;
                let (key, thief) = robbed(&fixture, &sent_messages).await;
                fixture.reopen_with(set).await;
                let (engine, other) = (fixture.engine.clone(), fixture.engine.clone());
                let taken_back = async move { engine.recover_account(somebody(), key).await };
                let changed = change.make(other, thief);
                let (taken_back, changed) =
                    one_after_the_other(&fixture, taken_back, changed).await;
                taken_back.unwrap();
                let Err(crate::port::OperationError::Rejected(refusal)) = changed else {
                    panic!("{change:?} {confirms}: {changed:?}")
                };
                assert!(refusal.is(Code::InvalidSessionToken), "{change:?}: {refusal:?}");
                let expected = (Some(EMAIL.to_owned()), Some(PHONE.to_owned()), 0, 0);
                assert_eq!(ways_in(&fixture).await, expected, "{change:?} {confirms}");
            }
        }
    }
}

/// S18, S21: what an account with an app has is not changed either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_and_recovery_codes_stay_when_their_owner_takes_the_account_back_meanwhile() {
    for removes in [true, false] {
        for fixture in benches(|_| {}).await {
            let sent_messages = SentMessages::of(&fixture);
            let (grant, ..) = guarded(&fixture).await;
            sent_messages.arrived(EMAIL).await;
            let (old, new) = (Password::entered(PASSWORD), Password::entered("six silver swans"));
            let session = fixture.engine.change_password(with(&grant), old, new).await.unwrap();
            let thief = Caller { session: session.token, ..somebody() };
            let key = account_recovery_key(&sent_messages, EMAIL).await;
            let digests = "select digest from recovery_codes order by digest";
            let before = fixture.engine.store().fetch_all(digests, values![]).await.unwrap();
            let (engine, other) = (fixture.engine.clone(), fixture.engine.clone());
            let taken_back = async move { engine.recover_account(somebody(), key).await };
            let changed = async move {
                match removes {
                    true => other.remove_authenticator(thief).await,
                    false => other.make_recovery_codes(thief).await.map(drop),
                }
            };
            let (taken_back, changed) = one_after_the_other(&fixture, taken_back, changed).await;
            taken_back.unwrap();
            refused(changed, Code::InvalidSessionToken);
            let after = fixture.engine.store().fetch_all(digests, values![]).await.unwrap();
            let bytes = |rows: Vec<crate::engine::store::Row>| -> Vec<Vec<u8>> {
                rows.iter().map(|row| row.bytes("digest").unwrap()).collect()
            };
            assert_eq!(bytes(before), bytes(after));
            let apps = "select user_id from authenticators where confirmed = 1";
            assert_eq!(fixture.engine.store().fetch_all(apps, values![]).await.unwrap().len(), 1);
        }
    }
}

/// S104: what a session with a fresh proof waits to do is refused once the account has a second
/// factor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_waits_while_its_owner_switches_a_factor_on_changes_nothing() {
    for confirms in [true, false] {
        for change in [
            Change::Phone,
            Change::SetPhone,
            Change::Email,
            Change::Authenticator,
            Change::Password,
        ] {
            let set = |settings: &mut EngineSettings| {
                (settings.confirm_email, settings.confirm_phone) = (confirms, confirms)
            };
            for mut fixture in benches(|_| {}).await {
                let grant = fixture.signed_in_user(EMAIL).await;
                add_phone(&fixture, &grant).await;
                let (old, new) =
                    (Password::entered(PASSWORD), Password::entered("six silver swans"));
                fixture.engine.change_password(with(&grant), old, new).await.unwrap();
                let [thief, owner] = [(); 2].map(|()| fixture.sign_in(EMAIL, "six silver swans"));
                let (thief, owner) = (with(&thief.await.unwrap()), with(&owner.await.unwrap()));
                fixture.reopen_with(set).await;
                let (engine, other) = (fixture.engine.clone(), fixture.engine.clone());
                let on = async move { engine.switch_sms_factor(owner, true).await.map(drop) };
                let (on, changed) =
                    one_after_the_other(&fixture, on, change.make(other, thief)).await;
                on.unwrap();
                let Err(crate::port::OperationError::Rejected(refusal)) = changed else {
                    panic!("{change:?} {confirms}: {changed:?}")
                };
                assert!(refusal.is(Code::ProofNeeded), "{change:?}: {refusal:?}");
                let expected = (Some(EMAIL.to_owned()), Some(PHONE.to_owned()), 1, 0);
                assert_eq!(ways_in(&fixture).await, expected, "{change:?} {confirms}");
            }
        }
    }
}

/// S103, S104: the value that was there when the call came is a switch once another is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_the_second_factor_as_it_was_while_its_owner_switches_it_on_is_a_switch() {
    for channel in [Channel::Pages, Channel::Api] {
        for fixture in benches(|_| {}).await {
            let grant = fixture.signed_in_user(EMAIL).await;
            add_phone(&fixture, &grant).await;
            let thief =
                Caller { channel, ..with(&fixture.sign_in(EMAIL, PASSWORD).await.unwrap()) };
            fixture.pass(TEN_MINUTES);
            let owner = with(&fixture.sign_in(EMAIL, PASSWORD).await.unwrap());
            let (engine, other, caller) =
                (fixture.engine.clone(), fixture.engine.clone(), owner.clone());
            let on = async move { engine.update_user(caller, field(true)).await };
            let off = async move { other.update_user(thief, field(false)).await };
            let (on, off) = one_after_the_other(&fixture, on, off).await;
            assert!(on.unwrap().two_factor);
            refused(off, Code::ProofNeeded);
            assert!(fixture.engine.signed_in_user(owner).await.unwrap().user.two_factor);
        }
    }
}

/// S21, S104: an app that was confirmed while its removal waited is not removed by who has not
/// shown it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_confirmed_while_a_removal_waits_stays() {
    for fixture in benches(|_| {}).await {
        fixture.signed_in_user(EMAIL).await;
        let [thief, owner] = [(); 2].map(|()| fixture.sign_in(EMAIL, PASSWORD));
        let (thief, owner) = (with(&thief.await.unwrap()), with(&owner.await.unwrap()));
        fixture.engine.begin_authenticator(owner.clone()).await.unwrap();
        let key =
            fixture.engine.waiting_authenticator(owner.clone()).await.unwrap().expect("a key");
        let code = code_of(&fixture, key.text());
        let (engine, other, caller) =
            (fixture.engine.clone(), fixture.engine.clone(), owner.clone());
        let confirmed = async move { engine.confirm_authenticator(caller, code).await };
        let removed = async move { other.remove_authenticator(thief).await };
        let (confirmed, removed) = one_after_the_other(&fixture, confirmed, removed).await;
        assert!(confirmed.unwrap().is_some());
        refused(removed, Code::ProofNeeded);
        assert!(fixture.engine.signed_in_user(owner.clone()).await.unwrap().user.second_factor);
        let apps = "select user_id from authenticators where confirmed = 1";
        assert_eq!(fixture.engine.store().fetch_all(apps, values![]).await.unwrap().len(), 1);
    }
}

/// S32: a token that was replaced while its call waited is over, whatever its session has proved
/// since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_a_token_that_was_replaced_while_it_waited_has_proved_nothing() {
    for fixture in benches(|_| {}).await {
        let grant = fixture.signed_in_user(EMAIL).await;
        add_phone(&fixture, &grant).await;
        fixture.engine.switch_sms_factor(with(&grant), true).await.unwrap();
        fixture.pass(TEN_MINUTES);
        let before = with(&grant);
        fixture.engine.send_proof_code(before.clone()).await.unwrap();
        let (code, stolen) = (fixture.newest_code(), before.clone());
        let (engine, other) = (fixture.engine.clone(), fixture.engine.clone());
        let proved = async move {
            engine.reauthenticate(before, crate::port::Proof::Code(code)).await.map(drop)
        };
        let off = async move { other.update_user(stolen, field(false)).await };
        let (proved, off) = one_after_the_other(&fixture, proved, off).await;
        proved.unwrap();
        assert!(off.is_err(), "switched off");
        let sql = "select two_factor from users";
        let row = fixture.engine.store().fetch_optional(sql, values![]).await.unwrap().unwrap();
        assert_eq!(row.integer("two_factor").unwrap(), 1);
    }
}
