use std::{io::Write as _, net::TcpStream};

use super::{Running, ask, free_address, in_time, wrong_sign_in};

/// A PROXY header, version 2, of a client at 203.0.113.9.
const HEADER: [u8; 28] =
    *b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x7f\0\0\x01\x9c\x40\0\x50";

#[test]
fn with_the_proxy_protocol_the_client_is_who_the_proxy_says() {
    let address = free_address();
    let server = Running::start(&[
        ("SERVER__LISTEN", &address.to_string()),
        ("SERVER__PROXY_PROTOCOL", "true"),
        ("SERVER__TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    let mut connection = in_time("the server listens", || TcpStream::connect(address).ok());
    connection.write_all(&HEADER).unwrap();
    let answer = ask(&mut connection, &wrong_sign_in("X-Forwarded-For: 198.51.100.1\r\n"));
    assert!(answer.starts_with("HTTP/1.1 40"), "{answer}");
    server.line(&["sign_in_with_email", "address=203.0.113.9"]);

    let mut bare = TcpStream::connect(address).unwrap();
    assert_eq!(
        ask(&mut bare, &wrong_sign_in("")),
        "",
        "a request without the header is not answered"
    );
    let mut old = TcpStream::connect(address).unwrap();
    assert_eq!(
        ask(&mut old, &format!("PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\n{}", wrong_sign_in(""))),
        ""
    );
    server.line(&["version 1 of the protocol"]);
}

#[test]
fn the_proxy_protocol_is_for_trusted_proxies_alone() {
    let address = free_address();
    let _server = Running::start(&[
        ("SERVER__LISTEN", &address.to_string()),
        ("SERVER__PROXY_PROTOCOL", "true"),
        ("SERVER__TRUSTED_PROXIES", "192.0.2.1"),
    ]);
    let mut connection = in_time("the server listens", || TcpStream::connect(address).ok());
    let _ = connection.write_all(&HEADER);
    assert_eq!(ask(&mut connection, &wrong_sign_in("")), "");
}

/// S49
#[test]
fn the_standard_header_counts_when_it_is_set_and_the_other_one_never() {
    let address = free_address();
    let server = Running::start(&[
        ("SERVER__LISTEN", &address.to_string()),
        ("SERVER__TRUSTED_PROXIES", "127.0.0.1"),
        ("SERVER__FORWARDED_HEADER", "forwarded"),
    ])
    .until_live(address);
    let headers = "X-Forwarded-For: 198.51.100.1\r\nForwarded: for=198.51.100.2\r\nForwarded: \
        for=\"[2001:db8::7]:40\"\r\n";
    ask(&mut TcpStream::connect(address).unwrap(), &wrong_sign_in(headers));
    server.line(&["sign_in_with_email", "address=2001:db8::7"]);
}

#[test]
fn a_proxy_that_nobody_named_is_told_of_once_and_its_people_do_not_share_an_allowance() {
    let address = free_address();
    let server = Running::start(&[("SERVER__LISTEN", &address.to_string())]).until_live(address);
    for number in 0..80 {
        let headers = format!("X-Forwarded-For: 198.51.100.{number}\r\n");
        let request = wrong_sign_in(&headers).replace("nobody@", &format!("nobody{number:02}@"));
        let request = request.replace("Content-Length: 61", "Content-Length: 63");
        let answer = ask(&mut TcpStream::connect(address).unwrap(), &request);
        assert!(!answer.starts_with("HTTP/1.1 429"), "{number}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 40"), "{number}: {answer}");
    }
    server.line(&["server.trusted_proxies", "peer=127.0.0.1"]);
    assert_eq!(server.log().matches("server.trusted_proxies").count(), 1);
}
