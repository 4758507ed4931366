//! Secret keys at the start of a process: a wrong, missing or weak one stops it, and an old one can
//! be retired.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use super::{Running, free_address};

const ONE: &str = "9f1c2ad07be84356c1d5f0a8b3e7946d20c8fa51e6b7d3490a1f8c2e5d7b6493";
const OTHER: &str = "7Qm3vYw0xK9sZ2bTfJ6nLrPcHd8aGeUi4oXk1MyVtRs";
const WEAK: [&str; 4] = [
    "short",
    "00000000000000000000000000000000000000000000000000000000000000ff",
    "deadbeefcafe1234deadbeefcafe1234deadbeefcafe1234deadbeefcafe1234",
    "this_is_an_example_key_of_48_characters_in_all__",
];

/// A server that ran once, so that there is a database, and ended.
fn ran_once(settings: &[(&str, &str)]) -> (Running, String) {
    let address = free_address();
    let listen = address.to_string();
    let settings = [settings, &[("SERVER__LISTEN", listen.as_str())]].concat();
    let mut server = Running::start(&settings).until_live(address);
    server.signal("TERM");
    server.end();
    (server, listen)
}

fn write_key(path: &Path, keys: &str) {
    fs::write(path, keys).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// S112
#[test]
fn a_wrong_or_missing_secret_key_stops_the_start_and_the_right_one_starts_it_again() {
    let (mut server, _) = ran_once(&[]);
    let file = server.path("data/secret_key");
    let right = fs::read_to_string(&file).unwrap();
    write_key(&file, ONE);
    for wrong in ["wrong", "missing"] {
        if wrong == "missing" {
            fs::remove_file(&file).unwrap();
        }
        let (status, said) = server.command(&["serve"], &[("SERVER__LISTEN", "127.0.0.1:0")]);
        assert_eq!(status, Some(1), "{wrong}: {said}");
        assert!(
            said.contains("secret_key") && said.contains("Put the right key back"),
            "{wrong}: {said}"
        );
        let (status, said) = server.command(&["doctor"], &[]);
        let named = said
            .lines()
            .any(|line| line.starts_with("BAD   secret key") && line.contains("is locked with"));
        assert!(status == Some(1) && named, "{wrong}: {said}");
        for command in [&["key", "rotate"][..], &["key", "add", "--api", "--label", "a"]] {
            assert_eq!(server.command(command, &[]).0, Some(1), "{wrong}: {command:?}");
        }
    }
    write_key(&file, &right);
    let address = free_address();
    server = server.restart(&[("SERVER__LISTEN", &address.to_string())]).until_live(address);
    drop(server);
}

/// S85, S112: wherever a key can be given.
#[test]
fn a_weak_secret_key_stops_the_start_wherever_it_stands() {
    let (server, listen) = ran_once(&[]);
    let file = server.path("keys");
    let path = file.to_string_lossy().into_owned();
    for weak in WEAK {
        let lists = [
            weak.to_owned(),
            format!("{ONE},{weak}"),
            format!("{weak},{ONE}"),
            format!("{ONE},{OTHER},{weak}"),
        ];
        for list in lists {
            write_key(&file, &list.replace(',', "\n"));
            let toml = list.split(',').map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
            fs::write(server.path("vestibule.toml"), format!("secret_key = [{toml}]\n")).unwrap();
            // A part that is too short is no key: then the comma belongs to one.
            let is_list = list.contains(',') && weak.len() < 32;
            let in_file = [("SECRET_KEY_FILE", path.as_str()), ("SERVER__LISTEN", &listen)];
            let in_variable = [("SECRET_KEY", list.as_str()), ("SERVER__LISTEN", &listen)];
            for (words, settings) in [
                (&["serve"][..], &in_file[..]),
                (&["serve"], &in_variable),
                (&["config", "check"], &in_variable),
                (&["--config", "vestibule.toml", "serve"], &in_file[1..]),
            ] {
                if is_list && settings[0].0 == "SECRET_KEY" {
                    continue;
                }
                let (status, said) = server.command(words, settings);
                assert_eq!(status, Some(1), "{words:?} {list}: {said}");
                assert!(
                    said.contains("secret_key") && !said.contains(weak),
                    "{words:?} {list}: {said}"
                );
            }
        }
    }
}

/// S96, S112: the commands of the operations page, one after the other.
#[test]
fn a_secret_key_is_replaced_and_retired_with_the_documented_commands() {
    let (server, _) = ran_once(&[]);
    let file = server.path("data/secret_key");
    let old = fs::read_to_string(&file).unwrap();
    write_key(&file, &format!("{ONE}\n{old}"));
    let (status, said) = server.command(&["key", "rotate"], &[]);
    assert!(status == Some(0) && said.contains("may go"), "{said}");
    write_key(&file, ONE);
    let (status, said) = server.command(&["doctor"], &[]);
    assert!(status == Some(0) && said.contains("vestibule key rotate"), "{said}");
    let (status, said) = server.command(&["key", "rotate"], &[]);
    assert!(status == Some(0) && said.contains("is retired"), "{said}");
    let (status, said) = server.command(&["doctor"], &[]);
    assert!(status == Some(0) && said.contains("it opens the database"), "{said}");
    write_key(&file, &old);
    assert_eq!(server.command(&["key", "rotate"], &[]).0, Some(1), "the old one is retired");
}

/// S85: whatever the umask was when an older version made them.
#[test]
fn files_and_folders_are_their_owners_alone_after_a_start() {
    let (mut server, _) = ran_once(&[]);
    let files = ["vestibule.db", "vestibule.db.lock", "vestibule.db-wal", "vestibule.db-shm"];
    let folders = ["outbox", "files"];
    let at = |server: &Running, name: &str| server.path("data").join(name);
    for file in files {
        let path = at(&server, file);
        if !path.exists() {
            fs::write(&path, "").unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    for folder in folders {
        fs::set_permissions(at(&server, folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let address = free_address();
    server = server.restart(&[("SERVER__LISTEN", &address.to_string())]).until_live(address);
    let mode = |path: &Path| fs::metadata(path).map(|about| about.permissions().mode() & 0o777);
    for file in files.into_iter().chain(["secret_key"]) {
        // The log beside the database goes away with its last reader.
        let Ok(mode) = mode(&at(&server, file)) else { continue };
        assert_eq!(mode, 0o600, "{file}");
    }
    for folder in folders.into_iter().chain(["."]) {
        assert_eq!(mode(&at(&server, folder)).unwrap(), 0o700, "{folder}");
    }
    let key = at(&server, "secret_key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (status, said) = server.command(&["serve"], &[]);
    assert!(status == Some(1) && said.contains("chmod 600"), "{said}");
}

/// A reader such as `head` that has read enough.
#[test]
fn a_command_outlives_its_reader() {
    let (server, _) = ran_once(&[]);
    let nowhere = format!("http://{}", free_address());
    for words in
        [&["config", "check"][..], &["doctor"], &["key", "list"], &["migrate"], &["key", "rotate"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(words).env_clear().current_dir(server.path("."));
        command
            .env("VESTIBULE_DATA_DIR", server.path("data"))
            .env("VESTIBULE_SERVER__PUBLIC_URL", &nowhere);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() && !said.contains("panic"), "{words:?}: {status} {said}");
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let done = command.stdout(Stdio::from(full)).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(
            done.status.code() == Some(1) && said.contains("standard output"),
            "{words:?}: {said}"
        );
        let done = command
            .stdout(Stdio::null())
            .stderr(fs::File::open("/dev/null").unwrap())
            .status()
            .unwrap();
        assert!(done.success(), "{words:?} without standard error");
    }
}
