//! The declarations of user fields: `engine.user_fields.<name>.<key>`.
//!
//! In the environment a field is `VESTIBULE_ENGINE__USER_FIELDS__<NAME>__<KEY>`. A name in
//! upper-case letters throughout is read in lower case (`…__CITY__TYPE` declares `city`); a name
//! with lower-case letters is read as it is (`…__jobTitle__TYPE` declares `jobTitle`). A default
//! that is no text is written as JSON there: `…__TAGS__DEFAULT=["new"]`.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

use super::{ConfigError, wrong};
use crate::engine::users::fields::{FieldDeclaration, FieldType, Mistake, UserFields, Writer};

const SETTING: &str = "engine.user_fields";
const ENVIRONMENT: &str = "VESTIBULE_ENGINE__USER_FIELDS__";

/// A declaration as it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawField {
    #[serde(default = "string", rename = "type")]
    kind: String,
    #[serde(default = "owner")]
    write: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    max: Option<usize>,
    #[serde(default)]
    default: Option<Value>,
}

/// Takes the declarations out of the environment, as settings with their values: whatever else
/// reads the environment reads it without regard to case.
pub(super) fn from_environment(environment: &mut HashMap<String, String>) -> Vec<(String, String)> {
    let setting = |variable: &str| {
        let (name, key) = variable.strip_prefix(ENVIRONMENT)?.split_once("__")?;
        let plain = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let name = if name.bytes().any(|byte| byte.is_ascii_lowercase()) {
            name.to_owned()
        } else {
            name.to_lowercase()
        };
        (plain(&name) && plain(key)).then(|| format!("{SETTING}.{name}.{}", key.to_lowercase()))
    };
    let taken = environment.extract_if(|variable, _| setting(variable).is_some());
    taken.filter_map(|(variable, value)| Some((setting(&variable)?, value))).collect()
}

/// Checks the declarations and adds them to those that are always there.
///
/// # Errors
/// The first mistake, with the setting it is in.
pub(super) fn user_fields(raw: BTreeMap<String, RawField>) -> Result<UserFields, ConfigError> {
    let mut fields = UserFields::default();
    for (name, raw) in raw {
        let texts = RawTexts::of(&name, &raw);
        let declared = declaration(raw).and_then(|declaration| fields.declare(&name, declaration));
        declared.map_err(|mistake| texts.error(&mistake))?;
    }
    Ok(fields)
}

fn declaration(raw: RawField) -> Result<FieldDeclaration, Mistake> {
    let kind = FieldType::parse(&raw.kind)?;
    Ok(FieldDeclaration {
        kind,
        write: Writer::parse(&raw.write)?,
        required: raw.required,
        max: raw.max,
        default: raw.default.map(|default| from_text(kind, default)),
    })
}

/// A default that the environment could say only as a text, in the type of its field.
fn from_text(kind: FieldType, default: Value) -> Value {
    let is_text =
        matches!(kind, FieldType::String | FieldType::Date | FieldType::Email | FieldType::Url);
    match &default {
        Value::String(text) if !is_text => serde_json::from_str(text).unwrap_or(default),
        _ => default,
    }
}

/// Raw texts, repeated in errors.
struct RawTexts {
    name: String,
    keys: [(&'static str, String); 5],
}

impl RawTexts {
    fn of(name: &str, raw: &RawField) -> Self {
        let default = raw.default.as_ref().map(ToString::to_string);
        let keys = [
            ("type", raw.kind.clone()),
            ("write", raw.write.clone()),
            ("required", raw.required.to_string()),
            ("max", raw.max.map(|max| max.to_string()).unwrap_or_default()),
            ("default", default.unwrap_or_default()),
        ];
        Self { name: name.to_owned(), keys }
    }

    fn error(&self, mistake: &Mistake) -> ConfigError {
        let Some(key) = mistake.key else {
            return wrong(&format!("{SETTING}.{}", self.name), &mistake.wanted, &self.name);
        };
        let raw = self.keys.iter().find(|(name, _)| *name == key).map_or("", |(_, raw)| raw);
        wrong(&format!("{SETTING}.{}.{key}", self.name), &mistake.wanted, raw)
    }
}

fn string() -> String {
    "string".to_owned()
}

fn owner() -> String {
    "owner".to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{config::Config, engine::SystemRandom};

    fn read(file: &str, environment: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule.toml");
        fs::write(&path, file).unwrap();
        let mut environment: HashMap<String, String> = environment
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        environment.insert(
            "VESTIBULE_DATA_DIR".to_owned(),
            folder.path().join("data").display().to_string(),
        );
        let config = Config::read(Some(&path), environment, &SystemRandom);
        config.map(|config| format!("{:?}", config.user_fields)).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_are_declared_in_the_file_and_changed_in_the_environment() {
        let file = "[engine.user_fields.jobTitle]\nmax = 80\n[engine.user_fields.visits]\ntype = \
            'integer'\ndefault = 1";
        let fields = read(
            file,
            &[
                ("VESTIBULE_ENGINE__USER_FIELDS__jobTitle__REQUIRED", "true"),
                ("VESTIBULE_ENGINE__USER_FIELDS__VISITS__DEFAULT", "7"),
                ("VESTIBULE_ENGINE__USER_FIELDS__TAGS__TYPE", "list"),
                ("VESTIBULE_ENGINE__USER_FIELDS__TAGS__DEFAULT", r#"["new"]"#),
                ("VESTIBULE_ENGINE__USER_FIELDS__FIRST_SEEN__TYPE", "date"),
            ],
        )
        .unwrap();
        for part in [
            "jobTitle: FieldDeclaration \
                { kind: String, write: Owner, required: true, max: Some(80), default: None }",
            "visits: FieldDeclaration \
                { kind: Integer, write: Owner, required: false, max: None, default: Some(Number(7)) }",
            r#"tags: FieldDeclaration { kind: List, write: Owner, required: false, max: None, default: Some(Array [String("new")]) }"#,
            "first_seen: FieldDeclaration { kind: Date",
            "surname: FieldDeclaration { kind: String, write: Owner",
        ] {
            let plain = fields.replace(['"', '\\'], "");
            assert!(plain.contains(&part.replace('"', "")), "{part}\n{fields}");
        }
    }

    #[test]
    fn a_mistake_names_the_setting_and_what_it_should_be() {
        for (file, named) in [
            (
                "[engine.user_fields.city]\ntype = 'text'",
                "engine.user_fields.city.type should be one of string, integer",
            ),
            (
                "[engine.user_fields.city]\nwrite = 'all'",
                "engine.user_fields.city.write should be owner or operator",
            ),
            (
                "[engine.user_fields.city]\nmax = 9000",
                "engine.user_fields.city.max should be a number from 1 to 8000",
            ),
            (
                "[engine.user_fields.age]\ntype = 'integer'\ndefault = 'old'",
                "engine.user_fields.age.default should be",
            ),
            (
                "[engine.user_fields.role]\nwrite = 'operator'\nrequired = true",
                "engine.user_fields.role.required should",
            ),
            (
                "[engine.user_fields.emailVerified]",
                "engine.user_fields.emailVerified should be a name that is not",
            ),
            ("[engine.user_fields.a-b]", "engine.user_fields.a-b should be a letter"),
            ("[engine.user_fields.city]\nlongest = 9", "longest"),
        ] {
            let error = read(file, &[]).unwrap_err();
            assert!(error.contains(named), "{file}: {error}");
        }
        let error = read("", &[("VESTIBULE_ENGINE__USER_FIELDS__CITY__TYPO", "x")]).unwrap_err();
        assert!(error.contains("typo"), "{error}");
        let error = read("", &[("VESTIBULE_ENGINE__USER_FIELDS__CITY", "string")]).unwrap_err();
        assert!(error.contains("city"), "{error}");
    }
}
