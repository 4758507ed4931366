//! The development inbox.

use crate::support::{Hall, PASSWORD};

#[actix_web::test]
async fn a_newcomer_finishes_the_sign_up_from_the_inbox_page() {
    let hall = Hall::open().await;
    let mut ann = hall.browser();
    ann.open("/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Create account").await;
    hall.vestibule.deliver().await;
    ann.open("/dev/inbox").await;
    assert!(ann.page.text().contains("ann@example.com"), "{}", ann.page.text());
    let html = ann.page.html();
    let link = html.split("href=\"").find(|part| part.contains("key=")).unwrap().split('"').next().unwrap();
    ann.open(&link.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert_eq!(ann.page.path, "/profile");
}

/// Whoever opens it reads every mail: behind a proxy, or on an address that others reach, it is not there.
#[actix_web::test]
async fn the_inbox_is_not_there_where_strangers_could_open_it() {
    for setting in
        [("VESTIBULE_SERVER__PUBLIC_URL", "https://accounts.example.com"), ("VESTIBULE_SERVER__LISTEN", "0.0.0.0:3000")]
    {
        let hall = Hall::open_with(&[setting]).await;
        let mut stranger = hall.browser();
        stranger.open("/dev/inbox").await;
        assert_eq!(stranger.page.status, 404, "{setting:?}");
        stranger.open("/").await;
        assert!(!stranger.page.html().contains("/dev/inbox"), "{setting:?}");
    }
}
