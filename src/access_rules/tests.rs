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

fn rule(host: Option<&str>, path: &str, who: Who) -> AccessRule {
    AccessRule { host: host.map(str::to_owned), path: PathPattern::new(path).unwrap(), who }
}

fn access() -> AccessRules {
    let admins = || Who::Groups(vec!["admins".to_owned()]);
    AccessRules {
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
fn verdict(path: &str, signed_in_user: Option<&User>) -> AccessVerdict {
    verdict_of(path, signed_in_user.map(|user| Person { user, second_factor: user.second_factor }))
}

fn verdict_of(path: &str, person: Option<Person<'_>>) -> AccessVerdict {
    let access = access();
    let asked = access.sites.page(&format!("https://app.example.com{path}")).unwrap();
    access.decide(&asked, person).verdict
}

#[test]
fn the_first_rule_that_matches_decides_and_else_signed_in_users_may_come() {
    let (ann, mut admin, mut careful) = (ann(), ann(), ann());
    admin.fields.insert("groups".into(), json!(["staff", "admins"]));
    careful.second_factor = true;
    assert_eq!(verdict("/public/x", None), AccessVerdict::Granted);
    assert_eq!(verdict("/a/b/site.css?v=1", None), AccessVerdict::Granted);
    assert_eq!(verdict("/", None), AccessVerdict::SignIn);
    assert_eq!(verdict("/publicity", None), AccessVerdict::SignIn);
    assert_eq!(verdict("/", Some(&ann)), AccessVerdict::Granted);
    assert_eq!(verdict("/admin/users", Some(&ann)), AccessVerdict::NotInGroup);
    assert_eq!(
        verdict("/admin/site.css", None),
        AccessVerdict::SignIn,
        "the first rule, not the freest"
    );
    assert_eq!(verdict("/admin", Some(&admin)), AccessVerdict::Granted);
    assert_eq!(verdict("/money/x", Some(&ann)), AccessVerdict::NeedsSecondFactor);
    assert_eq!(verdict("/money/x", Some(&careful)), AccessVerdict::Granted);
    let began_before = Some(Person { user: &careful, second_factor: false });
    assert_eq!(verdict_of("/money/x", began_before), AccessVerdict::ShowSecondFactor);
    assert_eq!(verdict_of("/", began_before), AccessVerdict::Granted);
}

/// The ways in which people got past the rules of others: the site reads a path differently than
/// the one who guards it.
#[test]
fn a_path_that_can_be_read_in_two_ways_must_be_allowed_in_both() {
    let ann = ann();
    for path in [
        "//admin",
        "/admin/",
        "/%61dmin",
        "/admin;x=1/users",
        "/admin%2Fusers",
        "/;a/admin",
        "/%2Fadmin",
    ] {
        assert_eq!(verdict(path, Some(&ann)), AccessVerdict::NotInGroup, "{path}");
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
        assert_eq!(verdict(path, Some(&ann)), AccessVerdict::Unclear, "{path}");
    }
    assert_eq!(
        verdict("/public%2Fx", None),
        AccessVerdict::SignIn,
        "perhaps it is a page named `public%2Fx`"
    );
    assert_eq!(verdict("/public/a%2Fb;v=1/100%25.%2541", None), AccessVerdict::Granted);
    assert_eq!(verdict("/public/c%23?to=#top", None), AccessVerdict::Granted);
}

/// S51: one page under every spelling that some site would take for it. Each is the page, or
/// refused.
#[test]
fn no_spelling_of_a_guarded_page_gets_past_its_rule() {
    let ann = ann();
    for path in [
        // Encoded once, twice, three times, four times.
        "/%61%64%6d%69%6e",
        "/%2561dmin",
        "/%252561dmin",
        "/%25252561dmin",
        "/admin%252Fusers",
        "/x/%252561dmin/../../admin",
        // Trailing dots, blanks and parameters, in every segment and encoded.
        "/admin.",
        "/admin...",
        "/admin%2e",
        "/admin%20",
        "/admin%20.%20",
        "/%20admin",
        "/admin%C2%A0",
        "/admin%E3%80%80",
        "/admin%2520",
        "/admin./users",
        "/admin%20/users",
        "/admin;jsessionid=1",
        "/admin;",
        "/admin%3Bx",
        "/admin%253Bx",
        "/admin%3Fx.css",
        "/admin%23x.css",
        "/admin%253Fx.css",
        // Case and letters that look alike.
        "/ADMIN",
        "/Admin/Users",
        "/%41dmin",
        "/%2541dmin",
        "/%EF%BD%81dmin",
        "/%EF%BC%A1%EF%BC%A4%EF%BC%AD%EF%BC%A9%EF%BC%AE",
        "/adm%C4%B1n",
        "/adm%C4%B0n",
        "/%E2%93%90dmin",
        "/ad%C2%ADmin",
        "/ad%E2%80%8Bmin",
        "/admin%EF%BB%BF",
        // Slashes, of any width.
        "//admin",
        "/.//admin",
        "/admin//",
        "/%EF%BC%8Fadmin",
        "/admin%EF%BC%8Fusers",
        "/admin%EF%BC%8E",
        "/%EF%BC%8561dmin",
        "/%EF%BC%85%EF%BC%96%EF%BC%91dmin",
    ] {
        let verdict = verdict(path, Some(&ann));
        assert!(
            [AccessVerdict::NotInGroup, AccessVerdict::Unclear].contains(&verdict),
            "{path}: {verdict:?}"
        );
    }
}

#[test]
fn what_can_be_read_as_climbing_or_as_no_honest_path_is_refused() {
    for path in [
        "/public/./admin",
        "/public/...",
        "/public/.%20/admin",
        "/public/..%20/admin",
        "/public/%20/admin",
        "/public/.%E2%80%8B./admin",
        "/public/%E2%80%A5/admin",
        "/public/%EF%BC%8E%EF%BC%8E/admin",
        "/public/%EF%BC%8E./admin",
        "/public/..%EF%BC%8Fadmin",
        "/public/..%C2%A5admin",
        "/public/..%EF%BC%BCadmin",
        "/public/%25252e%25252e/admin",
        "/public%25252f%2525252e./admin",
        "/public/%255cadmin",
        "/public/%2500",
        "/public/x%0d%0ay",
        "/public/x%2509",
        "/public/%7f",
        "/public/%C2%85",
        "/public/%c0%ae%c0%ae/admin",
        "/public/%e0%80%ae/admin",
        "/public/%25c0%25ae/admin",
        "/public/%25ff",
        "/public/%u002e",
        "/public/%25u002e%25u002e/admin",
        "/public/x::$DATA",
        "/public/x%3A%24i30:$INDEX_ALLOCATION",
        "/public/%252525252525252561",
        "/public/%2525252525",
    ] {
        assert_eq!(verdict(path, None), AccessVerdict::Unclear, "{path}");
    }
}

#[test]
fn honest_pages_are_open_whatever_is_in_their_names() {
    for path in [
        "/public",
        "/public/",
        "/public/Wait%E2%80%A6",
        "/public/a.b/c...d/.well-known/x",
        "/public/100%25",
        "/public/50%25%20off",
        "/public/a+b/c++",
        "/public/wiki/Talk:Main_(page)",
        "/public/r%C3%A9sum%C3%A9.PDF",
        "/public/%E6%9D%B1%E4%BA%AC/%EF%BC%A1%EF%BC%A2",
        "/public/what%3F",
        "/public/c%23",
        "/public/a%20b",
        "/public/~ann/$1,00",
        r"/public/x?back=\\server\share&y=%5c..%00",
        r"/public?\",
        "/public/x?",
        "/public/x?../../admin",
    ] {
        assert_eq!(verdict(path, None), AccessVerdict::Granted, "{path}");
    }
}

#[test]
fn a_rule_with_stars_holds_for_every_spelling_too() {
    let mut access = access();
    let admins = Who::Groups(vec!["admins".to_owned()]);
    access.rules = vec![rule(None, "/*/Secret.*", admins), rule(None, "/**", Who::Anyone)];
    let verdict = |path: &str| {
        let asked = access.sites.page(&format!("https://app.example.com{path}")).unwrap();
        access.decide(&asked, None).verdict
    };
    for path in [
        "/a/Secret.txt",
        "/a/secret.TXT",
        "/a/Secret.txt/",
        "/a/Secret.txt.",
        "/a/%2553ecret.txt",
        "//a//Secret.x",
    ] {
        assert_eq!(verdict(path), AccessVerdict::SignIn, "{path}");
    }
    for path in ["/a/secretary", "/secret.txt", "/a/b/secret.txt"] {
        assert_eq!(verdict(path), AccessVerdict::Granted, "{path}");
    }
}

/// S74, S108
#[test]
fn no_path_takes_long_to_judge() {
    let mut access = access();
    for pattern in ["/**a*a*a*a*b", "/**/x*y*z/**/q", "/*a*a*a*a*a*a*a*b"] {
        access.rules.push(rule(None, pattern, Who::Anyone));
    }
    for unit in ["a", "/a", "%61", "%2561", ";", "/%2e", "%EF%BC%8E", "xy/"] {
        let path = format!("/{}", unit.repeat(8000 / unit.len()));
        let asked = access.sites.page(&format!("https://app.example.com{path}")).unwrap();
        let began = std::time::Instant::now();
        access.decide(&asked, None);
        // Of an unoptimised build on a machine that does other things too.
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_millis(500), "{unit}: {took:?}");
    }
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
        r"https://app.example.com/x?path=C:\Users\ann",
        r"https://app.example.com?\",
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
        r"https://app.example.com/a\b?c",
        r"https://app.example.com#\?x",
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
    let matches = |pattern: &str, path: &str| {
        let reading = super::path::Reading::Exact(path.to_owned());
        PathPattern::new(pattern).unwrap().matches(&reading)
    };
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
    for (pattern, path) in [
        ("/a", "/ab"),
        ("/a/*", "/a/b/c"),
        ("/a/*/c", "/a/b/d/c"),
        ("/**/c", "/a/b/cd"),
        ("/*.css", "/a.css/x"),
    ] {
        assert!(!matches(pattern, path), "{pattern} {path}");
    }
    for bad in ["", "a", "/a//b", "/a?b", "/a/../b", "/%61", "/a b", "/ä", "/a;b"] {
        assert!(PathPattern::new(bad).is_none(), "{bad}");
    }
}
