//! Holds the source against the house plan: who may use whom, and what no file may contain.
//!
//! The table below is the plan's table. A path is read as the compiler reads it: `crate::…`, any
//! number of `super::`, and groups of `use`, wherever they stand, test modules included; comments
//! and strings do not count. A renamed crate root (`use crate as …`) would hide a path from this
//! reading, so it is refused as well.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One row of the plan: a part, the parts it may use, and whether it may know the web framework.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
    actix: bool,
}

const LAYERS: &[Layer] = &[
    Layer { name: "port", may_use: &[], never: &[], actix: false },
    Layer { name: "protocol", may_use: &["port"], never: &[], actix: false },
    Layer {
        name: "remote",
        may_use: &["port", "protocol", "http::tls", "server::work_pool"],
        never: &[],
        actix: false,
    },
    Layer { name: "http", may_use: &[], never: &[], actix: true },
    Layer { name: "http::forwarded", may_use: &["port"], never: &[], actix: true },
    Layer { name: "http::overload", may_use: &["port"], never: &[], actix: true },
    Layer { name: "http::plain_headers", may_use: &[], never: &[], actix: true },
    Layer { name: "http::tls", may_use: &[], never: &[], actix: false },
    Layer {
        name: "http::remote_pictures",
        may_use: &["port", "protocol", "remote"],
        never: &[],
        actix: true,
    },
    Layer {
        name: "http::request_log",
        may_use: &["port", "http::forwarded", "telemetry::metrics"],
        never: &[],
        actix: true,
    },
    Layer {
        name: "http::diagnostics",
        may_use: &["engine", "http::forwarded", "http::request_log"],
        never: &["engine::store"],
        actix: true,
    },
    Layer {
        name: "server",
        may_use: &["config", "http::forwarded", "http::overload"],
        never: &[],
        actix: true,
    },
    Layer { name: "server::signals", may_use: &[], never: &[], actix: false },
    Layer { name: "server::work_pool", may_use: &["port"], never: &[], actix: false },
    Layer { name: "telemetry", may_use: &["config", "port"], never: &[], actix: true },
    Layer { name: "telemetry::log_throttle", may_use: &["port"], never: &[], actix: false },
    Layer {
        name: "telemetry::metrics",
        may_use: &["port", "engine", "server::work_pool", "http"],
        never: &["engine::store"],
        actix: true,
    },
    Layer {
        name: "engine",
        may_use: &["port", "telemetry::log_throttle", "server::work_pool"],
        never: &[],
        actix: false,
    },
    Layer {
        name: "rest",
        may_use: &["port", "protocol", "engine", "http", "telemetry::log_throttle"],
        never: &["engine::store"],
        actix: true,
    },
    Layer { name: "access_rules", may_use: &["port"], never: &[], actix: false },
    Layer {
        name: "web",
        may_use: &["port", "http", "access_rules", "telemetry::log_throttle", "server::work_pool"],
        never: &["http::remote_pictures"],
        actix: true,
    },
    Layer {
        name: "config",
        may_use: &["port", "engine", "rest", "http::forwarded", "access_rules"],
        never: &["engine::store"],
        actix: false,
    },
];

/// The files that put the parts together and may name every one of them.
const COMPOSITION: &[&str] = &["main", "lib", "cli", "app"];

#[test]
fn every_part_uses_only_what_the_plan_gives_it() {
    let sources = rust_sources("src");
    assert!(sources.len() > 10, "the reader found only {} source files", sources.len());
    let faults: Vec<String> = sources.iter().flat_map(|path| layer_faults(path)).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_lint_is_switched_off_without_a_reason() {
    let mut faults = Vec::new();
    for path in
        ["src", "tests", "examples", "benches"].iter().flat_map(|folder| rust_sources(folder))
    {
        let tokens = tokens(&read(&path));
        if tokens.windows(2).any(|pair| pair[0] == Token::Mark('[') && pair[1].is("allow")) {
            faults.push(format!("{}: use #[expect(…, reason = \"…\")]", path.display()));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_page_carries_a_script_or_an_inline_style() {
    let pages = files("templates", &["html"]);
    assert!(!pages.is_empty(), "no templates found");
    let mut faults = Vec::new();
    for path in &pages {
        let mail = path.components().any(|part| part.as_os_str() == "mail");
        for (number, line) in read(path).lines().enumerate() {
            faults.extend(
                markup_faults(line, mail)
                    .map(|fault| format!("{}:{}: {fault}", path.display(), number + 1)),
            );
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// S57: the store takes statements that are constants of the program, and values apart from them.
/// Nothing goes round it.
#[test]
fn every_statement_is_a_constant_and_goes_through_the_store() {
    let store = Path::new("src/engine/store");
    let mut faults = Vec::new();
    for path in files("src", &["rs"]) {
        if path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let text = read(&path);
        let is_store = path.starts_with(store);
        let ways = ["AssertSqlSafe", "raw_sql(", ".leak()", "Box::leak"];
        let ways = ways.into_iter().filter(|way| text.contains(way));
        faults.extend(ways.map(|way| format!("{}: {way}", path.display())));
        if !is_store && text.contains("sqlx::") {
            faults.push(format!("{}: only the store knows sqlx", path.display()));
        }
        let takes_sql = text.lines().filter(|line| is_store && line.contains("sql: &"));
        let faulty = takes_sql.filter(|line| !line.contains("sql: &'static str"));
        faults.extend(faulty.map(|line| format!("{}: {}", path.display(), line.trim())));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_tracked_file_names_a_registry_host_or_a_path_of_a_machine() {
    let listed =
        Command::new("git").args(["ls-files", "-z"]).output().expect("git lists the files");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    let mut faults = Vec::new();
    for name in listed.split_terminator('\0') {
        // What is not text holds no sentence; a file deleted but not yet committed is gone.
        let Ok(text) = fs::read_to_string(name) else { continue };
        for (number, line) in text.lines().enumerate() {
            faults
                .extend(place_faults(line).map(|fault| format!("{name}:{}: {fault}", number + 1)));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn layer_faults(path: &Path) -> Vec<String> {
    let module = module_of(path);
    let part = layer_of(&module).unwrap_or_else(|| stem(path).to_owned());
    if COMPOSITION.contains(&part.as_str()) {
        return Vec::new();
    }
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == part) else {
        return vec![format!("{}: `{part}` has no row in the table of layers", path.display())];
    };
    let tokens = tokens(&read(path));
    let mut faults: Vec<String> = paths(&tokens, &module)
        .iter()
        .filter_map(|used| layer.objection(used))
        .map(|objection| format!("{}: {objection}", path.display()))
        .collect();
    if !layer.actix && tokens.iter().any(Token::is_actix) {
        faults.push(format!("{}: `{part}` knows actix", path.display()));
    }
    faults
}

impl Layer {
    /// Objection of the plan to a path from the crate's root, if anything.
    fn objection(&self, used: &[String]) -> Option<String> {
        let part = &layer_of(used)?;
        let path = used.join("::");
        if part == "*" || part == "as" {
            return Some(format!("`crate::{part}` hides what it uses"));
        }
        let may_use = |own: &&str| part == own || part.starts_with(&format!("{own}::"));
        if part != self.name && !self.may_use.iter().any(may_use) && !is_inside(self.name, part) {
            return Some(format!("`{}` may not use `crate::{path}`", self.name));
        }
        let never = self
            .never
            .iter()
            .find(|never| path == **never || path.starts_with(&format!("{never}::")))?;
        Some(format!("`{}` may never use `crate::{never}`", self.name))
    }
}

/// The layer of a module: the longest row of the table that its path begins with, or its first
/// part.
fn layer_of(module: &[String]) -> Option<String> {
    let path = module.join("::");
    let begins = |name: &str| path == name || path.starts_with(&format!("{name}::"));
    let rows = LAYERS.iter().map(|layer| layer.name).filter(|name| begins(name));
    let longest = rows.max_by_key(|name| name.len()).map(str::to_owned);
    longest.or_else(|| module.first().cloned())
}

/// Whether one layer is a part of the other, as `http::tls` of `http`.
fn is_inside(one: &str, other: &str) -> bool {
    one.starts_with(&format!("{other}::")) || other.starts_with(&format!("{one}::"))
}

/// The module that a file is, from the crate's root: `src/web/pages/home.rs` is `web::pages::home`.
fn module_of(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix("src").unwrap_or(path).with_extension("");
    let mut module: Vec<String> =
        inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// Every path of the file that leads through `crate` or `super` to the crate's root, from that root
/// on.
fn paths(tokens: &[Token], module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut here = module.to_vec();
    let mut depth = 0usize;
    let mut inline_modules = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{') => {
                depth += 1;
                if let Some([keyword, Token::Word(name)]) =
                    at.checked_sub(2).map(|start| &tokens[start..at])
                    && keyword.is("mod")
                {
                    here.push(name.clone());
                    inline_modules.push(depth);
                }
            }
            Token::Mark('}') => {
                if inline_modules.last() == Some(&depth) {
                    inline_modules.pop();
                    here.pop();
                }
                depth = depth.saturating_sub(1);
            }
            Token::Word(word) if begins_path(tokens, at) => match word.as_str() {
                "crate" => expand(tokens, at + 1, &[], &mut found),
                "super" | "self" => expand(tokens, at, &here, &mut found),
                _ => {}
            },
            _ => {}
        }
    }
    found
}

fn begins_path(tokens: &[Token], at: usize) -> bool {
    at == 0 || tokens[at - 1] != Token::Separator
}

/// Follows one path, or the tree of a `use`, from `at`; `prefix` is the module reached so far.
/// Returns where it ends.
fn expand(tokens: &[Token], at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) {
    follow(tokens, at, prefix.to_vec(), found);
}

fn follow(
    tokens: &[Token],
    mut at: usize,
    mut reached: Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    loop {
        match tokens.get(at) {
            Some(Token::Separator) => at += 1,
            Some(word) if word.is("super") => {
                reached.pop();
                at += 1;
            }
            Some(word) if word.is("self") => at += 1,
            Some(word) if word.is("as") => {
                if reached.is_empty() {
                    reached.push("as".to_owned());
                }
                found.push(reached);
                return at + 2;
            }
            Some(Token::Word(word)) if at > 0 && continues(&tokens[at - 1]) => {
                reached.push(word.clone());
                at += 1;
            }
            Some(Token::Mark('*')) if continues(&tokens[at - 1]) => {
                reached.push("*".to_owned());
                at += 1;
            }
            Some(Token::Mark('{')) if tokens[at - 1] == Token::Separator => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != Token::Mark('}')) {
                    at = follow(tokens, at, reached.clone(), found);
                    if tokens.get(at) == Some(&Token::Mark(',')) {
                        at += 1;
                    }
                }
                return at + 1;
            }
            _ => {
                found.push(reached);
                return at;
            }
        }
    }
}

/// Whether a word after this token still belongs to the same path or begins a branch of its tree.
fn continues(before: &Token) -> bool {
    matches!(before, Token::Separator | Token::Mark('{' | ','))
}

/// As much of Rust's grammar as a path needs.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Separator,
    Mark(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    fn is_actix(&self) -> bool {
        matches!(self, Self::Word(own) if own == "actix" || own.starts_with("actix_"))
    }
}

/// The tokens of a source text, without comments, strings, characters and lifetimes.
fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let rest = &letters[at..];
        at += match letter {
            '/' if rest.get(1) == Some(&'/') => length_until(rest, &['\n']),
            '/' if rest.get(1) == Some(&'*') => length_until(rest, &['*', '/']),
            '"' => quoted_length(rest),
            '\'' => character_or_lifetime_length(rest),
            'r' | 'b' | 'c' if raw_string_length(rest).is_some() => {
                raw_string_length(rest).unwrap_or(1)
            }
            ':' if rest.get(1) == Some(&':') => {
                tokens.push(Token::Separator);
                2
            }
            _ if letter == '_' || letter.is_alphabetic() => {
                let word: String = rest.iter().take_while(|letter| is_word(**letter)).collect();
                let length = word.chars().count();
                tokens.push(Token::Word(word));
                length
            }
            _ => {
                if !letter.is_whitespace() && !letter.is_numeric() {
                    tokens.push(Token::Mark(letter));
                }
                1
            }
        };
    }
    tokens
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

fn length_until(rest: &[char], end: &[char]) -> usize {
    rest.windows(end.len()).position(|window| window == end).map_or(rest.len(), |at| at + end.len())
}

fn quoted_length(rest: &[char]) -> usize {
    let mut at = 1;
    while let Some(letter) = rest.get(at) {
        match letter {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn character_or_lifetime_length(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => 3 + length_until(&rest[3.min(rest.len())..], &['\'']),
        (Some(_), Some('\'')) => 3,
        _ => 1,
    }
}

/// The length of `r"…"`, `br#"…"#` and the like, if one begins here.
fn raw_string_length(rest: &[char]) -> Option<usize> {
    let prefix = rest.iter().take_while(|letter| "rbc".contains(**letter)).count();
    if !rest[..prefix].contains(&'r') {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|letter| **letter == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        return None;
    }
    let start = prefix + hashes + 1;
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    Some(start + length_until(&rest[start..], &end))
}

fn markup_faults(line: &str, mail: bool) -> impl Iterator<Item = String> + use<> {
    let lower = line.to_ascii_lowercase();
    let mut faults = Vec::new();
    for banned in ["<script", "javascript:"] {
        if lower.contains(banned) {
            faults.push(format!("`{banned}` has no place here"));
        }
    }
    if attributes(&lower).any(|name| name.len() > 2 && name.starts_with("on")) {
        faults.push("an event attribute is a script".to_owned());
    }
    if !mail && attributes(&lower).any(|name| name == "style") {
        faults.push(
            "a style belongs in the stylesheet; the content security policy stops this one"
                .to_owned(),
        );
    }
    if lower.replace(' ', "").contains("|safe") {
        faults.push("`|safe` switches escaping off (S55)".to_owned());
    }
    faults.into_iter()
}

/// The names before each `=` that stand where an attribute stands: after white space.
fn attributes(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices('=').filter_map(|(at, _)| {
        let name_start =
            line[..at].rfind(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')? + 1;
        let name = &line[name_start..at];
        (!name.is_empty() && line[..name_start].ends_with(char::is_whitespace)).then_some(name)
    })
}

fn place_faults(line: &str) -> impl Iterator<Item = String> + use<> {
    // Put together here, so that this file does not name them either.
    let hosts = [
        concat!("registry.npm", "js.org"),
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("deb.debian", ".org"),
        concat!("files.python", "hosted.org"),
    ];
    let folders = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/fa", "rm/"),
        concat!("/tmp/", "wt/"),
    ];
    let mut faults: Vec<String> = hosts
        .into_iter()
        .filter(|host| line.contains(host))
        .map(|host| format!("names the registry {host}"))
        .collect();
    for folder in folders {
        let begins = |at: usize| {
            line[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
        };
        if line.match_indices(folder).any(|(at, _)| begins(at)) {
            faults.push(format!("names the machine's folder {folder}"));
        }
    }
    faults.into_iter()
}

fn rust_sources(folder: &str) -> Vec<PathBuf> {
    files(folder, &["rs"])
}

fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .and_then(|own| own.to_str())
                .is_some_and(|own| extensions.contains(&own))
            {
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

/// The reader has to see what the compiler sees; a rule that nothing can break holds nothing.
mod the_reader {
    use super::*;

    fn used(module: &[&str], source: &str) -> Vec<String> {
        let module: Vec<String> = module.iter().map(ToString::to_string).collect();
        let mut used: Vec<String> =
            paths(&tokens(source), &module).iter().map(|path| path.join("::")).collect();
        used.sort();
        used
    }

    #[test]
    fn follows_groups_supers_and_inline_modules() {
        let source = "use crate::{port::{Email, Code}, engine::store as cupboard}; use \
            super::super::rest; mod tests { use super::super::super::web::Page; }";
        let expected = ["engine::store", "port::Code", "port::Email", "rest", "web::Page"];
        assert_eq!(used(&["engine", "operations"], source), expected);
    }

    #[test]
    fn reads_paths_in_expressions_and_macros() {
        assert_eq!(
            used(&["web"], "fn f() -> crate::engine::Engine { $crate::rest::x!() }"),
            ["engine::Engine", "rest::x"]
        );
    }

    #[test]
    fn skips_comments_strings_characters_and_lifetimes() {
        let source = r##"/* crate::a */ // crate::b
            let x = "crate::c"; let y = r#"crate::d " crate::e"#; let z: &'static str = '"'; let q = '\''; crate::port::Seen"##;
        assert_eq!(used(&["web"], source), ["port::Seen"]);
    }

    #[test]
    fn objects_to_what_the_plan_forbids() {
        let layer = |name| LAYERS.iter().find(|layer| layer.name == name).unwrap();
        let path = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
        assert!(layer("web").objection(&path("engine::Engine")).is_some());
        assert!(layer("rest").objection(&path("engine::store::Store")).is_some());
        assert!(layer("rest").objection(&path("engine::Engine")).is_none());
        assert!(layer("engine").objection(&path("as")).is_some(), "a renamed root hides a path");
        assert!(tokens("use actix_web::web;").iter().any(Token::is_actix));
    }

    #[test]
    fn sees_scripts_styles_and_unescaped_text_in_markup() {
        for line in [
            "<SCRIPT src=x>",
            "<a href=\"javascript:x\">",
            "<a onclick=\"x\">",
            "<p style=\"x\">",
            "{{ name | safe }}",
        ] {
            assert!(markup_faults(line, false).next().is_some(), "{line}");
        }
        assert!(
            markup_faults("<p class=\"notice\" data-on=\"1\">one = two, on = off", false)
                .next()
                .is_none()
        );
        assert!(
            markup_faults("<p style=\"color: #222\">", true).next().is_none(),
            "mail may carry its style"
        );
    }

    #[test]
    fn sees_paths_and_hosts() {
        assert!(place_faults(concat!("see /wo", "rk/main/x")).next().is_some());
        assert!(place_faults(concat!("https://registry.npm", "js.org/x")).next().is_some());
        assert!(place_faults("https://example.com/homework/1").next().is_none());
    }
}
