//! Where texts go, and how many (S65).

use futures_util::future::join_all;

use super::fixture::{Fixture, PASSWORD, refused, somebody};
use crate::{
    engine::{
        SmsCountries,
        outbox::{Share, SmsMessage},
        store::values,
    },
    port::{AuthManager, Code, OneTimeCode, Outcome, Password, Phone, SignUpWithPhone},
};

fn phone() -> Phone {
    Phone::parse("+4915112345678").unwrap()
}

fn code() -> SmsMessage {
    SmsMessage::SecondFactor { code: OneTimeCode::parse("314159").unwrap(), minutes: 10 }
}

impl Fixture {
    /// Queues a text; what is refused is not queued.
    async fn text(&self, message: &SmsMessage) {
        drop(self.try_text(message).await);
    }

    async fn try_text(&self, message: &SmsMessage) -> Outcome<()> {
        let mut tx = self.engine.store().begin().await.unwrap();
        self.engine.text(&mut tx, message, &phone(), None).await?;
        Ok(tx.commit().await?)
    }

    async fn queued(&self) -> usize {
        self.engine
            .store()
            .fetch_all("select id from outbox where channel = $1", values!["sms"])
            .await
            .unwrap()
            .len()
    }
}

#[tokio::test]
async fn a_country_that_is_not_listed_is_refused() {
    for (countries, is_served) in [
        (SmsCountries::All, true),
        (SmsCountries::Only(vec!["FR".to_owned(), "DE".to_owned()]), true),
        (SmsCountries::Only(vec!["FR".to_owned()]), false),
        (SmsCountries::Only(Vec::new()), false),
    ] {
        for fixture in
            Fixture::each_with(|settings| settings.messages.sms_countries = countries.clone()).await
        {
            let validated =
                fixture.engine.validate_destination(&phone(), Share::SecondFactor).await;
            if is_served {
                validated.unwrap();
            } else {
                refused(validated, Code::CountryNotServed);
            }
            fixture.text(&code()).await;
            assert_eq!(fixture.queued().await, usize::from(is_served), "{countries:?}");
        }
    }
}

#[tokio::test]
async fn a_spent_budget_refuses_until_the_next_day() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 2).await {
        for _ in 0..2 {
            fixture.engine.validate_destination(&phone(), Share::SecondFactor).await.unwrap();
            fixture.text(&code()).await;
        }
        refused(
            fixture.engine.validate_destination(&phone(), Share::SecondFactor).await,
            Code::MessagesExhausted,
        );
        fixture.text(&code()).await;
        assert_eq!(fixture.queued().await, 2);
        fixture.pass(24 * 3600);
        fixture.engine.validate_destination(&phone(), Share::SecondFactor).await.unwrap();
        fixture.text(&code()).await;
        assert_eq!(fixture.queued().await, 3);
    }
}

#[tokio::test]
async fn a_text_of_a_change_that_was_taken_back_costs_nothing() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 1).await {
        let mut tx = fixture.engine.store().begin().await.unwrap();
        fixture.engine.text(&mut tx, &code(), &phone(), None).await.unwrap();
        drop(tx);
        fixture.engine.validate_destination(&phone(), Share::SecondFactor).await.unwrap();
        fixture.text(&code()).await;
        assert_eq!(fixture.queued().await, 1);
    }
}

#[tokio::test]
async fn no_budget_is_no_text() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 0).await {
        refused(
            fixture.engine.validate_destination(&phone(), Share::SecondFactor).await,
            Code::MessagesExhausted,
        );
        fixture.text(&code()).await;
        assert_eq!(fixture.queued().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_texts_at_once_spend_no_more_than_the_budget() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 7).await {
        let message = code();
        join_all((0..40).map(|_| fixture.text(&message))).await;
        assert_eq!(fixture.queued().await, 7);
        refused(
            fixture.engine.validate_destination(&phone(), Share::SecondFactor).await,
            Code::MessagesExhausted,
        );
    }
}

/// S106: what visitors can cause ends first, then notifications, then what visitors ask for, then
/// the second factor.
#[tokio::test]
async fn a_reserve_of_the_budget_keeps_the_second_factor_going() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 20).await {
        let code = || OneTimeCode::parse("314159").unwrap();
        for _ in 0..60 {
            fixture.text(&SmsMessage::VerifyPhone { code: code(), minutes: 10 }).await;
        }
        assert_eq!(fixture.queued().await, 14);
        refused(
            fixture.engine.validate_destination(&phone(), Share::Ordinary).await,
            Code::MessagesExhausted,
        );
        fixture.engine.validate_destination(&phone(), Share::WayIn).await.unwrap();
        for _ in 0..60 {
            fixture.text(&SmsMessage::SecondFactor { code: code(), minutes: 1 }).await;
        }
        assert_eq!(fixture.queued().await, 20);
    }
}

/// S107: what cannot be sent is refused, so that no page calls it sent.
#[tokio::test]
async fn a_text_that_the_budget_does_not_pay_is_refused_and_never_dropped() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 10).await {
        let sign_up = SignUpWithPhone {
            phone: phone().to_string(),
            password: Password::entered(PASSWORD),
            name: None,
            fields: serde_json::Map::new(),
        };
        fixture.engine.sign_up_with_phone(somebody(), sign_up).await.unwrap();
        for _ in 0..20 {
            fixture
                .text(&SmsMessage::VerifyPhone {
                    code: OneTimeCode::parse("314159").unwrap(),
                    minutes: 10,
                })
                .await;
        }
        let again =
            SmsMessage::VerifyPhone { code: OneTimeCode::parse("314159").unwrap(), minutes: 10 };
        refused(fixture.try_text(&again).await, Code::MessagesExhausted);
        // Nobody has proved this number: what is left is for those that somebody has.
        let reset = fixture.engine.send_reset_password_code(somebody(), phone().to_string()).await;
        refused(reset, Code::MessagesExhausted);
        assert_eq!(fixture.queued().await, 7);
    }
}

/// S65, S107: a text that the limit of its range keeps back is refused.
#[tokio::test]
async fn a_code_that_is_kept_back_is_never_called_sent() {
    for fixture in Fixture::each().await {
        let sign_up = async |number: usize| {
            let sign_up = SignUpWithPhone {
                phone: format!("+491511234{number:04}"),
                password: Password::entered(PASSWORD),
                name: None,
                fields: serde_json::Map::new(),
            };
            fixture.engine.sign_up_with_phone(somebody(), sign_up).await
        };
        let taken = {
            let mut taken = 0;
            while sign_up(taken).await.is_ok() {
                taken += 1;
            }
            taken
        };
        assert_eq!(fixture.queued().await, taken);
        for number in 0..taken {
            let (waiting, nobody) =
                (format!("+491511234{number:04}"), format!("+491511234{:04}", 9000 + number));
            for phone in [&waiting, &nobody] {
                let again =
                    fixture.engine.resend_verification_code(somebody(), phone.clone()).await;
                assert!(again.is_err(), "{phone}");
            }
            assert!(fixture.engine.send_reset_password_code(somebody(), waiting).await.is_err());
        }
        assert_eq!(fixture.queued().await, taken);
    }
}
