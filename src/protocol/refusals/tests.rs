//! Both ends of the table, held against each other.

use super::*;
use crate::protocol::errors::WireError;

fn read(status: u16, body: &str) -> Rejected {
    Rejected::read(status, None, body.as_bytes()).unwrap()
}

fn codes(rejected: &Rejected, asked: RequestContext) -> Vec<Code> {
    rejected
        .refusal(asked)
        .map(|refusal| refusal.problems().iter().map(|problem| problem.code).collect())
        .unwrap_or_default()
}

/// Writes a refusal as our REST channel does and reads it again.
fn there_and_back(refusal: Refusal, asked: RequestContext) -> Refusal {
    let error = WireError::from(refusal);
    let body = serde_json::to_vec(&error.envelope).unwrap();
    Rejected::read(error.status, error.retry_after, &body).unwrap().refusal(asked).unwrap()
}

#[test]
fn what_our_own_channel_writes_is_read_as_it_was_meant() {
    for (code, field, asked) in [
        (Code::EmailNotUnique, Some(Field::Email), RequestContext::SignUp),
        (Code::InvalidSignInCredentials, None, RequestContext::SignIn),
        (Code::InvalidPhoneCredentials, None, RequestContext::PhoneSignIn),
        (Code::PhoneNotVerified, None, RequestContext::PhoneSignIn),
        (Code::SecondFactorIsOn, None, RequestContext::Send),
        (Code::EmailNotVerified, None, RequestContext::SignIn),
        (Code::MissingPassword, Some(Field::Password), RequestContext::SignIn),
        (Code::MissingPassword, Some(Field::CurrentPassword), RequestContext::Confirmed),
        (Code::InvalidCredentials, Some(Field::CurrentPassword), RequestContext::Confirmed),
        (Code::EmailUnchanged, Some(Field::Email), RequestContext::Confirmed),
        (Code::PasswordTooShort { min: 11 }, Some(Field::Password), RequestContext::SignUp),
        (Code::PasswordTooPersonal, Some(Field::Password), RequestContext::AccessToken),
        (Code::InvalidAccessToken, None, RequestContext::AccessToken),
        (Code::InvalidTokenType, None, RequestContext::AccessToken),
        (Code::InvalidOneTimeCode, Some(Field::OneTimeCode), RequestContext::OneTimeCode),
        (Code::MissingOneTimeCode, Some(Field::OneTimeCode), RequestContext::OneTimeCode),
        (Code::InvalidPhone, Some(Field::Phone), RequestContext::Send),
        (Code::CountryNotServed, Some(Field::Phone), RequestContext::Send),
        (Code::MessagesExhausted, None, RequestContext::Send),
        (Code::PhoneSignUpDisabled, None, RequestContext::SignUp),
        (Code::SecondFactorRequired, None, RequestContext::SignIn),
        (Code::SecondFactorFirst, None, RequestContext::OneTimeCode),
        (Code::PhoneAlreadyVerified, None, RequestContext::Send),
        (Code::InvalidActionType, None, RequestContext::AccessToken),
        (Code::InvalidSessionToken, None, RequestContext::Session),
        (Code::SessionNotFound, None, RequestContext::Session),
        (Code::FieldNotWritable, None, RequestContext::Update),
        (Code::InvalidFieldValue, None, RequestContext::Update),
        (Code::NameTooLong, Some(Field::Name), RequestContext::Update),
        (
            Code::UnknownField,
            Some(Field::Named(FieldName::parse("jobTitle").unwrap())),
            RequestContext::Update,
        ),
        (
            Code::FieldNotWritable,
            Some(Field::Named(FieldName::parse("emailVerified").unwrap())),
            RequestContext::Update,
        ),
        (
            Code::FieldRequired,
            Some(Field::Named(FieldName::parse("city").unwrap())),
            RequestContext::SignUp,
        ),
        (Code::NotAPicture, None, RequestContext::File),
        (Code::PictureTooLarge, None, RequestContext::File),
        (Code::StorageFull, None, RequestContext::File),
        (
            Code::RateLimitExceeded { retry_after: Duration::from_secs(90) },
            None,
            RequestContext::SignIn,
        ),
    ] {
        let refusal = field.map_or_else(|| Refusal::of(code), |field| Refusal::at(field, code));
        assert_eq!(there_and_back(refusal.clone(), asked), refusal, "{asked:?}");
    }
}

#[test]
fn all_that_is_wrong_is_read_at_once() {
    let problems = vec![
        Problem { code: Code::InvalidEmail, field: Some(Field::Email) },
        Problem { code: Code::PasswordTooCommon, field: Some(Field::Password) },
    ];
    let refusal = Refusal::of_all(problems).unwrap_err();
    assert_eq!(there_and_back(refusal.clone(), RequestContext::SignUp), refusal);
}

#[test]
fn a_foreign_sentence_is_read_for_what_it_is_about() {
    let of = |message: &str| {
        format!(r#"{{"errors":[{{"code":"validation_error","message":"{message}"}}]}}"#)
    };
    for (message, asked, code) in [
        (
            "The password must be at least 6 characters long",
            RequestContext::SignUp,
            Code::PasswordTooShort { min: 6 },
        ),
        (
            "Password is required",
            RequestContext::SignUp,
            Code::PasswordTooShort { min: PASSWORD_MIN },
        ),
        ("Not a valid email address", RequestContext::SignUp, Code::InvalidEmail),
        ("Not a valid phone number", RequestContext::Send, Code::InvalidPhone),
        ("anything", RequestContext::SignIn, Code::InvalidSignInCredentials),
        ("anything", RequestContext::File, Code::NotAPicture),
    ] {
        assert_eq!(codes(&read(400, &of(message)), asked), [code], "{message}");
    }
    assert!(codes(&read(400, &of("anything")), RequestContext::SignUp).is_empty());
}

#[test]
fn an_unknown_word_is_read_by_its_status_where_that_tells_enough() {
    let unheard = r#"{"errors":[{"origin":"client_error","code":"unheard_of","message":"No."}]}"#;
    for (status, asked, code) in [
        (401, RequestContext::SignIn, Code::InvalidSignInCredentials),
        (404, RequestContext::SignIn, Code::InvalidSignInCredentials),
        (403, RequestContext::AccessToken, Code::InvalidAccessToken),
        (401, RequestContext::OneTimeCode, Code::InvalidOneTimeCode),
        (401, RequestContext::Confirmed, Code::InvalidCredentials),
        (429, RequestContext::Session, Code::RateLimitExceeded { retry_after: SOME_TIME }),
    ] {
        assert_eq!(codes(&read(status, unheard), asked), [code], "{status} {asked:?}");
    }
}

/// An answer that does not say so in its own words never signs anybody out, and what only the
/// operator can mend is no refusal.
#[test]
fn what_no_person_can_mend_is_no_refusal() {
    let of = |code: &str| format!(r#"{{"errors":[{{"code":"{code}","message":"No."}}]}}"#);
    assert!(codes(&read(401, &of("unheard_of")), RequestContext::Session).is_empty());
    assert!(codes(&read(401, &of("invalid_client_key")), RequestContext::SignIn).is_empty());
    assert!(codes(&read(404, &of("resource_not_found")), RequestContext::AccessToken).is_empty());
    assert!(codes(&read(500, &of("invalid_access_token")), RequestContext::AccessToken).is_empty());
}

#[test]
fn every_shape_of_the_envelope_is_read_and_nothing_else() {
    for body in [
        r#"{"errors":[{"code":"email_not_unique"}]}"#,
        r#"{"errors":{"code":"email_not_unique"}}"#,
        r#"[{"code":"email_not_unique"}]"#,
        r#"{"code":"email_not_unique","details":{"a":1}}"#,
    ] {
        assert_eq!(
            codes(&read(400, body), RequestContext::SignUp),
            [Code::EmailNotUnique],
            "{body}"
        );
    }
    for body in [
        "",
        "<html>",
        "{}",
        "[]",
        r#"{"errors":[]}"#,
        "null",
        r#""text""#,
        r#"{"errors":[{"a":1}]}"#,
    ] {
        assert!(Rejected::read(400, None, body.as_bytes()).is_none(), "{body}");
    }
}

#[test]
fn the_phone_of_a_second_factor_stands_in_the_details() {
    let body = r#"{"errors":[{"code":"second_factor_required","message":"m","details":{"phone":"+4915112345678"}}]}"#;
    assert_eq!(read(401, body).second_factor_phone(), Some("+4915112345678"));
}
