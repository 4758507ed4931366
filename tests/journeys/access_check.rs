//! `vestibule access check`, beside a server that is open.

use std::process::Command;

use crate::support::TestServer;

const SETTINGS: &[(&str, &str)] = &[
    ("VESTIBULE_SERVER__PUBLIC_URL", "https://id.example.com"),
    ("VESTIBULE_ACCESS__HOSTS", "app.example.com"),
    ("VESTIBULE_ACCESS__COOKIE_DOMAIN", "example.com"),
    ("VESTIBULE_ACCESS__GROUPS_FIELD", "groups"),
    (
        "VESTIBULE_ACCESS__RULES",
        r#"[{"path": "/public", "who": "anyone"}, {"path": "/money", "who": "second_factor"}, {"path": "/admin", "groups": ["admins"]}]"#,
    ),
    ("VESTIBULE_ENGINE__USER_FIELDS__GROUPS__TYPE", "list"),
    ("VESTIBULE_ENGINE__USER_FIELDS__GROUPS__WRITE", "operator"),
    ("VESTIBULE_ENGINE__USER_FIELDS__GROUPS__DEFAULT", r#"["staff"]"#),
];

/// Output of the command, and whether its status is 0.
fn check(server: &TestServer, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["access", "check"]).args(arguments).current_dir(server.folder());
    command.envs(SETTINGS.iter().copied()).env("VESTIBULE_DATA_DIR", server.folder());
    let output = command.output().expect("the command runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("UTF-8"))
}

#[actix_web::test]
async fn the_command_says_what_a_rule_would_do_and_why() {
    let server = TestServer::open_with(SETTINGS).await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let ann = ["--as", "ann@example.com"];
    for (page, person, granted, words) in [
        ("/x", &ann[..], true, ["none matches: members", "no second factor, in staff"]),
        ("/x", &[], false, ["none matches: members", "must sign in first"]),
        (
            "/public/x",
            &[],
            true,
            ["number 1 of access.rules: every host, path /public: anyone", "not signed in"],
        ),
        (
            "/money",
            &ann[..],
            false,
            ["number 2 of access.rules", "wants an account with a second factor"],
        ),
        (
            "/admin",
            &ann[..],
            false,
            [
                "number 3 of access.rules: every host, path /admin: the groups admins",
                "another group",
            ],
        ),
        ("/public/..%2Fadmin", &ann[..], false, ["the path itself is refused", "climbing"]),
    ] {
        let url = format!("https://app.example.com{page}");
        let (success, text) = check(&server, &[&[&*url], person].concat());
        assert_eq!(success, granted, "{page}: {text}");
        for words in words {
            assert!(text.contains(words), "{page}: {words}: {text}");
        }
    }
    let (success, text) = check(&server, &["https://evil.example/public"]);
    assert!(!success && text.contains("access.hosts"), "{text}");
    let (success, text) =
        check(&server, &["https://app.example.com/", "--as", "nobody@example.com"]);
    assert!(!success && text.contains("no account with nobody@example.com"), "{text}");
}
