//! A provider's logout, at the same moment as what it ends.

use jiff::SignedDuration;

use super::fixture::{Fixture, refused, somebody, with};
use crate::{
    engine::{
        operations::take_logout,
        providers::{
            ProviderKind, ProviderSettings,
            identities::{self, Identity},
            logout_events::Logout,
            provider_sessions::ReportedSession,
        },
        store::values,
    },
    port::{AccessToken, AuthManager, BrowserId, Code, Grant, SignInOutcome},
};

/// Nobody listens there.
const ISSUER: &str = "http://127.0.0.1:9";

/// Makes a logout event, dated so long before (negative) or after now.
fn logout(fixture: &Fixture, jti: &str, sid: Option<&str>, seconds: i64) -> Logout {
    Logout {
        issuer: ISSUER.to_owned(),
        jti: jti.to_owned(),
        subject: Some("ann-1".to_owned()),
        sid: sid.map(str::to_owned),
        issued_at: fixture.now() + SignedDuration::from_secs(seconds),
    }
}

/// An access token as a sign-in at the provider leaves it.
async fn grant(fixture: &Fixture, user_id: &str, sid: Option<&str>) -> AccessToken {
    let session = ReportedSession {
        sid: sid.map(str::to_owned),
        issued_at: Some(fixture.now()),
        ends_there: false,
        id_token: None,
    };
    grant_of(fixture, user_id, &session).await
}

async fn grant_of(fixture: &Fixture, user_id: &str, session: &ReportedSession) -> AccessToken {
    let engine = &fixture.engine;
    let identity = Identity {
        issuer: ISSUER.to_owned(),
        subject: "ann-1".to_owned(),
        provider: "work".to_owned(),
        shown_as: None,
    };
    let provider_session =
        engine.providers().provider_sessions.seal(&identity, session, engine.random()).unwrap();
    let browser = BrowserId::parse("a-browser").unwrap();
    let mut tx = engine.store().begin().await.unwrap();
    identities::connect(&mut tx, &identity, user_id, fixture.now()).await.unwrap();
    let grants = &engine.providers().grants;
    let token = grants
        .grant(&mut tx, user_id, &provider_session, &browser, engine.random(), fixture.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    AccessToken::parse(&token).unwrap()
}

async fn spend(fixture: &Fixture, token: &AccessToken) -> Option<Grant> {
    match fixture.engine.get_auth_grant(somebody(), token.clone()).await {
        Ok(SignInOutcome::SignedIn(grant)) => Some(grant),
        Ok(SignInOutcome::SecondFactorRequired(_)) => panic!("no second factor is on"),
        outcome => {
            refused(outcome, Code::InvalidAccessToken);
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_at_the_moment_of_the_sign_in_leaves_no_session() {
    for fixture in Fixture::each().await {
        let user_id = fixture.signed_in_user("ann@example.com").await.user.id;
        let mut won = 0;
        for round in 0..40 {
            let sid = (round % 2 == 0).then(|| format!("sid-{round}"));
            let token = grant(&fixture, &user_id, sid.as_deref()).await;
            let logout = logout(&fixture, &format!("jti-{round}"), sid.as_deref(), 0);
            let (engine, delay) = (fixture.engine.clone(), round * 100);
            let ending = tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_micros(delay)).await;
                take_logout(&engine, &logout).await.unwrap();
            });
            let granted = spend(&fixture, &token).await;
            ending.await.unwrap();
            if let Some(granted) = granted {
                won += 1;
                refused(
                    fixture.engine.signed_in_user(with(&granted)).await,
                    Code::InvalidSessionToken,
                );
            }
            refused(
                fixture.engine.get_auth_grant(somebody(), token).await,
                Code::InvalidAccessToken,
            );
            let left = "select id from sessions where login_issuer is not null";
            assert!(
                fixture.engine.store().fetch_optional(left, values![]).await.unwrap().is_none(),
                "round {round}"
            );
            fixture.pass(60);
        }
        println!("the sign-in was first {won} times of 40");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_one_logout_told_many_times_at_once_one_counts() {
    for fixture in Fixture::each().await {
        let told = (0..8).map(|_| logout(&fixture, "the same", Some("sid"), 0)).collect::<Vec<_>>();
        let outcomes = futures_util::future::join_all(
            told.iter().map(|told| take_logout(&fixture.engine, told)),
        )
        .await;
        let (taken, replayed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(taken.len(), 1);
        replayed.into_iter().for_each(|outcome| refused(outcome, Code::ProviderAnswerInvalid));
        let other = Logout { issuer: "https://other.example".to_owned(), ..told[0].clone() };
        take_logout(&fixture.engine, &other).await.expect("a name is one issuer's");
    }
}

/// A session is found ended by whoever looks, also where it was just looked up and remembered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_ended_session_is_refused_at_once() {
    for fixture in Fixture::each().await {
        let user_id = fixture.signed_in_user("ann@example.com").await.user.id;
        for round in 0..10 {
            let token = grant(&fixture, &user_id, Some("sid")).await;
            let granted = spend(&fixture, &token).await.expect("in");
            let hammer = {
                let (engine, caller) = (fixture.engine.clone(), with(&granted));
                tokio::spawn(async move {
                    while engine.signed_in_user(caller.clone()).await.is_ok() {
                        tokio::task::yield_now().await;
                    }
                })
            };
            fixture.engine.signed_in_user(with(&granted)).await.unwrap();
            let ended = take_logout(
                &fixture.engine,
                &logout(&fixture, &format!("{round}"), Some("sid"), 0),
            )
            .await
            .unwrap();
            assert_eq!((ended.user_id.as_deref(), ended.sessions), (Some(user_id.as_str()), 1));
            for _ in 0..50 {
                refused(
                    fixture.engine.signed_in_user(with(&granted)).await,
                    Code::InvalidSessionToken,
                );
            }
            hammer.await.unwrap();
            fixture.pass(60);
        }
    }
}

/// Logout events are forgotten after their time.
#[tokio::test]
async fn a_logout_counts_for_what_was_before_it_and_is_forgotten() {
    for fixture in Fixture::each().await {
        let user_id = fixture.signed_in_user("ann@example.com").await.user.id;
        take_logout(&fixture.engine, &logout(&fixture, "before", None, -1)).await.unwrap();
        let token = grant(&fixture, &user_id, None).await;
        assert!(spend(&fixture, &token).await.is_some(), "the sign-in is newer");
        take_logout(&fixture.engine, &logout(&fixture, "after", None, 1)).await.unwrap();
        let token = grant(&fixture, &user_id, None).await;
        assert!(spend(&fixture, &token).await.is_none(), "the sign-in is older, and came later");
        fixture.pass(31 * 60);
        fixture.engine.sweep().await;
        let kept = "select jti from provider_logouts";
        assert!(fixture.engine.store().fetch_optional(kept, values![]).await.unwrap().is_none());
    }
}

/// Nothing of a sign-in outlives its session, and nothing of it can be read in the database.
#[tokio::test]
async fn what_is_kept_is_sealed_and_goes_with_the_session() {
    for fixture in Fixture::each().await {
        let user_id = fixture.signed_in_user("ann@example.com").await.user.id;
        let token = grant(&fixture, &user_id, Some("sid")).await;
        let granted = spend(&fixture, &token).await.expect("in");
        let row = "select login_sealed from sessions where login_sid = 'sid'";
        let sealed = fixture
            .engine
            .store()
            .fetch_optional(row, values![])
            .await
            .unwrap()
            .expect("a session");
        let sealed = sealed.bytes("login_sealed").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"work"), "not even the provider's name");
        assert!(
            fixture.engine.sign_out_with_provider(with(&granted)).await.unwrap().is_none(),
            "the provider is not set up here"
        );
        for table in [
            "select login_sid from sessions where login_sid is not null",
            "select * from oauth_grants",
        ] {
            assert!(
                fixture.engine.store().fetch_optional(table, values![]).await.unwrap().is_none(),
                "{table}"
            );
        }
    }
}

/// Signing out never waits for the provider; going there does, and can be tried again for ten
/// minutes.
#[tokio::test]
async fn a_provider_that_is_away_can_be_gone_to_later() {
    let work = ProviderSettings {
        name: "work".to_owned(),
        kind: ProviderKind::Oidc,
        label: "Work".to_owned(),
        client_id: "hall".to_owned(),
        client_secret: None,
        apple: None,
        issuer: Some(ISSUER.to_owned()),
        scopes: Vec::new(),
    };
    for fixture in Fixture::each_with(|settings| settings.providers = vec![work.clone()]).await {
        let user_id = fixture.signed_in_user("ann@example.com").await.user.id;
        let session = ReportedSession {
            ends_there: true,
            id_token: Some("a.b.c".into()),
            ..ReportedSession::default()
        };
        let token = grant_of(&fixture, &user_id, &session).await;
        let granted = spend(&fixture, &token).await.expect("in");
        let provider_logout = fixture
            .engine
            .sign_out_with_provider(with(&granted))
            .await
            .unwrap()
            .expect("a way to sign out there");
        refused(fixture.engine.signed_in_user(with(&granted)).await, Code::InvalidSessionToken);
        assert_eq!(provider_logout.provider, "work");
        let go = || {
            fixture.engine.end_provider_session(
                somebody(),
                provider_logout.provider_logout_token.clone(),
                "state".to_owned(),
            )
        };
        for _ in 0..2 {
            refused(go().await, Code::ProviderUnreachable);
        }
        fixture.pass(601);
        refused(go().await, Code::ProviderJourneyGone);
        fixture.engine.sweep().await;
        let left = "select login_sealed from provider_farewells";
        assert!(fixture.engine.store().fetch_optional(left, values![]).await.unwrap().is_none());
    }
}
