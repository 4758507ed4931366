use std::net::TcpStream;

use super::{Running, ask, free_address, wrong_sign_in};

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: hall\r\n{headers}Connection: close\r\n\r\n")
}

/// S82: time, who, from where, what, outcome, and the id that the proxy gave.
#[test]
fn a_sign_in_that_failed_is_on_record_with_the_id_of_its_request() {
    let address = free_address();
    let settings = [
        ("SERVER__LISTEN", &*address.to_string()),
        ("SERVER__TRUSTED_PROXIES", "127.0.0.1"),
        ("LOG__FORMAT", "json"),
    ];
    let server = Running::start(&settings).until_live(address);
    let headers = "X-Request-Id: from-the-proxy.1\r\nX-Forwarded-For: 203.0.113.9\r\n";
    let answer = ask(&mut TcpStream::connect(address).unwrap(), &wrong_sign_in(headers));
    assert!(answer.to_lowercase().contains("x-request-id: from-the-proxy.1\r\n"), "{answer}");
    let line = server.line(&["vestibule::security"]);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["request_id"], "from-the-proxy.1");
    assert_eq!(
        (&line["operation"], &line["result"]),
        (&"sign_in_with_email".into(), &"refused".into())
    );
    assert_eq!(
        (&line["address"], &line["code"]),
        (&"203.0.113.9".into(), &"InvalidSignInCredentials".into())
    );
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
    assert!(!server.log().contains("nobody@mail.example"), "what was typed is not kept");
}

/// S101
#[test]
fn metrics_are_on_their_own_listener_and_name_nobody() {
    let (address, stats) = (free_address(), free_address());
    let settings =
        [("SERVER__LISTEN", &*address.to_string()), ("METRICS__LISTEN", &*stats.to_string())];
    let _server = Running::start(&settings).until_live(address);
    ask(&mut TcpStream::connect(address).unwrap(), &wrong_sign_in(""));
    ask(&mut TcpStream::connect(address).unwrap(), &get("/sign-in?email=ann@mail.example", ""));
    ask(&mut TcpStream::connect(address).unwrap(), &get("/no/such/page/of/ann", ""));
    assert!(
        ask(&mut TcpStream::connect(address).unwrap(), &get("/metrics", ""))
            .starts_with("HTTP/1.1 404")
    );
    let text = ask(&mut TcpStream::connect(stats).unwrap(), &get("/metrics", ""));
    for line in [
        "vestibule_http_requests_total{method=\"GET\",route=\"/sign-in\",status=\"200\"} 1\n",
        "vestibule_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 2\n",
        "vestibule_sign_ins_total{operation=\"sign_in_with_email\",outcome=\"refused\"} 1\n",
        "vestibule_password_hashes_total 1\n",
        "vestibule_outbox_messages 0\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(
        text.contains("/auth/signin-email") && !text.contains("ann") && !text.contains("nobody@"),
        "{text}"
    );
}

#[test]
fn health_tells_of_the_outbox_and_of_nobody() {
    let address = free_address();
    let _server = Running::start(&[("SERVER__LISTEN", &address.to_string())]).until_live(address);
    let answer = ask(&mut TcpStream::connect(address).unwrap(), &get("/health/ready", ""));
    let body: serde_json::Value =
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let outbox = serde_json::json!({ "waiting": 0, "oldestSeconds": 0 });
    assert_eq!(body, serde_json::json!({ "status": "ready", "database": "ok", "outbox": outbox }));
}

/// Every page of an error shows the id that the answer and the log have, so that whoever reports
/// one names the line.
#[test]
fn error_pages_show_the_id_of_their_request() {
    let (address, nobody) = (free_address(), free_address());
    let settings =
        [("SERVER__LISTEN", &*address.to_string()), ("SERVER__TRUSTED_PROXIES", "127.0.0.1")];
    let _server = Running::start(&settings).until_live(address);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let post = |path: &str, headers: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: hall\r\n{headers}Content-Length: \
                {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    let id = "X-Request-Id: from-the-proxy.1\r\n";
    for (status, request) in [
        (400, post("/sign-in", &format!("{id}{form}"), "email=a&email=b")),
        (403, post("/sign-in", &format!("{id}{form}Origin: https://evil.example\r\n"), "email=a")),
        (404, get("/no/such/page", id)),
        (405, get("/sign-out", id).replacen("GET", "DELETE", 1)),
        (413, post("/sign-in", &format!("{id}{form}"), &"a".repeat(70_000))),
        (415, post("/sign-in", &format!("{id}Content-Type: text/plain\r\n"), "x")),
    ] {
        let answer = ask(&mut TcpStream::connect(address).unwrap(), &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
        assert!(answer.to_lowercase().contains("x-request-id: from-the-proxy.1\r\n"), "{answer}");
        assert!(answer.contains("<code>from-the-proxy.1</code>"), "{status}: {answer}");
    }
    let (address, environment) = (free_address(), format!("http://{nobody}"));
    let settings = [
        ("SERVER__LISTEN", &*address.to_string()),
        ("SERVER__TRUSTED_PROXIES", "127.0.0.1"),
        ("ALTOGIC__ENV_URL", &*environment),
        ("ALTOGIC__CLIENT_KEY", crate::support::CLIENT_KEY),
    ];
    let server = Running::start(&settings).until_live(address);
    let mut answer = ask(&mut TcpStream::connect(address).unwrap(), &get("/sign-in", ""));
    let csrf = answer
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let cookie = answer.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let body = format!("csrf={csrf}&email=ann@mail.example&password=long-enough-to-try");
    answer = ask(
        &mut TcpStream::connect(address).unwrap(),
        &post("/sign-in", &format!("{id}{form}Cookie: {cookie}\r\n"), &body),
    );
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("<code>from-the-proxy.1</code>"),
        "{answer}"
    );
    server.line(&["a page failed", "from-the-proxy.1", "503"]);
    assert_eq!(server.log().matches("a page failed").count(), 1);
}

/// Malformed requests are answered without a line in the log: else any visitor could fill the log.
#[test]
fn requests_that_are_none_leave_no_errors_in_the_log() {
    let address = free_address();
    let server = Running::start(&[("SERVER__LISTEN", &address.to_string())]).until_live(address);
    let long = format!("/{}", "a".repeat(70_000));
    for request in [
        get(&long, ""),
        "\u{0}\u{1}nonsense\r\n\r\n".to_owned(),
        get("/", "Content-Length: x\r\n"),
        get("/", "a b: c\r\n"),
    ] {
        let answer = ask(&mut TcpStream::connect(address).unwrap(), &request);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}
