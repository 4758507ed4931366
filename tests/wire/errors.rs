//! `docs/errors.md` against the source: every code with each of its statuses stands in the table,
//! nothing else does, and each test that is named is there.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_table_of_errors_lists_every_code_with_a_test_that_is_there() {
    let rows = rows();
    let listed: BTreeSet<(String, u16)> =
        rows.iter().map(|row| (row.code.clone(), row.status)).collect();
    assert_eq!(listed, said(), "docs/errors.md and src/protocol/errors.rs say different things");
    for row in rows {
        let folder = if row.file.starts_with("src/") { "" } else { "tests/" };
        let source = fs::read_to_string(root().join(folder).join(&row.file));
        let source =
            source.unwrap_or_else(|error| panic!("{}: {error}", row.file)).replace("\\'", "'");
        let definition = if row.file.ends_with(".rs") {
            format!("fn {}()", row.test)
        } else {
            format!("test('{}'", row.test)
        };
        assert!(
            source.contains(&definition),
            "{} has no test {:?} for {}",
            row.file,
            row.test,
            row.code
        );
    }
}

struct Row {
    code: String,
    status: u16,
    file: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string(root().join("docs/errors.md")).expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let [code, status, _, shown] = line.trim_matches('|').split(" | ").collect::<Vec<_>>()[..]
        else {
            panic!("a row has four cells: {line}")
        };
        let (file, test) =
            shown.trim().trim_start_matches('`').split_once("` ").expect("a file and a test");
        Row {
            code: code.trim().trim_matches('`').to_owned(),
            status: status.trim().parse().expect("a status"),
            file: file.to_owned(),
            test: test.to_owned(),
        }
    })
    .collect()
}

/// Contents of the source: each pair of a status and a code, and the failures, which have no pair.
fn said() -> BTreeSet<(String, u16)> {
    let source = fs::read_to_string(root().join("src/protocol/errors.rs")).expect("the source");
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let source: String = source.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    let mut said =
        BTreeSet::from([500, 503].map(|status| ("internal_server_error".to_owned(), status)));
    for piece in source.split('(').skip(1) {
        let Some((status, rest)) = piece.split_once(", \"") else { continue };
        let (Ok(status), Some((code, _))) = (status.parse(), rest.split_once('"')) else {
            continue;
        };
        if code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            said.insert((code.to_owned(), status));
        }
    }
    said
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
