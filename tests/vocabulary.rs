//! Holds the language of the code: no former word for a term of `docs/development/glossary.md`, no
//! doc comment that must be read twice, no line over 100 columns.

use std::{
    fs,
    path::{Path, PathBuf},
};

const GLOSSARY: &str = "docs/development/glossary.md";
const WIDTH: usize = 100;

/// Former words, each with its term. A word counts as a part of an identifier (`hall_url`,
/// `TheHall`) and, outside code spans, as a word of a comment.
const FORMER: &[(&str, &str)] = &[
    ("baggage", "upload budget"),
    ("courier", "delivery worker"),
    ("couriers", "delivery workers"),
    ("crowd", "connection limit"),
    ("crowded", "overloaded"),
    ("darkroom", "image pool"),
    ("disown", "remove password"),
    ("doors", "channels"),
    ("entrance", "sign-in outcome"),
    ("farewell", "provider logout"),
    ("guest", "visitor"),
    ("guests", "visitors"),
    ("hall", "server"),
    ("halls", "servers"),
    ("landing", "redirect target"),
    ("landings", "redirect targets"),
    ("mailed", "emailed"),
    ("newcomer", "new visitor"),
    ("newcomers", "new visitors"),
    ("outage", "log throttle"),
    ("portrait", "avatar"),
    ("stranger", "visitor"),
    ("strangers", "visitors"),
    ("texted", "sent by SMS"),
    ("unheeded", "unlisted proxy"),
];

/// Openings that make a sentence be read twice.
const OPENINGS: &[&str] = &["What ", "Whatever ", "Who ", "Whoever "];

/// Lines that rustfmt keeps longer than its own width.
const KEPT: &[&str] = &[") -> impl ServiceFactory<Accepted<T>"];

#[test]
fn no_identifier_and_no_comment_uses_a_former_word() {
    each_line(|line, _| {
        let found = FORMER.iter().find(|(former, _)| words(line).any(|word| word == *former));
        found.map(|(former, term)| format!("{former} is called {term}"))
    });
}

#[test]
fn no_doc_comment_begins_with_what_or_who() {
    each_line(|line, before| {
        let said = |line: &str| {
            let line = line.trim_start();
            line.strip_prefix("/// ").or_else(|| line.strip_prefix("//! ")).map(str::to_owned)
        };
        let begins = !opens_with(before, &["///", "//!"]);
        let text = said(line).filter(|_| begins)?;
        let opening = OPENINGS.iter().find(|opening| text.starts_with(**opening))?;
        Some(format!("begins with {opening:?}: {text}"))
    });
}

#[test]
fn no_line_is_longer_than_rustfmt_lets_it_be() {
    each_line(|line, _| {
        let columns = line.chars().count();
        let is_kept = KEPT.iter().any(|kept| line.contains(kept));
        let is_table = opens_with(line, &["//! |", "/// |"]);
        let is_long = columns > WIDTH && without_literals(line).chars().count() > WIDTH;
        (is_long && !is_kept && !is_table).then(|| format!("{columns} columns"))
    });
}

#[test]
fn the_glossary_has_each_term_once_and_in_order() {
    let text = fs::read_to_string(GLOSSARY).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let terms: Vec<String> =
        rows.map(|(term, _)| term.to_lowercase()).filter(|term| term != "term").collect();
    let mut sorted = terms.clone();
    sorted.sort();
    sorted.dedup();
    assert!(terms.len() >= 40, "{} terms", terms.len());
    assert_eq!(terms, sorted);
}

/// Fails with every fault that is found in a line, which comes with the line before it.
fn each_line(fault: impl Fn(&str, &str) -> Option<String>) {
    let mut faults = Vec::new();
    let paths = ["src", "tests", "benches", "examples"].iter().flat_map(sources);
    for path in paths.filter(|path| !path.ends_with("vocabulary.rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let mut before = "";
        for (number, line) in text.lines().enumerate() {
            let found = fault(line, before);
            faults.extend(found.map(|said| format!("{}:{}: {said}", path.display(), number + 1)));
            before = line;
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The words of a line in lower case: the parts of its identifiers, and the words of its comments.
/// Strings and code spans do not count.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut kept = String::new();
    let mut quote = None;
    let mut previous = ' ';
    for letter in line.chars() {
        match quote {
            Some(open) if letter == open && previous != '\\' => quote = None,
            None if letter == '"' || letter == '`' => quote = Some(letter),
            None => {
                if letter.is_uppercase() && previous.is_lowercase() {
                    kept.push(' ');
                }
                kept.extend(letter.to_lowercase());
            }
            Some(_) => {}
        }
        previous = letter;
    }
    let parts = kept.split(|letter: char| !letter.is_alphabetic());
    parts.map(str::to_owned).filter(|word| !word.is_empty()).collect::<Vec<_>>().into_iter()
}

fn opens_with(line: &str, marks: &[&str]) -> bool {
    marks.iter().any(|mark| line.trim_start().starts_with(mark))
}

/// A line without its literals, which cannot always be broken. A line of a literal that began
/// earlier has a single quote at its end, so everything before that one is left out.
fn without_literals(line: &str) -> String {
    let line = line.split_once("r#\"").map_or(line, |(code, _)| code);
    let quotes = line.matches('"').count();
    let line = if quotes == 1 { line.split_once('"').map_or("", |(_, rest)| rest) } else { line };
    let mut kept = String::new();
    let mut is_inside = false;
    for part in line.split('"') {
        if !is_inside {
            kept.push_str(part);
        }
        is_inside = !is_inside;
    }
    kept
}

fn sources(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.as_ref().to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path())
        {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == "rs") {
                found.push(path);
            }
        }
    }
    found
}
