//! Users as a model: their fields, built in and declared.

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::fixture::{Fixture, PASSWORD, refused, somebody, with};
use crate::{
    engine::{
        EngineSettings,
        users::fields::{FieldDeclaration, FieldType, Writer},
    },
    port::{
        AuthManager, Caller, Channel, Code, FieldUpdate, Grant, Outcome, Password, SignUpWithEmail,
        Update, User,
    },
};

/// A shop: where people live, how often they came, what they like, and what only the shop says.
fn shop(settings: &mut EngineSettings) {
    let of = |kind| FieldDeclaration { kind, ..FieldDeclaration::default() };
    let plan = FieldDeclaration {
        write: Writer::Operator,
        default: Some(json!("free")),
        ..of(FieldType::String)
    };
    let declarations = [
        ("city", FieldDeclaration { required: true, ..of(FieldType::String) }),
        ("visits", of(FieldType::Integer)),
        ("tags", of(FieldType::List)),
        ("note", FieldDeclaration { max: Some(8_000), ..of(FieldType::String) }),
        ("more", FieldDeclaration { max: Some(8_000), ..of(FieldType::String) }),
        ("plan", plan),
    ];
    for (name, declaration) in declarations {
        settings.user_fields.declare(name, declaration).unwrap();
    }
}

fn set(field: &str, value: impl Into<Value>) -> FieldUpdate {
    FieldUpdate { field: field.to_owned(), update: Update::Set(value.into()) }
}

fn unset(field: &str) -> FieldUpdate {
    FieldUpdate { field: field.to_owned(), update: Update::Unset }
}

fn increment(field: &str) -> FieldUpdate {
    FieldUpdate { field: field.to_owned(), update: Update::Increment(json!(1)) }
}

async fn update(
    fixture: &Fixture,
    grant: &Grant,
    updates: impl Into<Vec<FieldUpdate>>,
) -> Outcome<User> {
    fixture.engine.update_user(with(grant), updates.into()).await
}

async fn sign_up(
    fixture: &Fixture,
    caller: Caller,
    fields: Value,
) -> Outcome<crate::port::SignedUp> {
    let Value::Object(fields) = fields else { panic!("an object") };
    let (email, password) = ("ann@example.com".to_owned(), Password::entered(PASSWORD));
    fixture
        .engine
        .sign_up_with_email(caller, SignUpWithEmail { email, password, name: None, fields })
        .await
}

fn application() -> Caller {
    Caller { channel: Channel::Api, ..somebody() }
}

fn operator() -> Caller {
    Caller { is_operator: true, ..application() }
}

#[tokio::test]
async fn what_is_given_at_sign_up_is_there_ever_after() {
    for fixture in Fixture::each_with(shop).await {
        let given = json!({"city": "Ulm", "plan": "gold", "role": "admin", "emailVerified": true});
        let signed_up = sign_up(&fixture, application(), given).await.unwrap();
        assert!(signed_up.grant.is_none(), "nobody's word for their own address is taken");
        assert_eq!(Value::Object(signed_up.user.fields), json!({"city": "Ulm", "plan": "free"}));
        let token = fixture.token("email-confirm").await;
        fixture.engine.get_auth_grant(somebody(), token).await.unwrap();
        let grant = fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
        let user = fixture.engine.signed_in_user(with(&grant)).await.unwrap().user;
        assert_eq!(Value::Object(user.fields), json!({"city": "Ulm", "plan": "free"}));
    }
}

#[tokio::test]
async fn a_field_that_is_wrong_is_told_with_everything_else() {
    for fixture in Fixture::each_with(shop).await {
        let fields = Map::from_iter([("visits".to_owned(), json!("many"))]);
        let (email, password) = ("nonsense".to_owned(), Password::entered(PASSWORD));
        let sign_up = SignUpWithEmail { email, password, name: None, fields };
        let outcome = fixture.engine.sign_up_with_email(application(), sign_up).await;
        let Err(crate::port::OperationError::Rejected(refusal)) = outcome else {
            panic!("not refused")
        };
        assert_eq!(refusal.problems().len(), 3, "{refusal:?}");
    }
}

#[tokio::test]
async fn the_operators_program_vouches_for_an_address() {
    for fixture in Fixture::each_with(shop).await {
        let given = || json!({"city": "Ulm", "plan": "gold", "emailVerified": true});
        sign_up(&fixture, application(), given()).await.unwrap();
        let grant =
            sign_up(&fixture, operator(), given()).await.unwrap().grant.expect("a session at once");
        let user = fixture.engine.signed_in_user(with(&grant)).await.unwrap().user;
        assert!(user.email_verified);
        assert_eq!(Value::Object(user.fields), json!({"city": "Ulm", "plan": "gold"}));
        assert!(
            fixture.tokens("email-confirm").await.is_empty(),
            "nobody else waits for the address any more"
        );
        refused(sign_up(&fixture, operator(), given()).await, Code::EmailNotUnique);
    }
}

#[tokio::test]
async fn updates_apply_in_their_order_all_or_none() {
    for fixture in Fixture::each_with(shop).await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        let user = update(
            &fixture,
            &grant,
            [set("visits", 5), increment("visits"), set("name", "Ann B.")],
        )
        .await
        .unwrap();
        assert_eq!(
            (user.fields.get("visits"), user.name.as_deref()),
            (Some(&json!(6)), Some("Ann B."))
        );
        refused(
            update(&fixture, &grant, [increment("visits"), set("tags", "no list")]).await,
            Code::InvalidFieldValue,
        );
        let user = fixture.engine.signed_in_user(with(&grant)).await.unwrap().user;
        assert_eq!(user.fields.get("visits"), Some(&json!(6)));
        let user = update(&fixture, &grant, [unset("visits"), unset("name")]).await.unwrap();
        assert_eq!((user.fields.get("visits"), user.name), (None, None));
    }
}

/// S59
#[tokio::test]
async fn nobody_writes_what_is_not_theirs() {
    for fixture in Fixture::each_with(shop).await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        for field in [
            "_id",
            "email",
            "emailVerified",
            "phone",
            "phoneVerified",
            "password",
            "provider",
            "signUpAt",
            "plan",
        ] {
            refused(update(&fixture, &grant, [set(field, "x")]).await, Code::FieldNotWritable);
        }
        for field in ["role", "__proto__", "city.name", ""] {
            refused(update(&fixture, &grant, [set(field, "x")]).await, Code::UnknownField);
        }
        let operator = Caller { is_operator: true, ..with(&grant) };
        let user = fixture.engine.update_user(operator, vec![set("plan", "gold")]).await.unwrap();
        assert_eq!(user.fields.get("plan"), Some(&json!("gold")));
        assert!(!user.fields.contains_key("role"));
    }
}

/// S61
#[tokio::test]
async fn ones_own_object_is_ones_own_and_the_operators_program_has_them_all() {
    for fixture in Fixture::each_with(shop).await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        let get = |caller, id: &str| fixture.engine.user_object(caller, id.to_owned());
        let write = |caller, id: &str| {
            fixture.engine.update_user_object(caller, id.to_owned(), vec![set("plan", "gold")])
        };
        assert_eq!(get(with(&ann), &ann.user.id).await.unwrap().id, ann.user.id);
        refused(get(with(&ann), &ben.user.id).await, Code::ObjectNotFound);
        refused(get(somebody(), &ben.user.id).await, Code::MissingSessionToken);
        refused(
            write(Caller { is_operator: true, ..with(&ann) }, &ben.user.id).await,
            Code::ObjectNotFound,
        );
        refused(write(operator(), "000000000000000000000009").await, Code::ObjectNotFound);
        fixture.engine.signed_in_user(with(&ben)).await.unwrap();
        assert_eq!(
            write(operator(), &ben.user.id).await.unwrap().fields.get("plan"),
            Some(&json!("gold"))
        );
        assert_eq!(
            get(operator(), &ben.user.id).await.unwrap().fields.get("plan"),
            Some(&json!("gold"))
        );
        let seen = fixture.engine.signed_in_user(with(&ben)).await.unwrap().user;
        assert_eq!(seen.fields.get("plan"), Some(&json!("gold")), "the session sees it at once");
    }
}

#[tokio::test]
async fn a_required_field_stays_and_a_default_comes_back() {
    for fixture in Fixture::each_with(shop).await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        update(&fixture, &grant, [set("city", "Ulm")]).await.unwrap();
        refused(update(&fixture, &grant, [unset("city")]).await, Code::FieldRequired);
        let operator = || Caller { is_operator: true, ..with(&grant) };
        fixture.engine.update_user(operator(), vec![set("plan", "gold")]).await.unwrap();
        let user = fixture.engine.update_user(operator(), vec![unset("plan")]).await.unwrap();
        assert_eq!(Value::Object(user.fields), json!({"city": "Ulm", "plan": "free"}));
    }
}

#[tokio::test]
async fn the_fields_of_a_user_have_an_end() {
    for fixture in Fixture::each_with(shop).await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        update(&fixture, &grant, [set("note", "n".repeat(7_000))]).await.unwrap();
        refused(
            update(&fixture, &grant, [set("more", "m".repeat(7_000))]).await,
            Code::ObjectTooLarge,
        );
        update(&fixture, &grant, [unset("note"), set("more", "m".repeat(7_000))]).await.unwrap();
    }
}

#[tokio::test]
async fn a_second_factor_needs_a_verified_phone() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        refused(
            update(&fixture, &grant, [set("twoFactorAuth", true)]).await,
            Code::SecondFactorNeedsPhone,
        );
        refused(
            update(&fixture, &grant, [set("twoFactorAuth", "yes")]).await,
            Code::InvalidFieldValue,
        );
        assert!(!update(&fixture, &grant, [set("twoFactorAuth", false)]).await.unwrap().two_factor);
        refused(update(&fixture, &grant, [increment("name")]).await, Code::InvalidFieldValue);
    }
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_increments_at_once_every_one_counts() {
    for fixture in Fixture::each_with(shop).await {
        let grant = fixture.signed_in_user("ann@example.com").await;
        let increments = (0..20).map(|_| update(&fixture, &grant, [increment("visits")]));
        let renames =
            (0..5).map(|number| update(&fixture, &grant, [set("name", format!("Ann {number}"))]));
        let (increments, renames) = tokio::join!(join_all(increments), join_all(renames));
        assert!(increments.iter().chain(&renames).all(Result::is_ok));
        let user = fixture.engine.signed_in_user(with(&grant)).await.unwrap().user;
        assert_eq!(user.fields.get("visits"), Some(&json!(20)));
        assert!(user.name.is_some_and(|name| name.starts_with("Ann ")));
    }
}
