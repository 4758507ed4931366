//! The step-up page, with a backend that takes whatever was typed.

use super::{at_home, browser, settings};

/// Markup that breaks out of a page without escaping, as a form sends it.
const EVIL: &str = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%26amp;%27";

/// S54, S55
#[actix_web::test]
async fn what_is_carried_is_escaped_and_comes_out_as_it_was_typed() {
    let mut browser = at_home().await;
    browser.sign_in().await;
    browser.get("/profile/email").await;
    let asked = browser.post("/profile/email", &format!("email={EVIL}")).await;
    assert_eq!(asked.status, 403);
    let carried = "<input type=\"hidden\" name=\"email\" \
        value=\"&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;amp;&#39;\">";
    assert!(asked.text.contains(carried) && !asked.text.contains("<script"), "{}", asked.text);
    let again =
        browser.post("/profile/email", &format!("email={EVIL}&proof_password=a+bad+guess")).await;
    assert_eq!(again.status, 401);
    assert!(again.text.contains(carried) && !again.text.contains("bad guess"), "{}", again.text);
    let done =
        browser.post("/profile/email", &format!("email={EVIL}&proof_password=open+sesame")).await;
    assert_eq!((done.status.as_u16(), done.location.as_str()), (303, "/profile/email"));
    assert_eq!(*browser.fake.emailed.lock().unwrap(), ["\"><script>alert(1)</script>&amp;'"]);
}

/// S51: the page leads nowhere but to where it came from, under a sub path too.
#[actix_web::test]
async fn the_page_sends_its_form_to_the_path_it_came_from() {
    let mut browser = browser(settings("http://localhost:3000/hall")).await;
    browser.get("/hall/sign-in").await;
    browser.post("/hall/sign-in", "email=ann@example.com&password=open+sesame").await;
    browser.get("/hall/profile/email").await;
    let asked = browser
        .post("/hall/profile/email?next=//evil.example", "email=a&return_to=//evil.example")
        .await;
    assert_eq!(asked.status, 403);
    assert!(
        asked.text.contains("action=\"/hall/profile/email\"") && !asked.text.contains("evil"),
        "{}",
        asked.text
    );
}
