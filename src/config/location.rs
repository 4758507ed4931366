//! Where a mistake in the settings is: the line of the file, or the variable of the environment.

use std::{fs, path::Path};

use super::{ConfigError, raw::RawConfig};

/// The error with its place, as far as it can be found.
pub(super) fn of(
    file: Option<&Path>,
    variables: &[String],
    error: &config::ConfigError,
) -> ConfigError {
    let file = file.unwrap_or(Path::new("vestibule.toml"));
    if let Some(mistake) = in_file(file) {
        return ConfigError(mistake);
    }
    let words = error.to_string();
    let key = words.split_once("unknown field `").and_then(|(_, rest)| rest.split('`').next());
    let is_it = |variable: &&String| {
        let last =
            variable.rsplit("__").next().unwrap_or_default().trim_start_matches("VESTIBULE_");
        key.is_some_and(|key| last.eq_ignore_ascii_case(key))
    };
    match variables.iter().find(is_it) {
        Some(variable) => {
            ConfigError(format!("{variable} in the environment sets nothing: {words}."))
        }
        None => ConfigError(format!("The settings cannot be read: {words}.")),
    }
}

/// The first mistake of the file itself, as `file:line: what`.
fn in_file(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let error = toml::from_str::<RawConfig>(&text).err()?;
    let line =
        error.span().map(|span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
    let line = line.map(|line| {
        // A mistake at the beginning of a line is on the line after those that end before it.
        let start = error.span().map_or(0, |span| span.start);
        if start > 0 && text.get(..start).is_some_and(|before| before.ends_with('\n')) {
            line + 1
        } else {
            line
        }
    });
    let location = line
        .map_or_else(|| file.display().to_string(), |line| format!("{}:{line}", file.display()));
    Some(format!("{location}: {}.", error.message().trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, fs};

    use crate::{config::Config, engine::SystemRandom};

    /// S99
    #[test]
    fn an_unknown_key_is_named_with_its_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule.toml");
        let data = HashMap::from([(
            "VESTIBULE_DATA_DIR".to_owned(),
            folder.path().join("data").display().to_string(),
        )]);
        for (text, named) in [
            (
                "[branding]\nname = 'A'\n\n[server]\nlistem = '127.0.0.1:1'\n",
                "vestibule.toml:5: unknown field `listem`",
            ),
            ("typo = 1\n", "vestibule.toml:1: unknown field `typo`"),
            ("[server]\nworkers = 'many'\n", "vestibule.toml:2: "),
            ("[server\n", "vestibule.toml:1: "),
        ] {
            fs::write(&path, text).unwrap();
            let error =
                Config::read(Some(&path), data.clone(), &SystemRandom).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn an_unknown_variable_of_the_environment_is_named_whole() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").display().to_string();
        let environment =
            [("VESTIBULE_DATA_DIR", data.as_str()), ("VESTIBULE_SERVER__LISTEM", "x")];
        let environment = environment.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let error = Config::read(None, environment.into(), &SystemRandom).unwrap_err().to_string();
        assert!(error.contains("VESTIBULE_SERVER__LISTEM"), "{error}");
    }
}
