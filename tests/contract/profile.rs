//! The user object: its fields and its picture.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use vestibule::port::{Code, Field, FieldName, FieldUpdate, Update};

use super::fixture::{Fixture, refused};

const ANN: &str = "ann@example.com";

fn set(field: &str, value: Value) -> FieldUpdate {
    FieldUpdate { field: field.to_owned(), update: Update::Set(value) }
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(40, 40, Rgb([29, 91, 76])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[actix_web::test]
async fn a_name_is_set_and_taken_away() {
    for fixture in Fixture::each().await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        let update = |update| fixture.auth.update_user(caller.clone(), vec![update]);
        let named = update(set("name", json!("Ann <b>Example</b> & Söhne"))).await.unwrap();
        assert_eq!(named.name.as_deref(), Some("Ann <b>Example</b> & Söhne"));
        let unset =
            update(FieldUpdate { field: "name".to_owned(), update: Update::Unset }).await.unwrap();
        assert_eq!(unset.name, None);
        assert_eq!(fixture.auth.signed_in_user(caller.clone()).await.unwrap().user.name, None);
    }
}

/// S62
#[actix_web::test]
async fn what_only_operations_may_write_is_refused_and_nothing_else_of_it_happens() {
    for fixture in Fixture::each().await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        for field in ["email", "emailVerified", "_id", "password", "provider"] {
            let updates = vec![set("name", json!("Eve")), set(field, json!("x"))];
            let outcome = fixture.auth.update_user(caller.clone(), updates).await;
            let place = FieldName::parse(field).map(Field::Named);
            refused(&fixture, outcome, &[(Code::FieldNotWritable, place)]);
        }
        let long = fixture
            .auth
            .update_user(caller.clone(), vec![set("name", json!("x".repeat(101)))])
            .await;
        refused(&fixture, long, &[(Code::NameTooLong, Some(Field::Name))]);
        assert_eq!(
            fixture.auth.signed_in_user(caller).await.unwrap().user.name.as_deref(),
            Some("Ann")
        );
        let nobody =
            fixture.auth.update_user(fixture.somebody(), vec![set("name", json!("Eve"))]).await;
        refused(&fixture, nobody, &[(Code::MissingSessionToken, None)]);
    }
}

/// Fields that the operator declared, and every kind of update of them.
#[actix_web::test]
async fn declared_fields_are_changed_and_what_they_do_not_take_is_refused() {
    let declared = [
        ("VESTIBULE_ENGINE__USER_FIELDS__CITY__TYPE", "string"),
        ("VESTIBULE_ENGINE__USER_FIELDS__VISITS__TYPE", "number"),
    ];
    for fixture in Fixture::each_with(&declared).await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        let of = |field: &str, update| FieldUpdate { field: field.to_owned(), update };
        let updates = vec![set("city", json!("Izmir")), of("visits", Update::Increment(json!(2)))];
        let user = fixture.auth.update_user(caller.clone(), updates).await.unwrap();
        assert_eq!((&user.fields["city"], &user.fields["visits"]), (&json!("Izmir"), &json!(2)));
        let named = |name| Some(Field::Named(FieldName::parse(name).unwrap()));
        let updates = vec![set("city", json!(7)), set("unheardOf", json!(1))];
        let problems =
            [(Code::InvalidFieldValue, named("city")), (Code::UnknownField, named("unheardOf"))];
        refused(&fixture, fixture.auth.update_user(caller, updates).await, &problems);
    }
}

#[actix_web::test]
async fn a_picture_is_shown_until_it_is_taken_away() {
    for fixture in Fixture::each().await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        let first =
            fixture.auth.change_picture(caller.clone(), picture()).await.unwrap().profile_picture;
        let second =
            fixture.auth.change_picture(caller.clone(), picture()).await.unwrap().profile_picture;
        assert!(first.is_some() && second.is_some() && first != second);
        let signed_in_user = fixture.auth.signed_in_user(caller.clone()).await.unwrap();
        assert_eq!(signed_in_user.user.profile_picture, second);
        assert_eq!(
            fixture.auth.remove_picture(caller.clone()).await.unwrap().profile_picture,
            None
        );
        assert_eq!(
            fixture.auth.remove_picture(caller).await.unwrap().profile_picture,
            None,
            "twice is once"
        );
    }
}

#[actix_web::test]
async fn what_is_no_picture_is_refused() {
    for fixture in Fixture::each().await {
        let caller = fixture.with(&fixture.signed_in_user(ANN).await);
        let cut = picture()[..20].to_vec();
        for (bytes, code) in [
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), Code::NotAPicture),
            (cut, Code::NotAPicture),
            (Vec::new(), Code::MissingPicture),
        ] {
            refused(
                &fixture,
                fixture.auth.change_picture(caller.clone(), bytes).await,
                &[(code, None)],
            );
        }
        let nobody = fixture.auth.change_picture(fixture.somebody(), picture()).await;
        refused(&fixture, nobody, &[(Code::MissingSessionToken, None)]);
    }
}
