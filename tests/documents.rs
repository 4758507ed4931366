//! Holds the documents against the repository: ids that the code cites, tests and files that pages
//! name, links between pages, and the map of modules.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const REQUIREMENTS: &str = "docs/development/security-requirements.md";
/// File endings in which the code cites requirements.
const CODE: &[&str] = &["rs", "js", "html", "css", "sql"];

#[test]
fn every_requirement_that_the_code_cites_is_listed() {
    let listed: BTreeSet<String> = requirements().into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(listed.len(), 113 + 30, "S01 to S113 and R01 to R30");
    let mut faults = Vec::new();
    for path in ["src", "tests", "templates", "static", "benches"]
        .iter()
        .flat_map(|folder| files(folder, CODE))
    {
        let text = read(&path);
        let unlisted = cited(&text).into_iter().filter(|id| !listed.contains(id));
        faults.extend(
            unlisted.map(|id| format!("{}: {id} is not in {REQUIREMENTS}", path.display())),
        );
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_requirement_has_a_status_and_what_holds_names_its_test() {
    for row in requirements() {
        let [id, severity, _, source, status, shown] = &row[..] else {
            panic!("a row has six cells: {row:?}")
        };
        assert!(["A", "B", "C"].contains(&severity.as_str()) && !source.is_empty(), "{row:?}");
        let known = ["HOLDS", "PARTLY", "MISSING", "DOES NOT APPLY"];
        assert!(known.contains(&status.as_str()), "{id} has no status: {status:?}");
        assert!(!shown.is_empty(), "{id} names neither a test nor a reason");
        assert!(
            status != "HOLDS" || shown.starts_with('`') || shown.contains("scripts/test"),
            "{id}: no test"
        );
    }
}

#[test]
fn every_test_that_a_requirement_names_exists() {
    for row in requirements() {
        for named in row[5].split("<br>") {
            let Some((file, name)) = named.strip_prefix('`').and_then(|rest| rest.split_once("` "))
            else {
                continue;
            };
            // Code in a sentence is not the name of a test.
            if !Path::new(file).is_file() || !file.ends_with(".rs") && !file.ends_with(".test.js") {
                assert!(
                    !file.contains(".rs") && !file.contains(".test.js"),
                    "{}: no file {file}",
                    row[0]
                );
                continue;
            }
            let text = read(Path::new(file)).replace("\\'", "'");
            let is_there = if file.ends_with(".rs") {
                text.contains(&format!("fn {name}("))
            } else {
                ['\'', '"', '`'].iter().any(|quote| text.contains(&format!("{quote}{name}{quote}")))
            };
            assert!(is_there, "{}: {file} has no test {name:?}", row[0]);
            let head = text
                .split(&format!("fn {name}("))
                .next()
                .and_then(|before| before.rsplit("\n\n").next());
            let is_left_out = head.is_some_and(|head| head.contains("#[ignore"));
            assert!(!is_left_out, "{}: {name} is left out by default and shows nothing", row[0]);
        }
    }
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for target in links(&text) {
            seen += 1;
            let (file, heading) = target
                .split_once('#')
                .map_or((target, None), |(file, heading)| (file, Some(heading)));
            let folder = page.parent().unwrap_or(Path::new(""));
            let path = if file.is_empty() { page.clone() } else { folder.join(file) };
            if !path.exists() {
                faults.push(format!("{}: {target} does not exist", page.display()));
            } else if heading.is_some_and(|heading| !headings(&read(&path)).contains(heading)) {
                faults.push(format!("{}: {target} has no such heading", page.display()));
            }
        }
    }
    assert!(seen > 60, "only {seen} links found");
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_file_that_a_page_names_exists() {
    let mut faults = Vec::new();
    for page in pages() {
        for word in read(&page).split('`').skip(1).step_by(2) {
            let begins = [
                "src/",
                "tests/",
                "templates/",
                "deploy/",
                "benches/",
                "scripts/",
                "docs/",
                "examples/",
            ];
            let is_path = begins.iter().any(|folder| word.starts_with(folder))
                && !word.contains([' ', '<', '…', '*']);
            // A name that the reader chooses.
            if is_path && !word.contains("NNNN") && !Path::new(word).exists() {
                faults.push(format!("{}: there is no {word}", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_file_that_a_comment_names_exists() {
    let roots = ["", "src", "src/engine", "src/engine/operations", "src/web", "tests", "templates"];
    let mut faults = Vec::new();
    for path in files("src", &["rs"]) {
        let text = read(&path);
        let comments = text.lines().filter_map(|line| line.trim_start().strip_prefix("//"));
        for word in comments.flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let is_path = word.ends_with(".rs") && word.contains('/') && !word.contains([' ', '*']);
            let beside = path.parent().unwrap_or(Path::new(""));
            let is_there =
                roots.iter().map(Path::new).chain([beside]).any(|root| root.join(word).exists());
            if is_path && !is_there {
                faults.push(format!("{}: there is no {word}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_map_of_modules_lists_every_one() {
    let map = read(Path::new("docs/development/architecture.md"));
    let table = map
        .split("## Modules")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap_or_default();
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name);
    let listed: BTreeSet<String> = rows.map(str::to_owned).collect();
    let entries = fs::read_dir("src").expect("src").map(|entry| entry.expect("an entry").path());
    let found =
        entries.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned());
    assert_eq!(listed, found.collect::<BTreeSet<String>>());
}

/// The cells of each row of the two tables.
fn requirements() -> Vec<Vec<String>> {
    let text = read(Path::new(REQUIREMENTS));
    let rows = text.lines().filter(|line| {
        cited(line.get(2..6).unwrap_or_default()).len() == 1 && line.starts_with("| ")
    });
    rows.map(|line| {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

/// Ids such as S44 and R05 that stand alone as words. S256 is a method of PKCE.
fn cited(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let is_id = |word: &&str| {
        let digits = word.strip_prefix(['S', 'R']).unwrap_or_default();
        let right_length = digits.len() == 2 || word.starts_with('S') && digits.len() == 3;
        right_length && digits.bytes().all(|byte| byte.is_ascii_digit()) && *word != "S256"
    };
    words.filter(is_id).map(str::to_owned).collect()
}

/// Targets of Markdown links into the repository.
fn links(text: &str) -> Vec<&str> {
    let targets =
        text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// Anchors of the headings, as GitHub makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim());
    let anchor = |title: &str| {
        let kept =
            title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    titles.map(anchor).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = files("docs", &["md"]);
    pages.extend(
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "templates/README.md"].map(PathBuf::from),
    );
    pages.extend(files("deploy", &["md"]));
    pages
}

fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let ending = path
                .extension()
                .map(|ending| ending.to_string_lossy().into_owned())
                .unwrap_or_default();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if endings.contains(&ending.as_str()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
