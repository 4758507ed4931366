//! A hall under a path of somebody's site: every link, form, redirect and cookie stays below it.

use crate::support::{Hall, PASSWORD};

#[actix_web::test]
async fn the_whole_way_in_works_under_a_path() {
    let hall = Hall::open_with(&[("VESTIBULE_SERVER__PUBLIC_URL", "https://example.com/hall")]).await;
    let mut ann = hall.browser();
    ann.open("/hall/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Create account").await;
    let link = hall.newest_mail_to("ann@example.com").await.link();
    assert!(link.starts_with("https://example.com/hall/_api/"), "{link}");
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/hall/profile", "{}", ann.page.text());
    for part in ["href=\"/profile", "action=\"/sign-out", "href=\"/static"] {
        assert!(!ann.page.html().contains(part), "{part}");
    }
    assert!(ann.cookie_header().starts_with("__Secure-vestibule="), "the cookie is kept to https and to the path");
    ann.press("Sign out").await;
    ann.open("/hall/profile").await;
    assert_eq!(ann.page.path, "/hall/sign-in");
}
