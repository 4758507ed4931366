//! Static assets: the stylesheet and the icon, compressed when built and named by their content.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap},
};

/// A file of ours in three encodings.
struct Asset {
    name: &'static str,
    /// Its path, with a digest of its content.
    path: &'static str,
    media_type: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A year: a changed file has another name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The path of the stylesheet.
pub(crate) fn stylesheet() -> &'static str {
    path_of("vestibule.css")
}

/// The path of the icon.
pub(crate) fn icon() -> &'static str {
    path_of("icon.svg")
}

/// The paths of all of them, for the route table.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    ASSETS.iter().map(|asset| asset.path)
}

/// Serves the file that ends the request's path, in the best encoding the browser takes.
pub(crate) async fn show(request: HttpRequest) -> HttpResponse {
    let Some(asset) = ASSETS.iter().find(|asset| request.path().ends_with(asset.path)) else {
        return HttpResponse::NotFound().finish();
    };
    let (encoding, bytes) = match best_encoding(request.headers()) {
        "br" => (Some("br"), asset.brotli),
        "gzip" => (Some("gzip"), asset.gzip),
        _ => (None, asset.plain),
    };
    let mut response = HttpResponse::Ok();
    response
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::VARY, "Accept-Encoding"));
    if let Some(encoding) = encoding {
        response.insert_header((header::CONTENT_ENCODING, encoding));
    }
    response.body(bytes)
}

fn path_of(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path)
}

/// RFC 9110 §12.5.3, as far as browsers use it: an encoding counts when it is named and not with
/// `q=0`.
fn best_encoding(headers: &HeaderMap) -> &'static str {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let takes = |encoding: &str| {
        accepted.split(',').any(|entry| {
            let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let refused =
                weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
            name.trim().eq_ignore_ascii_case(encoding) && !refused
        })
    };
    ["br", "gzip"].into_iter().find(|encoding| takes(encoding)).unwrap_or("identity")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_browser_gets_what_it_takes() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, br;q=0", "gzip"),
            ("gzip;q=0, identity", "identity"),
            ("", "identity"),
            ("BR", "br"),
        ] {
            let request = TestRequest::default()
                .insert_header((header::ACCEPT_ENCODING, accepted))
                .to_http_request();
            assert_eq!(best_encoding(request.headers()), expected, "{accepted}");
        }
    }

    #[test]
    fn the_stylesheet_leaves_most_of_14_kb_to_the_page() {
        let asset = &ASSETS[0];
        assert!(
            asset.brotli.len() < 5_000 && asset.gzip.len() < 5_500,
            "{} {}",
            asset.brotli.len(),
            asset.gzip.len()
        );
        assert!(asset.path.starts_with("/static/vestibule.") && asset.path.ends_with(".css"));
    }
}
