//! Checks on field declarations.

use std::fmt;

use super::{
    FieldDeclaration, FieldType, Mistake, UserFields, Writer,
    value::{ELEMENTS_MAX, STRING_MAX},
};
use crate::port::Caller;

impl FieldType {
    /// The types by the names they have in the settings.
    const NAMES: &[(&str, Self)] = &[
        ("string", Self::String),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("date", Self::Date),
        ("email", Self::Email),
        ("url", Self::Url),
        ("list", Self::List),
        ("object", Self::Object),
    ];

    /// Reads a type.
    ///
    /// # Errors
    /// The mistake, for any other word.
    pub fn parse(entered: &str) -> Result<Self, Mistake> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == entered).map(|(_, kind)| *kind);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
            Mistake { key: Some("type"), wanted: format!("one of {}", names.join(", ")) }
        })
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name);
        formatter.write_str(name)
    }
}

/// The names and types, for an operator who checks the settings.
impl fmt::Display for UserFields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields =
            self.0.iter().map(|(name, declaration)| format!("{name} ({})", declaration.kind));
        formatter.write_str(&fields.collect::<Vec<_>>().join(", "))
    }
}

impl Writer {
    /// Reads who may write.
    ///
    /// # Errors
    /// The mistake, for any other word.
    pub fn parse(entered: &str) -> Result<Self, Mistake> {
        match entered {
            "owner" => Ok(Self::Owner),
            "operator" => Ok(Self::Operator),
            _ => Err(Mistake { key: Some("write"), wanted: "owner or operator".to_owned() }),
        }
    }
}

impl FieldDeclaration {
    /// Finds the first mistake; brings the default into the form that a written value would have.
    pub(super) fn check(&mut self) -> Result<(), Mistake> {
        let mistake = |key, wanted: String| Mistake { key: Some(key), wanted };
        if let Some(max) = self.max {
            let most = match self.kind {
                FieldType::String => STRING_MAX,
                FieldType::List => ELEMENTS_MAX,
                _ => {
                    return Err(mistake(
                        "max",
                        "left out: only strings and lists have one".to_owned(),
                    ));
                }
            };
            if !(1..=most).contains(&max) {
                return Err(mistake("max", format!("a number from 1 to {most}")));
            }
        }
        if let Some(default) = self.default.take() {
            let read = self.read(default);
            let read = read.map_err(|_| {
                mistake("default", "a value that the field itself would take".to_owned())
            })?;
            self.default = Some(read);
        }
        if self.lacks_a_value() && self.write == Writer::Operator {
            let wanted = "false, or the field have a default: a person who signs up cannot give it";
            return Err(mistake("required", wanted.to_owned()));
        }
        Ok(())
    }

    /// Whether the field must have a value and has none by itself.
    pub(super) fn lacks_a_value(&self) -> bool {
        self.required && self.default.is_none()
    }

    pub(super) fn is_writable_by(&self, caller: &Caller) -> bool {
        self.write == Writer::Owner || caller.is_operator
    }
}
