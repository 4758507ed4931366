//! Damaged rows of every kind: each costs its owner one sign-in or one message, and is no failure.
//!
//! PostgreSQL refuses some of the damage, as its columns have types; SQLite takes all of it.

use super::{
    fixture::{Fixture, PASSWORD, at, somebody, with},
    sent_messages::SentMessages,
    two_factor::{challenged, code_of, finish, guarded},
};
use crate::{
    engine::{
        SystemRandom,
        keys::{ApiKeys, ClientKeys, NewClientKey},
        store::values,
    },
    port::{
        AccessToken, AuthManager as _, Caller, Challenge, Channel, LinkKey, OperationError,
        Outcome, Password, SecondFactorOf, SignInOutcome, SignUpWithPhone,
    },
};

const ANN: &str = "ann@example.com";

impl Fixture {
    /// Damages what belongs to somebody. `false` where the database takes no such damage.
    async fn damage(&self, sql: &'static str, whose: &str) -> bool {
        let store = self.engine.store();
        match store.execute(sql, values![whose]).await {
            Ok(damaged) => {
                assert!(damaged > 0, "{sql} damages nothing");
                true
            }
            Err(error) => {
                assert!(store.is_shared(), "{sql}: {error}");
                false
            }
        }
    }

    async fn sign_up_with_number(&self, phone: &str) -> Outcome<()> {
        let sign_up = SignUpWithPhone {
            phone: phone.to_owned(),
            password: Password::entered(PASSWORD),
            name: None,
            fields: serde_json::Map::new(),
        };
        self.engine.sign_up_with_phone(somebody(), sign_up).await.map(drop)
    }

    /// An engine that remembers nothing.
    async fn restart(&mut self) {
        self.reopen_with(|_| {}).await;
    }
}

/// Result of the operation, unless it failed.
#[track_caller]
fn whole<T>(outcome: Outcome<T>, what: &str) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(OperationError::Rejected(_)) => None,
        Err(OperationError::Internal(failure)) => panic!("{what}: {failure}"),
    }
}

/// S112, R24
#[tokio::test]
async fn a_damaged_account_fails_nowhere() {
    for mut fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let statements = [
            "update users set fields = '{' where id = $1",
            "update users set fields = '[]' where id = $1",
            "update users set password_hash = 'garbage' where id = $1",
            "update users set password_hash = '$argon2id$v=19$m=1,t=0,p=0$c2FsdA$aGFzaA' where id \
                = $1",
            "update users set signed_up_at = 9223372036854775807, last_login_at = \
                -9223372036854775807 where id = $1",
            "update users set email = 'no address' where id = $1",
            "update users set phone = 'no number', phone_verified_at = 1 where id = $1",
            "update users set name = cast(x'fffe80' as text) where id = $1",
            "update users set email = x'ff' where id = $1",
            "update users set provider = x'ff', provider_user_id = x'ff' where id = $1",
            "update users set profile_picture = x'ff' where id = $1",
            "update users set password_hash = x'ff' where id = $1",
            "update users set email_verified_at = 'yesterday' where id = $1",
            "update users set signed_up_at = 'yesterday' where id = $1",
            "update users set two_factor = 'on' where id = $1",
            "update users set authenticator = 'on' where id = $1",
            "update users set browser_digest = 7 where id = $1",
            "update users set factor_since = 9223372036854775807 where id = $1",
            "update users set signer_digest = 7, signed_up_from = x'ff' where id = $1",
            "update held_emails set held_since = 'yesterday' where user_id = $1",
        ];
        for (number, sql) in statements.into_iter().enumerate() {
            let email = format!("ann{number}@example.com");
            let ann = fixture.signed_in_user(&email).await;
            if !fixture.damage(sql, &ann.user.id).await {
                continue;
            }
            fixture.restart().await;
            let engine = &fixture.engine;
            assert!(engine.signed_in_user(with(&ann)).await.is_ok(), "{sql}: the session goes on");
            whole(engine.get_all_sessions(with(&ann)).await, sql);
            let entered = Password::entered(PASSWORD);
            whole(engine.sign_in_with_email(somebody(), email.clone(), entered.clone()).await, sql);
            let application = Caller { channel: Channel::Api, ..somebody() };
            whole(engine.sign_in_with_email(application, email.clone(), entered).await, sql);
            whole(engine.send_reset_password_email(somebody(), email.clone()).await, sql);
            whole(engine.send_magic_link_email(somebody(), email.clone()).await, sql);
            whole(fixture.sign_up(&somebody(), &email, PASSWORD).await, sql);
            whole(fixture.engine.sign_out(with(&ann), None).await, sql);
        }
        fixture.signed_in_user("ben@example.com").await;
    }
}

/// S83: a second factor that cannot be read is asked for.
#[tokio::test]
async fn a_damaged_second_factor_is_not_a_way_round_it() {
    for fixture in Fixture::each().await {
        let ann = guarded(&fixture).await.0;
        if fixture.damage("update users set authenticator = 'on' where id = $1", &ann.user.id).await
        {
            let entered = Password::entered(PASSWORD);
            let sign_in_outcome = fixture
                .engine
                .sign_in_with_email(somebody(), ANN.to_owned(), entered)
                .await
                .unwrap();
            assert!(matches!(sign_in_outcome, SignInOutcome::SecondFactorRequired(_)));
        }
    }
}

/// S105, S112: what is added beside a second factor whose time cannot be read falls to a recovery.
#[tokio::test]
async fn a_damaged_time_of_the_second_factor_vouches_for_nothing() {
    const PHONE: &str = "+4915112345678";
    for mut fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        for sql in [
            "update users set factor_since = 9223372036854775807 where id = $1",
            "update users set factor_since = -9223372036854775807 where id = $1",
            "update users set factor_since = 'yesterday' where id = $1",
            "update users set factor_since = x'ff' where id = $1",
        ] {
            fixture.engine.store().execute("delete from users", values![]).await.unwrap();
            let ann = guarded(&fixture).await.0;
            if !fixture.damage(sql, &ann.user.id).await {
                continue;
            }
            fixture.restart().await;
            fixture.engine.set_phone(with(&ann), PHONE.to_owned()).await.unwrap();
            fixture
                .engine
                .verify_own_phone(with(&ann), PHONE.to_owned(), fixture.newest_code())
                .await
                .unwrap();
            fixture.engine.send_reset_password_email(somebody(), ANN.to_owned()).await.unwrap();
            let token = fixture.token("reset-pwd").await;
            fixture
                .engine
                .reset_password_with_token(
                    somebody(),
                    token,
                    Password::entered("nine orange otters"),
                )
                .await
                .unwrap();
            let row = fixture
                .engine
                .store()
                .fetch_optional("select phone from users", values![])
                .await
                .unwrap()
                .unwrap();
            assert!(row.optional_text("phone").unwrap().is_none(), "{sql}");
        }
    }
}

/// S105, S112: neither does a damaged mark of what was added.
#[tokio::test]
async fn a_damaged_mark_of_what_was_added_keeps_nothing() {
    const PHONE: &str = "+4915112345678";
    for mut fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let ann = fixture.signed_in_user(ANN).await;
        fixture.engine.set_phone(with(&ann), PHONE.to_owned()).await.unwrap();
        fixture
            .engine
            .verify_own_phone(with(&ann), PHONE.to_owned(), fixture.newest_code())
            .await
            .unwrap();
        if fixture
            .damage("update held_phones set vouched = x'ff' where user_id = $1", &ann.user.id)
            .await
        {
            fixture.restart().await;
            fixture.engine.send_reset_password_email(somebody(), ANN.to_owned()).await.unwrap();
            let token = fixture.token("reset-pwd").await;
            fixture
                .engine
                .reset_password_with_token(
                    somebody(),
                    token,
                    Password::entered("nine orange otters"),
                )
                .await
                .unwrap();
            let row = fixture
                .engine
                .store()
                .fetch_optional("select phone from users", values![])
                .await
                .unwrap()
                .unwrap();
            assert!(row.optional_text("phone").unwrap().is_none());
        }
    }
}

/// S112
#[tokio::test]
async fn a_damaged_session_is_over_and_the_others_go_on() {
    for mut fixture in Fixture::each().await {
        let ann = fixture.signed_in_user(ANN).await;
        for sql in [
            "update sessions set started_at = 9223372036854775807 where id = $1",
            "update sessions set proved_at = 9223372036854775807 where id = $1",
            "update sessions set last_seen_at = 9223372036854775807 where id = $1",
            "update sessions set expires_at = 9223372036854775807 where id = $1",
            "update sessions set started_at = 'yesterday' where id = $1",
            "update sessions set expires_at = 'never' where id = $1",
            "update sessions set last_seen_at = x'ff' where id = $1",
            "update sessions set factor_shown = 'yes' where id = $1",
            "update sessions set user_agent = x'ff' where id = $1",
            "update sessions set address = x'ff' where id = $1",
            "update sessions set login_issuer = x'ff' where id = $1",
        ] {
            let other = fixture.sign_in(ANN, PASSWORD).await.unwrap();
            if !fixture.damage(sql, &other.session.handle).await {
                continue;
            }
            fixture.restart().await;
            whole(fixture.engine.signed_in_user(with(&other)).await, sql);
            whole(fixture.engine.sign_out_with_provider(with(&other)).await, sql);
            let listed = fixture.engine.get_all_sessions(with(&ann)).await.unwrap();
            assert!(listed.iter().any(|session| session.current), "{sql}");
            whole(fixture.engine.sign_out_all_except_current(with(&ann)).await, sql);
            fixture.sign_in(ANN, PASSWORD).await.unwrap();
        }
    }
}

/// S112
#[tokio::test]
async fn a_damaged_link_opens_nothing_and_another_one_does() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let ann = fixture.signed_in_user(ANN).await;
        for sql in [
            "update links set email = 'no address' where user_id = $1",
            "update links set purpose = 'none' where user_id = $1",
            "update links set expires_at = 9223372036854775807 where user_id = $1",
            "update links set created_at = -9223372036854775807 where user_id = $1",
            "update links set undo = x'ff', redirect_url = x'ff' where user_id = $1",
            "update links set keeps_password = 'yes' where user_id = $1",
            "update links set browser_digest = 7, code_digest = 7 where user_id = $1",
            "update links set spent_at = 'never' where user_id = $1",
        ] {
            fixture.pass(3600);
            let browser = at("anns-browser");
            fixture.engine.send_magic_link_email(browser.clone(), ANN.to_owned()).await.unwrap();
            let token = fixture.token("magic-link").await;
            let key = fixture.newest_key("magic-link").await;
            if !fixture.damage(sql, &ann.user.id).await {
                continue;
            }
            whole(fixture.engine.open_email_link(key.clone(), "magic-link".to_owned()).await, sql);
            whole(fixture.engine.get_auth_grant(somebody(), token).await, sql);
            whole(
                fixture
                    .engine
                    .describe_account_recovery(somebody(), LinkKey::parse(&key).unwrap())
                    .await,
                sql,
            );
            fixture.engine.send_magic_link_email(somebody(), ANN.to_owned()).await.unwrap();
            let token: AccessToken = fixture.token("magic-link").await;
            fixture.engine.get_auth_grant(somebody(), token).await.unwrap();
        }
    }
}

/// S112
#[tokio::test]
async fn a_damaged_factor_leaves_the_recovery_codes() {
    for fixture in Fixture::each().await {
        let (ann, key, codes) = guarded(&fixture).await;
        let mut codes = codes.shown().map(str::to_owned).collect::<Vec<_>>();
        for sql in [
            "update authenticators set created_at = 9223372036854775807 where user_id = $1",
            "update authenticators set step = 'none' where user_id = $1",
            "update authenticators set created_at = 'yesterday' where user_id = $1",
            "update authenticators set secret = 'garbage' where user_id = $1",
        ] {
            fixture.pass(3600);
            if !fixture.damage(sql, &ann.user.id).await {
                continue;
            }
            let challenge: Challenge = challenged(&fixture).await;
            whole(finish(&fixture, &challenge, &code_of(&fixture, &key)).await, sql);
            whole(fixture.engine.second_factors(with(&ann)).await, sql);
            let challenge = challenged(&fixture).await;
            finish(&fixture, &challenge, &codes.pop().unwrap()).await.unwrap();
        }
    }
}

/// S112
#[tokio::test]
async fn a_damaged_challenge_is_begun_anew() {
    for fixture in Fixture::each().await {
        let (ann, _, codes) = guarded(&fixture).await;
        let mut codes = codes.shown().map(str::to_owned).collect::<Vec<_>>();
        for sql in [
            "update challenges set text_counts = 'yes' where user_id = $1",
            "update challenges set guesses = 'five' where user_id = $1",
            "update challenges set expires_at = 'never' where user_id = $1",
            "update challenges set login_issuer = x'ff' where user_id = $1",
        ] {
            let challenge = challenged(&fixture).await;
            if fixture.damage(sql, &ann.user.id).await {
                whole(finish(&fixture, &challenge, "123456").await, sql);
            }
            let challenge = challenged(&fixture).await;
            finish(&fixture, &challenge, &codes.pop().unwrap()).await.unwrap();
        }
    }
}

/// S112
#[tokio::test]
async fn a_damaged_code_is_asked_for_anew() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let sent_messages = SentMessages::of(&fixture);
        for (number, sql) in [
            "update codes set digest = 7 where target = $1",
            "update codes set challenge_id = x'ff' where target = $1",
            "update codes set guesses = 'five' where target = $1",
            "update codes set expires_at = 'never' where target = $1",
            "update codes set purpose = 'none' where target = $1",
        ]
        .into_iter()
        .enumerate()
        {
            let phone = format!("+491511234567{number}");
            let password = Password::entered(PASSWORD);
            let fields = serde_json::Map::new();
            let sign_up = SignUpWithPhone { phone: phone.clone(), password, name: None, fields };
            fixture.engine.sign_up_with_phone(somebody(), sign_up).await.unwrap();
            let code = sent_messages.codes(&phone).await.pop().unwrap();
            if fixture.damage(sql, &phone).await {
                whole(fixture.engine.verify_phone(somebody(), phone.clone(), code).await, sql);
                whole(fixture.engine.resend_verification_code(somebody(), phone).await, sql);
            }
        }
    }
}

/// S112
#[tokio::test]
async fn a_damaged_browser_is_one_that_was_never_here() {
    for fixture in Fixture::each().await {
        let (ann, key, _) = guarded(&fixture).await;
        let challenge = challenged(&fixture).await;
        let of = SecondFactorOf::Challenge(challenge.token.clone());
        fixture
            .engine
            .sign_in_with_second_factor(somebody(), of, code_of(&fixture, &key), true)
            .await
            .unwrap();
        for sql in [
            "update devices set last_seen_at = 9223372036854775807 where user_id = $1",
            "update devices set trusted_until = 9223372036854775807 where user_id = $1",
            "update devices set user_agent = x'ff' where user_id = $1",
            "update devices set address = x'ff' where user_id = $1",
            "update devices set id = x'ff' where id = (select min(id) from devices where user_id = \
                $1)",
        ] {
            if fixture.damage(sql, &ann.user.id).await {
                fixture.engine.second_factors(with(&ann)).await.unwrap();
                challenged(&fixture).await;
            }
        }
    }
}

/// R29: also where the id itself is damaged.
#[tokio::test]
async fn a_damaged_message_keeps_no_other_back() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let sent_messages = SentMessages::of(&fixture);
        for (number, sql) in [
            "update outbox set created_at = 9223372036854775807 where $1 = $1",
            "update outbox set expires_at = 9223372036854775807 where $1 = $1",
            "update outbox set next_attempt_at = 'now' where $1 = $1",
            "update outbox set created_at = 'now' where $1 = $1",
            "update outbox set body_sealed = 7 where $1 = $1",
            "update outbox set kind = x'ff' where $1 = $1",
            "update outbox set id = x'ff' where $1 = $1",
            "update outbox set id = cast(x'fffe' as text) where $1 = $1",
        ]
        .into_iter()
        .enumerate()
        {
            let email = format!("ann{number}@example.com");
            fixture.sign_up(&somebody(), &email, PASSWORD).await.unwrap();
            if fixture.damage(sql, "").await {
                fixture.engine.waiting().await.unwrap();
                let ben = format!("ben{number}@example.com");
                whole(fixture.sign_up(&somebody(), &ben, PASSWORD).await, sql);
                assert!(!sent_messages.arrived(&ben).await.is_empty(), "{sql}");
                fixture.engine.waiting().await.unwrap();
            }
            fixture.engine.store().execute("delete from outbox", values![]).await.unwrap();
        }
    }
}

/// S112: what is told of a change waits in a row of its own.
#[tokio::test]
async fn damaged_notifications_stand_in_no_change() {
    for fixture in Fixture::each().await {
        let (ann, ..) = guarded(&fixture).await;
        for sql in [
            "update notifications set recent = '{', waiting = '[7]' where user_id = $1",
            "update notifications set recent = x'ff', waiting = x'ff', message_id = x'ff' where \
                user_id = $1",
        ] {
            if fixture.damage(sql, &ann.user.id).await {
                whole(fixture.engine.make_recovery_codes(with(&ann)).await, sql).unwrap();
            }
        }
    }
}

/// R24: the row is shared by all who get a text on that day.
#[tokio::test]
async fn a_damaged_day_of_the_budget_costs_no_500_and_nobodys_code() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 5).await {
        let today = fixture.now().as_second() / 86_400;
        let phone = |number: usize| format!("+491511234{number:04}");
        let ask = async |number: usize| fixture.sign_up_with_number(&phone(number)).await;
        for (number, sql) in [
            "update text_days set told = 'x' where $1 = $1",
            "update text_days set told = x'ff', queued = 5 where $1 = $1",
            "update text_days set queued = 'x' where $1 = $1",
            "update text_days set queued = x'ff', told = x'ff' where $1 = $1",
        ]
        .into_iter()
        .enumerate()
        {
            let store = fixture.engine.store();
            store.execute("delete from text_days", values![]).await.unwrap();
            let spent = "insert into text_days (day, queued) values ($1, 5)";
            store.execute(spent, values![today]).await.unwrap();
            if fixture.damage(sql, "").await {
                let asked = whole(ask(number).await, sql);
                // Only the count can be begun anew.
                assert_eq!(
                    asked.is_some(),
                    sql.contains("queued = 'x'") || sql.contains("queued = x"),
                    "{sql}"
                );
            }
        }
    }
}

/// S112
#[tokio::test]
async fn a_damaged_key_is_left_out_of_the_list_and_the_others_are_good() {
    for fixture in Fixture::each().await {
        let (store, keys) =
            (fixture.engine.store(), ApiKeys::new(&fixture.engine.settings().secret_keys));
        keys.add(store, "damaged", None, &SystemRandom, fixture.now()).await.unwrap();
        let good = keys.add(store, "good", None, &SystemRandom, fixture.now()).await.unwrap();
        for label in ["damaged", "good"] {
            let new = NewClientKey {
                label: label.to_owned(),
                origins: Vec::new(),
                redirect_url: None,
                enforce_session: false,
            };
            ClientKeys::add(store, new, &SystemRandom, fixture.now()).await.unwrap();
        }
        fixture
            .damage(
                "update api_keys set created_at = 9223372036854775807 where label = $1",
                "damaged",
            )
            .await;
        fixture
            .damage(
                "update client_keys set created_at = 9223372036854775807 where label = $1",
                "damaged",
            )
            .await;
        let listed = ApiKeys::list(store).await.unwrap();
        assert_eq!(listed.iter().map(|key| key.label.as_str()).collect::<Vec<_>>(), ["good"]);
        let listed = ClientKeys::list(store).await.unwrap();
        assert_eq!(listed.iter().map(|key| key.label.as_str()).collect::<Vec<_>>(), ["good"]);
        assert!(keys.is_good(store, &good, fixture.now()).await.unwrap());
    }
}

/// S112
#[tokio::test]
async fn a_damaged_identity_is_left_out_of_the_list() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user(ANN).await;
        let store = fixture.engine.store();
        for subject in ["one", "other"] {
            let sql = "insert into identities (issuer, subject, user_id, provider, created_at, \
                       last_used_at) \
                       values ('https://id.example', $2, $1, 'work', 1, 1)";
            store.execute(sql, values![&ann.user.id, subject]).await.unwrap();
        }
        for sql in [
            "update identities set shown_as = x'ff' where user_id = $1 and subject = 'one'",
            "update identities set provider = x'ff' where user_id = $1 and subject = 'one'",
            "update identities set created_at = 9223372036854775807 where user_id = $1",
        ] {
            if fixture.damage(sql, &ann.user.id).await {
                fixture.engine.connections(with(&ann)).await.unwrap();
                fixture.sign_in(ANN, PASSWORD).await.unwrap();
            }
        }
    }
}
