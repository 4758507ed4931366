//! Telling owners without flooding them (S106).

use super::{
    account_recovery::account_recovery_key,
    fixture::{Fixture, PASSWORD, at, refused, somebody, with},
    sent_messages::SentMessages,
};
use crate::{
    engine::store::values,
    port::{
        AuthManager, Caller, Channel, Code, Grant, OperationError, Password, SignUpWithEmail,
        SignUpWithPhone,
    },
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";

impl Fixture {
    async fn waiting(&self, channel: &str, kind: &str) -> usize {
        let sql = "select id from outbox where channel = $1 and kind = $2";
        self.engine.store().fetch_all(sql, values![channel, kind]).await.unwrap().len()
    }

    /// Changes the password that often, as an application does.
    async fn change_passwords(&self, grant: &Grant, times: usize) {
        let mut old = PASSWORD.to_owned();
        let mut caller = with(grant);
        caller.channel = crate::port::Channel::Api;
        for number in 0..times {
            let new = format!("{number} quiet lanterns there");
            let (from, to) = (Password::entered(&old), Password::entered(&new));
            self.engine.change_password(caller.clone(), from, to).await.unwrap();
            old = new;
        }
    }

    /// Somebody who signed up where no proof is asked for.
    async fn unconfirmed(&self, email: &str) -> Grant {
        let sign_up = SignUpWithEmail {
            email: email.to_owned(),
            password: Password::entered(PASSWORD),
            name: None,
            fields: serde_json::Map::new(),
        };
        self.engine.sign_up_with_email(somebody(), sign_up).await.unwrap().grant.expect("a session")
    }

    async fn sign_in_from(&self, browser: &str, password: &str) {
        let password = Password::entered(password);
        self.engine.sign_in_with_email(at(browser), EMAIL.to_owned(), password).await.unwrap();
    }

    async fn with_phone(&self) -> Grant {
        self.with_number(PHONE).await
    }

    async fn with_number(&self, phone: &str) -> Grant {
        let sign_up = SignUpWithPhone {
            phone: phone.to_owned(),
            password: Password::entered(PASSWORD),
            name: None,
            fields: serde_json::Map::new(),
        };
        self.engine.sign_up_with_phone(somebody(), sign_up).await.unwrap().grant.expect("a session")
    }
}

/// S106
#[tokio::test]
async fn sixty_password_changes_are_three_emails_and_one_digest() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user(EMAIL).await;
        fixture.change_passwords(&ann, 60).await;
        assert_eq!(fixture.waiting("mail", "password_changed").await, 3);
        assert_eq!(fixture.waiting("mail", "several_changes").await, 1);
        let row = fixture
            .engine
            .store()
            .fetch_all("select waiting from notifications", values![])
            .await
            .unwrap();
        assert!(
            row[0].text("waiting").unwrap().contains("\"times\":57"),
            "{}",
            row[0].text("waiting").unwrap()
        );
    }
}

/// S106: a digest keeps no link that an account recovery revoked.
#[tokio::test]
async fn a_digest_that_waits_while_the_owner_takes_the_account_back_has_a_link_that_works() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let sent_messages = SentMessages::of(&fixture);
        let ann = fixture.signed_in_user(EMAIL).await;
        let caller = || Caller { channel: Channel::Api, ..with(&ann) };
        let (first, second) =
            (|| Password::entered(PASSWORD), || Password::entered("six swans up"));
        fixture.engine.change_password(caller(), first(), second()).await.unwrap();
        let oldest = account_recovery_key(&sent_messages, EMAIL).await;
        fixture.pass(1);
        fixture.engine.change_password(caller(), second(), first()).await.unwrap();
        fixture.change_passwords(&ann, 3).await;
        assert_eq!(fixture.waiting("mail", "several_changes").await, 1);
        sent_messages.arrived(EMAIL).await;
        let token = fixture.engine.recover_account(somebody(), oldest).await.unwrap();
        let new = Password::entered("nine orange otters");
        fixture.engine.reset_password_with_token(somebody(), token, new).await.unwrap();
        fixture.pass(16 * 60);
        let key = account_recovery_key(&sent_messages, EMAIL).await;
        fixture.engine.describe_account_recovery(somebody(), key).await.unwrap();
    }
}

/// S106: with numbers that nobody proves as well.
#[tokio::test]
async fn sixty_password_changes_are_two_texts_and_one_digest_within_the_budget() {
    let set = |settings: &mut crate::engine::EngineSettings| {
        settings.confirm_phone = false;
        settings.messages.sms_daily_budget = 20;
    };
    for fixture in Fixture::each_with(set).await {
        let ann = fixture.with_phone().await;
        fixture.change_passwords(&ann, 60).await;
        assert_eq!(fixture.waiting("sms", "password_changed").await, 2);
        assert_eq!(fixture.waiting("sms", "several_changes").await, 1);
        let days = fixture
            .engine
            .store()
            .fetch_all("select queued from text_days", values![])
            .await
            .unwrap();
        assert_eq!(days.iter().map(|day| day.integer("queued").unwrap()).sum::<i64>(), 3);
    }
}

/// S106: a spent budget delays what an owner is told, and loses none of it.
#[tokio::test]
async fn a_spent_budget_delays_the_notification_to_the_next_day() {
    for fixture in Fixture::each_with(|settings| {
        (settings.confirm_phone, settings.messages.sms_daily_budget) = (false, 2)
    })
    .await
    {
        let ann = fixture.with_phone().await;
        let today = fixture.now().as_second() / 86_400;
        let spent = "insert into text_days (day, queued) values ($1, 2)";
        fixture.engine.store().execute(spent, values![today]).await.unwrap();
        fixture.change_passwords(&ann, 5).await;
        assert_eq!(fixture.waiting("sms", "password_changed").await, 0);
        assert_eq!(fixture.waiting("sms", "several_changes").await, 1);
        let row = fixture
            .engine
            .store()
            .fetch_all("select not_before from outbox", values![])
            .await
            .unwrap();
        assert_eq!(row[0].time("not_before").unwrap().as_second(), (today + 1) * 86_400);
        let sql = "select queued from text_days where day = $1";
        let tomorrow = fixture.engine.store().fetch_all(sql, values![today + 1]).await.unwrap();
        assert_eq!(tomorrow[0].integer("queued").unwrap(), 1, "the next day pays for it");
    }
}

/// S21, S106: the day that pays it may be far away. Nothing is lost in between.
#[tokio::test]
async fn a_notification_that_no_budget_pays_within_three_days_is_kept_for_the_day_that_pays_it() {
    for fixture in Fixture::each_with(|settings| {
        (settings.confirm_phone, settings.messages.sms_daily_budget) = (false, 4)
    })
    .await
    {
        let ann = fixture.with_phone().await;
        let today = fixture.now().as_second() / 86_400;
        for day in today..today + 10 {
            let spent = "insert into text_days (day, queued) values ($1, 4)";
            fixture.engine.store().execute(spent, values![day]).await.unwrap();
        }
        fixture.change_passwords(&ann, 2).await;
        fixture.engine.sweep().await;
        assert!(
            fixture
                .engine
                .store()
                .fetch_all("select id from outbox", values![])
                .await
                .unwrap()
                .is_empty()
        );
        // Longer than other notifications are remembered.
        fixture.pass(9 * 86_400);
        fixture.engine.sweep().await;
        assert!(
            fixture
                .engine
                .store()
                .fetch_all("select id from outbox", values![])
                .await
                .unwrap()
                .is_empty()
        );
        fixture.pass(86_400);
        fixture.engine.sweep().await;
        fixture.engine.sweep().await;
        assert_eq!(fixture.waiting("sms", "several_changes").await, 1);
        let told = fixture
            .engine
            .store()
            .fetch_all("select waiting from notifications", values![])
            .await
            .unwrap();
        assert!(
            told[0].text("waiting").unwrap().contains("\"times\":2"),
            "{}",
            told[0].text("waiting").unwrap()
        );
        let day = fixture
            .engine
            .store()
            .fetch_all("select queued from text_days where day = $1", values![today + 10]);
        assert_eq!(day.await.unwrap()[0].integer("queued").unwrap(), 1);
    }
}

/// S21, S106: a change on a day that pays takes the kept ones along.
#[tokio::test]
async fn a_kept_notification_goes_with_the_next_change() {
    for fixture in Fixture::each_with(|settings| {
        (settings.confirm_phone, settings.messages.sms_daily_budget) = (false, 20)
    })
    .await
    {
        let ann = fixture.with_phone().await;
        let today = fixture.now().as_second() / 86_400;
        for day in today..today + 4 {
            let spent = "insert into text_days (day, queued) values ($1, 20)";
            fixture.engine.store().execute(spent, values![day]).await.unwrap();
        }
        fixture.change_passwords(&ann, 2).await;
        fixture.engine.store().execute("update text_days set queued = 0", values![]).await.unwrap();
        let mut caller = with(&ann);
        caller.channel = Channel::Api;
        for number in 1..5 {
            let word = |number: usize| Password::entered(format!("{number} quiet lanterns there"));
            fixture
                .engine
                .change_password(caller.clone(), word(number), word(number + 1))
                .await
                .unwrap();
        }
        assert_eq!(fixture.waiting("sms", "password_changed").await, 2);
        let told = fixture
            .engine
            .store()
            .fetch_all("select waiting from notifications", values![])
            .await
            .unwrap();
        assert!(
            told[0].text("waiting").unwrap().contains("\"times\":4"),
            "{}",
            told[0].text("waiting").unwrap()
        );
    }
}

/// S21, S106: numbers that nobody proved have a smaller share of the budget than owners.
#[tokio::test]
async fn a_kept_notification_to_an_unproved_number_holds_no_owners_back() {
    for fixture in Fixture::each_with(|settings| {
        (settings.confirm_phone, settings.messages.sms_daily_budget) = (false, 20)
    })
    .await
    {
        let today = fixture.now().as_second() / 86_400;
        for day in today..today + 4 {
            let spent = "insert into text_days (day, queued) values ($1, 20)";
            fixture.engine.store().execute(spent, values![day]).await.unwrap();
        }
        let (ann, ben) = (fixture.with_phone().await, fixture.with_number("+905302223344").await);
        let proved = "update users set phone_verified_at = 1 where id = $1";
        fixture.engine.store().execute(proved, values![&ben.user.id]).await.unwrap();
        fixture.change_passwords(&ann, 1).await;
        fixture.pass(60);
        fixture.change_passwords(&ben, 1).await;
        fixture
            .engine
            .store()
            .execute("update text_days set queued = 15", values![])
            .await
            .unwrap();
        fixture.engine.sweep().await;
        let sql = "select user_id from notifications where message_id is not null";
        let told = fixture.engine.store().fetch_all(sql, values![]).await.unwrap();
        let told: Vec<String> = told.iter().map(|row| row.text("user_id").unwrap()).collect();
        assert_eq!(told, [ben.user.id]);
    }
}

/// S106
#[tokio::test]
async fn no_budget_is_no_notification_by_sms_and_the_change_is_made() {
    for fixture in Fixture::each_with(|settings| {
        (settings.confirm_phone, settings.messages.sms_daily_budget) = (false, 0)
    })
    .await
    {
        let ann = fixture.with_phone().await;
        fixture.change_passwords(&ann, 5).await;
        assert!(
            fixture
                .engine
                .store()
                .fetch_all("select id from outbox", values![])
                .await
                .unwrap()
                .is_empty()
        );
    }
}

/// S106: digests do not depend on proofs.
#[tokio::test]
async fn sixty_password_changes_are_bounded_where_no_address_is_confirmed() {
    for fixture in Fixture::each_with(|settings| settings.confirm_email = false).await {
        let ann = fixture.unconfirmed(EMAIL).await;
        fixture.change_passwords(&ann, 60).await;
        assert_eq!(fixture.waiting("mail", "password_changed").await, 3);
        assert_eq!(fixture.waiting("mail", "several_changes").await, 1);
    }
}

/// S106: with many accounts as with one, since nobody proved that the mailbox is theirs.
#[tokio::test]
async fn many_accounts_that_were_made_for_a_mailbox_fill_it_no_faster_than_one() {
    for fixture in Fixture::each_with(|settings| {
        (settings.confirm_email, settings.limits_factor) = (false, 1000.0)
    })
    .await
    {
        for number in 0..12 {
            let eve = fixture.unconfirmed(EMAIL).await;
            let new = format!("eve-{number}@example.com");
            fixture
                .engine
                .change_email(with(&eve), Some(Password::entered(PASSWORD)), new)
                .await
                .unwrap();
        }
        assert_eq!(fixture.waiting("mail", "email_changed").await, 3);
        assert_eq!(fixture.waiting("mail", "several_changes").await, 1);
        let row = fixture
            .engine
            .store()
            .fetch_all("select waiting from notifications where waiting <> '[]'", values![]);
        let row = row.await.unwrap();
        assert!(
            row[0].text("waiting").unwrap().contains("\"times\":9"),
            "{}",
            row[0].text("waiting").unwrap()
        );
    }
}

/// S106, as by email.
#[tokio::test]
async fn many_accounts_that_were_made_for_a_number_text_it_no_more_than_one() {
    let set = |settings: &mut crate::engine::EngineSettings| {
        (settings.confirm_phone, settings.limits_factor) = (false, 1000.0)
    };
    for fixture in Fixture::each_with(set).await {
        for number in 0..8 {
            let eve = fixture.with_phone().await;
            let new = format!("+49151999900{number:02}");
            fixture
                .engine
                .change_phone(with(&eve), Some(Password::entered(PASSWORD)), new)
                .await
                .unwrap();
        }
        assert_eq!(fixture.waiting("sms", "phone_changed").await, 2);
        assert_eq!(fixture.waiting("sms", "several_changes").await, 1);
    }
}

/// S65, S106: where numbers are not proved, one account tells few of those that it had.
#[tokio::test]
async fn an_account_that_moves_from_number_to_number_texts_few_of_them() {
    for fixture in Fixture::each_with(|settings| settings.confirm_phone = false).await {
        let eve = fixture.with_phone().await;
        let (mut moves, mut refused_moves) = (0, 0);
        for number in 0..48 {
            for channel in [Channel::Pages, Channel::Api] {
                let caller = Caller { channel, ..with(&eve) };
                let new = format!(
                    "+4915199990{number:02}{}",
                    if channel == Channel::Api { 1 } else { 2 }
                );
                match fixture
                    .engine
                    .change_phone(caller, Some(Password::entered(PASSWORD)), new)
                    .await
                {
                    Ok(_) => moves += 1,
                    Err(OperationError::Rejected(refusal)) if refusal.retry_after().is_some() => {
                        refused_moves += 1
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
            fixture.pass(1800);
        }
        assert!((3..=9).contains(&moves) && refused_moves > 80, "{moves} {refused_moves}");
        let texts = fixture
            .engine
            .store()
            .fetch_all("select id from outbox where channel = 'sms'", values![])
            .await;
        let texts = texts.unwrap().len();
        assert!((1..=12).contains(&texts), "{texts}");
    }
}

/// S21, S65: somebody who typed a wrong number twice moves to the right one, and a proved number is
/// always told.
#[tokio::test]
async fn a_number_is_corrected_and_a_proved_one_is_told_of_its_change() {
    for fixture in Fixture::each_with(|settings| settings.confirm_phone = false).await {
        let ann = fixture.with_phone().await;
        for number in 0..3 {
            let (caller, password) = (with(&ann), Some(Password::entered(PASSWORD)));
            fixture
                .engine
                .change_phone(caller, password, format!("+491519999000{number}"))
                .await
                .unwrap();
        }
        assert!(fixture.waiting("sms", "phone_changed").await >= 1);
    }
}

/// S106: a thief cannot hide a change behind others.
#[tokio::test]
async fn the_first_change_of_a_kind_is_told_at_once_whatever_came_before() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user(EMAIL).await;
        let current = |number: usize| match number {
            0 => PASSWORD.to_owned(),
            number => format!("{} quiet lanterns there", number - 1),
        };
        for number in 0..3 {
            fixture.sign_in_from(&format!("thief-{number}"), &current(0)).await;
        }
        fixture.change_passwords(&ann, 6).await;
        let password = Some(Password::entered(current(6)));
        fixture
            .engine
            .change_email(with(&ann), password, "eve@example.com".to_owned())
            .await
            .unwrap();
        assert_eq!(fixture.waiting("mail", "email_change_requested").await, 1);
    }
}

/// S21, S106: every sign-in from a new browser is told, the later ones in one message.
#[tokio::test]
async fn sign_ins_from_new_browsers_are_told_and_none_is_dropped() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 10.0).await {
        fixture.signed_in_user(EMAIL).await;
        fixture.pass(1);
        fixture.sign_in_from("known", PASSWORD).await;
        for number in 0..12 {
            fixture.sign_in_from(&format!("browser-{number}"), PASSWORD).await;
        }
        assert_eq!(fixture.waiting("mail", "new_sign_in").await, 3);
        assert_eq!(fixture.waiting("mail", "several_changes").await, 1);
        let row = fixture
            .engine
            .store()
            .fetch_all("select waiting from notifications", values![])
            .await
            .unwrap();
        assert!(
            row[0].text("waiting").unwrap().contains("\"times\":9"),
            "{}",
            row[0].text("waiting").unwrap()
        );
    }
}

/// S107: email that is over the pace waits, and none is dropped. Resets of proved mailboxes do not
/// wait for it.
#[tokio::test]
async fn sign_ups_by_visitors_delay_each_other_and_no_reset() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(EMAIL).await;
        let mut refused_at = None;
        for number in 0..700 {
            let asked = fixture
                .engine
                .resend_verification_email(somebody(), format!("x{number}@example.com"))
                .await;
            assert!(asked.is_ok(), "email to nobody takes no place");
            if number < 280 {
                let email = format!("stranger-{number}@example.com");
                if fixture.sign_up(&at("eve"), &email, PASSWORD).await.is_err() {
                    refused_at = Some(number);
                }
            }
        }
        assert_eq!(refused_at, None);
        let delayed =
            "select id from outbox where kind = 'confirm_email' and not_before is not null";
        assert_eq!(
            fixture.engine.store().fetch_all(delayed, values![]).await.unwrap().len(),
            280 + 1 - 250
        );
        assert_eq!(fixture.waiting("mail", "confirm_email").await, 281);
        fixture.engine.send_reset_password_email(somebody(), EMAIL.to_owned()).await.unwrap();
        let sql = "select not_before, goes_first from outbox where kind = 'reset_password'";
        let reset = fixture.engine.store().fetch_all(sql, values![]).await.unwrap();
        assert_eq!(reset[0].optional_integer("not_before").unwrap(), None);
        assert_eq!(reset[0].integer("goes_first").unwrap(), 1);
    }
}

/// S64, S107: known and unknown mailboxes are told alike, and sign-ups by visitors keep no reset
/// away.
#[tokio::test]
async fn a_mailbox_that_had_enough_is_told_alike_whoever_it_is() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(EMAIL).await;
        for address in [EMAIL, "waiting@example.com", "nobody@example.com"] {
            // Visitors sign up with the first two.
            for number in 0..8 {
                let browser = at(&format!("browser-{number}"));
                if address != "nobody@example.com" {
                    drop(fixture.sign_up(&browser, address, PASSWORD).await);
                }
            }
            for _ in 0..5 {
                fixture
                    .engine
                    .send_reset_password_email(somebody(), address.to_owned())
                    .await
                    .unwrap();
            }
            let sixth =
                fixture.engine.send_reset_password_email(somebody(), address.to_owned()).await;
            let wait = std::time::Duration::from_secs(720);
            refused(sixth, Code::SeveralEmails { retry_after: wait });
            fixture.engine.send_magic_link_email(somebody(), address.to_owned()).await.unwrap();
        }
        assert_eq!(fixture.waiting("mail", "reset_password").await, 10);
    }
}
