//! Public files: pictures for anybody, drawn by us (SECURITY.md S69).

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
};

use crate::protocol::errors::Fault;

use super::{Backend, door, reply::Reply};

/// `GET /_storage/{environment}/{bucketId}/{fileId}`. The bytes under one id never change, so they may be kept for good.
pub(super) async fn show(backend: Arc<dyn Backend>, request: HttpRequest) -> Reply {
    let names: Vec<&str> = request.match_info().unprocessed().trim_start_matches('/').split('/').collect();
    let [_environment, bucket, file] = names[..] else { return Err(Fault::UnknownPath.into()) };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(door::lost(Some("GET, HEAD")));
    }
    let picture = backend.public_file(bucket.to_owned(), file.to_owned()).await?.ok_or(Fault::UnknownPath)?;
    Ok(HttpResponse::Ok()
        .content_type(picture.mime_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::CONTENT_DISPOSITION, "inline"))
        .insert_header((header::CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"))
        .body(picture.bytes))
}
