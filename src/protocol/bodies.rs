//! Request bodies in JSON (altogic-protocol.md §3, §6).
//!
//! A missing field and `null` are the empty text, for the engine to judge like an empty field of a
//! form. Unknown fields are passed over (clients send options that mean nothing here); a field
//! twice is refused.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::port::{Code, Field, Password, Refusal};

/// `signup-email`, with an address, and `signup-phone`, with a number. Clients up to 1.4.0 send
/// `name`, later ones `nameOrUserData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignUp {
    #[serde(default, deserialize_with = "text")]
    pub email: String,
    #[serde(default, deserialize_with = "text")]
    pub phone: String,
    #[serde(default = "no_password", deserialize_with = "password")]
    pub password: Password,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    name_or_user_data: Option<NameOrUserData>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum NameOrUserData {
    Name(String),
    UserData(Map<String, Value>),
}

/// `signin-email`, with an address, and `signin-phone`, with a number.
#[derive(Debug, Deserialize)]
pub struct SignIn {
    #[serde(default, deserialize_with = "text")]
    pub email: String,
    #[serde(default, deserialize_with = "text")]
    pub phone: String,
    #[serde(default = "no_password", deserialize_with = "password")]
    pub password: Password,
}

/// `reset-pwd`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetPassword {
    #[serde(default = "no_password", deserialize_with = "password")]
    pub new_password: Password,
}

/// `change-pwd`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangePassword {
    #[serde(default = "no_password", deserialize_with = "password")]
    pub old_password: Password,
    #[serde(default = "no_password", deserialize_with = "password")]
    pub new_password: Password,
}

/// `change-email`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEmail {
    #[serde(default = "no_password", deserialize_with = "password")]
    pub current_password: Password,
    #[serde(default, deserialize_with = "text")]
    pub new_email: String,
}

/// `change-phone`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangePhone {
    #[serde(default = "no_password", deserialize_with = "password")]
    pub current_password: Password,
    #[serde(default, deserialize_with = "text")]
    pub new_phone: String,
}

/// `/users/verify-phone` and `/user/verify-sign-in` (§8).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeForPhone {
    #[serde(default, deserialize_with = "text")]
    pub code: String,
    #[serde(default, deserialize_with = "text")]
    pub phone_number: String,
}

/// `signout`: the session to end, the caller's own when there is none.
#[derive(Debug, Deserialize)]
pub struct SignOut {
    #[serde(default)]
    pub token: Option<String>,
}

/// The object a `db/object` call is about.
#[derive(Debug, Deserialize)]
pub struct ObjectName {
    #[serde(default, deserialize_with = "text")]
    pub model: String,
    #[serde(default, deserialize_with = "text")]
    pub id: String,
}

/// `db/object/update`.
#[derive(Debug, Deserialize)]
pub struct UpdateObject {
    #[serde(flatten)]
    pub object: ObjectName,
    #[serde(default)]
    pub values: Map<String, Value>,
}

/// `db/object/update-fields`.
#[derive(Debug, Deserialize)]
pub struct UpdateFields {
    #[serde(flatten)]
    pub object: ObjectName,
    #[serde(default)]
    pub updates: Vec<UpdateField>,
}

/// One change of one field. `unset`, `pop` and `shift` have no value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateField {
    pub field: String,
    pub update_type: String,
    #[serde(default)]
    pub value: Value,
}

impl SignUp {
    /// The user data without its name. What of it is taken from whom is the backend's to say.
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = match &self.name_or_user_data {
            Some(NameOrUserData::UserData(data)) => data.clone(),
            _ => Map::new(),
        };
        fields.remove("name");
        fields
    }

    /// The name, wherever this client put it.
    ///
    /// # Errors
    /// `InvalidName` when the user data has a name that is no text.
    pub fn name(&self) -> Result<Option<String>, Refusal> {
        match &self.name_or_user_data {
            None => Ok(self.name.clone()),
            Some(NameOrUserData::Name(name)) => Ok(Some(name.clone())),
            Some(NameOrUserData::UserData(data)) => match data.get("name") {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(name)) => Ok(Some(name.clone())),
                Some(_) => Err(Refusal::at(Field::Name, Code::InvalidName)),
            },
        }
    }
}

pub(super) fn text<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

fn password<'de, D: Deserializer<'de>>(value: D) -> Result<Password, D::Error> {
    text(value).map(Password::entered)
}

fn no_password() -> Password {
    Password::entered("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(body: &str) -> Option<String> {
        serde_json::from_str::<SignUp>(body).unwrap().name().unwrap()
    }

    #[test]
    fn a_name_is_found_wherever_a_client_puts_it() {
        assert_eq!(name(r#"{"name":"Ann"}"#).as_deref(), Some("Ann"));
        assert_eq!(name(r#"{"nameOrUserData":"Ann"}"#).as_deref(), Some("Ann"));
        assert_eq!(
            name(r#"{"nameOrUserData":{"name":"Ann","emailVerified":true}}"#).as_deref(),
            Some("Ann")
        );
        assert_eq!(name(r#"{"nameOrUserData":{"name":null}}"#), None);
        assert_eq!(name("{}"), None);
    }

    #[test]
    fn a_name_that_is_no_text_is_refused() {
        let body: SignUp = serde_json::from_str(r#"{"nameOrUserData":{"name":{"a":1}}}"#).unwrap();
        assert!(body.name().unwrap_err().is(Code::InvalidName));
    }

    #[test]
    fn a_body_does_not_print_its_password() {
        let body: SignIn =
            serde_json::from_str(r#"{"email":"a@b.c","password":"hunter2"}"#).unwrap();
        assert!(!format!("{body:?}").contains("hunter2"));
    }

    #[test]
    fn null_is_like_nothing() {
        let body: SignIn = serde_json::from_str(r#"{"email":null,"password":null}"#).unwrap();
        assert_eq!((body.email.as_str(), body.password.expose()), ("", ""));
    }
}
