//! In remote mode: the environment's pictures under our own origin, where the pages may show them.
//!
//! The path is the one that an embedded backend has for its public files, so that a page need not
//! know the difference.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web::{self, ServiceConfig},
};
use url::Url;

use crate::{port::Failure, protocol::paths, remote::Remote};

/// The bytes under one id hardly ever change; somebody who removes a picture is not shown it for
/// longer than this, in seconds.
const KEPT: &str = "private, max-age=3600";

/// Mounts `/_storage/{environment}/{bucket}/{file}` below the path of `public_url`.
pub(crate) fn routes(public_url: &str, remote: Remote) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let base = Url::parse(public_url)
        .map(|url| url.path().trim_end_matches('/').to_owned())
        .unwrap_or_default();
    move |app| {
        let path = format!("{base}{}/{{environment}}/{{bucket}}/{{file}}", paths::STORAGE);
        app.service(
            web::resource(path)
                .route(web::get().to({
                    let remote = remote.clone();
                    move |request| show(remote.clone(), request)
                }))
                .route(web::head().to(move |request| show(remote.clone(), request))),
        );
    }
}

async fn show(remote: Remote, request: HttpRequest) -> HttpResponse {
    let name = |part| request.match_info().get(part).unwrap_or_default();
    match remote.picture(name("environment"), name("bucket"), name("file")).await {
        Ok(Some(picture)) => closed(StatusCode::OK)
            .content_type(picture.mime_type)
            .insert_header((header::CACHE_CONTROL, KEPT))
            .body(picture.bytes),
        Ok(None) => closed(StatusCode::NOT_FOUND).finish(),
        Err(failure) => failed(&failure),
    }
}

/// Nobody reads a page instead of a picture, so there is none.
fn failed(failure: &Failure) -> HttpResponse {
    tracing::warn!("a picture could not be fetched: {failure}");
    let mut response = closed(StatusCode::SERVICE_UNAVAILABLE);
    if let Some(wait) = failure.retry_after {
        response.insert_header((header::RETRY_AFTER, wait.as_secs().max(1)));
    }
    response.finish()
}

/// Bytes of somebody else under our origin: never more than a picture to any browser (S69).
fn closed(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::CONTENT_DISPOSITION, "inline"))
        .insert_header(("cross-origin-resource-policy", "same-origin"));
    response
}
