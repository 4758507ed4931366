//! Public files: pictures for anybody, drawn by us (S69).

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, StatusCode, header},
};

use super::{
    RestBackend,
    reply::{self, Reply},
};
use crate::protocol::errors::Fault;

/// A picture may be replaced, made private or deleted, and its address be kept elsewhere: so it is
/// asked for again after an hour, which costs an answer without a body while it is the same. An
/// application that replaced one and shows the new public path shows the new picture at once: that
/// path has the version in it.
const CACHED: &str = "public, max-age=3600";

/// `GET /_storage/{environment}/{bucketId}/{fileId}`.
pub(super) async fn show(backend: Arc<dyn RestBackend>, request: HttpRequest) -> Reply {
    let names: Vec<&str> =
        request.match_info().unprocessed().trim_start_matches('/').split('/').collect();
    let [_environment, bucket, file] = names[..] else { return Err(Fault::UnknownPath.into()) };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(reply::lost(Some("GET, HEAD")));
    }
    let file =
        backend.public_file(bucket.to_owned(), file.to_owned()).await?.ok_or(Fault::UnknownPath)?;
    let tag = format!("\"{}\"", file.version);
    if is_known(&request, &tag) {
        return Ok(dressed(StatusCode::NOT_MODIFIED, &tag).finish());
    }
    Ok(dressed(StatusCode::OK, &tag).content_type(file.picture.mime_type).body(file.picture.bytes))
}

fn dressed(status: StatusCode, tag: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, CACHED))
        .insert_header((header::ETAG, tag))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::CONTENT_DISPOSITION, "inline"))
        .insert_header((header::CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"));
    response
}

/// Whether the one who asks has these bytes already (RFC 9110 §13.1.2).
fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    known
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
