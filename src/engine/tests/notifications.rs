//! Telling owners without flooding them (SECURITY.md S106).

use super::bench::{Bench, PASSWORD, at, refused, somebody, with};
use crate::{
    engine::store::values,
    port::{AuthManager, Code, Grant, Password, SignUpWithPhone},
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";

impl Bench {
    async fn waiting(&self, channel: &str, kind: &str) -> usize {
        let sql = "select id from outbox where channel = $1 and kind = $2";
        self.engine.store().fetch_all(sql, values![channel, kind]).await.unwrap().len()
    }

    /// Changes the password that often, as an application does.
    async fn change_passwords(&self, grant: &Grant, times: usize) {
        let mut old = PASSWORD.to_owned();
        let mut caller = with(grant);
        caller.door = crate::port::Door::Rest;
        for number in 0..times {
            let new = format!("{number} quiet lanterns there");
            let (from, to) = (Password::typed(&old), Password::typed(&new));
            self.engine.change_password(caller.clone(), from, to).await.unwrap();
            old = new;
        }
    }

    async fn with_phone(&self) -> Grant {
        let sign_up = SignUpWithPhone {
            phone: PHONE.to_owned(),
            password: Password::typed(PASSWORD),
            name: None,
            fields: serde_json::Map::new(),
        };
        self.engine.sign_up_with_phone(somebody(), sign_up).await.unwrap().grant.expect("a session")
    }
}

/// S106
#[tokio::test]
async fn sixty_password_changes_are_three_emails_and_one_digest() {
    for bench in Bench::each().await {
        let ann = bench.member(EMAIL).await;
        bench.change_passwords(&ann, 60).await;
        assert_eq!(bench.waiting("mail", "password_changed").await, 3);
        assert_eq!(bench.waiting("mail", "several_changes").await, 1);
        let row = bench.engine.store().fetch_all("select waiting from notifications", values![]).await.unwrap();
        assert!(row[0].text("waiting").unwrap().contains("\"times\":57"), "{}", row[0].text("waiting").unwrap());
    }
}

/// S106: with numbers that nobody proves as well.
#[tokio::test]
async fn sixty_password_changes_are_two_texts_and_one_digest_within_the_budget() {
    let set = |settings: &mut crate::engine::Settings| {
        settings.confirm_phone = false;
        settings.messages.sms_daily_budget = 20;
    };
    for bench in Bench::each_with(set).await {
        let ann = bench.with_phone().await;
        bench.change_passwords(&ann, 60).await;
        assert_eq!(bench.waiting("sms", "password_changed").await, 2);
        assert_eq!(bench.waiting("sms", "several_changes").await, 1);
        let days = bench.engine.store().fetch_all("select queued from text_days", values![]).await.unwrap();
        assert_eq!(days.iter().map(|day| day.integer("queued").unwrap()).sum::<i64>(), 3);
    }
}

/// S106: a spent budget delays what an owner is told, and loses none of it.
#[tokio::test]
async fn a_spent_budget_delays_the_notification_to_the_next_day() {
    let set = |settings: &mut crate::engine::Settings| {
        settings.confirm_phone = false;
        settings.messages.sms_daily_budget = 0;
    };
    for bench in Bench::each_with(set).await {
        let ann = bench.with_phone().await;
        bench.change_passwords(&ann, 5).await;
        assert_eq!(bench.waiting("sms", "password_changed").await, 0);
        assert_eq!(bench.waiting("sms", "several_changes").await, 1);
    }
}

/// S64, S107: known and unknown mailboxes are told alike, and sign-ups by strangers keep no reset away.
#[tokio::test]
async fn a_mailbox_that_had_enough_is_told_alike_whoever_it_is() {
    for bench in Bench::each().await {
        bench.member(EMAIL).await;
        for address in [EMAIL, "waiting@example.com", "nobody@example.com"] {
            // Strangers sign up with the first two.
            for number in 0..8 {
                let browser = at(&format!("browser-{number}"));
                if address != "nobody@example.com" {
                    drop(bench.sign_up(&browser, address, PASSWORD).await);
                }
            }
            for _ in 0..5 {
                bench.engine.send_reset_password_email(somebody(), address.to_owned()).await.unwrap();
            }
            let sixth = bench.engine.send_reset_password_email(somebody(), address.to_owned()).await;
            let wait = std::time::Duration::from_secs(720);
            refused(sixth, Code::SeveralEmails { retry_after: wait });
            bench.engine.send_magic_link_email(somebody(), address.to_owned()).await.unwrap();
        }
        assert_eq!(bench.waiting("mail", "reset_password").await, 10);
    }
}
