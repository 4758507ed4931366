use std::{io::Write as _, net::TcpStream, os::unix::net::UnixDatagram, thread, time::Duration};

use super::{Running, free_address};

#[test]
fn the_service_manager_hears_when_it_is_ready_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let address = free_address();
    let listen = address.to_string();
    let mut server =
        Running::start(&[("SERVER__LISTEN", &listen), ("NOTIFY_SOCKET", path.to_str().unwrap())]);
    let hear = || {
        let mut bytes = [0; 256];
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    assert_eq!(hear(), "READY=1\n");
    assert!(TcpStream::connect(address).is_ok(), "ready is said when one can come");
    server.signal("TERM");
    assert_eq!(hear(), "STOPPING=1\n");
    assert!(server.end().success(), "{}", server.log());
}

/// R13
#[test]
fn a_second_signal_does_not_wait_for_what_is_in_flight() {
    let address = free_address();
    let mut server =
        Running::start(&[("SERVER__LISTEN", &address.to_string())]).until_live(address);
    let mut slow = TcpStream::connect(address).unwrap();
    let head = "POST /sign-in HTTP/1.1\r\nHost: hall\r\nContent-Type: \
                application/x-www-form-urlencoded\r\n\
                Content-Length: 100\r\n\r\nemail=";
    slow.write_all(head.as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    server.line(&["told to stop"]);
    server.signal("TERM");
    assert_eq!(server.end().code(), Some(143), "{}", server.log());
}
