//! The query of an address, bounded before any page reads it (S108).

use actix_web::{
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

use super::{error::PageError, forms::form_data::PAIRS_MAX};

/// Refuses a query of more fields than any page reads: a request line has room for 32,000.
pub(crate) async fn bound(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if request.query_string().bytes().filter(|byte| *byte == b'&').count() > PAIRS_MAX {
        let error =
            PageError::Malformed("The address had too many parts. Please follow the link again.");
        return Ok(request.error_response(error));
    }
    next.call(request).await
}
