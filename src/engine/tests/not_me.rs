//! "That was not me": owners who take their account back, through the port.

use futures_util::future::join_all;

use super::{
    bench::{Bench, PASSWORD, refused, somebody, with},
    factors,
    mailed_codes::{ANN, ask_to_move, benches},
    pocket::Pocket,
};
use crate::port::{AuthManager, Code, Email, Entrance, LinkKey, Password};

const OLD_PHONE: &str = "+4915112345678";
const NEW_PHONE: &str = "+905302223344";

pub(super) async fn not_me_key(pocket: &Pocket, address: &str) -> LinkKey {
    let links = pocket.arrived(address).await.into_iter().flat_map(|message| message.links);
    let mut keys = links.filter_map(|link| {
        let page = link.contains("/not-me?") || link.contains("/profile/email/undo?");
        page.then(|| LinkKey::parse(link.split_once("key=").unwrap().1).unwrap())
    });
    keys.next().expect("a link")
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_is_taken_back_once_however_many_press() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        ask_to_move(&bench, &grant, "thief@example.com").await;
        pocket.arrived(ANN).await;
        let key = bench.change_keys().await.pop().unwrap();
        bench.pass(1);
        bench.engine.confirm_email_change(somebody(), key).await.unwrap();
        let key = not_me_key(&pocket, ANN).await;
        let described = bench.engine.describe_not_me(somebody(), key.clone()).await.unwrap();
        assert!(described.moves_back && described.email == ANN && !described.second_factor_off);
        let presses = (0..10).map(|_| bench.engine.report_not_me(somebody(), key.clone()));
        let (mut won, lost): (Vec<_>, Vec<_>) = join_all(presses).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        lost.into_iter().for_each(|outcome| refused(outcome, Code::InvalidAccessToken));
        refused(bench.engine.member(with(&grant)).await, Code::InvalidSessionToken);
        refused(bench.sign_in(ANN, PASSWORD).await, Code::InvalidSignInCredentials);
        let token = won.pop().unwrap().unwrap();
        let new = Password::typed("nine orange otters");
        bench.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        let user = bench.sign_in(ANN, "nine orange otters").await.unwrap().user;
        assert!(user.email_verified && user.email.as_deref() == Some(ANN));
    }
}

/// The owner takes the account back while the thief moves it on: it ends with the owner, or the owner presses once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_at_the_same_moment_does_not_keep_the_owner_out() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        ask_to_move(&bench, &grant, "thief@example.com").await;
        pocket.arrived(ANN).await;
        let change = bench.change_keys().await.pop().unwrap();
        bench.engine.confirm_email_change(somebody(), change).await.unwrap();
        let owners = not_me_key(&pocket, ANN).await;
        bench.pass(1);
        ask_to_move(&bench, &grant, "second@example.com").await;
        let change = bench.change_keys().await.pop().unwrap();
        let (taken_back, moved) = tokio::join!(
            bench.engine.report_not_me(somebody(), owners),
            bench.engine.confirm_email_change(somebody(), change),
        );
        taken_back.unwrap();
        drop(moved);
        let email = Email::parse(ANN).unwrap();
        let sql = "select email, email_verified_at from users";
        let row = bench.engine.store().fetch_optional(sql, Vec::new()).await.unwrap().unwrap();
        assert_eq!(row.text("email").unwrap(), email.as_str());
        assert!(row.optional_integer("email_verified_at").unwrap().is_some());
        refused(bench.engine.member(with(&grant)).await, Code::InvalidSessionToken);
    }
}

/// A number that was proved before comes back once it has stood for a week; what a stranger set in its place is free again.
#[tokio::test]
async fn the_former_number_comes_back() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        for phone in [OLD_PHONE, NEW_PHONE] {
            bench.pass(7 * 24 * 3600);
            let asked =
                bench.engine.change_phone(with(&grant), Some(Password::typed(PASSWORD)), phone.to_owned()).await;
            asked.unwrap();
            pocket.arrived(ANN).await;
            bench.engine.verify_phone(with(&grant), phone.to_owned(), bench.newest_code()).await.unwrap();
        }
        let key = not_me_key(&pocket, ANN).await;
        assert!(bench.engine.describe_not_me(somebody(), key.clone()).await.unwrap().phone_back);
        let token = bench.engine.report_not_me(somebody(), key).await.unwrap();
        let new = Password::typed("nine orange otters");
        bench.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        let user = bench.sign_in(ANN, "nine orange otters").await.unwrap().user;
        assert!(user.phone.as_deref() == Some(OLD_PHONE) && user.phone_verified);
        let held = bench.engine.store().fetch_all("select phone from held_phones", Vec::new()).await.unwrap();
        assert_eq!(held.iter().map(|row| row.text("phone").unwrap()).collect::<Vec<_>>(), [OLD_PHONE]);
    }
}

/// Where no address has to be proved, the press proves the one that it brings back.
#[tokio::test]
async fn without_confirmation_a_change_is_undone_as_well() {
    for bench in Bench::each_with(|settings| settings.confirm_email = false).await {
        let pocket = Pocket::of(&bench);
        bench.sign_up(&somebody(), ANN, PASSWORD).await.unwrap();
        let grant = bench.sign_in(ANN, PASSWORD).await.unwrap();
        ask_to_move(&bench, &grant, "thief@example.com").await;
        let key = not_me_key(&pocket, ANN).await;
        let token = bench.engine.report_not_me(somebody(), key).await.unwrap();
        let new = Password::typed("nine orange otters");
        bench.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        assert!(bench.sign_in(ANN, "nine orange otters").await.unwrap().user.email_verified);
        refused(bench.sign_in("thief@example.com", "nine orange otters").await, Code::InvalidSignInCredentials);
    }
}

/// S18: the app that the mail told of goes, with its recovery codes.
#[tokio::test]
async fn an_app_that_a_stranger_added_goes_away_again() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        factors::guarded(&bench).await;
        let key = not_me_key(&pocket, ANN).await;
        assert!(bench.engine.describe_not_me(somebody(), key.clone()).await.unwrap().second_factor_off);
        let token = bench.engine.report_not_me(somebody(), key).await.unwrap();
        let new = Password::typed("nine orange otters");
        bench.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        let grant = bench.sign_in(ANN, "nine orange otters").await.unwrap();
        let left = bench.engine.second_factors(with(&grant)).await.unwrap();
        assert!(!grant.user.second_factor && left.recovery_codes == 0);
    }
}

/// S18: whoever reads the mailbox does not get round the second factor with a mail about something else.
#[tokio::test]
async fn a_second_factor_that_the_mail_did_not_tell_of_stays() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let (grant, ..) = factors::guarded(&bench).await;
        pocket.arrived(ANN).await;
        let (old, new) = (Password::typed(PASSWORD), Password::typed("six silver swans"));
        bench.engine.change_password(with(&grant), old, new).await.unwrap();
        let key = not_me_key(&pocket, ANN).await;
        assert!(!bench.engine.describe_not_me(somebody(), key.clone()).await.unwrap().second_factor_off);
        let token = bench.engine.report_not_me(somebody(), key).await.unwrap();
        let new = "nine orange otters";
        bench.engine.reset_password_with_token(somebody(), token, Password::typed(new)).await.unwrap();
        let entrance = bench.engine.sign_in_with_email(somebody(), ANN.to_owned(), Password::typed(new)).await;
        assert!(matches!(entrance.unwrap(), Entrance::Challenged(_)));
    }
}
