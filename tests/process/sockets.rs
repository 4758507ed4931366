use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    thread,
};

use super::{Running, ask, in_time};

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
        let _hall = Running::start(&settings);
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
    let mut hall = Running::start(&[("SERVER__LISTEN", "systemd")]);
    assert_eq!(hall.end().code(), Some(1));
    assert!(hall.log().contains("server.listen: systemd opened no socket"), "{}", hall.log());
}
