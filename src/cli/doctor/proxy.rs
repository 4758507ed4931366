//! The proxy, as a request to `public_url` meets it.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, header, redirect};
use url::Url;

use super::{Finding, headers};
use crate::{config::Config, http::tls};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks at `public_url` what a browser would ask, and more.
pub(super) async fn inspect(config: &Config) -> Vec<Finding> {
    tls::install();
    let client = Client::builder().redirect(redirect::Policy::none()).timeout(TIMEOUT).build();
    let Ok(client) = client else {
        return vec![Finding::bad("proxy", "no HTTP client can be made on this machine")];
    };
    let url = &config.public_url;
    let page = match client.get(format!("{url}/sign-in")).send().await {
        Ok(page) => page,
        Err(error) => {
            let words = format!(
                "server.public_url: {url} does not answer ({}). Is the server started?",
                reason(&error)
            );
            return vec![if config.is_named_here() {
                Finding::odd("proxy", words)
            } else {
                Finding::bad("proxy", words)
            }];
        }
    };
    if let Some(finding) = unanswered(config, page.status()) {
        return vec![finding];
    }
    let mut findings = vec![cookie(config, &page)];
    if url.starts_with("https://") {
        findings.push(strict(&page));
        findings.extend(plain_http(&client, url).await);
    }
    findings.extend(cached(&client, &page).await);
    findings.extend(headers::inspect(config, &client).await);
    findings
}

fn unanswered(config: &Config, status: StatusCode) -> Option<Finding> {
    let url = &config.public_url;
    let words = match status {
        StatusCode::OK | StatusCode::SEE_OTHER => return None,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            format!(
                "{url} answers {status}: the proxy does not reach us. Point it to server.listen \
                    ({:?})",
                config.server.listen
            )
        }
        StatusCode::NOT_FOUND => format!(
            "{url}/sign-in is not there: the proxy must pass the path on as it is, and \
             server.public_url must name the path that \
             people see"
        ),
        status if status.is_redirection() => {
            format!(
                "{url}/sign-in leads elsewhere ({status}): set server.public_url to the URL that \
                    people see in the end"
            )
        }
        status => format!(
            "{url}/sign-in answers {status}; another server may stand there. Check \
                server.public_url"
        ),
    };
    Some(Finding::bad("proxy", words))
}

/// The cookie's flags, where the proxy did not change them.
fn cookie(config: &Config, page: &Response) -> Finding {
    let Some((name, path, is_secure)) = expected_cookie(&config.public_url) else {
        return Finding::bad("cookie", "server.public_url cannot be read");
    };
    let lines = page.headers().get_all(header::SET_COOKIE);
    let cookies =
        lines.iter().filter_map(|line| cookie::Cookie::parse(line.to_str().ok()?.to_owned()).ok());
    let Some(cookie) = cookies.into_iter().find(|cookie| cookie.name().ends_with("vestibule"))
    else {
        return Finding::bad(
            "cookie",
            "the sign-in page sets none: the proxy takes Set-Cookie away, or answers from a cache",
        );
    };
    let kept = [
        (cookie.name() == name, "its name"),
        (cookie.path() == Some(path.as_str()), "its Path"),
        (cookie.secure().unwrap_or(false) == is_secure, "Secure"),
        (cookie.http_only() == Some(true), "HttpOnly"),
        (cookie.same_site() == Some(cookie::SameSite::Lax), "SameSite=Lax"),
    ];
    match kept.iter().find(|(is_kept, _)| !is_kept) {
        None => Finding::good("cookie", format!("{name} has the flags it should have")),
        Some((_, what)) => {
            let shown = cookie.name().to_owned();
            let words = format!(
                "{what} is not what it should be (found {shown}, Path {:?}; wanted {name}, Path \
                 {path:?}): the server runs with \
                 another server.public_url, or the proxy rewrites cookies",
                cookie.path().unwrap_or_default()
            );
            Finding::bad("cookie", words)
        }
    }
}

/// The name, the path and whether it is Secure.
fn expected_cookie(public_url: &str) -> Option<(&'static str, String, bool)> {
    let url = Url::parse(public_url).ok()?;
    let prefix = url.path().trim_end_matches('/').to_owned();
    Some(match (url.scheme(), prefix.as_str()) {
        ("https", "") => ("__Host-vestibule", "/".to_owned(), true),
        ("https", _) => ("__Secure-vestibule", prefix, true),
        (_, "") => ("vestibule", "/".to_owned(), false),
        _ => ("vestibule", prefix, false),
    })
}

fn strict(page: &Response) -> Finding {
    match page.headers().get(header::STRICT_TRANSPORT_SECURITY) {
        Some(_) => Finding::good("https", "browsers are told to stay with https"),
        None => Finding::odd(
            "https",
            "Strict-Transport-Security is missing: let the proxy pass our headers on",
        ),
    }
}

/// Pages are one person's (S84). Each answer has an id of its own, but for one that was kept.
async fn cached(client: &Client, page: &Response) -> Option<Finding> {
    let id = |page: &Response| page.headers().get("x-request-id").cloned();
    let again = client.get(page.url().clone()).send().await.ok()?;
    let is_same = id(page).is_some() && id(page) == id(&again);
    is_same.then(|| {
        let words = "the proxy answers from a cache: one person gets what another one got. Let it \
                     heed Cache-Control: no-store, or \
                     switch its cache off for server.public_url";
        Finding::bad("cache", words)
    })
}

/// S88: plain http is redirected or refused.
async fn plain_http(client: &Client, public_url: &str) -> Option<Finding> {
    let mut url = Url::parse(public_url).ok()?;
    // The port of https says nothing about the one of http.
    url.set_port(None).ok()?;
    url.set_scheme("http").ok()?;
    let answer = client.get(url.as_str()).send().await.ok()?;
    let target = answer
        .headers()
        .get(header::LOCATION)
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    Some(if target.starts_with("https://") {
        Finding::good("https", "plain http leads to https")
    } else {
        Finding::bad(
            "https",
            format!(
                "{url} answers {}: let the proxy redirect plain http to https",
                answer.status()
            ),
        )
    })
}

/// The innermost cause says most.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_the_one_of_the_public_url() {
        let name = |url| expected_cookie(url).unwrap();
        assert_eq!(name("https://id.example.com"), ("__Host-vestibule", "/".to_owned(), true));
        assert_eq!(
            name("https://example.com/hall"),
            ("__Secure-vestibule", "/hall".to_owned(), true)
        );
        assert_eq!(name("http://localhost:3000"), ("vestibule", "/".to_owned(), false));
    }
}
