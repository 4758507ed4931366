//! The folder whose templates replace ours (`templates_dir`).
//!
//! It holds any of the files that `templates/mail` and `templates/sms` hold, under the same names;
//! what is not there stays ours. A file that belongs to no message is a mistake: most likely its
//! name is, and a text that somebody wrote would never be sent. Names that begin with a dot, and a
//! `README.md`, are passed over.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A template with a mistake, as a sentence that names file and line.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}{}: {what}",
    .file.display(),
    .line.map(|line| format!(", line {line}")).unwrap_or_default()
)]
pub struct TemplateError {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub what: String,
}

/// The templates in the folder, by their name in `templates/`.
///
/// # Errors
/// With the first file that cannot be read or is none of `known`.
pub(super) fn read(
    folder: &Path,
    known: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut sources = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for file in entries(&inner).map_err(|error| unreadable(&inner, &error))? {
            let Ok(name) =
                file.strip_prefix(folder).map(|name| name.to_string_lossy().replace('\\', "/"))
            else {
                continue;
            };
            if file.is_dir() {
                folders.push(file);
            } else if known.iter().any(|(known, _)| *known == name) {
                sources.insert(
                    name,
                    fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?,
                );
            } else {
                let what =
                    "it belongs to no message; the names are those of templates/ in the source"
                        .to_owned();
                return Err(TemplateError { file, line: None, what });
            }
        }
    }
    Ok(sources)
}

/// Entries of a folder, sorted, so that the first mistake is always the same one.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let is_other = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') || name == "README.md"
    };
    entries.retain(|path| !is_other(path));
    entries.sort();
    Ok(entries)
}

fn unreadable(file: &Path, error: &io::Error) -> TemplateError {
    TemplateError { file: file.to_owned(), line: None, what: format!("it cannot be read: {error}") }
}
