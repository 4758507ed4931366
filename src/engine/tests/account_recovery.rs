//! "That was not me": owners who take their account back, through the port.

use futures_util::future::join_all;

use super::{
    emailed_codes::{ANN, ask_to_move, benches},
    fixture::{Fixture, PASSWORD, refused, somebody, with},
    sent_messages::SentMessages,
    two_factor,
};
use crate::port::{AuthManager, Code, Email, LinkKey, Password, SignInOutcome};

const OLD_PHONE: &str = "+4915112345678";
const NEW_PHONE: &str = "+905302223344";

pub(super) async fn account_recovery_key(sent_messages: &SentMessages, address: &str) -> LinkKey {
    let links = sent_messages.arrived(address).await.into_iter().flat_map(|message| message.links);
    let mut keys = links.filter_map(|link| {
        let page = link.contains("/not-me?") || link.contains("/profile/email/undo?");
        page.then(|| LinkKey::parse(link.split_once("key=").unwrap().1).unwrap())
    });
    keys.next().expect("a link")
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_is_taken_back_once_however_many_press() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        ask_to_move(&fixture, &grant, "thief@example.com").await;
        sent_messages.arrived(ANN).await;
        let key = fixture.change_keys().await.pop().unwrap();
        fixture.pass(1);
        fixture.engine.confirm_email_change(somebody(), key).await.unwrap();
        let key = account_recovery_key(&sent_messages, ANN).await;
        let described =
            fixture.engine.describe_account_recovery(somebody(), key.clone()).await.unwrap();
        assert!(described.moves_back && described.email == ANN && !described.second_factor_off);
        let presses = (0..10).map(|_| fixture.engine.recover_account(somebody(), key.clone()));
        let (mut won, lost): (Vec<_>, Vec<_>) =
            join_all(presses).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        lost.into_iter().for_each(|outcome| refused(outcome, Code::InvalidAccessToken));
        refused(fixture.engine.signed_in_user(with(&grant)).await, Code::InvalidSessionToken);
        refused(fixture.sign_in(ANN, PASSWORD).await, Code::InvalidSignInCredentials);
        let token = won.pop().unwrap().unwrap();
        let new = Password::entered("nine orange otters");
        fixture.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        let user = fixture.sign_in(ANN, "nine orange otters").await.unwrap().user;
        assert!(user.email_verified && user.email.as_deref() == Some(ANN));
    }
}

/// The owner takes the account back while the thief moves it on: it ends with the owner, or the
/// owner presses once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_at_the_same_moment_does_not_keep_the_owner_out() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        ask_to_move(&fixture, &grant, "thief@example.com").await;
        sent_messages.arrived(ANN).await;
        let change = fixture.change_keys().await.pop().unwrap();
        fixture.engine.confirm_email_change(somebody(), change).await.unwrap();
        let owners = account_recovery_key(&sent_messages, ANN).await;
        fixture.pass(1);
        ask_to_move(&fixture, &grant, "second@example.com").await;
        let change = fixture.change_keys().await.pop().unwrap();
        let (taken_back, moved) = tokio::join!(
            fixture.engine.recover_account(somebody(), owners),
            fixture.engine.confirm_email_change(somebody(), change),
        );
        taken_back.unwrap();
        drop(moved);
        let email = Email::parse(ANN).unwrap();
        let sql = "select email, email_verified_at from users";
        let row = fixture.engine.store().fetch_optional(sql, Vec::new()).await.unwrap().unwrap();
        assert_eq!(row.text("email").unwrap(), email.as_str());
        assert!(row.optional_integer("email_verified_at").unwrap().is_some());
        refused(fixture.engine.signed_in_user(with(&grant)).await, Code::InvalidSessionToken);
    }
}

/// A number that was proved before comes back once it has stood for a week; what a visitor set in
/// its place is free again.
#[tokio::test]
async fn the_former_number_comes_back() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let grant = fixture.signed_in_user(ANN).await;
        for phone in [OLD_PHONE, NEW_PHONE] {
            fixture.pass(7 * 24 * 3600);
            let asked = fixture
                .engine
                .change_phone(with(&grant), Some(Password::entered(PASSWORD)), phone.to_owned())
                .await;
            asked.unwrap();
            sent_messages.arrived(ANN).await;
            fixture
                .engine
                .verify_phone(with(&grant), phone.to_owned(), fixture.newest_code())
                .await
                .unwrap();
        }
        let key = account_recovery_key(&sent_messages, ANN).await;
        assert!(
            fixture
                .engine
                .describe_account_recovery(somebody(), key.clone())
                .await
                .unwrap()
                .phone_back
        );
        let token = fixture.engine.recover_account(somebody(), key).await.unwrap();
        let new = Password::entered("nine orange otters");
        fixture.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        let user = fixture.sign_in(ANN, "nine orange otters").await.unwrap().user;
        assert!(user.phone.as_deref() == Some(OLD_PHONE) && user.phone_verified);
        let held = fixture
            .engine
            .store()
            .fetch_all("select phone from held_phones", Vec::new())
            .await
            .unwrap();
        assert_eq!(
            held.iter().map(|row| row.text("phone").unwrap()).collect::<Vec<_>>(),
            [OLD_PHONE]
        );
    }
}

/// Where no address has to be proved, the press proves the one that it brings back.
#[tokio::test]
async fn without_confirmation_a_change_is_undone_as_well() {
    for fixture in Fixture::each_with(|settings| settings.confirm_email = false).await {
        let sent_messages = SentMessages::of(&fixture);
        fixture.sign_up(&somebody(), ANN, PASSWORD).await.unwrap();
        let grant = fixture.sign_in(ANN, PASSWORD).await.unwrap();
        ask_to_move(&fixture, &grant, "thief@example.com").await;
        let key = account_recovery_key(&sent_messages, ANN).await;
        let token = fixture.engine.recover_account(somebody(), key).await.unwrap();
        let new = Password::entered("nine orange otters");
        fixture.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        assert!(fixture.sign_in(ANN, "nine orange otters").await.unwrap().user.email_verified);
        refused(
            fixture.sign_in("thief@example.com", "nine orange otters").await,
            Code::InvalidSignInCredentials,
        );
    }
}

/// S18: the app that the email told of goes, with its recovery codes.
#[tokio::test]
async fn an_app_that_a_visitor_added_goes_away_again() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        two_factor::guarded(&fixture).await;
        let key = account_recovery_key(&sent_messages, ANN).await;
        assert!(
            fixture
                .engine
                .describe_account_recovery(somebody(), key.clone())
                .await
                .unwrap()
                .second_factor_off
        );
        let token = fixture.engine.recover_account(somebody(), key).await.unwrap();
        let new = Password::entered("nine orange otters");
        fixture.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        let grant = fixture.sign_in(ANN, "nine orange otters").await.unwrap();
        let left = fixture.engine.second_factors(with(&grant)).await.unwrap();
        assert!(!grant.user.second_factor && left.recovery_codes == 0);
    }
}

/// S18: whoever reads the mailbox does not get round the second factor with an email about
/// something else.
#[tokio::test]
async fn a_second_factor_that_the_email_did_not_tell_of_stays() {
    for fixture in benches().await {
        let sent_messages = SentMessages::of(&fixture);
        let (grant, ..) = two_factor::guarded(&fixture).await;
        sent_messages.arrived(ANN).await;
        let (old, new) = (Password::entered(PASSWORD), Password::entered("six silver swans"));
        fixture.engine.change_password(with(&grant), old, new).await.unwrap();
        let key = account_recovery_key(&sent_messages, ANN).await;
        assert!(
            !fixture
                .engine
                .describe_account_recovery(somebody(), key.clone())
                .await
                .unwrap()
                .second_factor_off
        );
        let token = fixture.engine.recover_account(somebody(), key).await.unwrap();
        let new = "nine orange otters";
        fixture
            .engine
            .reset_password_with_token(somebody(), token, Password::entered(new))
            .await
            .unwrap();
        let sign_in_outcome = fixture
            .engine
            .sign_in_with_email(somebody(), ANN.to_owned(), Password::entered(new))
            .await;
        assert!(matches!(sign_in_outcome.unwrap(), SignInOutcome::SecondFactorRequired(_)));
    }
}
