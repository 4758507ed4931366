use jiff::Timestamp;
use serde_json::json;
use url::Url;

use super::*;

fn site(origin: &str) -> Site {
    Site::of(&Url::parse(origin).unwrap()).unwrap()
}

fn sites() -> Sites {
    Sites::new(
        site("https://id.example.com"),
        vec![site("https://app.example.com"), site("https://dev.example.com:8443")],
    )
}

fn rule(host: Option<&str>, path: &str, who: Who) -> Rule {
    Rule { host: host.map(str::to_owned), path: PathPattern::new(path).unwrap(), who }
}

fn access() -> Access {
    let admins = || Who::Groups(vec!["admins".to_owned()]);
    Access {
        sites: sites(),
        cookie_domain: Some("example.com".to_owned()),
        groups_field: Some("groups".to_owned()),
        rules: vec![
            rule(Some("app.example.com"), "/admin", admins()),
            rule(Some("app.example.com"), "/money", Who::SecondFactor),
            rule(None, "/public", Who::Anyone),
            rule(None, "/**/*.css", Who::Anyone),
        ],
    }
}

fn ann() -> User {
    User {
        id: "0123456789abcdef01234567".into(),
        provider: "altogic".into(),
        provider_user_id: "1".into(),
        email: Some("ann@example.com".into()),
        email_verified: true,
        phone: None,
        phone_verified: false,
        two_factor: false,
        second_factor: false,
        name: Some("Ann".into()),
        profile_picture: None,
        signed_up_at: Timestamp::UNIX_EPOCH,
        last_login_at: Timestamp::UNIX_EPOCH,
        fields: serde_json::Map::new(),
    }
}

/// In a session that showed the second factor, where there is one.
fn verdict(path: &str, member: Option<&User>) -> Verdict {
    verdict_of(path, member.map(|user| Person { user, second_factor: user.second_factor }))
}

fn verdict_of(path: &str, person: Option<Person<'_>>) -> Verdict {
    let access = access();
    let asked = access.sites.page(&format!("https://app.example.com{path}")).unwrap();
    access.decide(&asked, person).verdict
}

#[test]
fn the_first_rule_that_matches_decides_and_else_members_may_come() {
    let (ann, mut admin, mut careful) = (ann(), ann(), ann());
    admin.fields.insert("groups".into(), json!(["staff", "admins"]));
    careful.second_factor = true;
    assert_eq!(verdict("/public/x", None), Verdict::Granted);
    assert_eq!(verdict("/a/b/site.css?v=1", None), Verdict::Granted);
    assert_eq!(verdict("/", None), Verdict::SignIn);
    assert_eq!(verdict("/publicity", None), Verdict::SignIn);
    assert_eq!(verdict("/", Some(&ann)), Verdict::Granted);
    assert_eq!(verdict("/admin/users", Some(&ann)), Verdict::NotInGroup);
    assert_eq!(verdict("/admin/site.css", None), Verdict::SignIn, "the first rule, not the freest");
    assert_eq!(verdict("/admin", Some(&admin)), Verdict::Granted);
    assert_eq!(verdict("/money/x", Some(&ann)), Verdict::NeedsSecondFactor);
    assert_eq!(verdict("/money/x", Some(&careful)), Verdict::Granted);
    let began_before = Some(Person { user: &careful, second_factor: false });
    assert_eq!(verdict_of("/money/x", began_before), Verdict::ShowSecondFactor);
    assert_eq!(verdict_of("/", began_before), Verdict::Granted);
}

/// The ways in which people got past the rules of others: the site reads a path differently than the one who guards it.
#[test]
fn a_path_that_can_be_read_in_two_ways_must_be_allowed_in_both() {
    let ann = ann();
    for path in ["//admin", "/admin/", "/%61dmin", "/admin;x=1/users", "/admin%2Fusers", "/;a/admin", "/%2Fadmin"] {
        assert_eq!(verdict(path, Some(&ann)), Verdict::NotInGroup, "{path}");
    }
    for path in [
        "/public/../admin",
        "/public/%2e%2E/admin",
        "/public/..%2fadmin",
        "/public%2f..%2fadmin",
        "/public/..;/admin",
        "/public\u{2f}.%2e/admin",
        "/public/%252e%252E/admin",
        "/public/x%255c..%252fadmin",
        "/public/%00",
        "/public%5c..%5cadmin",
        "/public/%zz",
        "/public/%f",
        "/public/%ff",
        // nginx passes it on as it is, and Go's file server climbs behind it.
        "/public#/../admin",
        "/public#",
        "#",
    ] {
        assert_eq!(verdict(path, Some(&ann)), Verdict::Unclear, "{path}");
    }
    assert_eq!(verdict("/public%2Fx", None), Verdict::SignIn, "perhaps it is a page named `public%2Fx`");
    assert_eq!(verdict("/public/a%2Fb;v=1/100%25.%2541", None), Verdict::Granted);
    assert_eq!(verdict("/public/c%23?to=#top", None), Verdict::Granted);
}

#[test]
fn only_pages_of_listed_sites_are_pages_s51() {
    let sites = sites();
    for good in [
        "https://id.example.com/",
        "https://app.example.com",
        "https://APP.example.com:443/a?b=//c#d",
        "https://app.example.com./",
        "https://dev.example.com:8443/x",
    ] {
        assert!(sites.page(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "/profile",
        "//app.example.com/",
        "http://app.example.com/",
        "https://app.example.com:444/",
        "https://dev.example.com/",
        "https://example.com/",
        "https://app.example.com.evil.example/",
        "https://evil.example/https://app.example.com/",
        "https://app.example.com@evil.example/",
        "https://user@app.example.com/",
        "https://evil.example\\@app.example.com/",
        "https://app.example.com\\.evil.example/",
        "https:/app.example.com/",
        "https:app.example.com/",
        "https:///app.example.com/",
        " https://app.example.com/",
        "https://app.example.com/\r\nx",
        "https://app.ex\tample.com/",
        "https://%61pp.example.com/",
        "javascript://app.example.com/%0aalert(1)",
        &format!("https://app.example.com/{}", "a".repeat(9000)),
    ] {
        assert!(sites.page(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_pattern_is_a_prefix_of_segments_or_has_stars() {
    let matches = |pattern: &str, path: &str| PathPattern::new(pattern).unwrap().matches(path);
    for (pattern, path) in [
        ("/", "/"),
        ("/", "/a/b"),
        ("/a/", "/a"),
        ("/a/*/c", "/a/b/c"),
        ("/a/**", "/a/b/c"),
        ("/**/c", "/a/b/c"),
        ("/*a*a", "/aaaa"),
        ("/**/x*y/z", "/xy/xay/z"),
        ("/a**z", "/az"),
    ] {
        assert!(matches(pattern, path), "{pattern} {path}");
    }
    for (pattern, path) in
        [("/a", "/ab"), ("/a/*", "/a/b/c"), ("/a/*/c", "/a/b/d/c"), ("/**/c", "/a/b/cd"), ("/*.css", "/a.css/x")]
    {
        assert!(!matches(pattern, path), "{pattern} {path}");
    }
    for bad in ["", "a", "/a//b", "/a?b", "/a/../b", "/%61", "/a b", "/ä", "/a;b"] {
        assert!(PathPattern::new(bad).is_none(), "{bad}");
    }
}
