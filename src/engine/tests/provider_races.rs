//! Races on one identity, one answer, or one account's last ways in, at the same moment.

use futures_util::future::join_all;
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::{
    account_recovery::account_recovery_key,
    fixture::{Fixture, at, granted, refused, somebody},
    sent_messages::SentMessages,
};
use crate::{
    engine::{
        EngineSettings,
        providers::{ProviderKind, ProviderSettings},
        store::values,
        users::accounts::{self, RecoveryMethod},
    },
    port::{
        AccessToken, AuthManager, Caller, Code, Outcome, ProviderAnswer, ProviderCode, ProviderFor,
        ProviderReturn,
    },
};

const HOME: &str = "https://hall.example/auth-redirect";

/// Discord, where whoever comes is the same person; and X, where they are too, under another
/// number.
pub(super) async fn providers(email: Option<&str>) -> (MockServer, Vec<ProviderSettings>) {
    let server = MockServer::start().await;
    let token = ResponseTemplate::new(200)
        .set_body_json(json!({ "access_token": "t", "token_type": "bearer" }));
    Mock::given(method("POST")).respond_with(token).mount(&server).await;
    let discord = json!({ "id": "1", "username": "ann", "email": email, "verified": true });
    for (place, told) in [
        ("/api/users/@me", discord),
        ("/2/users/me", json!({ "data": { "id": "2", "username": "ann" } })),
    ] {
        let told = ResponseTemplate::new(200).set_body_json(told);
        Mock::given(method("GET")).and(path(place)).respond_with(told).mount(&server).await;
    }
    let settings =
        [("discord", ProviderKind::Discord), ("x", ProviderKind::X)].map(|(name, kind)| {
            ProviderSettings {
                name: name.to_owned(),
                kind,
                label: name.to_owned(),
                client_id: "id".to_owned(),
                client_secret: Some("secret".to_owned().into()),
                apple: None,
                issuer: Some(server.uri()),
                scopes: Vec::new(),
            }
        });
    (server, settings.to_vec())
}

pub(super) fn with_providers(providers: &[ProviderSettings]) -> impl Fn(&mut EngineSettings) {
    let providers = providers.to_vec();
    move |settings| {
        settings.providers.clone_from(&providers);
        settings.redirect_url = HOME.to_owned();
        settings.limits_factor = 1000.0;
    }
}

/// Goes there; what comes back.
pub(super) async fn begin(
    fixture: &Fixture,
    caller: &Caller,
    provider: &str,
    purpose: ProviderFor,
) -> ProviderAnswer {
    let location =
        fixture.engine.begin_provider(caller.clone(), provider.to_owned(), purpose).await.unwrap();
    ProviderAnswer {
        state: given(&location, "state").expect("a state"),
        code: Some(ProviderCode::parse("code").unwrap()),
        ..ProviderAnswer::default()
    }
}

fn given(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn token(outcome: Outcome<ProviderReturn>) -> AccessToken {
    let Ok(ProviderReturn::Landed(location)) = outcome else { panic!("{outcome:?}") };
    AccessToken::parse(&given(&location, "access_token").expect("a token")).unwrap()
}

/// Somebody whose one way in is Discord, signed in.
async fn new_visitor(fixture: &Fixture) -> Caller {
    let browser = at("anns-browser");
    let answer = begin(fixture, &browser, "discord", ProviderFor::Pages).await;
    let landed =
        fixture.engine.finish_provider(browser.clone(), "discord".to_owned(), answer).await;
    let grant = granted(fixture.engine.get_auth_grant(somebody(), token(landed)).await.unwrap());
    Caller { session: grant.session.token.clone(), ..browser }
}

pub(super) async fn count(fixture: &Fixture, table: &str) -> i64 {
    let sql = match table {
        "users" => "select count(*) as number from users",
        _ => "select count(*) as number from identities",
    };
    fixture
        .engine
        .store()
        .fetch_optional(sql, values![])
        .await
        .unwrap()
        .unwrap()
        .integer("number")
        .unwrap()
}

/// S26, S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_answer_that_comes_twenty_times_at_once_is_taken_once() {
    let (_server, providers) = providers(Some("ann@example.com")).await;
    for fixture in Fixture::each_with(with_providers(&providers)).await {
        let ann = at("anns-browser");
        let answer = begin(&fixture, &ann, "discord", ProviderFor::Pages).await;
        let tries = (0..20).map(|_| {
            fixture.engine.finish_provider(ann.clone(), "discord".to_owned(), answer.clone())
        });
        let (taken, gone): (Vec<_>, Vec<_>) =
            join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!(taken.len(), 1);
        gone.into_iter().for_each(|outcome| refused(outcome, Code::ProviderJourneyGone));
    }
}

/// S25: somebody new who presses in eight windows has one account, and each window lets them in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_visits_at_once_there_is_one_account() {
    for email in [Some("ann@example.com"), None] {
        let (_server, providers) = providers(email).await;
        for fixture in Fixture::each_with(with_providers(&providers)).await {
            let mut visits = Vec::new();
            for number in 0..8 {
                let caller = at(&format!("browser-{number}"));
                let answer = begin(&fixture, &caller, "discord", ProviderFor::Pages).await;
                visits.push(fixture.engine.finish_provider(caller, "discord".to_owned(), answer));
            }
            let mut people = Vec::new();
            for outcome in join_all(visits).await {
                let grant = granted(
                    fixture.engine.get_auth_grant(somebody(), token(outcome)).await.unwrap(),
                );
                people.push(grant.user.id);
            }
            people.dedup();
            assert_eq!(
                (people.len(), count(&fixture, "users").await, count(&fixture, "identities").await),
                (1, 1, 1)
            );
        }
    }
}

/// Two people connect one identity to their accounts at once: it is one's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_identity_that_two_connect_at_once_is_one_accounts() {
    let (_server, providers) = providers(None).await;
    for fixture in Fixture::each_with(with_providers(&providers)).await {
        let mut visits = Vec::new();
        for email in ["ann@example.com", "ben@example.com"] {
            let session = fixture.signed_in_user(email).await.session.token;
            let caller = Caller { session, ..at(email) };
            let answer = begin(&fixture, &caller, "discord", ProviderFor::Connection).await;
            visits.push(fixture.engine.finish_provider(caller, "discord".to_owned(), answer));
        }
        let (connected, other): (Vec<_>, Vec<_>) =
            join_all(visits).await.into_iter().partition(Result::is_ok);
        assert_eq!((connected.len(), other.len()), (1, 1));
        other.into_iter().for_each(|outcome| refused(outcome, Code::IdentityNotUnique));
    }
}

/// S21: an owner takes the account back while a visitor connects one more identity of theirs: none
/// stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_connected_to_an_account_that_is_taken_back_at_the_same_moment() {
    let (_server, providers) = providers(None).await;
    for fixture in Fixture::each_with(with_providers(&providers)).await {
        let sent_messages = SentMessages::of(&fixture);
        for round in 0..8 {
            let email = format!("ann-{round}@example.com");
            let session = fixture.signed_in_user(&email).await.session.token;
            let visitor = Caller { session, ..at("a-browser") };
            let first = begin(&fixture, &visitor, "discord", ProviderFor::Connection).await;
            fixture
                .engine
                .finish_provider(visitor.clone(), "discord".to_owned(), first)
                .await
                .unwrap();
            let key = account_recovery_key(&sent_messages, &email).await;
            let second = begin(&fixture, &visitor, "x", ProviderFor::Connection).await;
            let (taken_back, connected) = tokio::join!(
                fixture.engine.recover_account(somebody(), key),
                fixture.engine.finish_provider(visitor.clone(), "x".to_owned(), second),
            );
            taken_back.unwrap();
            drop(connected);
            assert_eq!(count(&fixture, "identities").await, 0, "round {round}");
        }
    }
}

/// Somebody who connected an identity of theirs to Ann's account, and whose account that is.
async fn connected_thief(fixture: &Fixture) -> (Caller, String) {
    let grant = fixture.signed_in_user("ann@example.com").await;
    let thief = Caller { session: grant.session.token.clone(), ..at("a-browser") };
    let answer = begin(fixture, &thief, "discord", ProviderFor::Connection).await;
    fixture.engine.finish_provider(thief.clone(), "discord".to_owned(), answer).await.unwrap();
    (thief, grant.user.id)
}

/// Waits until somebody waits for a lock of the database.
async fn somebody_waits(fixture: &Fixture) {
    let sql = "select count(*) as number from pg_stat_activity where datname = \
               current_database() and wait_event_type = 'Lock'";
    for _ in 0..500 {
        let row = fixture.engine.store().fetch_optional(sql, values![]).await.unwrap().unwrap();
        if row.integer("number").unwrap() > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}

/// S105: the identity goes after the sign-in has found it. SQLite has one writer, so there the
/// sign-in finds none and makes another account.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_by_a_provider_that_waits_while_the_owner_takes_the_account_back_brings_no_token()
{
    let (_server, providers) = providers(None).await;
    for fixture in Fixture::each_with(with_providers(&providers)).await {
        let (thief, user_id) = connected_thief(&fixture).await;
        let answer = begin(&fixture, &thief, "discord", ProviderFor::Pages).await;
        let mut tx = fixture.engine.store().begin().await.unwrap();
        let removed = accounts::remove_recent_ways_in(
            &mut tx,
            &user_id,
            RecoveryMethod::Email,
            fixture.now(),
        );
        removed.await.unwrap();
        let is_shared = fixture.engine.store().is_shared();
        let recovered = async {
            if is_shared {
                somebody_waits(&fixture).await;
            }
            tx.commit().await.unwrap();
        };
        let comes_back = fixture.engine.finish_provider(thief, "discord".to_owned(), answer);
        let (landed, ()) = tokio::join!(comes_back, recovered);
        if is_shared {
            refused(landed, Code::ProviderJourneyGone);
        } else {
            let token = token(landed);
            let grant = granted(fixture.engine.get_auth_grant(somebody(), token).await.unwrap());
            assert_ne!(grant.user.id, user_id);
        }
    }
}

/// S105: a token that was made while the recovery was under way, after it revoked those that there
/// were.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_of_a_provider_ends_with_the_identity_that_it_was_made_for() {
    let (_server, providers) = providers(None).await;
    for is_recovery in [true, false] {
        for fixture in Fixture::each_with(with_providers(&providers)).await {
            let (thief, user_id) = connected_thief(&fixture).await;
            let answer = begin(&fixture, &thief, "discord", ProviderFor::Pages).await;
            let landed = fixture.engine.finish_provider(thief, "discord".to_owned(), answer).await;
            let mut tx = fixture.engine.store().begin().await.unwrap();
            if is_recovery {
                let (by, now) = (RecoveryMethod::Email, fixture.now());
                accounts::remove_recent_ways_in(&mut tx, &user_id, by, now).await.unwrap();
            } else {
                let sql = "delete from identities where user_id = $1";
                tx.execute(sql, values![&user_id]).await.unwrap();
            }
            tx.commit().await.unwrap();
            let redeemed = fixture.engine.get_auth_grant(somebody(), token(landed)).await;
            refused(redeemed, Code::InvalidAccessToken);
        }
    }
}

/// Neither both at once nor one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_disconnects_at_once_one_leaves_the_last_way_in() {
    let (_server, providers) = providers(None).await;
    for fixture in Fixture::each_with(with_providers(&providers)).await {
        for round in 0..5 {
            let ann = new_visitor(&fixture).await;
            let connections = fixture.engine.connections(ann.clone()).await.unwrap();
            for provider in ["discord", "x"] {
                if connections.connected.iter().all(|known| known.provider != provider) {
                    let answer = begin(&fixture, &ann, provider, ProviderFor::Connection).await;
                    fixture
                        .engine
                        .finish_provider(ann.clone(), provider.to_owned(), answer)
                        .await
                        .unwrap();
                }
            }
            let at_once = ["discord", "x"]
                .map(|provider| fixture.engine.disconnect(ann.clone(), provider.to_owned()));
            let (gone, kept): (Vec<_>, Vec<_>) =
                join_all(at_once).await.into_iter().partition(Result::is_ok);
            assert_eq!((gone.len(), kept.len()), (1, 1), "round {round}");
            kept.into_iter().for_each(|outcome| refused(outcome, Code::LastWayIn));
            assert_eq!(count(&fixture, "identities").await, 1, "round {round}");
            fixture.engine.store().execute("delete from identities", values![]).await.unwrap();
        }
    }
}

/// Two accounts at one provider go together, so they are no way in beside each other.
#[tokio::test]
async fn two_accounts_at_one_provider_are_one_way_in() {
    let (_server, providers) = providers(None).await;
    for fixture in Fixture::each_with(with_providers(&providers)).await {
        let ann = new_visitor(&fixture).await;
        let second = "insert into identities (issuer, subject, user_id, provider, created_at, \
                      last_used_at) \
                      select issuer, 'another', user_id, provider, created_at, last_used_at from \
                      identities";
        fixture.engine.store().execute(second, values![]).await.unwrap();
        let connections = fixture.engine.connections(ann.clone()).await.unwrap();
        assert_eq!((connections.connected.len(), connections.has_other_way_in), (2, false));
        refused(fixture.engine.disconnect(ann, "discord".to_owned()).await, Code::LastWayIn);
        assert_eq!(count(&fixture, "identities").await, 2);
    }
}

/// altogic-protocol.md §11: several applications have redirect URLs of their own. Where the browser
/// comes from chooses among those that an operator wrote, and names none.
#[tokio::test]
async fn a_browser_goes_back_to_the_application_that_it_came_from() {
    let (_server, providers) = providers(None).await;
    let set = with_providers(&providers);
    let set = move |settings: &mut EngineSettings| {
        set(settings);
        settings.redirect_url = "https://main.example/in".to_owned();
        settings.application_redirects = vec![
            "https://shop.example/back?a=b".to_owned(),
            "https://wiki.example:8443/in".to_owned(),
        ];
    };
    for fixture in Fixture::each_with(&set).await {
        for (origin, home) in [
            (Some("https://shop.example"), "https://shop.example/back?a=b&status=200"),
            (Some("https://wiki.example:8443"), "https://wiki.example:8443/in?status=200"),
            (Some("https://main.example"), "https://main.example/in?status=200"),
            (Some("https://wiki.example"), "https://main.example/in?status=200"),
            (Some("http://shop.example"), "https://main.example/in?status=200"),
            (Some("https://shop.example.evil.example"), "https://main.example/in?status=200"),
            (Some("https://evil.example"), "https://main.example/in?status=200"),
            (Some("null"), "https://main.example/in?status=200"),
            (None, "https://main.example/in?status=200"),
        ] {
            let browser = at("a-browser");
            let purpose = ProviderFor::Application { origin: origin.map(str::to_owned) };
            let answer = begin(&fixture, &browser, "discord", purpose).await;
            let landed =
                fixture.engine.finish_provider(browser, "discord".to_owned(), answer).await;
            let Ok(ProviderReturn::Landed(location)) = landed else { panic!("{landed:?}") };
            assert!(location.starts_with(home), "{origin:?}: {location}");
        }
    }
}
