//! What a request costs, against a bare actix-web server that sends the same bytes.
//!
//! `cargo bench --bench cost`, on Linux with `taskset` and `wrk`; `-- --quick` only sees that it runs. Everything is measured
//! in one run on one core: the servers are pinned to the first one, the load to the second. The hall and the bare server take
//! turns, so that whatever else the machine does hits both, and the medians are compared.
//!
//! * **CPU time per request** is what the kernel counted for the server's process (`/proc/<pid>/task/*/schedstat`) over the requests that
//!   were answered. It is steadier than requests per second, which are printed beside it.
//! * The **bare server** is this file in another role (`--bare`): one worker that answers with the recorded bytes, every header
//!   and the body, and does nothing else.
//! * A **sign-in** is compared with argon2id hashes (19 456 KiB, two passes, one lane) made by this process in turns with it.

use std::{
    error::Error,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, http::StatusCode, web};
use argon2::{Argon2, Block, Params};
use scraper::{Html, Selector};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a lantern by the gate";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--bare") {
        return serve_bare(&arguments[at + 1], Path::new(&arguments[at + 2]));
    }
    let effort = if arguments.iter().any(|argument| argument == "--quick") { Effort::QUICK } else { Effort::FULL };
    let folder = tempfile::tempdir()?;
    let hall = Hall::start(folder.path())?;
    let member = sign_up(&hall)?;
    let mut table = Table::default();
    compare_pages(&hall, &member, folder.path(), &effort, &mut table)?;
    compare_sign_in(&hall, &effort, &mut table)?;
    table.row("memory after all of this", format!("{:.1} MiB", hall.server.memory()?), "", None);
    drop(hall);
    measure_start(folder.path(), &effort, &mut table)?;
    table.print();
    table.judge(effort.slack)
}

/// How long to measure, and how far a quick look may miss a target before it counts as broken.
struct Effort {
    rounds: usize,
    seconds: u32,
    sign_ins: usize,
    slack: f64,
}

impl Effort {
    const FULL: Self = Self { rounds: 7, seconds: 3, sign_ins: 40, slack: 1.0 };
    const QUICK: Self = Self { rounds: 1, seconds: 1, sign_ins: 10, slack: 2.0 };
}

/// What a page is asked for with.
struct Visit {
    name: &'static str,
    path: &'static str,
    cookie: Option<String>,
    target: Option<f64>,
}

fn compare_pages(hall: &Hall, member: &str, folder: &Path, effort: &Effort, table: &mut Table) -> Result<()> {
    let guest = first_cookie(&hall.server.get("/sign-in", None)?).ok_or("a guest gets no cookie")?;
    let visits = [
        Visit { name: "sign-in page, first visit", path: "/sign-in", cookie: None, target: Some(2.5) },
        Visit { name: "sign-in page, with a cookie", path: "/sign-in", cookie: Some(guest), target: Some(2.5) },
        Visit { name: "profile page", path: "/profile", cookie: Some(member.to_owned()), target: Some(5.0) },
    ];
    for visit in visits {
        let recorded = folder.join("recorded");
        let answer = hall.server.get(visit.path, visit.cookie.as_deref())?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(format!("{}: {}", visit.path, answer.lines().next().unwrap_or_default()).into());
        }
        fs::write(&recorded, &answer)?;
        let bare = Server::start_bare(&recorded)?;
        let (mut hall_loads, mut bare_loads) = (Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            hall_loads.push(load(&hall.server, &visit, effort.seconds)?);
            bare_loads.push(load(&bare, &visit, effort.seconds)?);
        }
        let median_of = |loads: &[Load], value: fn(&Load) -> f64| median(loads.iter().map(value).collect());
        let (ours, theirs) = (median_of(&hall_loads, |load| load.micros), median_of(&bare_loads, |load| load.micros));
        let (rate, bare_rate) = (median_of(&hall_loads, |load| load.rate), median_of(&bare_loads, |load| load.rate));
        table.row(
            &format!("{}, {} bytes: CPU time", visit.name, answer.len()),
            format!("{ours:.1} µs, bare {theirs:.1} µs"),
            "×",
            Some((ours / theirs, visit.target)),
        );
        table.row(
            &format!("{}: requests a second", visit.name),
            format!("{rate:.0}, bare {bare_rate:.0}"),
            "×",
            Some((rate / bare_rate, None)),
        );
    }
    Ok(())
}

fn compare_sign_in(hall: &Hall, effort: &Effort, table: &mut Table) -> Result<()> {
    let (mut sign_ins, mut hashes) = (Vec::new(), Vec::new());
    let mut memory = vec![Block::default(); Params::DEFAULT.block_count()];
    for _ in 0..effort.rounds {
        // The forms are fetched outside of what is measured: a sign-in is the POST.
        let forms = (0..effort.sign_ins).map(|_| Form::fetch(hall, "/sign-in")).collect::<Result<Vec<_>>>()?;
        let before = hall.server.cpu()?;
        for form in forms {
            form.send(hall, &[("email", EMAIL), ("password", PASSWORD)])?;
        }
        sign_ins.push((hall.server.cpu()? - before).as_secs_f64() / effort.sign_ins as f64);

        // On the server's core: two virtual cores are not equally fast.
        move_to("0")?;
        let before = cpu_of("self")?;
        for salt in 0..effort.sign_ins {
            let mut hash = [0; 32];
            let salt = format!("a salt of bytes {salt}");
            Argon2::default()
                .hash_password_into_with_memory(PASSWORD.as_bytes(), salt.as_bytes(), &mut hash, &mut memory)
                .map_err(|error| error.to_string())?;
        }
        hashes.push((cpu_of("self")? - before).as_secs_f64() / effort.sign_ins as f64);
        move_to("0,1")?;
    }
    let (sign_in, hash) = (median(sign_ins) * 1000.0, median(hashes) * 1000.0);
    table.row(
        "a sign-in: CPU time",
        format!("{sign_in:.2} ms, one argon2id hash {hash:.2} ms"),
        "×",
        Some((sign_in / hash, Some(1.1))),
    );
    Ok(())
}

fn measure_start(folder: &Path, effort: &Effort, table: &mut Table) -> Result<()> {
    let (mut starts, mut memories) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds.max(3) {
        let hall = Hall::start(folder)?;
        starts.push(hall.first_answer.as_secs_f64() * 1000.0);
        sleep(Duration::from_secs(1));
        memories.push(hall.server.memory()?);
    }
    let (start, memory) = (median(starts), median(memories));
    table.row("start to first answer", String::new(), "ms", Some((start, Some(100.0))));
    table.row("memory at rest", String::new(), "MiB", Some((memory, Some(20.0))));
    Ok(())
}

/// The release binary on the first core, with an account in it.
struct Hall {
    server: Server,
    first_answer: Duration,
}

impl Hall {
    fn start(folder: &Path) -> Result<Self> {
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
            .env("VESTIBULE_LIMITS__FACTOR", "1000000")
            .stdout(Stdio::null())
            .spawn()?;
        let server = Server { process, port };
        server.wait("/sign-in")?;
        Ok(Self { server, first_answer: started.elapsed() })
    }
}

/// A server process of ours; it ends with its value.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start_bare(recorded: &Path) -> Result<Self> {
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
            if self.get(path, None).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            sleep(Duration::from_millis(1));
        }
        Err("a server does not start".into())
    }

    /// One request over a connection of its own; the whole answer, head and body.
    fn get(&self, path: &str, cookie: Option<&str>) -> Result<String> {
        self.send(&format!("GET {path} HTTP/1.1"), cookie, "")
    }

    fn send(&self, line: &str, cookie: Option<&str>, body: &str) -> Result<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        let port = self.port;
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let form = "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin";
        write!(
            connection,
            "{line}\r\nHost: localhost:{port}\r\nConnection: close\r\n{cookie}{form}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.process.id().to_string())
    }

    /// Resident memory, in MiB.
    fn memory(&self) -> Result<f64> {
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

fn on_core(core: usize, program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("--cpu-list").arg(core.to_string()).arg(program.into());
    command
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// CPU time of a process: its living threads, to the nanosecond, kernel time included. The ticks of `/proc/PID/stat` are too
/// coarse for the few hundred milliseconds of a round of sign-ins. No thread ends while it is measured.
fn cpu_of(process: &str) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let spent = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += spent.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Moves this process to these cores.
fn move_to(cores: &str) -> Result<()> {
    let process = std::process::id().to_string();
    let moved = Command::new("taskset").args(["-cp", cores, &process]).stdout(Stdio::null()).status()?;
    if moved.success() { Ok(()) } else { Err("taskset does not move this process".into()) }
}

struct Load {
    /// CPU time of the server for one request, in microseconds.
    micros: f64,
    /// Requests a second.
    rate: f64,
}

fn load(server: &Server, visit: &Visit, seconds: u32) -> Result<Load> {
    let mut wrk = on_core(1, "wrk");
    wrk.args(["--threads", "1", "--connections", "16", "--duration"]).arg(format!("{seconds}s"));
    if let Some(cookie) = &visit.cookie {
        wrk.arg("--header").arg(format!("Cookie: {cookie}"));
    }
    let before = server.cpu()?;
    let output = wrk.arg(format!("http://127.0.0.1:{}{}", server.port, visit.path)).output()?;
    let used = server.cpu()? - before;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() || report.contains("Non-2xx") || report.contains("Socket errors") {
        return Err(format!("the load failed: {report}{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let line = report.lines().find(|line| line.contains("requests in")).ok_or("wrk says nothing")?;
    let requests: f64 = line.split_whitespace().next().ok_or("wrk counts nothing")?.parse()?;
    let rate = report.lines().find_map(|line| line.strip_prefix("Requests/sec:")).ok_or("wrk says no rate")?;
    Ok(Load { micros: used.as_secs_f64() * 1e6 / requests, rate: rate.trim().parse()? })
}

/// Makes the account and answers the cookie of its session.
fn sign_up(hall: &Hall) -> Result<String> {
    let answer =
        Form::fetch(hall, "/sign-up")?.send(hall, &[("name", "Ann"), ("email", EMAIL), ("password", PASSWORD)])?;
    first_cookie(&answer).ok_or_else(|| "signing up gives no cookie".into())
}

fn first_cookie(answer: &str) -> Option<String> {
    let header = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:"))?;
    Some(header.split_once(':')?.1.split(';').next()?.trim().to_owned())
}

/// A form as a browser holds it: where it goes, its hidden fields, and the cookie that came with it.
struct Form {
    path: String,
    cookie: Option<String>,
    hidden: Vec<(String, String)>,
}

impl Form {
    fn fetch(hall: &Hall, path: &str) -> Result<Self> {
        let answer = hall.server.get(path, None)?;
        let page = Html::parse_document(answer.split_once("\r\n\r\n").ok_or("no body")?.1);
        let fields = Selector::parse("form[method=post] input[type=hidden]").map_err(|error| error.to_string())?;
        let hidden = page
            .select(&fields)
            .filter_map(|field| Some((field.attr("name")?.to_owned(), field.attr("value")?.to_owned())));
        Ok(Self { path: path.to_owned(), cookie: first_cookie(&answer), hidden: hidden.collect() })
    }

    /// Sends it and answers what came back, which must be a way on (303).
    fn send(self, hall: &Hall, typed: &[(&str, &str)]) -> Result<String> {
        let hidden = self.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(hidden.chain(typed.iter().copied()))
            .finish();
        let answer = hall.server.send(&format!("POST {} HTTP/1.1", self.path), self.cookie.as_deref(), &body)?;
        if answer.starts_with("HTTP/1.1 303") { Ok(answer) } else { Err(answer.into()) }
    }
}

/// The other role of this program: answers everything with the recorded bytes.
fn serve_bare(port: &str, recorded: &Path) -> Result<()> {
    let recorded = fs::read_to_string(recorded)?;
    let (head, body) = recorded.split_once("\r\n\r\n").ok_or("no head")?;
    let headers: Vec<(String, String)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        // What the framework writes by itself.
        .filter(|(name, _)| !["content-length", "date", "connection"].contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let body = web::Bytes::from(body.to_owned());
    let answer = web::Data::new((headers, body));
    let server = HttpServer::new(move || App::new().app_data(answer.clone()).default_service(web::to(bare)));
    actix_web::rt::System::new().block_on(server.workers(1).bind(format!("127.0.0.1:{port}"))?.run())?;
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What was found, as a table for the README.
#[derive(Default)]
struct Table(Vec<Row>);

struct Row {
    what: String,
    detail: String,
    unit: &'static str,
    /// What was found, and what it may be at most.
    found: Option<(f64, Option<f64>)>,
}

impl Table {
    fn row(&mut self, what: &str, detail: String, unit: &'static str, found: Option<(f64, Option<f64>)>) {
        self.0.push(Row { what: what.to_owned(), detail, unit, found });
    }

    fn print(&self) {
        println!("| what | measured | result | target |\n|---|---|---|---|");
        for Row { what, detail, unit, found } in &self.0 {
            let result = found.map(|(value, _)| format!("{value:.2} {unit}")).unwrap_or_default();
            let target =
                found.and_then(|(_, target)| target).map(|most| format!("≤ {most} {unit}")).unwrap_or_default();
            println!("| {what} | {detail} | {result} | {target} |");
        }
    }

    /// Fails when something misses its target by more than the slack.
    fn judge(&self, slack: f64) -> Result<()> {
        let missed = self
            .0
            .iter()
            .filter(|row| row.found.is_some_and(|(value, target)| target.is_some_and(|most| value > most * slack)));
        let missed: Vec<&str> = missed.map(|row| row.what.as_str()).collect();
        if missed.is_empty() { Ok(()) } else { Err(format!("over the target: {}", missed.join("; ")).into()) }
    }
}
