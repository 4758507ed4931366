//! Work that costs more than a millisecond: bounded, and shed when there is too much of it (S108).

use std::{fs, path::Path};

use futures_util::future::join_all;

use super::fixture::{Fixture, PASSWORD, somebody, with};
use crate::port::{AuthManager, FileQuery, OperationError, Outcome, Password, Storage};

fn shed<T>(answers: Vec<Outcome<T>>) -> usize {
    let is_shed = |answer: &Outcome<T>| {
        matches!(
            answer,
            Err(OperationError::Internal(failure)) if failure.retry_after.is_some()
        )
    };
    answers.iter().filter(|answer| is_shed(answer)).count()
}

/// S108
#[tokio::test]
async fn a_burst_of_numbers_is_shed_and_one_gets_through() {
    let fixture = Fixture::each().await.remove(0);
    let engine = &fixture.engine;
    let number = |number: usize| format!("+4479{number:08}");
    let sign_in =
        |at| engine.sign_in_with_phone(somebody(), number(at), Password::entered(PASSWORD));
    let send = |at| engine.send_reset_password_code(somebody(), number(at));
    let verify = |at| engine.verify_phone(somebody(), number(at), "123456".to_owned());
    let read = |at| engine.read_phone(somebody(), number(at), String::new());
    for burst in [
        shed(join_all((0..200).map(sign_in)).await),
        shed(join_all((0..200).map(send)).await),
        shed(join_all((0..200).map(verify)).await),
        shed(join_all((0..200).map(read)).await),
    ] {
        assert!((1..=180).contains(&burst), "{burst} of 200 are told to come back");
    }
    assert!(read(1).await.is_ok());
}

/// S108
#[tokio::test]
async fn a_burst_of_searches_is_shed_and_one_gets_through() {
    let fixture = Fixture::each().await.remove(0);
    let caller = with(&fixture.signed_in_user("ann@example.com").await);
    let query = || FileQuery {
        expression: Some("fileName == 'a' || ".repeat(80) + "true"),
        ..FileQuery::default()
    };
    let search = || fixture.engine.search_files(caller.clone(), query());
    let burst = shed(join_all((0..200).map(|_| search())).await);
    assert!((1..200).contains(&burst), "{burst} of 200 are told to come back");
    assert_eq!(search().await.unwrap().total, 0);
}

/// S108: a transaction keeps the other writers of SQLite waiting, so nothing that queues for a
/// thread of a pool stands in one.
#[test]
fn no_operation_queues_for_a_thread_inside_a_transaction() {
    const QUEUES: [&str; 5] =
        [".hasher()", "judge_password(", "passwords::rate(", "parse_phone(", ".image_pool."];
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/operations")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for function in source.split("\n}\n") {
                let Some((before, inside)) = function.split_once(".begin().await?") else {
                    continue;
                };
                let name =
                    before.rsplit("fn ").next().and_then(|rest| rest.split(['(', '<']).next());
                let inside = inside.split(".commit().await?;\n    let").next().unwrap();
                let queues = QUEUES.iter().filter(|queue| inside.contains(*queue));
                found.extend(queues.map(|queue| format!("{}: {name:?} {queue}", path.display())));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
