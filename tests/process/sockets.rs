use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    thread,
};

use super::{Running, ask, free_address, in_time};

const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: hall\r\nConnection: close\r\n\r\n";

#[test]
fn a_unix_socket_has_its_mode_survives_a_kill_and_is_not_taken_from_the_living() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hall.sock");
    let listen = format!("unix:{}", path.display());
    let settings = [("SERVER__LISTEN", listen.as_str()), ("SERVER__SOCKET_MODE", "0600")];
    let is_live = || {
        let mut connection = UnixStream::connect(&path).ok()?;
        ask(&mut connection, LIVE).starts_with("HTTP/1.1 200").then_some(())
    };
    // Dropping it kills it and leaves the file.
    for _ in 0..2 {
        let _server = Running::start(&settings);
        in_time("the socket answers", is_live);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let _living = Running::start(&settings);
    in_time("the socket answers", is_live);
    let mut second = Running::start(&settings);
    assert_eq!(second.end().code(), Some(1));
    assert!(second.log().contains("server.listen: another process listens at"), "{}", second.log());
    assert!(is_live().is_some());
}

/// R14: whoever comes while nobody serves waits in the socket that systemd holds.
#[test]
fn a_restart_with_a_socket_of_systemd_refuses_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let settings = [("SERVER__LISTEN", "systemd")];
    let mut first = Running::start_on(&listener, &settings).until_live(address);
    first.signal("TERM");
    assert!(first.end().success());
    let waiting = thread::spawn(move || ask(&mut TcpStream::connect(address).unwrap(), LIVE));
    let _second = Running::start_on(&listener, &settings);
    assert!(waiting.join().unwrap().starts_with("HTTP/1.1 200"));
}

#[test]
fn without_a_socket_of_systemd_the_setting_is_named() {
    let mut server = Running::start(&[("SERVER__LISTEN", "systemd")]);
    assert_eq!(server.end().code(), Some(1));
    assert!(server.log().contains("server.listen: systemd opened no socket"), "{}", server.log());
}

/// S54: what actix answers by itself carries the headers that every answer has.
#[test]
fn bare_errors_carry_the_headers_of_every_answer() {
    let address = free_address();
    let listen = address.to_string();
    let settings =
        [("SERVER__LISTEN", listen.as_str()), ("SERVER__PUBLIC_URL", "https://hall.example")];
    let _server = Running::start(&settings).until_live(address);
    let long = format!("GET / HTTP/1.1\r\nHost: hall\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000));
    let cases = [
        ("no HTTP at all\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: hall\r\nBad Header\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: hall\r\nTransfer-Encoding: gzip, x\r\n\r\n".to_owned(), 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400),
        (long, 431),
        ("GET / HTTP/1.1\r\nHost: ".to_owned(), 408),
        ("OPTIONS * HTTP/1.1\r\nHost: hall\r\nConnection: close\r\n\r\n".to_owned(), 0),
        (LIVE.replace("GET /health/live", "TRACE /health/live"), 0),
        (LIVE.replace("GET /health/live", "GET /no-such-page"), 404),
        (LIVE.replace("GET /health/live", "GET /_storage/local/a/b"), 404),
        (LIVE.to_owned(), 200),
    ];
    let asked = cases.map(|(request, status)| {
        thread::spawn(move || {
            (ask(&mut TcpStream::connect(address).unwrap(), &request), request, status)
        })
    });
    for case in asked {
        let (answer, request, status) = case.join().unwrap();
        let request = request.get(..60).unwrap_or(&request);
        assert!(
            status == 0 || answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        has_all_headers(request, &answer);
    }
    // Behind an answer that was all right.
    let both = format!("{}no HTTP\r\n\r\n", LIVE.replace("Connection: close\r\n", ""));
    let answer = ask(&mut TcpStream::connect(address).unwrap(), &both);
    let second = answer.rsplit("HTTP/1.1 ").next().unwrap();
    assert!(second.starts_with("400"), "{answer}");
    has_all_headers("behind another", second);
}

fn has_all_headers(request: &str, answer: &str) {
    let answer = answer.to_ascii_lowercase();
    for header in [
        "x-content-type-options: nosniff",
        "strict-transport-security: max-age=31536000",
        "content-security-policy: default-src 'none'",
        "referrer-policy: ",
        "cache-control: ",
    ] {
        assert!(answer.contains(&format!("\r\n{header}")), "{request}: no {header} in {answer}");
    }
}
