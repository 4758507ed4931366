//! The headers that every answer of the pages carries, and the check of where a form came from.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, ORIGIN,
            REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    web::Data,
};
use url::Url;

use super::{
    super::{PageState, error::PageError},
    paths::Paths,
};
use crate::{access_rules::AccessRules, http::plain_headers::HSTS};

const SEC_FETCH_SITE: &str = "sec-fetch-site";
const PERMISSIONS: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// The headers that are the same on every answer (S53, S54).
///
/// `Referrer-Policy` is `same-origin` and not `no-referrer`: with the latter, Chromium sends
/// `Origin: null` with our own forms. Nothing leaks by it, since no address of a page holds a
/// secret longer than one redirect.
pub(crate) struct Security(Vec<(HeaderName, HeaderValue)>);

impl Security {
    /// Prepares them once. `redirect_url` is where a form may lead in the end: Chromium holds
    /// `form-action` against the redirects after a form too, so a foreign application's origin is
    /// named, and those of the sites behind forward authentication, to which a sign-in returns.
    pub(crate) fn of(paths: &Paths, redirect_url: &str, access: &AccessRules) -> Self {
        let fixed = |name: &'static str, value: &'static str| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = vec![
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            fixed("cross-origin-opener-policy", "same-origin"),
            fixed("cross-origin-resource-policy", "same-origin"),
            fixed("permissions-policy", PERMISSIONS),
        ];
        if let Ok(policy) = HeaderValue::from_str(&content_policy(paths, redirect_url, access)) {
            headers.push((CONTENT_SECURITY_POLICY, policy));
        }
        if paths.secure() {
            headers.push((STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS)));
        }
        Self(headers)
    }
}

fn content_policy(paths: &Paths, redirect_url: &str, access: &AccessRules) -> String {
    let target =
        Url::parse(redirect_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let mut foreign = if target == paths.origin() || target == "null" {
        String::new()
    } else {
        format!(" {target}")
    };
    for site in access.sites.others() {
        foreign.push_str(&format!(" {}", site.origin()));
    }
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{foreign}; \
         base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// The outermost layer. A page is nobody's to keep but the browser's that asked (S84); what sets
/// its own `Cache-Control` (the stylesheet) keeps it.
pub(crate) async fn secure(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let site = request.app_data::<Data<PageState>>().cloned();
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    for (name, value) in site.iter().flat_map(|site| &site.security.0) {
        headers.insert(name.clone(), value.clone());
    }
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VARY, HeaderValue::from_static("cookie"));
    }
    Ok(response)
}

/// The second layer against forged forms (S42): what changes something must come from a page of
/// this origin. The form token is the first one.
pub(crate) async fn same_origin(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if !is_safe(request.method()) && is_foreign(&request) && !is_callback(&request) {
        tracing::warn!(target: "vestibule::security", path = request.path(), "a form that came \
            from elsewhere was refused");
        return Ok(request.into_response(HttpResponse::from_error(PageError::ForeignOrigin)));
    }
    next.call(request).await
}

/// Apple answers by a form of its own page: what takes it changes nothing and has no cookie to do
/// it with. A logout token comes from a server, and proves itself.
fn is_callback(request: &ServiceRequest) -> bool {
    let prefix = request.app_data::<Data<PageState>>().map_or("", |site| site.paths.prefix());
    let path = request.path().strip_prefix(prefix).and_then(|path| path.strip_prefix("/_auth/"));
    let parts = path.and_then(|path| path.split_once('/'));
    parts.is_some_and(|(_, what)| what == "callback" || what == "back-channel-logout")
}

fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

/// `Sec-Fetch-Site: none` is the person's own doing (a form sent again from the history). Without
/// either header the form token alone decides: text browsers send none.
fn is_foreign(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let origin = request.app_data::<Data<PageState>>().map_or("", |site| site.paths.origin());
    headers.get_all(ORIGIN).any(|sent| sent.as_bytes() != origin.as_bytes())
        || headers.get_all(SEC_FETCH_SITE).any(|sent| sent != "same-origin" && sent != "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_may_lead_to_the_application_and_nowhere_else_s53() {
        let paths = Paths::of("https://id.example.com");
        let access = AccessRules::none("https://id.example.com");
        assert_eq!(
            content_policy(&paths, "https://app.example.com/auth-redirect", &access),
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' \
             https://app.example.com; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        assert!(
            content_policy(&paths, "https://id.example.com/auth-redirect", &access)
                .contains("form-action 'self';")
        );
    }
}
