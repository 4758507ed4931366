//! Recovery: what it takes back, and what stays.

use super::{
    account_recovery::account_recovery_key,
    emailed_codes::{ANN, benches},
    fixture::{Fixture, PASSWORD, at, refused, somebody, with},
    sent_messages::SentMessages,
    two_factor,
};
use crate::{
    engine::{
        providers::identities::{self, Identity},
        store::values,
    },
    port::{AuthManager, Code, Grant, Password, SignInOutcome},
};

const THIEFS_PHONE: &str = "+905302223344";
const NEW_PASSWORD: &str = "nine orange otters";
const WEEK: i64 = 7 * 24 * 3600;

/// Adds a number to an account, as whoever has its password can.
async fn add_phone(fixture: &Fixture, sent_messages: &SentMessages, grant: &Grant) {
    let password = Some(Password::entered(PASSWORD));
    fixture.engine.change_phone(with(grant), password, THIEFS_PHONE.to_owned()).await.unwrap();
    sent_messages.arrived(THIEFS_PHONE).await;
    fixture
        .engine
        .verify_phone(with(grant), THIEFS_PHONE.to_owned(), fixture.newest_code())
        .await
        .unwrap();
}

async fn connect(fixture: &Fixture, grant: &Grant) {
    let current = fixture.engine.current(&with(grant)).await.unwrap();
    let identity = Identity {
        issuer: "https://provider.example".to_owned(),
        subject: "thief".to_owned(),
        provider: "google".to_owned(),
        shown_as: None,
    };
    crate::engine::operations::connect(&fixture.engine, &with(grant), &current, &identity, None)
        .await
        .unwrap();
}

async fn connected(fixture: &Fixture, grant: &Grant) -> usize {
    identities::of_account(fixture.engine.store(), &grant.user.id).await.unwrap().len()
}

async fn reset_by_email(fixture: &Fixture) {
    fixture.engine.send_reset_password_email(somebody(), ANN.to_owned()).await.unwrap();
    let token = fixture.token("reset-pwd").await;
    fixture
        .engine
        .reset_password_with_token(somebody(), token, Password::entered(NEW_PASSWORD))
        .await
        .unwrap();
}

/// The thief asks for a code to their number and resets the password with it.
async fn reset_by_phone(fixture: &Fixture, password: &str) -> crate::port::Outcome<()> {
    fixture.engine.send_reset_password_code(somebody(), THIEFS_PHONE.to_owned()).await.unwrap();
    let (code, password) = (fixture.newest_code(), Password::entered(password));
    fixture
        .engine
        .reset_password_with_code(somebody(), THIEFS_PHONE.to_owned(), code, password)
        .await
}

/// S105
#[tokio::test]
async fn a_reset_by_email_takes_back_what_a_thief_added() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        add_phone(&fixture, &sent_messages, &grant).await;
        connect(&fixture, &grant).await;
        fixture.engine.begin_authenticator(with(&grant)).await.unwrap();
        reset_by_email(&fixture).await;
        refused(fixture.engine.signed_in_user(with(&grant)).await, Code::InvalidSessionToken);
        refused(reset_by_phone(&fixture, "a thief has this one").await, Code::InvalidOneTimeCode);
        let owner = fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        assert!(owner.user.phone.is_none() && !owner.user.phone_verified);
        assert_eq!(connected(&fixture, &owner).await, 0);
        assert!(fixture.engine.waiting_authenticator(with(&owner)).await.unwrap().is_none());
        let held = fixture
            .engine
            .store()
            .fetch_all("select phone from held_phones", Vec::new())
            .await
            .unwrap();
        assert!(held.is_empty(), "the number is free again");
    }
}

/// Changes that nobody undid for as long as the link of its notification lives is the owner's.
#[tokio::test]
async fn a_reset_leaves_what_was_added_a_week_ago() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        add_phone(&fixture, &sent_messages, &grant).await;
        connect(&fixture, &grant).await;
        fixture.pass(WEEK);
        reset_by_email(&fixture).await;
        let owner = fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        assert_eq!(owner.user.phone.as_deref(), Some(THIEFS_PHONE));
        assert_eq!(connected(&fixture, &owner).await, 1);
    }
}

/// S18: a reset takes no second factor away, and not the number that its codes go to.
#[tokio::test]
async fn a_reset_leaves_the_number_of_the_second_factor() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        add_phone(&fixture, &sent_messages, &grant).await;
        fixture.engine.switch_sms_factor(with(&grant), true).await.unwrap();
        reset_by_email(&fixture).await;
        let password = Password::entered(NEW_PASSWORD);
        let sign_in_outcome =
            fixture.engine.sign_in_with_email(somebody(), ANN.to_owned(), password).await.unwrap();
        let SignInOutcome::SecondFactorRequired(challenge) = sign_in_outcome else {
            panic!("no second factor")
        };
        assert!(challenge.factors.text);
    }
}

/// S18, S104: what was added while the second factor was on was added by somebody who has shown it.
#[tokio::test]
async fn a_reset_leaves_what_was_added_under_a_second_factor() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let (grant, ..) = two_factor::guarded(&fixture).await;
        factor_is_old(&fixture).await;
        add_phone(&fixture, &sent_messages, &grant).await;
        connect(&fixture, &grant).await;
        reset_by_email(&fixture).await;
        let sql = "select phone, authenticator from users where id = $1";
        let row = fixture
            .engine
            .store()
            .fetch_optional(sql, values![&grant.user.id])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.optional_text("phone").unwrap().as_deref(), Some(THIEFS_PHONE));
        assert_eq!(
            (row.integer("authenticator").unwrap(), connected(&fixture, &grant).await),
            (1, 1)
        );
    }
}

/// Lets the second factor be one that has been on for more than a week.
async fn factor_is_old(fixture: &Fixture) {
    let sql = "update users set factor_since = factor_since - 1000 * $1";
    fixture.engine.store().execute(sql, values![WEEK]).await.unwrap();
}

/// S105: a thief who switches on an authenticator app of their own first vouches for nothing.
#[tokio::test]
async fn a_second_factor_of_a_thief_does_not_keep_what_they_added() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let (grant, ..) = two_factor::guarded(&fixture).await;
        add_phone(&fixture, &sent_messages, &grant).await;
        connect(&fixture, &grant).await;
        fixture.engine.remove_authenticator(with(&grant)).await.unwrap();
        reset_by_email(&fixture).await;
        refused(reset_by_phone(&fixture, "a thief has this one").await, Code::InvalidOneTimeCode);
        let owner = fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        assert!(owner.user.phone.is_none());
        assert_eq!(connected(&fixture, &owner).await, 0);
    }
}

/// S105: a number with codes of the second factor and recovery codes besides: the two together open
/// nothing after a reset.
#[tokio::test]
async fn a_number_that_a_reset_leaves_to_the_second_factor_begins_no_sign_in() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        add_phone(&fixture, &sent_messages, &grant).await;
        let codes = fixture
            .engine
            .switch_sms_factor(with(&grant), true)
            .await
            .unwrap()
            .expect("recovery codes");
        drop(codes);
        reset_by_email(&fixture).await;
        refused(by_text(&fixture).await, Code::InvalidOneTimeCode);
        fixture.pass(120);

        let password = Password::entered(NEW_PASSWORD);
        let sign_in_outcome =
            fixture.engine.sign_in_with_email(somebody(), ANN.to_owned(), password).await.unwrap();
        let SignInOutcome::SecondFactorRequired(challenge) = sign_in_outcome else {
            panic!("no second factor")
        };
        two_factor::finish(&fixture, &challenge, &fixture.newest_code()).await.unwrap();
        fixture.pass(120);
        let SignInOutcome::SecondFactorRequired(_) = by_text(&fixture).await.unwrap() else {
            panic!("the code is both factors")
        };
    }
}

/// Signs in with a code that goes to the thief's number.
async fn by_text(fixture: &Fixture) -> crate::port::Outcome<SignInOutcome> {
    fixture.engine.send_sign_in_code(somebody(), THIEFS_PHONE.to_owned()).await.unwrap();
    fixture
        .engine
        .sign_in_with_code(somebody(), THIEFS_PHONE.to_owned(), fixture.newest_code())
        .await
}

/// S105: a trusted browser, a sign-in that waits and changes that wait end with a reset.
#[tokio::test]
async fn a_reset_ends_what_waits() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        let password = || Some(Password::entered(PASSWORD));
        fixture
            .engine
            .change_email(with(&grant), password(), "thief@example.com".to_owned())
            .await
            .unwrap();
        let email_key = fixture.change_keys().await.pop().unwrap();
        fixture
            .engine
            .change_phone(with(&grant), password(), THIEFS_PHONE.to_owned())
            .await
            .unwrap();
        sent_messages.arrived(THIEFS_PHONE).await;
        let phone_code = fixture.newest_code();
        fixture.engine.send_magic_link_email(somebody(), ANN.to_owned()).await.unwrap();
        let magic = fixture.token("magic-link").await;
        reset_by_email(&fixture).await;
        refused(
            fixture.engine.confirm_email_change(with(&grant), email_key).await,
            Code::InvalidAccessToken,
        );
        let verified =
            fixture.engine.verify_phone(somebody(), THIEFS_PHONE.to_owned(), phone_code).await;
        refused(verified, Code::InvalidOneTimeCode);
        refused(fixture.engine.get_auth_grant(somebody(), magic).await, Code::InvalidAccessToken);
    }
}

/// S105: whichever of the links the owner presses, the number that the thief reset the password
/// with is gone.
#[tokio::test]
async fn a_thief_who_reset_through_a_number_of_theirs_is_out_with_any_link() {
    for is_oldest in [true, false] {
        for fixture in benches().await {
            let sent_messages = SentMessages::of(&fixture);
            let grant = fixture.signed_in_user(ANN).await;
            sent_messages.arrived(ANN).await;
            add_phone(&fixture, &sent_messages, &grant).await;
            let phone_changed = account_recovery_key(&sent_messages, ANN).await;
            fixture.pass(60);
            reset_by_phone(&fixture, "a thief has this one").await.unwrap();
            let password_changed = account_recovery_key(&sent_messages, ANN).await;
            let key = if is_oldest { phone_changed } else { password_changed };
            assert!(
                fixture
                    .engine
                    .describe_account_recovery(somebody(), key.clone())
                    .await
                    .unwrap()
                    .phone_back
            );
            let token = fixture.engine.recover_account(somebody(), key).await.unwrap();
            let new = Password::entered(NEW_PASSWORD);
            fixture.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
            fixture.pass(60);
            refused(
                reset_by_phone(&fixture, "the thief once more").await,
                Code::InvalidOneTimeCode,
            );
            refused(
                fixture.sign_in(ANN, "a thief has this one").await,
                Code::InvalidSignInCredentials,
            );
            assert!(fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone.is_none());
        }
    }
}

/// S105: the email that a visitor gave an account with a number falls to a reset by that number.
#[tokio::test]
async fn a_reset_by_sms_takes_an_email_back_that_a_thief_added() {
    for fixtures in super::phones::Fixtures::each().await {
        let (fixture, phone) = (&fixtures.fixture, super::phones::ANN);
        let grant = fixtures.signed_in_user(phone).await;
        let password = Some(Password::entered(PASSWORD));
        fixture
            .engine
            .change_email(with(&grant), password, "thief@example.com".to_owned())
            .await
            .unwrap();
        let key = fixture.change_keys().await.pop().unwrap();
        fixture.engine.confirm_email_change(with(&grant), key).await.unwrap();
        let sent_messages = SentMessages::of(fixture);
        let other = Password::entered("another thief word");
        fixture
            .engine
            .change_password(with(&grant), Password::entered(PASSWORD), other)
            .await
            .unwrap();
        let account_recovery = account_recovery_key(&sent_messages, "thief@example.com").await;
        fixture.engine.send_reset_password_code(somebody(), phone.to_owned()).await.unwrap();
        let (code, new) = (fixture.newest_code(), Password::entered(NEW_PASSWORD));
        fixture
            .engine
            .reset_password_with_code(somebody(), phone.to_owned(), code, new)
            .await
            .unwrap();
        refused(
            fixture.sign_in("thief@example.com", NEW_PASSWORD).await,
            Code::InvalidSignInCredentials,
        );
        assert!(fixtures.sign_in(phone, NEW_PASSWORD).await.unwrap().user.email.is_none());
        refused(
            fixture.engine.recover_account(somebody(), account_recovery).await,
            Code::InvalidAccessToken,
        );
    }
}

/// S105: a reset by SMS tells the number, and leaves nothing in a mailbox that it took away that
/// takes anything back.
#[tokio::test]
async fn a_reset_by_sms_tells_the_number_and_no_mailbox_that_it_took_away_takes_it_back() {
    for fixtures in super::phones::Fixtures::each_without_limits().await {
        let (fixture, phone) = (&fixtures.fixture, super::phones::ANN);
        let grant = fixtures.signed_in_user(phone).await;
        let password = Some(Password::entered(PASSWORD));
        fixture
            .engine
            .change_email(with(&grant), password, "thief@example.com".to_owned())
            .await
            .unwrap();
        let key = fixture.change_keys().await.pop().unwrap();
        fixture.engine.confirm_email_change(with(&grant), key).await.unwrap();
        fixtures.sent_messages.arrived("thief@example.com").await;
        reset_by_code(fixture, phone, NEW_PASSWORD).await.unwrap();
        let told = fixtures.sent_messages.arrived("thief@example.com").await;
        assert!(told.iter().all(|message| message.links.is_empty()), "{told:?}");
        let told = fixtures.sent_messages.arrived(phone).await;
        assert!(told.iter().any(|message| message.text.contains("password")), "{told:?}");
        let sql = "select id from links where purpose = 'not-me' and spent_at is null";
        let live = fixture.engine.store().fetch_all(sql, Vec::new()).await.unwrap();
        assert!(live.is_empty(), "no link that takes anything back");
    }
}

/// S105: a number of a thief's does not push the owner's new email out.
#[tokio::test]
async fn a_reset_by_a_new_number_leaves_the_email() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user("ann@old.example").await;
        let password = Some(Password::entered(PASSWORD));
        fixture.engine.change_email(with(&grant), password, ANN.to_owned()).await.unwrap();
        let key = fixture.change_keys().await.pop().unwrap();
        fixture.engine.confirm_email_change(with(&grant), key).await.unwrap();
        add_phone(&fixture, &sent_messages, &grant).await;
        reset_by_phone(&fixture, NEW_PASSWORD).await.unwrap();
        fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap();
    }
}

/// A browser that asks twice is no visitor.
#[tokio::test]
async fn a_sign_up_sent_twice_from_one_browser_is_one_account() {
    for fixture in Fixture::each().await {
        for _ in 0..2 {
            fixture.sign_up(&at("hers"), ANN, PASSWORD).await.unwrap();
        }
        let users =
            fixture.engine.store().fetch_all("select id from users", Vec::new()).await.unwrap();
        assert_eq!(users.len(), 1);
    }
}

/// Presses the newest link of a notification to Ann and chooses a password.
async fn take_back(fixture: &Fixture, key: crate::port::LinkKey) {
    let token = fixture.engine.recover_account(somebody(), key).await.unwrap();
    fixture
        .engine
        .reset_password_with_token(somebody(), token, Password::entered(NEW_PASSWORD))
        .await
        .unwrap();
}

/// Whether a session or a reset that goes to the thief's number is to be had.
async fn is_shut_to_the_number(fixture: &Fixture) {
    fixture.pass(120);
    refused(reset_by_phone(fixture, "a thief has this one").await, Code::InvalidOneTimeCode);
    fixture.pass(120);
    refused(by_text(fixture).await, Code::InvalidOneTimeCode);
    refused(fixture.sign_in(ANN, "a thief has this one").await, Code::InvalidSignInCredentials);
}

/// S105: two recoveries in a row. The first leaves the number to the second factor, the second
/// switches that off.
#[tokio::test]
async fn a_number_that_a_reset_left_to_the_second_factor_goes_with_the_link_that_switches_it_off() {
    for resets in 1..=2 {
        for fixture in benches().await {
            let sent_messages = SentMessages::of(&fixture);
            let grant = fixture.signed_in_user(ANN).await;
            add_phone(&fixture, &sent_messages, &grant).await;
            sent_messages.arrived(ANN).await;
            fixture.pass(1);
            fixture.engine.switch_sms_factor(with(&grant), true).await.unwrap();
            let key = account_recovery_key(&sent_messages, ANN).await;
            for _ in 0..resets {
                fixture.pass(60);
                reset_by_email(&fixture).await;
            }
            let described =
                fixture.engine.describe_account_recovery(somebody(), key.clone()).await.unwrap();
            assert!(described.phone_back && described.second_factor_off, "{described:?}");
            take_back(&fixture, key).await;
            is_shut_to_the_number(&fixture).await;
            let owner = fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap();
            assert!(owner.user.phone.is_none() && !owner.user.second_factor);
            reset_by_email(&fixture).await;
            is_shut_to_the_number(&fixture).await;
        }
    }
}

/// S105: as above, where the second factor of the number ends in another way.
#[tokio::test]
async fn a_number_that_was_a_second_factor_only_opens_nothing_once_it_is_none() {
    for is_field in [false, true] {
        for fixture in benches().await {
            let sent_messages = SentMessages::of(&fixture);
            let grant = fixture.signed_in_user(ANN).await;
            add_phone(&fixture, &sent_messages, &grant).await;
            let codes = fixture
                .engine
                .switch_sms_factor(with(&grant), true)
                .await
                .unwrap()
                .expect("recovery codes");
            reset_by_email(&fixture).await;
            let password = Password::entered(NEW_PASSWORD);
            let sign_in_outcome = fixture
                .engine
                .sign_in_with_email(somebody(), ANN.to_owned(), password)
                .await
                .unwrap();
            let SignInOutcome::SecondFactorRequired(challenge) = sign_in_outcome else {
                panic!("no second factor")
            };
            let code = codes.shown().next().unwrap().to_owned();
            let owner = two_factor::finish(&fixture, &challenge, &code).await.unwrap();
            if is_field {
                let update = crate::port::FieldUpdate {
                    field: "twoFactorAuth".to_owned(),
                    update: crate::port::Update::Set(false.into()),
                };
                fixture.engine.update_user(with(&owner), vec![update]).await.unwrap();
            } else {
                fixture.engine.switch_sms_factor(with(&owner), false).await.unwrap();
            }
            is_shut_to_the_number(&fixture).await;
            fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap();
            reset_by_email(&fixture).await;
            assert!(fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone.is_none());
        }
    }
}

/// S105: a number that the account moved on from comes back as what it was: one that was added
/// lately.
#[tokio::test]
async fn a_number_of_a_thief_does_not_come_back_in_place_of_another() {
    const SECOND: &str = "+4915112345678";
    for has_factor in [false, true] {
        for fixture in benches().await {
            let sent_messages = SentMessages::of(&fixture);
            let grant = fixture.signed_in_user(ANN).await;
            add_phone(&fixture, &sent_messages, &grant).await;
            if has_factor {
                fixture.engine.switch_sms_factor(with(&grant), true).await.unwrap();
            }
            sent_messages.arrived(ANN).await;
            fixture.pass(60);
            let password = Some(Password::entered(PASSWORD));
            fixture.engine.change_phone(with(&grant), password, SECOND.to_owned()).await.unwrap();
            fixture
                .engine
                .verify_phone(with(&grant), SECOND.to_owned(), fixture.newest_code())
                .await
                .unwrap();
            take_back(&fixture, account_recovery_key(&sent_messages, ANN).await).await;
            is_shut_to_the_number(&fixture).await;
        }
    }
}

/// S105: the link that came to a thief's first mailbox does not bring the account back to it after
/// a recovery.
#[tokio::test]
async fn a_link_in_a_mailbox_that_a_thief_added_ends_with_a_reset_by_sms() {
    for fixtures in super::phones::Fixtures::each_without_limits().await {
        let (fixture, phone) = (&fixtures.fixture, super::phones::ANN);
        let grant = fixtures.signed_in_user(phone).await;
        let sent_messages = SentMessages::of(fixture);
        for email in ["thief@example.com", "second@example.com"] {
            let password = Some(Password::entered(PASSWORD));
            fixture.engine.change_email(with(&grant), password, email.to_owned()).await.unwrap();
            let key = fixture.change_keys().await.pop().unwrap();
            fixture.pass(1);
            fixture.engine.confirm_email_change(with(&grant), key).await.unwrap();
        }
        let account_recovery = account_recovery_key(&sent_messages, "thief@example.com").await;
        reset_by_code(fixture, phone, NEW_PASSWORD).await.unwrap();
        refused(
            fixture.engine.recover_account(somebody(), account_recovery).await,
            Code::InvalidAccessToken,
        );
        assert!(fixtures.sign_in(phone, NEW_PASSWORD).await.unwrap().user.email.is_none());
    }
}

/// S105: a thief's link that is pressed first brings back a mailbox that the next recovery takes
/// away.
#[tokio::test]
async fn a_mailbox_that_a_thief_brought_back_goes_with_a_reset_by_sms() {
    for fixtures in super::phones::Fixtures::each_without_limits().await {
        let (fixture, phone) = (&fixtures.fixture, super::phones::ANN);
        let grant = fixtures.signed_in_user(phone).await;
        let sent_messages = SentMessages::of(fixture);
        for email in ["thief@example.com", "second@example.com"] {
            let password = Some(Password::entered(PASSWORD));
            fixture.engine.change_email(with(&grant), password, email.to_owned()).await.unwrap();
            let key = fixture.change_keys().await.pop().unwrap();
            fixture.pass(1);
            fixture.engine.confirm_email_change(with(&grant), key).await.unwrap();
        }
        let account_recovery = account_recovery_key(&sent_messages, "thief@example.com").await;
        fixture.engine.recover_account(somebody(), account_recovery).await.unwrap();
        reset_by_code(fixture, phone, NEW_PASSWORD).await.unwrap();
        assert!(fixtures.sign_in(phone, NEW_PASSWORD).await.unwrap().user.email.is_none());
        fixture.pass(60);
        fixture
            .engine
            .send_reset_password_email(somebody(), "thief@example.com".to_owned())
            .await
            .unwrap();
        assert!(fixture.tokens("reset-pwd").await.is_empty(), "nothing goes to the thief");
    }
}

/// S105: a thief's email with codes to the owner's own number keeps the owner of that number from
/// nothing.
#[tokio::test]
async fn an_email_of_a_thief_beside_the_second_factor_keeps_no_owner_from_a_reset_by_sms() {
    for fixtures in super::phones::Fixtures::each_without_limits().await {
        let (fixture, phone) = (&fixtures.fixture, super::phones::ANN);
        let grant = fixtures.signed_in_user(phone).await;
        let password = Some(Password::entered(PASSWORD));
        fixture
            .engine
            .change_email(with(&grant), password, "thief@example.com".to_owned())
            .await
            .unwrap();
        let key = fixture.change_keys().await.pop().unwrap();
        fixture.engine.confirm_email_change(with(&grant), key).await.unwrap();
        fixture.engine.switch_sms_factor(with(&grant), true).await.unwrap();
        reset_by_code(fixture, phone, NEW_PASSWORD).await.unwrap();
        refused(
            fixture.sign_in("thief@example.com", NEW_PASSWORD).await,
            Code::InvalidSignInCredentials,
        );
        let row = "select email, two_factor from users where phone = $1";
        let row =
            fixture.engine.store().fetch_optional(row, values![phone]).await.unwrap().unwrap();
        assert!(
            row.optional_text("email").unwrap().is_none()
                && row.integer("two_factor").unwrap() == 1
        );
    }
}

async fn reset_by_code(fixture: &Fixture, phone: &str, password: &str) -> crate::port::Outcome<()> {
    fixture.engine.send_reset_password_code(somebody(), phone.to_owned()).await.unwrap();
    let (code, new) = (fixture.newest_code(), Password::entered(password));
    fixture.engine.reset_password_with_code(somebody(), phone.to_owned(), code, new).await
}

/// A recovery by the owner.
#[derive(Debug, Clone, Copy)]
enum RecoveryCase {
    Reset,
    NewestLink,
    OldestLink,
}

/// S105: in any order, and after each of them, nothing goes to a number of the thief's that resets
/// the password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_recoveries_in_a_row_the_numbers_of_a_thief_reset_nothing() {
    use RecoveryCase::{NewestLink, OldestLink, Reset};
    for order in [
        [Reset, NewestLink, OldestLink],
        [Reset, OldestLink, NewestLink],
        [NewestLink, Reset, OldestLink],
        [NewestLink, OldestLink, Reset],
        [OldestLink, Reset, NewestLink],
        [OldestLink, NewestLink, Reset],
    ] {
        for fixture in benches().await {
            let sent_messages = SentMessages::of(&fixture);
            let grant = fixture.signed_in_user(ANN).await;
            add_phone(&fixture, &sent_messages, &grant).await;
            let oldest = account_recovery_key(&sent_messages, ANN).await;
            fixture.pass(1);
            fixture.engine.switch_sms_factor(with(&grant), true).await.unwrap();
            let newest = account_recovery_key(&sent_messages, ANN).await;
            for recovery in order {
                fixture.pass(60);
                let key = match recovery {
                    Reset => None,
                    NewestLink => Some(newest.clone()),
                    OldestLink => Some(oldest.clone()),
                };
                match key {
                    None => reset_by_email(&fixture).await,
                    // An older link that was pressed has revoked the newer one.
                    Some(key) => drop(fixture.engine.recover_account(somebody(), key).await),
                }
                fixture.pass(120);
                fixture
                    .engine
                    .send_reset_password_code(somebody(), THIEFS_PHONE.to_owned())
                    .await
                    .unwrap();
                let sql = "select user_id from codes where purpose = 'reset-password'";
                let codes = fixture.engine.store().fetch_all(sql, Vec::new()).await.unwrap();
                assert!(codes.is_empty(), "{order:?} after {recovery:?}");
            }
            reset_by_email(&fixture).await;
            assert!(
                fixture.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone.is_none(),
                "{order:?}"
            );
        }
    }
}
