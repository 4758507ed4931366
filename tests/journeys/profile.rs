//! The profile: name and picture.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use crate::support::TestServer;

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, Rgb([29, 91, 76])).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[actix_web::test]
async fn a_name_can_be_changed() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open("/profile/name").await;
    assert_eq!(ann.page.value("Name"), "Ann");
    ann.fill("Name", "Ann <b>Example</b> & Söhne");
    ann.press("Save").await;
    assert_eq!(ann.page.path, "/profile");
    assert!(
        ann.page.text().contains("Ann <b>Example</b> & Söhne"),
        "S55: shown as typed: {}",
        ann.page.text()
    );
}

#[actix_web::test]
async fn a_name_of_the_wrong_kind_is_refused_and_kept_in_the_form() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open("/profile/name").await;
    ann.fill("Name", &"x".repeat(101));
    ann.press("Save").await;
    assert_eq!(ann.page.status, 422);
    assert!(ann.page.problem("Name").unwrap().contains("at most 100"));
    assert_eq!(ann.page.value("Name").len(), 101);
}

#[actix_web::test]
async fn a_picture_is_cropped_re_encoded_and_shown() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open("/profile/picture").await;
    ann.attach("Picture", "../../me.png", &picture(900, 600, ImageFormat::Png));
    ann.press("Upload").await;
    ann.open("/profile").await;
    let html = ann.page.html();
    let source = html
        .split("<img ")
        .nth(1)
        .expect("a picture")
        .split("src=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();

    let mut anybody = server.browser();
    anybody.open(&source).await;
    assert_eq!(anybody.page.status, 200);
    assert!(anybody.page.header("content-type").unwrap().starts_with("image/"));
    assert_eq!(anybody.page.header("x-content-type-options"), Some("nosniff"));
    let shown = image::load_from_memory(&anybody.page.bytes).unwrap();
    assert_eq!((shown.width(), shown.height()), (512, 512));

    ann.open("/profile/picture").await;
    ann.press("Remove the picture").await;
    anybody.open(&source).await;
    assert_eq!(anybody.page.status, 404, "S71: the old file is gone");
}

/// S68, S69: what is no picture, or too much of one, gets a sentence and changes nothing.
#[actix_web::test]
async fn what_is_not_a_picture_gets_a_sentence() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let mut huge = picture(2, 2, ImageFormat::Png);
    // The width and height of the PNG header, and its checksum is not looked at before they are.
    huge[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    for (kind, bytes) in [
        ("text", b"this is not a picture".to_vec()),
        ("nothing", Vec::new()),
        ("svg", svg),
        ("100 000 x 100 000", huge),
        ("cut off", picture(300, 300, ImageFormat::Jpeg)[..400].to_vec()),
        ("9 MB", vec![0xff; 9 * 1024 * 1024]),
    ] {
        ann.open("/profile/picture").await;
        ann.attach("Picture", "me.png", &bytes);
        ann.press("Upload").await;
        assert!((400..500).contains(&ann.page.status), "{kind}: {}", ann.page.status);
        assert!(ann.page.problem("Picture").is_some(), "{kind}: {}", ann.page.text());
    }
    ann.open("/profile").await;
    assert!(!ann.page.html().contains("_storage"), "nothing was stored");
}
