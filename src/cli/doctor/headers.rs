//! Checks how the proxy forwards forged requests: about where it comes from, who sends it and how
//! it is called.

use reqwest::{Client, StatusCode};

use super::Finding;
use crate::{
    config::Config,
    engine::SystemClock,
    http::{
        diagnostics::{self, Echo},
        forwarded::ForwardedHeader,
    },
    port::Clock as _,
};

/// Where the doctor pretends to come from: addresses for documentation (RFC 5737), which nobody
/// has.
const FORGED: [&str; 2] = ["192.0.2.66", "192.0.2.67"];

/// Request id that the doctor sends.
const FORGED_ID: &str = "named-by-the-client";

/// The largest picture that is taken in, and its form, in bytes.
const LARGE: usize = 8 * 1024 * 1024 + 4096;

/// Asks the server what it sees of a request of ours.
pub(super) async fn inspect(config: &Config, client: &Client) -> Vec<Finding> {
    let Some(key) = config.secret_keys.first() else {
        return vec![Finding::bad("address", "there is no secret_key")];
    };
    let url = format!("{}{}", config.public_url, diagnostics::PATH);
    let token = diagnostics::token(key, SystemClock.now());
    let mut request = client
        .get(&url)
        .header(diagnostics::TOKEN_HEADER, &token)
        .header("x-request-id", FORGED_ID);
    request = request
        .header("x-forwarded-for", FORGED[0])
        .header("forwarded", format!("for={}", FORGED[1]));
    for name in diagnostics::OTHERS {
        request = request.header(name, "forged");
    }
    let seen = match request.send().await {
        Ok(answer) if answer.status() == StatusCode::OK => answer.json::<Echo>().await.ok(),
        _ => None,
    };
    let Some(seen) = seen else {
        let words = "the server at server.public_url does not know this secret_key: the doctor \
                     must run with the server's own \
                     settings";
        return vec![Finding::bad("address", words)];
    };
    let mut findings = vec![match config.server.proxy_protocol {
        true => introduced(&seen),
        false => validate(config.server.forwarded_header, &seen),
    }];
    findings.extend(scheme(config, &seen));
    findings.extend(names(&seen));
    // Nothing large is sent on a way that is not right yet.
    if findings.iter().all(|finding| !finding.is_bad()) {
        findings.extend(large(client, &url, &token).await);
    }
    findings
}

/// No header is read then, so none can lie.
fn introduced(seen: &Echo) -> Finding {
    let address = seen.address.as_deref().unwrap_or("nowhere");
    Finding::good(
        "address",
        format!("a request from here is seen to come from {address}, as the PROXY protocol says"),
    )
}

fn validate(header: ForwardedHeader, seen: &Echo) -> Finding {
    let peer = seen.peer.as_deref().unwrap_or("a Unix socket");
    let address = seen.address.as_deref().unwrap_or("nowhere");
    let name = header.name();
    if FORGED.contains(&address) {
        return Finding::bad(
            "address",
            format!(
                "a client can say where it comes from: {peer} is one of server.trusted_proxies and \
                 passes the client's own {name} \
                 on. Let the proxy write that header, or set server.forwarded_header to the one it \
                 writes"
            ),
        );
    }
    if has_proxy(seen) && !seen.peer_is_trusted {
        let words =
            format!("{peer} is a proxy that is not believed: add it to server.trusted_proxies");
        return Finding::bad("address", words);
    }
    let (lines, forged) = match header {
        ForwardedHeader::XForwardedFor => (&seen.x_forwarded_for, FORGED[0]),
        ForwardedHeader::Forwarded => (&seen.forwarded, FORGED[1]),
    };
    if seen.peer_is_trusted && !is_appended(lines, forged) {
        let words = format!(
            "{peer} is one of server.trusted_proxies and writes no {name}: let it append the \
                client's address"
        );
        return Finding::bad("address", words);
    }
    Finding::good(
        "address",
        format!("a request from here is seen to come from {address}, forged headers or not"),
    )
}

/// Whether somebody stands in between.
fn has_proxy(seen: &Echo) -> bool {
    !seen.x_forwarded_proto.is_empty()
        || is_appended(&seen.x_forwarded_for, FORGED[0])
        || is_appended(&seen.forwarded, FORGED[1])
}

fn is_appended(lines: &[String], forged: &str) -> bool {
    lines.len() > 1 || lines.iter().any(|line| !line.ends_with(forged))
}

/// How people come to the proxy, as it says. Forward authentication puts the address of a page
/// together with it.
fn scheme(config: &Config, seen: &Echo) -> Option<Finding> {
    let said = seen.x_forwarded_proto.last()?;
    let is = config.public_url.split("://").next().unwrap_or_default();
    if said == is {
        return Some(Finding::good(
            "scheme",
            format!("the proxy says {said}, as server.public_url does"),
        ));
    }
    let words = format!(
        "the proxy says that people come by {said}, and server.public_url begins with {is}: let it \
         write X-Forwarded-Proto: {is}, or \
         change server.public_url"
    );
    Some(Finding::bad("scheme", words))
}

/// Finds forged client headers that get through.
fn names(seen: &Echo) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !has_proxy(seen) {
        return findings;
    }
    if seen.request_id.as_deref() == Some(FORGED_ID) {
        let words = "the proxy passes a client's X-Request-Id on, so that people name the lines of \
                     our log: let it write one of its \
                     own, or take the client's away";
        findings.push(Finding::odd("headers", words));
    }
    if !seen.others.is_empty() {
        let words = format!(
            "the proxy passes a client's {} on: take them away there, since a site behind it may \
                believe them (deploy/README.md)",
            seen.others.join(" and ")
        );
        findings.push(Finding::odd("headers", words));
    }
    if findings.is_empty() {
        findings.push(Finding::good(
            "headers",
            "what a client writes about itself does not get through",
        ));
    }
    findings
}

/// Whether the proxy lets the largest picture pass.
async fn large(client: &Client, url: &str, token: &str) -> Option<Finding> {
    let sent =
        client.post(url).header(diagnostics::TOKEN_HEADER, token).body(vec![0; LARGE]).send().await;
    match sent.map(|answer| answer.status()) {
        Ok(StatusCode::NO_CONTENT) => {
            Some(Finding::good("uploads", "a picture of 8 MB gets through"))
        }
        Ok(StatusCode::PAYLOAD_TOO_LARGE) | Err(_) => {
            let words = "the proxy refuses a picture of 8 MB: raise its limit to 32 MB (nginx: \
                         client_max_body_size 32m), so that \
                         people read our page where something is too large";
            Some(Finding::bad("uploads", words))
        }
        // Another method than ours is refused where an older server runs.
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Grade;

    fn seen(peer_is_trusted: bool, address: &str, lines: &[&str]) -> Echo {
        Echo {
            peer: Some("10.0.0.1".to_owned()),
            peer_is_trusted,
            address: Some(address.to_owned()),
            x_forwarded_for: lines.iter().map(|line| (*line).to_owned()).collect(),
            forwarded: vec![format!("for={}", FORGED[1])],
            x_forwarded_proto: Vec::new(),
            request_id: None,
            others: Vec::new(),
        }
    }

    fn validated(peer_is_trusted: bool, address: &str, lines: &[&str]) -> (bool, String) {
        let finding =
            validate(ForwardedHeader::XForwardedFor, &seen(peer_is_trusted, address, lines));
        (finding.grade == Grade::Good, finding.words)
    }

    #[test]
    fn what_the_proxy_makes_of_forged_headers_is_judged() {
        assert!(validated(true, "203.0.113.9", &["192.0.2.66, 203.0.113.9"]).0);
        assert!(
            validated(true, "203.0.113.9", &["203.0.113.9"]).0,
            "the proxy wrote the header anew"
        );
        assert!(
            validated(true, "203.0.113.9", &["192.0.2.66", "203.0.113.9"]).0,
            "the proxy added a line"
        );
        assert!(validated(false, "127.0.0.1", &["192.0.2.66"]).0, "there is no proxy");
        for (is_trusted, address, line, named) in [
            (true, "192.0.2.66", "192.0.2.66", "let the proxy write"),
            (false, "10.0.0.1", "192.0.2.66, 203.0.113.9", "add it to server.trusted_proxies"),
            (true, "192.0.2.67", "192.0.2.66", "x-forwarded-for"),
            (true, "10.0.0.1", "192.0.2.66", "append"),
        ] {
            let (is_good, words) = validated(is_trusted, address, &[line]);
            assert!(
                !is_good && words.to_lowercase().contains(&named.to_lowercase()),
                "{line}: {words}"
            );
        }
    }

    #[test]
    fn names_that_a_client_chose_are_found_where_a_proxy_stands() {
        let mut passed = seen(true, "203.0.113.9", &["192.0.2.66, 203.0.113.9"]);
        assert!(names(&passed).iter().all(Finding::is_good));
        passed.request_id = Some(FORGED_ID.to_owned());
        passed.others = vec!["remote-user".to_owned()];
        let found = names(&passed);
        assert!(found.len() == 2 && found.iter().all(|finding| finding.grade == Grade::Odd));
        assert!(
            names(&seen(false, "127.0.0.1", &["192.0.2.66"])).is_empty(),
            "nobody is in between"
        );
    }
}
