//! Values of fields by type, and their stored form.
//!
//! | type | takes | kept as |
//! |---|---|---|
//! | `string` | a text without characters that cannot be seen (S58); line breaks and tabs are welcome | it came |
//! | `integer` | a whole number between ±(2⁵³ − 1), the ones that JavaScript counts exactly; `5.0` is one | `5` |
//! | `number` | a number between the same bounds | it came, `5.0` as `5` |
//! | `boolean` | `true`, `false` | it came |
//! | `date` | a day, `2022-03-18`, or a moment of ISO 8601 with its offset, `2022-03-18T17:35:13+01:00`; years 1 to 9999 | a day as it came, a moment in UTC with milliseconds |
//! | `email` | what a sign-up takes | trimmed, in lower case |
//! | `url` | an absolute http or https URL of at most 2,048 bytes (S56) | it came |
//! | `list` | at most 100 strings, numbers and booleans | as the types above |
//! | `object` | a JSON object, eight deep at most | it came |
//!
//! Nothing is turned into another type: the text `"5"` is no number. `null` is no value: to set it
//! is to unset the field.

use jiff::{Timestamp, civil};
use serde_json::{Map, Value};

use super::{FieldDeclaration, FieldType};
use crate::{
    engine::users::accounts::{is_unseen, parse_picture_url},
    port::{Code, Email},
};

/// Longest string that can be allowed, in characters.
pub(super) const STRING_MAX: usize = 8_000;
/// Longest string where nothing else is declared, and in lists and objects.
const STRING_USUAL: usize = 2_000;
/// Most elements of a list.
pub(super) const ELEMENTS_MAX: usize = 100;
/// `Number.MAX_SAFE_INTEGER` of JavaScript. The arithmetic of `f64` is exact for whole numbers up
/// to here.
const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;
/// How deep an object may be.
const DEPTH_MAX: usize = 8;

impl FieldDeclaration {
    /// Holds a value against the declaration and brings it into the form in which it is kept.
    ///
    /// # Errors
    /// `InvalidFieldValue`.
    pub(super) fn read(&self, value: Value) -> Result<Value, Code> {
        let longest = self.max.unwrap_or(STRING_USUAL);
        let read = match (self.kind, value) {
            (FieldType::String, Value::String(text)) => string(text, longest),
            (FieldType::Integer, value) => number(&value).filter(|value| value.is_i64()),
            (FieldType::Number, value) => number(&value),
            (FieldType::Boolean, Value::Bool(value)) => Some(Value::Bool(value)),
            (FieldType::Date, Value::String(text)) => date(&text),
            (FieldType::Email, Value::String(text)) => {
                Email::parse(&text).ok().map(|email| email.to_string().into())
            }
            (FieldType::Url, Value::String(text)) => {
                parse_picture_url(&text).ok().map(Value::String)
            }
            (FieldType::List, Value::Array(elements)) => {
                list(elements, self.max.unwrap_or(ELEMENTS_MAX))
            }
            (FieldType::Object, Value::Object(members)) => object(members, DEPTH_MAX - 1),
            _ => None,
        };
        read.ok_or(Code::InvalidFieldValue)
    }
}

/// An element of a list.
pub(super) fn scalar(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => string(text, STRING_USUAL),
        Value::Bool(value) => Some(Value::Bool(value)),
        value => number(&value),
    }
}

/// A number in its one form: whole ones as integers.
pub(super) fn from_f64(number: f64) -> Option<Value> {
    if !(-NUMBER_MAX..=NUMBER_MAX).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
    if number.fract() == 0.0 { Some(Value::from(number as i64)) } else { Some(Value::from(number)) }
}

/// The moment a date stands for; a day begins at midnight in UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let moment = match text.parse::<Timestamp>() {
        Ok(moment) => moment,
        Err(_) => day(text)?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(),
    };
    let year = jiff::tz::TimeZone::UTC.to_datetime(moment).year();
    (1..=9999).contains(&year).then_some(moment)
}

fn number(value: &Value) -> Option<Value> {
    value.as_f64().and_then(from_f64)
}

fn string(text: String, longest: usize) -> Option<Value> {
    let is_seen = |letter| matches!(letter, '\n' | '\r' | '\t') || !is_unseen(letter);
    (text.chars().count() <= longest && text.chars().all(is_seen)).then_some(Value::String(text))
}

fn date(text: &str) -> Option<Value> {
    let moment = moment(text)?;
    let kept = match day(text) {
        Some(_) => text.to_owned(),
        None => moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    };
    Some(Value::String(kept))
}

/// A day in the one form that sorts and that `<input type="date">` sends.
fn day(text: &str) -> Option<civil::Date> {
    text.parse::<civil::Date>().ok().filter(|day| day.to_string() == text)
}

fn list(elements: Vec<Value>, longest: usize) -> Option<Value> {
    if elements.len() > longest {
        return None;
    }
    elements.into_iter().map(scalar).collect::<Option<_>>().map(Value::Array)
}

fn object(members: Map<String, Value>, depth: usize) -> Option<Value> {
    let member = |(name, value): (String, Value)| Some((plain_name(name)?, any(value, depth)?));
    members.into_iter().map(member).collect::<Option<_>>().map(Value::Object)
}

/// A value within an object that may go `depth` deeper.
fn any(value: Value, depth: usize) -> Option<Value> {
    match (value, depth) {
        (Value::Null, _) => Some(Value::Null),
        (Value::Object(members), 1..) => object(members, depth - 1),
        (Value::Array(elements), 1..) => elements
            .into_iter()
            .map(|value| any(value, depth - 1))
            .collect::<Option<_>>()
            .map(Value::Array),
        (value, _) => scalar(value),
    }
}

/// A member's name. An application that copies objects member by member must not be led to the
/// prototype of them all.
fn plain_name(name: String) -> Option<String> {
    let is_trap = matches!(name.as_str(), "__proto__" | "constructor" | "prototype");
    (!is_trap && !name.chars().any(is_unseen)).then_some(name)
}
