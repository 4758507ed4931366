//! The two servers that are compared, and what the kernel counts for them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, http::StatusCode, web};

use super::{CLIENT_KEY, Result};

/// The release binary on the first core, with an account in it.
pub(super) struct RunningServer {
    pub(super) server: Server,
    pub(super) first_answer: Duration,
}

impl RunningServer {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let started = Instant::now();
        let process = on_core(0, env!("CARGO_BIN_EXE_vestibule"))
            .current_dir(folder)
            .env("RUST_LOG", "error")
            .env("VESTIBULE_DATA_DIR", folder.join("data"))
            .env("VESTIBULE_SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("VESTIBULE_SERVER__PUBLIC_URL", format!("http://localhost:{port}"))
            .env("VESTIBULE_SERVER__WORKERS", "1")
            .env("VESTIBULE_ENGINE__CONFIRM_EMAIL", "false")
            .env("VESTIBULE_ENGINE__CLIENT_KEYS", CLIENT_KEY)
            .env("VESTIBULE_LIMITS__FACTOR", "1000000")
            .stdout(Stdio::null())
            .spawn()?;
        let server = Server { process, port };
        server.wait("/sign-in")?;
        Ok(Self { server, first_answer: started.elapsed() })
    }
}

/// A server process of ours; it ends with its value.
pub(super) struct Server {
    process: Child,
    pub(super) port: u16,
}

impl Server {
    pub(super) fn start_bare(recorded: &Path) -> Result<Self> {
        let port = free_port()?;
        let own = std::env::current_exe()?;
        let process = on_core(0, own).arg("--bare").arg(port.to_string()).arg(recorded).spawn()?;
        let server = Self { process, port };
        server.wait("/")?;
        Ok(server)
    }

    fn wait(&self, path: &str) -> Result<()> {
        let given_up = Instant::now() + Duration::from_secs(10);
        while Instant::now() < given_up {
            if self.get(path, &[]).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            sleep(Duration::from_millis(1));
        }
        Err("a server does not start".into())
    }

    /// One request over a connection of its own; the whole answer, head and body.
    pub(super) fn get(&self, path: &str, headers: &[String]) -> Result<String> {
        self.send(&format!("GET {path}"), headers, "")
    }

    pub(super) fn send(&self, request: &str, headers: &[String], body: &str) -> Result<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        let (port, length) = (self.port, body.len());
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        write!(
            connection,
            "{request} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: \
                close\r\n{headers}Content-Length: {length}\r\n\r\n{body}",
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }

    pub(super) fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.process.id().to_string())
    }

    /// Resident memory, in MiB.
    pub(super) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a process that is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(super) fn on_core(core: usize, program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("--cpu-list").arg(core.to_string()).arg(program.into());
    command
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// CPU time of a process: its living threads, to the nanosecond, kernel time included. The ticks of
/// `/proc/PID/stat` are too coarse for the few hundred milliseconds of a round of sign-ins. No
/// thread ends while it is measured.
pub(super) fn cpu_of(process: &str) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let spent = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += spent.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Moves this process to these cores.
pub(super) fn move_to(cores: &str) -> Result<()> {
    let process = std::process::id().to_string();
    let moved =
        Command::new("taskset").args(["-cp", cores, &process]).stdout(Stdio::null()).status()?;
    if moved.success() { Ok(()) } else { Err("taskset does not move this process".into()) }
}

/// The other role of this program: answers everything with the recorded bytes.
pub(super) fn serve_bare(port: &str, recorded: &Path) -> Result<()> {
    let recorded = fs::read_to_string(recorded)?;
    let (head, body) = recorded.split_once("\r\n\r\n").ok_or("no head")?;
    let headers: Vec<(String, String)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        // What the framework writes by itself.
        .filter(|(name, _)| {
            !["content-length", "date", "connection"].contains(&name.to_ascii_lowercase().as_str())
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let body = web::Bytes::from(body.to_owned());
    let answer = web::Data::new((headers, body));
    let server =
        HttpServer::new(move || App::new().app_data(answer.clone()).default_service(web::to(bare)));
    actix_web::rt::System::new()
        .block_on(server.workers(1).bind(format!("127.0.0.1:{port}"))?.run())?;
    Ok(())
}

async fn bare(answer: web::Data<(Vec<(String, String)>, web::Bytes)>) -> HttpResponse {
    let (headers, body) = answer.get_ref();
    let mut response = HttpResponse::build(StatusCode::OK);
    for (name, value) in headers {
        response.append_header((name.as_str(), value.as_str()));
    }
    response.body(body.clone())
}
