//! Settings of the environment, for the tests.

use std::collections::HashMap;

use super::Config;
use crate::{engine::SystemRandom, port::Random};

/// Reads settings from nothing but these variables, written without `VESTIBULE_`.
pub(super) fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
    read_with(&SystemRandom, pairs)
}

/// The same with chance handed in.
pub(super) fn read_with(random: &dyn Random, pairs: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut environment: HashMap<String, String> = pairs
        .iter()
        .map(|(key, value)| (format!("VESTIBULE_{key}"), (*value).to_owned()))
        .collect();
    environment
        .insert("VESTIBULE_DATA_DIR".to_owned(), folder.path().join("data").display().to_string());
    Config::read(None, environment, random).map_err(|error| error.to_string())
}
