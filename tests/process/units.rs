//! The units that `deploy/systemd` ships, in the hands of systemd's own programs (Debian:
//! `systemd`).

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{Running, ask, free_address, in_time};

const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: hall\r\nConnection: close\r\n\r\n";

/// The units as they would be installed, the binary of this build in the place of the installed
/// one.
fn units() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    let copy = |name: &str| {
        let text = fs::read_to_string(shipped.join(name)).unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text.replace("/usr/local/bin/vestibule", env!("CARGO_BIN_EXE_vestibule")))
            .unwrap();
        path
    };
    let copied = vec![copy("vestibule.service"), copy("vestibule.socket")];
    (folder, copied)
}

fn analyze(words: &[&str], units: &[PathBuf]) -> Output {
    Command::new("systemd-analyze")
        .args(words)
        .args(units)
        .output()
        .expect("Debian's package systemd is there")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn systemd_has_nothing_to_say_against_the_shipped_units() {
    let (_folder, units) = units();
    let verified = analyze(&["verify", "--recursive-errors=no", "--man=no"], &units);
    assert!(
        verified.status.success() && !said(&verified).contains("vestibule"),
        "{}",
        said(&verified)
    );
}

/// Of ten, where ten is a process that may do everything.
#[test]
fn the_shipped_unit_keeps_the_process_from_what_it_does_not_need() {
    let (_folder, units) = units();
    let validated =
        analyze(&["security", "--offline=true", "--threshold=20", "--no-pager"], &units[..1]);
    assert!(validated.status.success(), "the exposure is above 2.0: {}", said(&validated));
}

/// A socket that systemd's own program opens, and the first connection starts the server.
#[test]
fn the_first_connection_starts_the_server() {
    let address = free_address();
    let mut activated = Running::start_activated(address, &[("SERVER__LISTEN", "systemd")]);
    let mut connection = in_time("systemd listens", || TcpStream::connect(address).ok());
    let answer = ask(&mut connection, LIVE);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer} {}", activated.log());
    activated.line(&["listening where systemd says"]);
    activated.signal("TERM");
    assert!(activated.end().success(), "{}", activated.log());
}
