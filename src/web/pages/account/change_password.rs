//! `/.well-known/change-password`: where password managers send people (W3C, "A Well-Known URL for
//! Changing Passwords").

use actix_web::{HttpResponse, http::header::LOCATION};

use crate::web::request::visit::Visit;

/// Signed-in users change it, everybody else can ask for a reset.
pub(crate) async fn show(visit: Visit) -> HttpResponse {
    let path =
        if visit.signed_in_user().is_some() { "/profile/password" } else { "/reset-password" };
    HttpResponse::Found().insert_header((LOCATION, visit.href(path).to_string())).finish()
}
