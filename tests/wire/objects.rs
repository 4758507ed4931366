//! Users as a model, over the wire (altogic-protocol.md §6).

use serde_json::{Value, json};
use vestibule::engine::{
    EngineSettings,
    users::fields::{FieldDeclaration, FieldType, Writer},
};

use super::Wire;

const PASSWORD: &str = "a lamp in the hall";

/// An environment whose addresses are not confirmed, with a field of each kind that matters.
fn shop(settings: &mut EngineSettings) {
    let of = |kind| FieldDeclaration { kind, ..FieldDeclaration::default() };
    let plan = FieldDeclaration {
        write: Writer::Operator,
        default: Some(json!("free")),
        ..of(FieldType::String)
    };
    let city = FieldDeclaration { required: true, max: Some(20), ..of(FieldType::String) };
    let declarations = [
        ("city", city),
        ("visits", of(FieldType::Integer)),
        ("tags", of(FieldType::List)),
        ("born", of(FieldType::Date)),
        ("plan", plan),
    ];
    settings.confirm_email = false;
    for (name, declaration) in declarations {
        settings.user_fields.declare(name, declaration).expect("a good declaration");
    }
}

/// Somebody signed up: their session and id.
async fn signed_in_user(wire: &Wire, data: Value) -> (String, String) {
    let body = json!({"email": "ann@example.com", "password": PASSWORD, "nameOrUserData": data});
    let json = wire.post("/auth/signup-email", "", body).await.json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&json["session"]["token"]), text(&json["user"]["_id"]))
}

fn update_fields(id: &str, updates: &[(&str, &str, Value)]) -> Value {
    let update = |(field, kind, value): &(&str, &str, Value)| {
        json!({
            "field": field,
            "updateType": kind,
            "value": value,
        })
    };
    json!({
        "model": "users",
        "id": id,
        "updates": updates.iter().map(update).collect::<Vec<_>>(),
        "options": {},
    })
}

#[actix_web::test]
async fn the_user_object_has_the_declared_fields_beside_its_own() {
    let wire = Wire::open_with(shop).await;
    let data = json!({
        "name": "Ann",
        "city": "Ulm",
        "born": "2000-01-31",
        "plan": "gold",
        "role": "admin",
        "visits": 3.0,
    });
    let (session, id) = signed_in_user(&wire, data).await;
    let body =
        json!({"model": "users", "id": id, "options": {"cache": "nocache"}, "lookups": ["x"]});
    let answer = wire.post("/db/object/get", &session, body).await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(answer.json(), {
        "._id" => "[id]", ".providerUserId" => "[id]", ".signUpAt" => "[date]",
        ".lastLoginAt" => "[date]",
    }, @r#"
    {
      "_id": "[id]",
      "born": "2000-01-31",
      "city": "Ulm",
      "email": "ann@example.com",
      "emailVerified": false,
      "lastLoginAt": "[date]",
      "name": "Ann",
      "plan": "free",
      "provider": "altogic",
      "providerUserId": "[id]",
      "signUpAt": "[date]",
      "twoFactorAuth": false,
      "visits": 3
    }
    "#);
    assert_eq!(wire.get("/auth/user", &session).await.json(), answer.json());
}

#[actix_web::test]
async fn every_type_of_update_works_and_answers_the_whole_object() {
    let wire = Wire::open_with(shop).await;
    let (session, id) = signed_in_user(&wire, json!({"city": "Ulm"})).await;
    for (field, kind, value, after) in [
        ("visits", "increment", json!(7), json!(7)),
        ("visits", "decrement", json!(2), json!(5)),
        ("visits", "multiply", json!(4), json!(20)),
        ("visits", "min", json!(9), json!(9)),
        ("visits", "max", json!(12), json!(12)),
        ("visits", "set", json!(1), json!(1)),
        ("visits", "unset", Value::Null, Value::Null),
        ("tags", "push", json!("a"), json!(["a"])),
        ("tags", "push", json!("b"), json!(["a", "b"])),
        ("tags", "push", json!("a"), json!(["a", "b", "a"])),
        ("tags", "pull", json!("a"), json!(["b"])),
        ("tags", "set", json!([1, 2, 3]), json!([1, 2, 3])),
        ("tags", "pop", Value::Null, json!([1, 2])),
        ("tags", "shift", Value::Null, json!([2])),
    ] {
        let body = update_fields(&id, &[(field, kind, value)]);
        let answer = wire.post("/db/object/update-fields", &session, body).await;
        assert_eq!((answer.status, &answer.json()[field]), (200, &after), "{kind}");
        assert_eq!(answer.json()["_id"], json!(id));
    }
}

#[actix_web::test]
async fn what_is_wrong_is_told_of_each_field_by_its_name() {
    let wire = Wire::open_with(shop).await;
    let (session, id) = signed_in_user(&wire, json!({"city": "Ulm"})).await;
    let values = json!({
        "visits": "many",
        "role": "admin",
        "plan": "gold",
        "emailVerified": true,
        "city": null,
    });
    let answer = wire
        .post("/db/object/update", &session, json!({"model": "users", "id": id, "values": values}))
        .await;
    assert_eq!(answer.status, 400);
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "errors": [
        {
          "code": "validation_error",
          "message": "city: A field that every account must have is missing.",
          "origin": "client_error"
        },
        {
          "code": "permission_denied",
          "message": "emailVerified: This field cannot be changed here.",
          "origin": "client_error"
        },
        {
          "code": "permission_denied",
          "message": "plan: This field cannot be changed here.",
          "origin": "client_error"
        },
        {
          "code": "validation_error",
          "message": "role: There is no such field. The fields of a user are declared in the settings.",
          "origin": "client_error"
        },
        {
          "code": "validation_error",
          "message": "visits: This field does not take such a value.",
          "origin": "client_error"
        }
      ]
    }
    "#);
    let body = update_fields(&id, &[("visits", "double", json!(1))]);
    let answer = wire.post("/db/object/update-fields", &session, body).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "validation_error"));
    let (second, values) = (wire.get("/auth/user", &session).await.json(), json!({"a\"<b>": 1}));
    assert_eq!((&second["city"], &second["visits"]), (&json!("Ulm"), &Value::Null));
    let answer = wire
        .post("/db/object/update", &session, json!({"model": "users", "id": id, "values": values}))
        .await;
    assert!(
        !String::from_utf8_lossy(&answer.bytes).contains("<b>"),
        "what was typed is not repeated"
    );
}

#[actix_web::test]
async fn a_sign_up_without_a_required_field_or_with_a_wrong_one_is_refused() {
    let wire = Wire::open_with(shop).await;
    let body = json!({
        "email": "ann@example.com",
        "password": PASSWORD,
        "nameOrUserData": {"tags": "a", "born": "soon"},
    });
    let answer = wire.post("/auth/signup-email", "", body).await;
    assert_eq!(answer.status, 400);
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "errors": [
        {
          "code": "validation_error",
          "message": "born: This field does not take such a value.",
          "origin": "client_error"
        },
        {
          "code": "validation_error",
          "message": "city: A field that every account must have is missing.",
          "origin": "client_error"
        },
        {
          "code": "validation_error",
          "message": "tags: This field does not take such a value.",
          "origin": "client_error"
        }
      ]
    }
    "#);
}

#[actix_web::test]
async fn other_calls_of_the_database_say_why_not() {
    let wire = Wire::open_with(shop).await;
    let (session, id) = signed_in_user(&wire, json!({"city": "Ulm"})).await;
    for path in [
        "/db/object/create",
        "/db/object/delete",
        "/db/object/set",
        "/db/object/append",
        "/db/create",
        "/db/get-list",
        "/db/get-single",
        "/db/compute",
        "/db/update",
        "/db/delete",
        "/db/search-text",
    ] {
        let answer = wire.post(path, &session, json!({"model": "users", "id": id})).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "permission_denied"), "{path}");
    }
    assert_eq!(wire.get("/db/stats", &session).await.code(), "permission_denied");
    let others = json!({"model": "orders", "id": id});
    assert_eq!(wire.post("/db/object/get", &session, others).await.code(), "object_not_found");
    assert_eq!(
        wire.post("/db/object/get", "", json!({"model": "users", "id": id})).await.code(),
        "missing_session_token"
    );
}
