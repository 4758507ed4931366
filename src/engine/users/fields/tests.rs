//! Declarations, values and updates, without a database.

use serde_json::json;

use super::*;

fn somebody() -> Caller {
    Caller {
        channel: Channel::Pages,
        address: None,
        user_agent: String::new(),
        session: None,
        browser: None,
        devices: Vec::new(),
        redirect_url: None,
        unlisted: None,
        is_operator: false,
    }
}

fn operator() -> Caller {
    Caller { is_operator: true, ..somebody() }
}

/// Signing up over the wire.
fn application() -> Caller {
    Caller { channel: Channel::Api, ..somebody() }
}

fn of(kind: FieldType) -> FieldDeclaration {
    FieldDeclaration { kind, ..FieldDeclaration::default() }
}

fn declared(declarations: &[(&str, FieldDeclaration)]) -> UserFields {
    let mut fields = UserFields::default();
    for (name, declaration) in declarations {
        fields.declare(name, declaration.clone()).unwrap();
    }
    fields
}

fn mistake(name: &str, declaration: FieldDeclaration) -> (Option<&'static str>, String) {
    let mistake = UserFields::default().declare(name, declaration).unwrap_err();
    (mistake.key, mistake.wanted)
}

fn changed(kind: FieldType, former: Value, update: Update) -> Result<Value, Code> {
    let former = (!former.is_null()).then_some(former);
    of(kind).change(former, update).map(Option::unwrap_or_default)
}

#[test]
fn a_field_cannot_have_the_name_of_another_thing() {
    for name in [
        "_id",
        "email",
        "emailverified",
        "password",
        "constructor",
        "toString",
        "__proto__",
        "a-b",
        "",
    ] {
        assert_eq!(mistake(name, FieldDeclaration::default()).0, None, "{name}");
    }
    let mut fields = declared(&[("jobTitle", FieldDeclaration::default())]);
    assert!(fields.declare("jobtitle", FieldDeclaration::default()).is_err());
    assert!(fields.declare("jobTitle", of(FieldType::List)).is_ok());
}

#[test]
fn the_declared_fields_can_be_listed() {
    assert_eq!(
        declared(&[("age", of(FieldType::Integer))]).to_string(),
        "age (integer), surname (string)"
    );
}

#[test]
fn there_are_at_most_fifty_fields() {
    let mut fields = UserFields::default();
    let names = (1..FIELDS_MAX).map(|number| format!("field{number}"));
    names.for_each(|name| fields.declare(&name, FieldDeclaration::default()).unwrap());
    assert!(fields.declare("oneMore", FieldDeclaration::default()).is_err());
    assert!(fields.declare("surname", FieldDeclaration::default()).is_ok());
}

#[test]
fn a_mistake_in_a_declaration_is_found_and_named() {
    assert_eq!(
        mistake("a", FieldDeclaration { max: Some(0), ..of(FieldType::String) }).0,
        Some("max")
    );
    assert_eq!(
        mistake("a", FieldDeclaration { max: Some(101), ..of(FieldType::List) }).0,
        Some("max")
    );
    assert_eq!(
        mistake("a", FieldDeclaration { max: Some(5), ..of(FieldType::Integer) }).0,
        Some("max")
    );
    assert_eq!(
        mistake("a", FieldDeclaration { default: Some(json!("x")), ..of(FieldType::Integer) }).0,
        Some("default")
    );
    let required =
        FieldDeclaration { required: true, write: Writer::Operator, ..of(FieldType::String) };
    assert_eq!(mistake("a", required).0, Some("required"));
}

/// S56, S58
#[test]
fn each_type_takes_its_own_and_nothing_else() {
    let (takes, refuses): (Vec<_>, Vec<_>) = [
        (
            FieldType::String,
            json!(["", "a\nb\tc", "ä".repeat(2_000)]),
            json!([1, true, "a\0b", "\u{202e}", "ä".repeat(2_001)]),
        ),
        (
            FieldType::Integer,
            json!([0, -5, 9_007_199_254_740_991_i64]),
            json!([0.5, "5", true, 9_007_199_254_740_992_i64, 1e300]),
        ),
        (FieldType::Number, json!([0.5, -5, 1e-9]), json!(["0.5", 1e16, false, []])),
        (FieldType::Boolean, json!([true, false]), json!([0, 1, "true", {}])),
        (
            FieldType::Date,
            json!(["2022-03-18", "2022-03-18T16:35:13.702Z"]),
            json!(["2022-02-30", "18.3.2022", "20220318", "2022-03-18T16:35", 1_647_617_855, ""]),
        ),
        (FieldType::Email, json!(["ann@example.com"]), json!(["ann", "", 5])),
        (
            FieldType::Url,
            json!(["https://example.com/",]),
            json!(["javascript:alert(1)", "example.com", ""]),
        ),
        (
            FieldType::List,
            json!([[], ["a", 1, true],]),
            json!(["a", {}, [null], [[1]], [{}], vec![0; 101]]),
        ),
        (
            FieldType::Object,
            json!([{}, {"a": {"b": [null, 1, "x"]}}]),
            json!([
                [],
                "a",
                {"__proto__": 1},
                {"a": {"constructor": 1}},
                {"a": "\0"},
                {"a": 1e300},
            ]),
        ),
    ]
    .into_iter()
    .map(|(kind, takes, refuses)| ((kind, takes), (kind, refuses)))
    .unzip();
    for (kind, values) in takes {
        for value in values.as_array().unwrap() {
            assert_eq!(of(kind).read(value.clone()).as_ref(), Ok(value), "{kind:?}");
        }
    }
    for (kind, values) in refuses {
        for value in values.as_array().unwrap() {
            assert_eq!(
                of(kind).read(value.clone()),
                Err(Code::InvalidFieldValue),
                "{kind:?} {value}"
            );
        }
    }
}

#[test]
fn a_value_is_kept_in_one_form() {
    assert_eq!(of(FieldType::Integer).read(json!(5.0)), Ok(json!(5)));
    assert_eq!(of(FieldType::List).read(json!([5.0])), Ok(json!([5])));
    assert_eq!(of(FieldType::Email).read(json!(" Ann@Example.com ")), Ok(json!("ann@example.com")));
    assert_eq!(
        of(FieldType::Date).read(json!("2022-03-18T17:35:13+01:00")),
        Ok(json!("2022-03-18T16:35:13.000Z"))
    );
}

#[test]
fn an_object_is_not_deeper_than_eight() {
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
    assert!(of(FieldType::Object).read(nested(8)).is_ok());
    assert!(of(FieldType::Object).read(nested(9)).is_err());
}

#[test]
fn set_replaces_and_unset_takes_away() {
    assert_eq!(changed(FieldType::String, json!("a"), Update::Set(json!("b"))), Ok(json!("b")));
    assert_eq!(changed(FieldType::String, json!("a"), Update::Set(Value::Null)), Ok(Value::Null));
    assert_eq!(changed(FieldType::String, json!("a"), Update::Unset), Ok(Value::Null));
    assert_eq!(
        changed(FieldType::Integer, json!("no longer fits"), Update::Set(json!(1))),
        Ok(json!(1))
    );
}

#[test]
fn numbers_are_reckoned_with_and_begin_at_nothing() {
    for (former, update, result) in [
        (json!(5), Update::Increment(json!(2)), json!(7)),
        (json!(5), Update::Increment(json!(-2)), json!(3)),
        (json!(5), Update::Decrement(json!(2)), json!(3)),
        (json!(5), Update::Multiply(json!(2)), json!(10)),
        (json!(5), Update::Min(json!(2)), json!(2)),
        (json!(5), Update::Max(json!(2)), json!(5)),
        (json!(0.1), Update::Increment(json!(0.2)), json!(0.1 + 0.2)),
        (json!(0.5), Update::Multiply(json!(2)), json!(1)),
        (Value::Null, Update::Increment(json!(2)), json!(2)),
        (Value::Null, Update::Decrement(json!(2)), json!(-2)),
        (Value::Null, Update::Multiply(json!(2)), json!(0)),
        (Value::Null, Update::Min(json!(2)), json!(2)),
        (Value::Null, Update::Max(json!(2)), json!(2)),
    ] {
        assert_eq!(
            changed(FieldType::Number, former.clone(), update.clone()),
            Ok(result),
            "{former} {update:?}"
        );
    }
}

#[test]
fn a_number_stays_within_what_its_field_takes() {
    let most = json!(9_007_199_254_740_991_i64);
    for (former, update) in [
        (most.clone(), Update::Increment(json!(1))),
        (most.clone(), Update::Multiply(most)),
        (json!(1), Update::Multiply(json!(0.5))),
        (json!(1), Update::Increment(json!("1"))),
        (json!(1), Update::Increment(Value::Null)),
        (json!("no longer fits"), Update::Increment(json!(1))),
        (json!(1), Update::Push(json!(1))),
        (json!(1), Update::Pop),
    ] {
        let refused = changed(FieldType::Integer, former.clone(), update.clone());
        assert_eq!(refused, Err(Code::InvalidFieldValue), "{former} {update:?}");
    }
}

#[test]
fn of_two_dates_the_earlier_or_the_later_stays() {
    let (day, moment) = (json!("2022-03-18"), json!("2022-03-18T00:00:01.000Z"));
    assert_eq!(
        changed(FieldType::Date, day.clone(), Update::Max(moment.clone())),
        Ok(moment.clone())
    );
    assert_eq!(changed(FieldType::Date, day.clone(), Update::Min(moment.clone())), Ok(day.clone()));
    assert_eq!(changed(FieldType::Date, Value::Null, Update::Min(moment.clone())), Ok(moment));
    assert_eq!(
        changed(FieldType::Date, day.clone(), Update::Max(json!("soon"))),
        Err(Code::InvalidFieldValue)
    );
    assert_eq!(
        changed(FieldType::Date, day, Update::Increment(json!(1))),
        Err(Code::InvalidFieldValue)
    );
}

#[test]
fn lists_grow_and_shrink_at_their_ends() {
    for (former, update, result) in [
        (json!(["a"]), Update::Push(json!("b")), json!(["a", "b"])),
        (json!(["a", 5, "a"]), Update::Pull(json!("a")), json!([5])),
        (json!(["a", 5]), Update::Pull(json!(5.0)), json!(["a"])),
        (json!(["a"]), Update::Pull(json!("b")), json!(["a"])),
        (json!([1, 2, 3]), Update::Pop, json!([1, 2])),
        (json!([1, 2, 3]), Update::Shift, json!([2, 3])),
        (json!([]), Update::Pop, json!([])),
        (json!([]), Update::Shift, json!([])),
        (Value::Null, Update::Push(json!("b")), json!(["b"])),
        (Value::Null, Update::Pull(json!("b")), Value::Null),
        (Value::Null, Update::Pop, Value::Null),
        (Value::Null, Update::Shift, Value::Null),
    ] {
        assert_eq!(
            changed(FieldType::List, former.clone(), update.clone()),
            Ok(result),
            "{former} {update:?}"
        );
    }
    for (former, update) in [
        (json!(vec![0; 100]), Update::Push(json!(1))),
        (json!([]), Update::Push(json!(["nested"]))),
        (json!([]), Update::Push(Value::Null)),
        (json!("a"), Update::Push(json!("b"))),
        (json!([1]), Update::Increment(json!(1))),
    ] {
        assert_eq!(
            changed(FieldType::List, former, update.clone()),
            Err(Code::InvalidFieldValue),
            "{update:?}"
        );
    }
}

#[test]
fn texts_objects_and_switches_take_no_arithmetic() {
    for kind in
        [FieldType::String, FieldType::Boolean, FieldType::Email, FieldType::Url, FieldType::Object]
    {
        for update in [
            Update::Increment(json!(1)),
            Update::Max(json!("b")),
            Update::Push(json!("b")),
            Update::Shift,
        ] {
            assert_eq!(
                changed(kind, Value::Null, update),
                Err(Code::InvalidFieldValue),
                "{kind:?}"
            );
        }
    }
}

/// S59
#[test]
fn a_sign_up_takes_what_is_declared_and_the_callers_to_write() {
    let city = FieldDeclaration { required: true, ..of(FieldType::String) };
    let plan = FieldDeclaration {
        write: Writer::Operator,
        default: Some(json!("free")),
        ..of(FieldType::String)
    };
    let fields = declared(&[("city", city), ("plan", plan), ("age", of(FieldType::Integer))]);
    let given = json!({
        "city": "Ulm",
        "plan": "gold",
        "role": "admin",
        "emailVerified": true,
        "_id": "1",
        "age": null,
    });
    let given = given.as_object().unwrap();
    let kept = |caller| Value::Object(fields.for_sign_up(&caller, given).unwrap());
    assert_eq!(kept(application()), json!({"city": "Ulm", "plan": "free"}));
    assert_eq!(kept(operator()), json!({"city": "Ulm", "plan": "gold"}));
}

#[test]
fn a_sign_up_is_told_of_each_field_that_is_wrong() {
    let city = FieldDeclaration { required: true, ..of(FieldType::String) };
    let fields = declared(&[("city", city), ("age", of(FieldType::Integer))]);
    let given = json!({"age": "old"});
    let problems = fields.for_sign_up(&application(), given.as_object().unwrap()).unwrap_err();
    let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences,
        [
            "age: This field does not take such a value.",
            "city: A field that every account must have is missing."
        ]
    );
    assert!(
        fields.for_sign_up(&somebody(), &Map::new()).is_ok(),
        "our own page does not ask for it"
    );
}

#[test]
fn what_is_shown_is_what_is_declared_with_its_defaults() {
    let plan = FieldDeclaration { default: Some(json!("free")), ..of(FieldType::String) };
    let fields = declared(&[("plan", plan), ("age", of(FieldType::Integer))]);
    let stored = json!({"age": 5, "former": "kept, not shown"});
    let shown = fields.shown(stored.as_object().unwrap().clone());
    assert_eq!(Value::Object(shown), json!({"age": 5, "plan": "free"}));
}
