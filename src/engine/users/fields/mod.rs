//! The fields that an operator declares for users, beside the built-in ones.
//!
//! ```toml
//! [engine.user_fields.city]
//! # string (the default), integer, number, boolean, date, email, url, list or object
//! type = "string"
//! max = 80              # of a string: characters; of a list: elements
//! required = true       # must be given at sign-up, cannot be unset
//!
//! [engine.user_fields.plan]
//! # owner (the default): the person; operator: only a program with an API key
//! write = "operator"
//! default = "free"
//! ```
//!
//! # The contract
//!
//! * A field has a name of its own: a letter, then letters, digits and underscores, 40 characters
//!   at most, none of the [`BUILT_IN`] ones, and none that JavaScript objects are born with. At
//!   most 50 fields.
//! * `surname` is declared unless the settings say otherwise, as a text that its owner writes
//!   (altogic-protocol.md §6).
//! * A value is held against the declaration whenever it is written: `value.rs` says what each type
//!   takes. All fields of one user together are at most 8 kB of JSON. Applications that keep the
//!   user in a cookie have about 3 kB for the whole object: whoever has such ones declares short
//!   fields.
//! * What an update does to a field that has no value, or one of another type, is written in
//!   `change.rs`.
//! * A `default` stands wherever a field has no value: it is given at sign-up, and shown for
//!   accounts that were there before the field was declared, until something is written. After
//!   `unset` the default shows again.
//! * A field that is `required` must be given by whoever signs up through the REST protocol, and
//!   cannot be unset. Our own page does not know it and lets people in without.
//! * A program of the operator, with an API key, writes every declared field: in the user of its
//!   session, or, without a session, in any user (`engine/users/objects.rs`).
//! * At sign-up, whatever is not declared, or not the caller's to write, is passed over without a
//!   word: applications send their whole form (S59). An update that names such a field is refused.
//! * A field that is no longer declared is not shown any more; what was stored stays, and is back
//!   when it is declared again.

mod change;
mod declaration;
mod value;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::port::{Caller, Channel, Code, Field, FieldName, Problem, Update};

/// Most fields that can be declared.
const FIELDS_MAX: usize = 50;
/// Most bytes of all fields of a user, as JSON.
const BYTES_MAX: usize = 8 * 1024;
/// The fields of the user object that are always there (altogic-protocol.md §12).
pub const BUILT_IN: &[&str] = &[
    "_id",
    "provider",
    "providerUserId",
    "email",
    "emailVerified",
    "phone",
    "phoneVerified",
    "password",
    "name",
    "profilePicture",
    "twoFactorAuth",
    "signUpAt",
    "lastLoginAt",
];
/// Properties that every JavaScript object has.
const BORN_WITH: &[&str] = &[
    "constructor",
    "prototype",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toString",
    "valueOf",
    "toJSON",
];

/// The declared fields, by their names.
#[derive(Debug, Clone)]
pub struct UserFields(BTreeMap<FieldName, FieldDeclaration>);

/// Declaration of a field: type, limits and writer.
#[derive(Debug, Clone)]
pub struct FieldDeclaration {
    pub kind: FieldType,
    pub write: Writer,
    /// Whether it must be given at sign-up and cannot be unset.
    pub required: bool,
    /// Longest string in characters (1 to 8,000; 2,000 unless told), or longest list in elements (1
    /// to 100).
    pub max: Option<usize>,
    /// Default value.
    pub default: Option<Value>,
}

/// Type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    String,
    Integer,
    Number,
    Boolean,
    Date,
    Email,
    Url,
    List,
    Object,
}

/// Writer of a field. Reading is the owner's in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The person whose account it is.
    Owner,
    /// A program of the operator, with an API key.
    Operator,
}

/// Mistake in a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Of which key; `None` for the name of the field.
    pub key: Option<&'static str>,
    /// Expected value.
    pub wanted: String,
}

impl Default for UserFields {
    /// `surname`, which its owner could always write in the original.
    fn default() -> Self {
        Self(
            FieldName::parse("surname")
                .map(|name| (name, FieldDeclaration::default()))
                .into_iter()
                .collect(),
        )
    }
}

impl Default for FieldDeclaration {
    fn default() -> Self {
        Self {
            kind: FieldType::String,
            write: Writer::Owner,
            required: false,
            max: None,
            default: None,
        }
    }
}

impl UserFields {
    /// Declares a field, in the place of one of the same name.
    ///
    /// # Errors
    /// The first mistake in the declaration.
    pub fn declare(
        &mut self,
        name: &str,
        mut declaration: FieldDeclaration,
    ) -> Result<(), Mistake> {
        let name = self.free_name(name)?;
        declaration.check()?;
        self.0.insert(name, declaration);
        Ok(())
    }

    /// Writer of a field; `None` where none of that name is declared.
    pub fn writer(&self, name: &FieldName) -> Option<Writer> {
        self.0.get(name).map(|declaration| declaration.write)
    }

    /// The fields of a new account: what was given, as far as it is the caller's to write, and the
    /// defaults. Serves every kind of sign-up.
    ///
    /// # Errors
    /// A problem for each value that its declaration does not take, and for each required field
    /// that is missing.
    pub(in crate::engine) fn for_sign_up(
        &self,
        caller: &Caller,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<Problem>> {
        let (mut fields, mut problems) = (Map::new(), Vec::new());
        for (name, declaration) in &self.0 {
            let given = given
                .get(name.as_str())
                .filter(|value| declaration.is_writable_by(caller) && !value.is_null());
            let value = match given {
                Some(value) => declaration.read(value.clone()).map(Some),
                None if declaration.lacks_a_value() && caller.channel == Channel::Api => {
                    Err(Code::FieldRequired)
                }
                None => Ok(declaration.default.clone()),
            };
            match value {
                Ok(value) => fields.extend(value.map(|value| (name.to_string(), value))),
                Err(code) => problems.push(Problem { code, field: Some(Field::Named(*name)) }),
            }
        }
        if problems.is_empty() && !fits(&fields) {
            problems.push(Problem { code: Code::ObjectTooLarge, field: None });
        }
        if problems.is_empty() { Ok(fields) } else { Err(problems) }
    }

    /// Applies one update to the stored fields of a user.
    ///
    /// # Errors
    /// `UnknownField`, `FieldNotWritable`, `FieldRequired`, `InvalidFieldValue`; the fields are
    /// then as they were.
    pub(in crate::engine) fn update(
        &self,
        caller: &Caller,
        fields: &mut Map<String, Value>,
        name: FieldName,
        update: Update,
    ) -> Result<(), Code> {
        let declaration = self.0.get(&name).ok_or(Code::UnknownField)?;
        if !declaration.is_writable_by(caller) {
            return Err(Code::FieldNotWritable);
        }
        let former = fields.get(name.as_str()).cloned().or_else(|| declaration.default.clone());
        match declaration.change(former, update)? {
            Some(value) => drop(fields.insert(name.to_string(), value)),
            None if declaration.lacks_a_value() => return Err(Code::FieldRequired),
            None => drop(fields.remove(name.as_str())),
        }
        Ok(())
    }

    /// Fields as shown: those that are declared now, with their defaults.
    pub(in crate::engine) fn shown(&self, mut stored: Map<String, Value>) -> Map<String, Value> {
        let value = |(name, declaration): (&FieldName, &FieldDeclaration)| {
            let value = stored.remove(name.as_str()).or_else(|| declaration.default.clone())?;
            Some((name.to_string(), value))
        };
        self.0.iter().filter_map(value).collect()
    }

    fn free_name(&self, entered: &str) -> Result<FieldName, Mistake> {
        let wanted = |wanted: String| Mistake { key: None, wanted };
        let name = FieldName::parse(entered).ok_or_else(|| {
            wanted("a letter, then letters, digits and underscores, 40 in all".to_owned())
        })?;
        let reserved = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(entered));
        if reserved(BUILT_IN) || reserved(BORN_WITH) {
            return Err(wanted("a name that is not built in already".to_owned()));
        }
        let twin =
            |other: &&FieldName| **other != name && other.as_str().eq_ignore_ascii_case(entered);
        if let Some(twin) = self.0.keys().find(twin) {
            return Err(wanted(format!("a name that differs from {twin} not only in case")));
        }
        if self.0.len() >= FIELDS_MAX && !self.0.contains_key(&name) {
            return Err(wanted(format!("one of at most {FIELDS_MAX} fields")));
        }
        Ok(name)
    }
}

/// Whether the fields are within what a user object may hold.
pub(in crate::engine) fn fits(fields: &Map<String, Value>) -> bool {
    serde_json::to_string(fields).is_ok_and(|json| json.len() <= BYTES_MAX)
}

#[cfg(test)]
mod tests;
