//! Journeys of one person.

use serde_json::json;

use super::fixture::{Fixture, PASSWORD, at, granted, refused, somebody, with, with_token};
use crate::port::{AuthManager, Caller, Channel, Code, FieldUpdate, Password, Session, Update};

#[tokio::test]
async fn somebody_signs_up_proves_the_address_and_signs_in() {
    for fixture in Fixture::each().await {
        fixture.sign_up(&somebody(), " Ann@Example.com ", PASSWORD).await.unwrap();
        refused(fixture.sign_in("ann@example.com", PASSWORD).await, Code::EmailNotVerified);
        refused(fixture.sign_in("ann@example.com", "wrong").await, Code::InvalidSignInCredentials);
        let token = fixture.token("email-confirm").await;
        let grant =
            granted(fixture.engine.get_auth_grant(somebody(), token.clone()).await.unwrap());
        assert!(grant.user.email_verified);
        refused(fixture.engine.get_auth_grant(somebody(), token).await, Code::InvalidAccessToken);
        let grant = fixture.sign_in("ANN@example.com", PASSWORD).await.unwrap();
        assert_eq!(
            fixture.engine.signed_in_user(with(&grant)).await.unwrap().user.email.as_deref(),
            Some("ann@example.com")
        );
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_sign_up_is_told_at_once() {
    for fixture in Fixture::each().await {
        let outcome = fixture.sign_up(&somebody(), "nonsense", "short").await;
        let Err(crate::port::OperationError::Rejected(refusal)) = outcome else {
            panic!("not refused")
        };
        assert_eq!(refusal.problems().len(), 2);
    }
}

/// S04
#[tokio::test]
async fn an_address_that_was_proved_is_taken_and_one_that_was_not_is_free() {
    for fixture in Fixture::each().await {
        fixture.sign_up(&somebody(), "ann@example.com", "the password of another").await.unwrap();
        fixture.sign_up(&somebody(), "ann@example.com", PASSWORD).await.unwrap();
        let tokens = fixture.tokens("email-confirm").await;
        fixture.engine.get_auth_grant(somebody(), tokens[1].clone()).await.unwrap();
        refused(
            fixture.engine.get_auth_grant(somebody(), tokens[0].clone()).await,
            Code::InvalidAccessToken,
        );
        refused(
            fixture.sign_in("ann@example.com", "the password of another").await,
            Code::InvalidSignInCredentials,
        );
        refused(
            fixture.sign_up(&somebody(), "ann@example.com", PASSWORD).await,
            Code::EmailNotUnique,
        );
    }
}

/// S23
#[tokio::test]
async fn a_link_asked_for_in_another_browser_removes_the_password_that_was_set_before_the_proof() {
    for fixture in Fixture::each().await {
        fixture.sign_up(&at("thief"), "ann@example.com", PASSWORD).await.unwrap();
        fixture
            .engine
            .send_magic_link_email(at("owner"), "ann@example.com".to_owned())
            .await
            .unwrap();
        let token = fixture.token("email-confirm").await;
        fixture.engine.get_auth_grant(at("owner"), token).await.unwrap();
        refused(fixture.sign_in("ann@example.com", PASSWORD).await, Code::InvalidSignInCredentials);
    }
}

#[tokio::test]
async fn a_mistyped_address_is_corrected_by_the_browser_that_signed_up() {
    for fixture in Fixture::each().await {
        fixture.sign_up(&at("hers"), "amn@example.com", PASSWORD).await.unwrap();
        let correct = |browser| {
            fixture.engine.correct_sign_up_email(
                at(browser),
                "amn@example.com".to_owned(),
                "ann@example.com".to_owned(),
            )
        };
        refused(correct("other").await, Code::NothingToCorrect);
        correct("hers").await.unwrap();
        assert_eq!(fixture.tokens("email-confirm").await.len(), 1);
        let token = fixture.token("email-confirm").await;
        let grant = granted(fixture.engine.get_auth_grant(somebody(), token).await.unwrap());
        assert_eq!(grant.user.email.as_deref(), Some("ann@example.com"));
    }
}

#[tokio::test]
async fn a_link_finishes_at_once_only_where_it_was_asked_for() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        fixture
            .engine
            .send_magic_link_email(at("here"), "ann@example.com".to_owned())
            .await
            .unwrap();
        let token = fixture.token("magic-link").await;
        for elsewhere in [at("there"), somebody()] {
            assert!(
                fixture
                    .engine
                    .finish_where_begun(elsewhere, token.clone())
                    .await
                    .unwrap()
                    .is_none()
            );
        }
        assert!(fixture.engine.finish_where_begun(at("here"), token).await.unwrap().is_some());
    }
}

/// S46
#[tokio::test]
async fn a_magic_link_dies_after_an_hour() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        fixture
            .engine
            .send_magic_link_email(somebody(), "ann@example.com".to_owned())
            .await
            .unwrap();
        let token = fixture.token("magic-link").await;
        fixture.pass(3600);
        refused(fixture.engine.get_auth_grant(somebody(), token).await, Code::InvalidAccessToken);
        assert!(fixture.tokens("magic-link").await.is_empty());
    }
}

/// S35, S46
#[tokio::test]
async fn a_reset_ends_every_session_and_every_link_and_signs_nobody_in() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        let ask =
            || fixture.engine.send_reset_password_email(somebody(), "ann@example.com".to_owned());
        ask().await.unwrap();
        ask().await.unwrap();
        let token = fixture.token("reset-pwd").await;
        refused(
            fixture.engine.get_auth_grant(somebody(), token.clone()).await,
            Code::InvalidTokenType,
        );
        let reset = |password| {
            fixture.engine.reset_password_with_token(somebody(), token.clone(), password)
        };
        refused(reset(Password::entered("short")).await, Code::PasswordTooShort { min: 8 });
        reset(Password::entered("nine orange otters")).await.unwrap();
        refused(reset(Password::entered("ten yellow yaks")).await, Code::InvalidAccessToken);
        assert!(fixture.tokens("reset-pwd").await.is_empty());
        refused(fixture.engine.signed_in_user(with(&grant)).await, Code::InvalidSessionToken);
        refused(fixture.sign_in("ann@example.com", PASSWORD).await, Code::InvalidSignInCredentials);
        fixture.sign_in("ann@example.com", "nine orange otters").await.unwrap();
    }
}

/// S32, S35
#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_renews_this_one() {
    for fixture in Fixture::each().await {
        let (other, grant) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.sign_in("ann@example.com", PASSWORD).await.unwrap(),
        );
        let change = |caller, old: &str, new: &str| {
            fixture.engine.change_password(caller, Password::entered(old), Password::entered(new))
        };
        refused(
            change(with(&grant), "wrong", "nine orange otters").await,
            Code::InvalidCredentials,
        );
        refused(change(with(&grant), PASSWORD, PASSWORD).await, Code::PasswordUnchanged);
        let session = change(with(&grant), PASSWORD, "nine orange otters").await.unwrap();
        refused(fixture.engine.signed_in_user(with(&other)).await, Code::InvalidSessionToken);
        refused(fixture.engine.signed_in_user(with(&grant)).await, Code::InvalidSessionToken);
        let token = session.token.unwrap();
        fixture.engine.signed_in_user(with_token(token.expose())).await.unwrap();
        let on_the_wire = Caller { channel: Channel::Api, ..with_token(token.expose()) };
        change(on_the_wire.clone(), "nine orange otters", PASSWORD).await.unwrap();
        fixture.engine.signed_in_user(on_the_wire).await.unwrap();
    }
}

/// S22
#[tokio::test]
async fn an_address_changes_once_the_new_one_is_proved() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        let change = |password: &str, email: &str| {
            fixture.engine.change_email(
                with(&grant),
                Some(Password::entered(password)),
                email.to_owned(),
            )
        };
        refused(change(PASSWORD, "ann@example.com").await, Code::EmailUnchanged);
        refused(change("wrong", "new@example.com").await, Code::InvalidCredentials);
        assert_eq!(
            change(PASSWORD, "new@example.com").await.unwrap().email.as_deref(),
            Some("ann@example.com")
        );
        let key = fixture.change_keys().await.pop().unwrap();
        let user = fixture.engine.confirm_email_change(somebody(), key.clone()).await.unwrap();
        assert_eq!(user.email.as_deref(), Some("new@example.com"));
        refused(
            fixture.engine.confirm_email_change(somebody(), key).await,
            Code::InvalidAccessToken,
        );
        assert_eq!(
            fixture.engine.signed_in_user(with(&grant)).await.unwrap().user.email.as_deref(),
            Some("new@example.com")
        );
        fixture.sign_in("new@example.com", PASSWORD).await.unwrap();
        refused(fixture.sign_in("ann@example.com", PASSWORD).await, Code::InvalidSignInCredentials);
        fixture.sign_up(&somebody(), "ann@example.com", PASSWORD).await.unwrap();
    }
}

/// S34, S61
#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_only_ones_own() {
    for fixture in Fixture::each().await {
        let first = fixture.signed_in_user("ann@example.com").await;
        fixture.pass(5);
        let second = fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
        let visitor = fixture.signed_in_user("ben@example.com").await;
        let sessions = fixture.engine.get_all_sessions(with(&second)).await.unwrap();
        assert_eq!(
            sessions.iter().map(|session| session.current).collect::<Vec<_>>(),
            [true, false]
        );
        assert!(sessions[0].token.is_some() && sessions[1].token.is_none());
        let end = |handle: &str| fixture.engine.sign_out(with(&second), Some(handle.to_owned()));
        refused(end(&visitor.session.handle).await, Code::SessionNotFound);
        refused(end("no session at all").await, Code::SessionNotFound);
        end(&first.session.handle).await.unwrap();
        end(&first.session.handle).await.unwrap();
        end(first.session.token.as_ref().unwrap().expose()).await.unwrap();
        refused(fixture.engine.signed_in_user(with(&first)).await, Code::InvalidSessionToken);
        fixture.engine.signed_in_user(with(&visitor)).await.unwrap();
        fixture.engine.sign_out(with(&second), None).await.unwrap();
        refused(fixture.engine.signed_in_user(with(&second)).await, Code::InvalidSessionToken);
        refused(fixture.engine.signed_in_user(somebody()).await, Code::MissingSessionToken);
    }
}

/// S36
#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_thirty_days_anyway() {
    const DAY: i64 = 24 * 3600;
    for fixture in Fixture::each().await {
        let (idle, used) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.sign_in("ann@example.com", PASSWORD).await.unwrap(),
        );
        for _ in 0..3 {
            fixture.pass(9 * DAY);
            let seen_at =
                fixture.engine.signed_in_user(with(&used)).await.unwrap().session.last_seen_at;
            // It is written down in the background.
            let was_written = |sessions: Vec<Session>| {
                sessions.iter().any(|session| session.current && session.last_seen_at == seen_at)
            };
            while !was_written(fixture.engine.get_all_sessions(with(&used)).await.unwrap()) {
                tokio::task::yield_now().await;
            }
        }
        refused(fixture.engine.signed_in_user(with(&idle)).await, Code::InvalidSessionToken);
        fixture.pass(3 * DAY);
        refused(fixture.engine.signed_in_user(with(&used)).await, Code::InvalidSessionToken);
    }
}

/// S59
#[tokio::test]
async fn a_user_writes_only_the_fields_that_are_theirs() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        let write = |field: &str, value| {
            let update = FieldUpdate { field: field.to_owned(), update: Update::Set(value) };
            fixture.engine.update_user(with(&grant), vec![update])
        };
        for field in ["email", "emailVerified", "_id", "password"] {
            refused(write(field, json!("x")).await, Code::FieldNotWritable);
        }
        refused(write("role", json!("x")).await, Code::UnknownField);
        refused(write("name", json!(7)).await, Code::InvalidFieldValue);
        write("profilePicture", json!("https://example.com/a.png")).await.unwrap();
        let user = write("name", json!("Ann Example")).await.unwrap();
        assert_eq!(user.name.as_deref(), Some("Ann Example"));
        assert_eq!(user.profile_picture.as_deref(), Some("https://example.com/a.png"));
        assert_eq!(
            fixture.engine.signed_in_user(with(&grant)).await.unwrap().user.name.as_deref(),
            Some("Ann Example")
        );
    }
}

/// S06, S12
#[tokio::test]
async fn guesses_end_for_known_and_unknown_addresses_alike_and_come_back() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        for email in ["ann@example.com", "nobody@example.com"] {
            for _ in 0..5 {
                refused(fixture.sign_in(email, "wrong").await, Code::InvalidSignInCredentials);
            }
            let Err(crate::port::OperationError::Rejected(refusal)) =
                fixture.sign_in(email, PASSWORD).await
            else {
                panic!("a sixth guess")
            };
            assert!(refusal.retry_after().is_some());
        }
        fixture.pass(30);
        fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
    }
}

/// S05, S64
#[tokio::test]
async fn a_mailbox_is_not_flooded() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        for _ in 0..20 {
            drop(
                fixture
                    .engine
                    .send_magic_link_email(somebody(), "ann@example.com".to_owned())
                    .await,
            );
        }
        assert_eq!(fixture.tokens("magic-link").await.len(), 5);
        fixture
            .engine
            .send_magic_link_email(somebody(), "nobody@example.com".to_owned())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn without_confirmation_an_account_is_usable_at_once_and_holds_its_address() {
    for fixture in Fixture::each_with(|settings| settings.confirm_email = false).await {
        fixture.sign_up(&somebody(), "ann@example.com", PASSWORD).await.unwrap();
        fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
        refused(
            fixture.sign_up(&somebody(), "ann@example.com", PASSWORD).await,
            Code::EmailNotUnique,
        );
        let again = fixture
            .engine
            .resend_verification_email(somebody(), "ann@example.com".to_owned())
            .await;
        refused(again, Code::EmailVerificationDisabled);
    }
}

#[tokio::test]
async fn a_link_that_is_no_good_leads_back_with_the_reason() {
    for fixture in Fixture::each().await {
        for (action, told) in [("magic-link", "magic-link"), ("nonsense", "email-confirm")] {
            let redirect_target = fixture
                .engine
                .open_email_link("wrong".to_owned(), action.to_owned())
                .await
                .unwrap();
            assert_eq!(
                redirect_target.location,
                format!(
                    "https://app.example/auth-redirect?a=b&status=400&action={told}&error=Invalid+or+expired+access+token"
                )
            );
        }
    }
}

#[tokio::test]
async fn a_sweep_deletes_accounts_that_waited_a_week_and_keeps_the_others() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        fixture.sign_up(&somebody(), "ben@example.com", PASSWORD).await.unwrap();
        fixture.pass(7 * 24 * 3600);
        fixture.engine.sweep().await;
        refused(fixture.sign_in("ben@example.com", PASSWORD).await, Code::InvalidSignInCredentials);
        fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
    }
}
