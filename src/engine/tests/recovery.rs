//! Recovery: what it takes back, and what stays.

use super::{
    bench::{Bench, PASSWORD, at, refused, somebody, with},
    factors,
    mailed_codes::{ANN, benches},
    not_me::not_me_key,
    pocket::Pocket,
};
use crate::{
    engine::{
        oauth::identities::{self, Identity},
        store::values,
    },
    port::{AuthManager, Code, Entrance, Grant, Password},
};

const THIEFS_PHONE: &str = "+905302223344";
const NEW_PASSWORD: &str = "nine orange otters";
const WEEK: i64 = 7 * 24 * 3600;

/// Adds a number to an account, as whoever has its password can.
async fn add_phone(bench: &Bench, pocket: &Pocket, grant: &Grant) {
    let password = Some(Password::typed(PASSWORD));
    bench.engine.change_phone(with(grant), password, THIEFS_PHONE.to_owned()).await.unwrap();
    pocket.arrived(THIEFS_PHONE).await;
    bench.engine.verify_phone(with(grant), THIEFS_PHONE.to_owned(), bench.newest_code()).await.unwrap();
}

async fn connect(bench: &Bench, grant: &Grant) {
    let current = bench.engine.current(&with(grant)).await.unwrap();
    let identity = Identity {
        issuer: "https://provider.example".to_owned(),
        subject: "thief".to_owned(),
        provider: "google".to_owned(),
        shown_as: None,
    };
    crate::engine::flows::connect(&bench.engine, &with(grant), &current, &identity, None).await.unwrap();
}

async fn connected(bench: &Bench, grant: &Grant) -> usize {
    identities::of_account(bench.engine.store(), &grant.user.id).await.unwrap().len()
}

async fn reset_by_email(bench: &Bench) {
    bench.engine.send_reset_password_email(somebody(), ANN.to_owned()).await.unwrap();
    let token = bench.token("reset-pwd").await;
    bench.engine.reset_password_with_token(somebody(), token, Password::typed(NEW_PASSWORD)).await.unwrap();
}

/// The thief asks for a code to their number and resets the password with it.
async fn reset_by_phone(bench: &Bench, password: &str) -> crate::port::Outcome<()> {
    bench.engine.send_reset_password_code(somebody(), THIEFS_PHONE.to_owned()).await.unwrap();
    let (code, password) = (bench.newest_code(), Password::typed(password));
    bench.engine.reset_password_with_code(somebody(), THIEFS_PHONE.to_owned(), code, password).await
}

/// S105
#[tokio::test]
async fn a_reset_by_email_takes_back_what_a_thief_added() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        add_phone(&bench, &pocket, &grant).await;
        connect(&bench, &grant).await;
        bench.engine.begin_authenticator(with(&grant)).await.unwrap();
        reset_by_email(&bench).await;
        refused(bench.engine.member(with(&grant)).await, Code::InvalidSessionToken);
        refused(reset_by_phone(&bench, "a thief has this one").await, Code::InvalidOneTimeCode);
        let owner = bench.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        assert!(owner.user.phone.is_none() && !owner.user.phone_verified);
        assert_eq!(connected(&bench, &owner).await, 0);
        assert!(bench.engine.waiting_authenticator(with(&owner)).await.unwrap().is_none());
        let held = bench.engine.store().fetch_all("select phone from held_phones", Vec::new()).await.unwrap();
        assert!(held.is_empty(), "the number is free again");
    }
}

/// What nobody undid for as long as the link of its notification lives is the owner's.
#[tokio::test]
async fn a_reset_leaves_what_was_added_a_week_ago() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        add_phone(&bench, &pocket, &grant).await;
        connect(&bench, &grant).await;
        bench.pass(WEEK);
        reset_by_email(&bench).await;
        let owner = bench.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        assert_eq!(owner.user.phone.as_deref(), Some(THIEFS_PHONE));
        assert_eq!(connected(&bench, &owner).await, 1);
    }
}

/// S18: a reset takes no second factor away, and not the number that its codes go to.
#[tokio::test]
async fn a_reset_leaves_the_number_of_the_second_factor() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        add_phone(&bench, &pocket, &grant).await;
        bench.engine.switch_text_factor(with(&grant), true).await.unwrap();
        reset_by_email(&bench).await;
        let password = Password::typed(NEW_PASSWORD);
        let entrance = bench.engine.sign_in_with_email(somebody(), ANN.to_owned(), password).await.unwrap();
        let Entrance::Challenged(challenge) = entrance else { panic!("no second factor") };
        assert!(challenge.factors.text);
    }
}

/// S18, S104: what was added while the second factor was on was added by somebody who has shown it.
#[tokio::test]
async fn a_reset_leaves_what_was_added_under_a_second_factor() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let (grant, ..) = factors::guarded(&bench).await;
        factor_is_old(&bench).await;
        add_phone(&bench, &pocket, &grant).await;
        connect(&bench, &grant).await;
        reset_by_email(&bench).await;
        let sql = "select phone, authenticator from users where id = $1";
        let row = bench.engine.store().fetch_optional(sql, values![&grant.user.id]).await.unwrap().unwrap();
        assert_eq!(row.optional_text("phone").unwrap().as_deref(), Some(THIEFS_PHONE));
        assert_eq!((row.integer("authenticator").unwrap(), connected(&bench, &grant).await), (1, 1));
    }
}

/// Lets the second factor be one that has been on for more than a week.
async fn factor_is_old(bench: &Bench) {
    let sql = "update users set factor_since = factor_since - 1000 * $1";
    bench.engine.store().execute(sql, values![WEEK]).await.unwrap();
}

/// S105: a thief who switches on an authenticator app of their own first vouches for nothing.
#[tokio::test]
async fn a_second_factor_of_a_thief_does_not_keep_what_they_added() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let (grant, ..) = factors::guarded(&bench).await;
        add_phone(&bench, &pocket, &grant).await;
        connect(&bench, &grant).await;
        bench.engine.remove_authenticator(with(&grant)).await.unwrap();
        reset_by_email(&bench).await;
        refused(reset_by_phone(&bench, "a thief has this one").await, Code::InvalidOneTimeCode);
        let owner = bench.sign_in(ANN, NEW_PASSWORD).await.unwrap();
        assert!(owner.user.phone.is_none());
        assert_eq!(connected(&bench, &owner).await, 0);
    }
}

/// S105: a number with codes of the second factor and recovery codes besides: the two together open nothing after a reset.
#[tokio::test]
async fn a_number_that_a_reset_leaves_to_the_second_factor_begins_no_sign_in() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        add_phone(&bench, &pocket, &grant).await;
        let codes = bench.engine.switch_text_factor(with(&grant), true).await.unwrap().expect("recovery codes");
        drop(codes);
        reset_by_email(&bench).await;
        refused(by_text(&bench).await, Code::InvalidOneTimeCode);
        bench.pass(120);

        let password = Password::typed(NEW_PASSWORD);
        let entrance = bench.engine.sign_in_with_email(somebody(), ANN.to_owned(), password).await.unwrap();
        let Entrance::Challenged(challenge) = entrance else { panic!("no second factor") };
        factors::finish(&bench, &challenge, &bench.newest_code()).await.unwrap();
        bench.pass(120);
        let Entrance::Challenged(_) = by_text(&bench).await.unwrap() else { panic!("the code is both factors") };
    }
}

/// Signs in with a code that goes to the thief's number.
async fn by_text(bench: &Bench) -> crate::port::Outcome<Entrance> {
    bench.engine.send_sign_in_code(somebody(), THIEFS_PHONE.to_owned()).await.unwrap();
    bench.engine.sign_in_with_code(somebody(), THIEFS_PHONE.to_owned(), bench.newest_code()).await
}

/// S105: a trusted browser, a sign-in that waits and changes that wait end with a reset.
#[tokio::test]
async fn a_reset_ends_what_waits() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member(ANN).await;
        let password = || Some(Password::typed(PASSWORD));
        bench.engine.change_email(with(&grant), password(), "thief@example.com".to_owned()).await.unwrap();
        let email_key = bench.change_keys().await.pop().unwrap();
        bench.engine.change_phone(with(&grant), password(), THIEFS_PHONE.to_owned()).await.unwrap();
        pocket.arrived(THIEFS_PHONE).await;
        let phone_code = bench.newest_code();
        bench.engine.send_magic_link_email(somebody(), ANN.to_owned()).await.unwrap();
        let magic = bench.token("magic-link").await;
        reset_by_email(&bench).await;
        refused(bench.engine.confirm_email_change(with(&grant), email_key).await, Code::InvalidAccessToken);
        let verified = bench.engine.verify_phone(somebody(), THIEFS_PHONE.to_owned(), phone_code).await;
        refused(verified, Code::InvalidOneTimeCode);
        refused(bench.engine.get_auth_grant(somebody(), magic).await, Code::InvalidAccessToken);
    }
}

/// S105: whichever of the links the owner presses, the number that the thief reset the password with is gone.
#[tokio::test]
async fn a_thief_who_reset_through_a_number_of_theirs_is_out_with_any_link() {
    for is_oldest in [true, false] {
        for bench in benches().await {
            let pocket = Pocket::of(&bench);
            let grant = bench.member(ANN).await;
            pocket.arrived(ANN).await;
            add_phone(&bench, &pocket, &grant).await;
            let phone_changed = not_me_key(&pocket, ANN).await;
            bench.pass(60);
            reset_by_phone(&bench, "a thief has this one").await.unwrap();
            let password_changed = not_me_key(&pocket, ANN).await;
            let key = if is_oldest { phone_changed } else { password_changed };
            assert!(bench.engine.describe_not_me(somebody(), key.clone()).await.unwrap().phone_back);
            let token = bench.engine.report_not_me(somebody(), key).await.unwrap();
            let new = Password::typed(NEW_PASSWORD);
            bench.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
            bench.pass(60);
            refused(reset_by_phone(&bench, "the thief once more").await, Code::InvalidOneTimeCode);
            refused(bench.sign_in(ANN, "a thief has this one").await, Code::InvalidSignInCredentials);
            assert!(bench.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone.is_none());
        }
    }
}

/// S105: the email that a stranger gave an account with a number falls to a reset by that number.
#[tokio::test]
async fn a_reset_by_sms_takes_an_email_back_that_a_thief_added() {
    for hall in super::phones::Hall::each().await {
        let (bench, phone) = (&hall.bench, super::phones::ANN);
        let grant = hall.member(phone).await;
        let password = Some(Password::typed(PASSWORD));
        bench.engine.change_email(with(&grant), password, "thief@example.com".to_owned()).await.unwrap();
        let key = bench.change_keys().await.pop().unwrap();
        bench.engine.confirm_email_change(with(&grant), key).await.unwrap();
        let pocket = Pocket::of(bench);
        let other = Password::typed("another thief word");
        bench.engine.change_password(with(&grant), Password::typed(PASSWORD), other).await.unwrap();
        let not_me = not_me_key(&pocket, "thief@example.com").await;
        bench.engine.send_reset_password_code(somebody(), phone.to_owned()).await.unwrap();
        let (code, new) = (bench.newest_code(), Password::typed(NEW_PASSWORD));
        bench.engine.reset_password_with_code(somebody(), phone.to_owned(), code, new).await.unwrap();
        refused(bench.sign_in("thief@example.com", NEW_PASSWORD).await, Code::InvalidSignInCredentials);
        assert!(hall.sign_in(phone, NEW_PASSWORD).await.unwrap().user.email.is_none());
        refused(bench.engine.report_not_me(somebody(), not_me).await, Code::InvalidAccessToken);
    }
}

/// S105: a number of a thief's does not push the owner's new email out.
#[tokio::test]
async fn a_reset_by_a_new_number_leaves_the_email() {
    for bench in benches().await {
        let pocket = Pocket::of(&bench);
        let grant = bench.member("ann@old.example").await;
        let password = Some(Password::typed(PASSWORD));
        bench.engine.change_email(with(&grant), password, ANN.to_owned()).await.unwrap();
        let key = bench.change_keys().await.pop().unwrap();
        bench.engine.confirm_email_change(with(&grant), key).await.unwrap();
        add_phone(&bench, &pocket, &grant).await;
        reset_by_phone(&bench, NEW_PASSWORD).await.unwrap();
        bench.sign_in(ANN, NEW_PASSWORD).await.unwrap();
    }
}

/// A browser that asks twice is no stranger.
#[tokio::test]
async fn a_sign_up_sent_twice_from_one_browser_is_one_account() {
    for bench in Bench::each().await {
        for _ in 0..2 {
            bench.sign_up(&at("hers"), ANN, PASSWORD).await.unwrap();
        }
        let users = bench.engine.store().fetch_all("select id from users", Vec::new()).await.unwrap();
        assert_eq!(users.len(), 1);
    }
}

/// Presses the newest link of a notification to Ann and chooses a password.
async fn take_back(bench: &Bench, key: crate::port::LinkKey) {
    let token = bench.engine.report_not_me(somebody(), key).await.unwrap();
    bench.engine.reset_password_with_token(somebody(), token, Password::typed(NEW_PASSWORD)).await.unwrap();
}

/// Whether a session or a reset that goes to the thief's number is to be had.
async fn is_shut_to_the_number(bench: &Bench) {
    bench.pass(120);
    refused(reset_by_phone(bench, "a thief has this one").await, Code::InvalidOneTimeCode);
    bench.pass(120);
    refused(by_text(bench).await, Code::InvalidOneTimeCode);
    refused(bench.sign_in(ANN, "a thief has this one").await, Code::InvalidSignInCredentials);
}

/// S105: two recoveries in a row. The first leaves the number to the second factor, the second switches that off.
#[tokio::test]
async fn a_number_that_a_reset_left_to_the_second_factor_goes_with_the_link_that_switches_it_off() {
    for resets in 1..=2 {
        for bench in benches().await {
            let pocket = Pocket::of(&bench);
            let grant = bench.member(ANN).await;
            add_phone(&bench, &pocket, &grant).await;
            pocket.arrived(ANN).await;
            bench.pass(1);
            bench.engine.switch_text_factor(with(&grant), true).await.unwrap();
            let key = not_me_key(&pocket, ANN).await;
            for _ in 0..resets {
                bench.pass(60);
                reset_by_email(&bench).await;
            }
            let described = bench.engine.describe_not_me(somebody(), key.clone()).await.unwrap();
            assert!(described.phone_back && described.second_factor_off, "{described:?}");
            take_back(&bench, key).await;
            is_shut_to_the_number(&bench).await;
            let owner = bench.sign_in(ANN, NEW_PASSWORD).await.unwrap();
            assert!(owner.user.phone.is_none() && !owner.user.second_factor);
            reset_by_email(&bench).await;
            is_shut_to_the_number(&bench).await;
        }
    }
}

/// S105: as above, where the second factor of the number ends in another way.
#[tokio::test]
async fn a_number_that_was_a_second_factor_only_opens_nothing_once_it_is_none() {
    for is_field in [false, true] {
        for bench in benches().await {
            let pocket = Pocket::of(&bench);
            let grant = bench.member(ANN).await;
            add_phone(&bench, &pocket, &grant).await;
            let codes = bench.engine.switch_text_factor(with(&grant), true).await.unwrap().expect("recovery codes");
            reset_by_email(&bench).await;
            let password = Password::typed(NEW_PASSWORD);
            let entrance = bench.engine.sign_in_with_email(somebody(), ANN.to_owned(), password).await.unwrap();
            let Entrance::Challenged(challenge) = entrance else { panic!("no second factor") };
            let code = codes.shown().next().unwrap().to_owned();
            let owner = factors::finish(&bench, &challenge, &code).await.unwrap();
            if is_field {
                let update = crate::port::FieldUpdate {
                    field: "twoFactorAuth".to_owned(),
                    update: crate::port::Update::Set(false.into()),
                };
                bench.engine.update_user(with(&owner), vec![update]).await.unwrap();
            } else {
                bench.engine.switch_text_factor(with(&owner), false).await.unwrap();
            }
            is_shut_to_the_number(&bench).await;
            bench.sign_in(ANN, NEW_PASSWORD).await.unwrap();
            reset_by_email(&bench).await;
            assert!(bench.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone.is_none());
        }
    }
}

/// S105: a number that the account moved on from comes back as what it was: one that was added lately.
#[tokio::test]
async fn a_number_of_a_thief_does_not_come_back_in_place_of_another() {
    const SECOND: &str = "+4915112345678";
    for has_factor in [false, true] {
        for bench in benches().await {
            let pocket = Pocket::of(&bench);
            let grant = bench.member(ANN).await;
            add_phone(&bench, &pocket, &grant).await;
            if has_factor {
                bench.engine.switch_text_factor(with(&grant), true).await.unwrap();
            }
            pocket.arrived(ANN).await;
            bench.pass(60);
            let password = Some(Password::typed(PASSWORD));
            bench.engine.change_phone(with(&grant), password, SECOND.to_owned()).await.unwrap();
            bench.engine.verify_phone(with(&grant), SECOND.to_owned(), bench.newest_code()).await.unwrap();
            take_back(&bench, not_me_key(&pocket, ANN).await).await;
            is_shut_to_the_number(&bench).await;
        }
    }
}

/// S105: the link that came to a thief's first mailbox does not bring the account back to it after a recovery.
#[tokio::test]
async fn a_link_in_a_mailbox_that_a_thief_added_ends_with_a_reset_by_sms() {
    for hall in super::phones::Hall::each_without_limits().await {
        let (bench, phone) = (&hall.bench, super::phones::ANN);
        let grant = hall.member(phone).await;
        let pocket = Pocket::of(bench);
        for email in ["thief@example.com", "second@example.com"] {
            let password = Some(Password::typed(PASSWORD));
            bench.engine.change_email(with(&grant), password, email.to_owned()).await.unwrap();
            let key = bench.change_keys().await.pop().unwrap();
            bench.pass(1);
            bench.engine.confirm_email_change(with(&grant), key).await.unwrap();
        }
        let not_me = not_me_key(&pocket, "thief@example.com").await;
        reset_by_code(bench, phone, NEW_PASSWORD).await.unwrap();
        refused(bench.engine.report_not_me(somebody(), not_me).await, Code::InvalidAccessToken);
        assert!(hall.sign_in(phone, NEW_PASSWORD).await.unwrap().user.email.is_none());
    }
}

/// S105: a thief's link that is pressed first brings back a mailbox that the next recovery takes away.
#[tokio::test]
async fn a_mailbox_that_a_thief_brought_back_goes_with_a_reset_by_sms() {
    for hall in super::phones::Hall::each_without_limits().await {
        let (bench, phone) = (&hall.bench, super::phones::ANN);
        let grant = hall.member(phone).await;
        let pocket = Pocket::of(bench);
        for email in ["thief@example.com", "second@example.com"] {
            let password = Some(Password::typed(PASSWORD));
            bench.engine.change_email(with(&grant), password, email.to_owned()).await.unwrap();
            let key = bench.change_keys().await.pop().unwrap();
            bench.pass(1);
            bench.engine.confirm_email_change(with(&grant), key).await.unwrap();
        }
        let not_me = not_me_key(&pocket, "thief@example.com").await;
        bench.engine.report_not_me(somebody(), not_me).await.unwrap();
        reset_by_code(bench, phone, NEW_PASSWORD).await.unwrap();
        assert!(hall.sign_in(phone, NEW_PASSWORD).await.unwrap().user.email.is_none());
        bench.pass(60);
        bench.engine.send_reset_password_email(somebody(), "thief@example.com".to_owned()).await.unwrap();
        assert!(bench.tokens("reset-pwd").await.is_empty(), "nothing goes to the thief");
    }
}

/// S105: a thief's email with codes to the owner's own number keeps the owner of that number from nothing.
#[tokio::test]
async fn an_email_of_a_thief_beside_the_second_factor_keeps_no_owner_from_a_reset_by_sms() {
    for hall in super::phones::Hall::each_without_limits().await {
        let (bench, phone) = (&hall.bench, super::phones::ANN);
        let grant = hall.member(phone).await;
        let password = Some(Password::typed(PASSWORD));
        bench.engine.change_email(with(&grant), password, "thief@example.com".to_owned()).await.unwrap();
        let key = bench.change_keys().await.pop().unwrap();
        bench.engine.confirm_email_change(with(&grant), key).await.unwrap();
        bench.engine.switch_text_factor(with(&grant), true).await.unwrap();
        reset_by_code(bench, phone, NEW_PASSWORD).await.unwrap();
        refused(bench.sign_in("thief@example.com", NEW_PASSWORD).await, Code::InvalidSignInCredentials);
        let row = "select email, two_factor from users where phone = $1";
        let row = bench.engine.store().fetch_optional(row, values![phone]).await.unwrap().unwrap();
        assert!(row.optional_text("email").unwrap().is_none() && row.integer("two_factor").unwrap() == 1);
    }
}

async fn reset_by_code(bench: &Bench, phone: &str, password: &str) -> crate::port::Outcome<()> {
    bench.engine.send_reset_password_code(somebody(), phone.to_owned()).await.unwrap();
    let (code, new) = (bench.newest_code(), Password::typed(password));
    bench.engine.reset_password_with_code(somebody(), phone.to_owned(), code, new).await
}

/// A recovery by the owner.
#[derive(Debug, Clone, Copy)]
enum Recovery {
    Reset,
    NewestLink,
    OldestLink,
}

/// S105: in any order, and after each of them, nothing goes to a number of the thief's that resets the password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_recoveries_in_a_row_the_numbers_of_a_thief_reset_nothing() {
    use Recovery::{NewestLink, OldestLink, Reset};
    for order in [
        [Reset, NewestLink, OldestLink],
        [Reset, OldestLink, NewestLink],
        [NewestLink, Reset, OldestLink],
        [NewestLink, OldestLink, Reset],
        [OldestLink, Reset, NewestLink],
        [OldestLink, NewestLink, Reset],
    ] {
        for bench in benches().await {
            let pocket = Pocket::of(&bench);
            let grant = bench.member(ANN).await;
            add_phone(&bench, &pocket, &grant).await;
            let oldest = not_me_key(&pocket, ANN).await;
            bench.pass(1);
            bench.engine.switch_text_factor(with(&grant), true).await.unwrap();
            let newest = not_me_key(&pocket, ANN).await;
            for recovery in order {
                bench.pass(60);
                let key = match recovery {
                    Reset => None,
                    NewestLink => Some(newest.clone()),
                    OldestLink => Some(oldest.clone()),
                };
                match key {
                    None => reset_by_email(&bench).await,
                    // An older link that was pressed has killed the newer one.
                    Some(key) => drop(bench.engine.report_not_me(somebody(), key).await),
                }
                bench.pass(120);
                bench.engine.send_reset_password_code(somebody(), THIEFS_PHONE.to_owned()).await.unwrap();
                let sql = "select user_id from codes where purpose = 'reset-password'";
                let codes = bench.engine.store().fetch_all(sql, Vec::new()).await.unwrap();
                assert!(codes.is_empty(), "{order:?} after {recovery:?}");
            }
            reset_by_email(&bench).await;
            assert!(bench.sign_in(ANN, NEW_PASSWORD).await.unwrap().user.phone.is_none(), "{order:?}");
        }
    }
}
