//! A process of the binary with a folder of its own.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The longest that anything here may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A started binary. It is killed when it is dropped.
pub(super) struct Running {
    child: Child,
    folder: TempDir,
}

impl Running {
    /// Starts it with settings, named as in the environment, without the prefix.
    pub(super) fn start(settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.stdin(Stdio::null());
        Self::start_as(command, settings)
    }

    /// Starts it on a listener that somebody else opened, as systemd does.
    pub(super) fn start_on(listener: &TcpListener, settings: &[(&str, &str)]) -> Self {
        let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\"";
        let mut command = Command::new("sh");
        let handed = std::os::fd::OwnedFd::from(listener.try_clone().unwrap());
        command.args(["-c", script, env!("CARGO_BIN_EXE_vestibule")]).stdin(Stdio::from(handed));
        Self::start_as(command, settings)
    }

    /// Has systemd's own program listen and start it with the first connection.
    pub(super) fn start_activated(address: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let given = ["DATA_DIR", "ENGINE__CLIENT_KEYS", "SERVER__WORKERS"];
        let names = given.into_iter().chain(settings.iter().map(|(key, _)| *key));
        let mut command = Command::new("systemd-socket-activate");
        command
            .arg(format!("--listen={address}"))
            .args(names.map(|name| format!("--setenv=VESTIBULE_{name}")));
        command.arg(env!("CARGO_BIN_EXE_vestibule")).stdin(Stdio::null());
        Self::start_as(command, settings)
    }

    /// Starts the binary once more in the folder of one that has ended.
    pub(super) fn restart(mut self, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.stdin(Stdio::null());
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = Self::spawn(command, self.folder.path(), settings);
        self
    }

    fn start_as(command: Command, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { child: Self::spawn(command, folder.path(), settings), folder }
    }

    fn spawn(mut command: Command, folder: &Path, settings: &[(&str, &str)]) -> Child {
        let output = |name| Stdio::from(File::create(folder.join(name)).unwrap());
        command
            .current_dir(folder)
            .env_clear()
            .env("VESTIBULE_DATA_DIR", folder.join("data"))
            .env("VESTIBULE_SERVER__WORKERS", "1")
            .envs(settings.iter().filter(|(key, _)| *key == "NOTIFY_SOCKET").copied())
            .envs(settings.iter().map(|(key, value)| (format!("VESTIBULE_{key}"), value)).filter(
                |(key, _)| {
                    // What the service manager sets is no setting of ours.
                    key != "VESTIBULE_NOTIFY_SOCKET"
                },
            ))
            .stdout(output("out"))
            .stderr(output("err"));
        // In remote mode there is no engine to have keys.
        if !settings.iter().any(|(key, _)| key.starts_with("ALTOGIC__")) {
            command.env("VESTIBULE_ENGINE__CLIENT_KEYS", crate::support::CLIENT_KEY);
        }
        command.spawn().unwrap()
    }

    /// Runs another command of the binary in its folder, with these settings; answers its status
    /// and what it printed.
    pub(super) fn command(
        &self,
        words: &[&str],
        settings: &[(&str, &str)],
    ) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        let settings = settings.iter().map(|(key, value)| (format!("VESTIBULE_{key}"), value));
        command.args(words).current_dir(self.folder.path()).env_clear().envs(settings);
        let done = command.env("VESTIBULE_DATA_DIR", self.path("data")).output().unwrap();
        let words = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(words).unwrap())
    }

    /// Waits until it answers there.
    pub(super) fn until_live(self, address: SocketAddr) -> Self {
        in_time("the server answers", || {
            let mut connection = TcpStream::connect(address).ok()?;
            ask(
                &mut connection,
                "GET /health/live HTTP/1.1\r\nHost: hall\r\nConnection: close\r\n\r\n",
            )
            .starts_with("HTTP/1.1 200")
            .then_some(())
        });
        self
    }

    /// Sends a signal by its name.
    pub(super) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(super) fn end(&mut self) -> ExitStatus {
        in_time("the process ends", || self.child.try_wait().unwrap())
    }

    /// Contents of its log.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("err")).unwrap()
    }

    /// Waits for a line of the log that holds all these words.
    pub(super) fn line(&self, words: &[&str]) -> String {
        in_time(&format!("a line with {words:?}"), || {
            let log = self.log();
            log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    /// A path in its folder.
    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request and reads until the other side hangs up. Empty when it hangs up without a word.
pub(super) fn ask(connection: &mut (impl Read + Write), request: &str) -> String {
    let mut answer = Vec::new();
    if connection.write_all(request.as_bytes()).is_ok() {
        let _ = connection.read_to_end(&mut answer);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// An address of this machine where nobody listens.
pub(super) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Asks again and again until there is an answer.
pub(super) fn in_time<T>(what: &str, mut inspect: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = inspect() {
            return found;
        }
        assert!(start.elapsed() < TIMEOUT, "it took too long until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
