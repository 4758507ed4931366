//! Cost of a request, against a bare actix-web server that sends the same bytes.
//!
//! `cargo bench --bench cost`, on Linux with `taskset` and `wrk`; `-- --quick` only sees that it
//! runs. Everything is measured in one run on one core: the servers are pinned to the first one,
//! the load to the second. The server and the bare server take turns, so that whatever else the
//! machine does hits both, and the medians are compared.
//!
//! * **CPU time per request** is what the kernel counted for the server's process
//!   (`/proc/<pid>/task/*/schedstat`) over the requests that were answered. It is steadier than
//!   requests per second, which are printed beside it.
//! * The **bare server** is this file in another role (`--bare`): one worker that answers with the
//!   recorded bytes, every header and the body, and does nothing else.
//! * **Attacks**: the p99 of the sign-in page while twelve connections send what costs most; see
//!   `attacks.rs`. `--attacks` measures nothing else; `--quick` without it leaves them out.
//! * A **sign-in** is compared with argon2id hashes (19 456 KiB, two passes, one lane) made by this
//!   process in turns with it.

mod attacks;
mod servers;
mod table;

use std::{error::Error, fs, path::Path, thread::sleep, time::Duration};

use argon2::{Argon2, Block, Params};
use scraper::{Html, Selector};

use self::{
    servers::{RunningServer, Server, cpu_of, move_to, on_core, serve_bare},
    table::Table,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a lantern by the gate";
const CLIENT_KEY: &str = "a-client-key-of-the-benchmark";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--bare") {
        return serve_bare(&arguments[at + 1], Path::new(&arguments[at + 2]));
    }
    let effort = if arguments.iter().any(|argument| argument == "--quick") {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let folder = tempfile::tempdir()?;
    let instance = RunningServer::start(folder.path())?;
    let signed_in_user = sign_up(&instance)?;
    let mut table = Table::default();
    if arguments.iter().any(|argument| argument == "--attacks") {
        attacks::compare(&instance, &effort, &mut table)?;
        table.print();
        return table.validate(effort.slack);
    }
    compare_pages(&instance, &signed_in_user, folder.path(), &effort, &mut table)?;
    compare_sign_ins(&instance, &effort, &mut table)?;
    if effort.attacks {
        attacks::compare(&instance, &effort, &mut table)?;
    }
    table.row(
        "memory after all of this",
        format!("{:.1} MiB", instance.server.memory()?),
        "",
        None,
    );
    drop(instance);
    measure_start(folder.path(), &effort, &mut table)?;
    table.print();
    table.validate(effort.slack)
}

/// How long to measure, and how far a quick look may miss a target before it counts as broken.
struct Effort {
    rounds: usize,
    seconds: u32,
    sign_ins: usize,
    slack: f64,
    attacks: bool,
}

impl Effort {
    const FULL: Self = Self { rounds: 7, seconds: 3, sign_ins: 40, slack: 1.0, attacks: true };
    const QUICK: Self = Self { rounds: 1, seconds: 1, sign_ins: 10, slack: 2.0, attacks: false };
}

/// Path and headers of a request.
struct Visit {
    name: &'static str,
    path: &'static str,
    headers: Vec<String>,
    target: Option<f64>,
}

fn compare_pages(
    instance: &RunningServer,
    signed_in_user: &str,
    folder: &Path,
    effort: &Effort,
    table: &mut Table,
) -> Result<()> {
    let visitor =
        cookies(&instance.server.get("/sign-in", &[])?).ok_or("a visitor gets no cookie")?;
    let session = format!("Session: {}", sign_in_by_rest(instance)?);
    let client_key = format!("X-Client-Key: {CLIENT_KEY}");
    let visits = [
        Visit {
            name: "sign-in page, first visit",
            path: "/sign-in",
            headers: Vec::new(),
            target: Some(2.5),
        },
        Visit {
            name: "sign-in page, with a cookie",
            path: "/sign-in",
            headers: vec![visitor],
            target: Some(2.5),
        },
        Visit {
            name: "profile page",
            path: "/profile",
            headers: vec![signed_in_user.to_owned()],
            target: Some(5.0),
        },
        Visit {
            name: "GET /auth/user",
            path: "/_api/rest/v1/auth/user",
            headers: vec![client_key, session],
            target: Some(4.0),
        },
    ];
    for visit in visits {
        let recorded = folder.join("recorded");
        let answer = instance.server.get(visit.path, &visit.headers)?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(
                format!("{}: {}", visit.path, answer.lines().next().unwrap_or_default()).into()
            );
        }
        fs::write(&recorded, &answer)?;
        let bare = Server::start_bare(&recorded)?;
        let (mut instance_loads, mut bare_loads) = (Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            instance_loads.push(load(&instance.server, &visit, effort.seconds)?);
            bare_loads.push(load(&bare, &visit, effort.seconds)?);
        }
        let median_of =
            |loads: &[Load], value: fn(&Load) -> f64| median(loads.iter().map(value).collect());
        let (ours, theirs) = (
            median_of(&instance_loads, |load| load.micros),
            median_of(&bare_loads, |load| load.micros),
        );
        let (rate, bare_rate) = (
            median_of(&instance_loads, |load| load.rate),
            median_of(&bare_loads, |load| load.rate),
        );
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

/// Both channels, against bare hashes in turns.
fn compare_sign_ins(instance: &RunningServer, effort: &Effort, table: &mut Table) -> Result<()> {
    let (mut by_form, mut by_rest, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    let mut memory = vec![Block::default(); Params::DEFAULT.block_count()];
    let each = |used: Duration| used.as_secs_f64() * 1000.0 / effort.sign_ins as f64;
    for _ in 0..effort.rounds {
        // The forms are fetched outside of what is measured: a sign-in is the POST.
        let forms = (0..effort.sign_ins)
            .map(|_| Form::fetch(instance, "/sign-in"))
            .collect::<Result<Vec<_>>>()?;
        let before = instance.server.cpu()?;
        for form in forms {
            form.send(instance, &[("email", EMAIL), ("password", PASSWORD)])?;
        }
        by_form.push(each(instance.server.cpu()? - before));

        let before = instance.server.cpu()?;
        for _ in 0..effort.sign_ins {
            sign_in_by_rest(instance)?;
        }
        by_rest.push(each(instance.server.cpu()? - before));

        // On the server's core: two virtual cores are not equally fast.
        move_to("0")?;
        let before = cpu_of("self")?;
        for salt in 0..effort.sign_ins {
            let mut hash = [0; 32];
            let salt = format!("a salt of bytes {salt}");
            Argon2::default()
                .hash_password_into_with_memory(
                    PASSWORD.as_bytes(),
                    salt.as_bytes(),
                    &mut hash,
                    &mut memory,
                )
                .map_err(|error| error.to_string())?;
        }
        hashes.push(each(cpu_of("self")? - before));
        move_to("0,1")?;
    }
    let hash = median(hashes);
    for (what, sign_ins) in
        [("a sign-in: CPU time", by_form), ("a sign-in through REST: CPU time", by_rest)]
    {
        let sign_in = median(sign_ins);
        let detail = format!("{sign_in:.2} ms, one argon2id hash {hash:.2} ms");
        table.row(what, detail, "×", Some((sign_in / hash, Some(1.1))));
    }
    Ok(())
}

/// Signs in as an application does; answers the session token.
fn sign_in_by_rest(instance: &RunningServer) -> Result<String> {
    let headers =
        [format!("X-Client-Key: {CLIENT_KEY}"), "Content-Type: application/json".to_owned()];
    let body = serde_json::json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let answer = instance.server.send("POST /_api/rest/v1/auth/signin-email", &headers, &body)?;
    let (_, json) = answer.split_once("\r\n\r\n").ok_or("no body")?;
    let json: serde_json::Value = serde_json::from_str(json)?;
    Ok(json["session"]["token"].as_str().ok_or("no session")?.to_owned())
}

fn measure_start(folder: &Path, effort: &Effort, table: &mut Table) -> Result<()> {
    let (mut starts, mut memories) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds.max(3) {
        let instance = RunningServer::start(folder)?;
        starts.push(instance.first_answer.as_secs_f64() * 1000.0);
        sleep(Duration::from_secs(1));
        memories.push(instance.server.memory()?);
    }
    let (start, memory) = (median(starts), median(memories));
    table.row("start to first answer", String::new(), "ms", Some((start, Some(100.0))));
    table.row("memory at rest", String::new(), "MiB", Some((memory, Some(20.0))));
    Ok(())
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
    for header in &visit.headers {
        wrk.args(["--header", header]);
    }
    let before = server.cpu()?;
    let output = wrk.arg(format!("http://127.0.0.1:{}{}", server.port, visit.path)).output()?;
    let used = server.cpu()? - before;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() || report.contains("Non-2xx") || report.contains("Socket errors") {
        return Err(format!(
            "the load failed: {report}{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let line =
        report.lines().find(|line| line.contains("requests in")).ok_or("wrk says nothing")?;
    let requests: f64 = line.split_whitespace().next().ok_or("wrk counts nothing")?.parse()?;
    let rate = report
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"))
        .ok_or("wrk says no rate")?;
    Ok(Load { micros: used.as_secs_f64() * 1e6 / requests, rate: rate.trim().parse()? })
}

/// Makes the account and answers the header with the cookies of its session.
fn sign_up(instance: &RunningServer) -> Result<String> {
    let answer = Form::fetch(instance, "/sign-up")?
        .send(instance, &[("name", "Ann"), ("email", EMAIL), ("password", PASSWORD)])?;
    cookies(&answer).ok_or_else(|| "signing up gives no cookie".into())
}

/// The header that sends back the cookies of an answer, as a browser does.
fn cookies(answer: &str) -> Option<String> {
    let cookies: Vec<&str> = answer
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, value)| {
            name.eq_ignore_ascii_case("set-cookie") && !value.contains("Max-Age=0")
        })
        .filter_map(|(_, value)| value.split(';').next().map(str::trim))
        .collect();
    (!cookies.is_empty()).then(|| format!("Cookie: {}", cookies.join("; ")))
}

/// A form as a browser holds it: where it goes, its hidden fields, and the cookies that came with
/// it.
struct Form {
    path: String,
    cookies: Option<String>,
    hidden: Vec<(String, String)>,
}

impl Form {
    fn fetch(instance: &RunningServer, path: &str) -> Result<Self> {
        let answer = instance.server.get(path, &[])?;
        let page = Html::parse_document(answer.split_once("\r\n\r\n").ok_or("no body")?.1);
        let fields = Selector::parse("form[method=post] input[type=hidden]")
            .map_err(|error| error.to_string())?;
        let hidden = page.select(&fields).filter_map(|field| {
            Some((field.attr("name")?.to_owned(), field.attr("value")?.to_owned()))
        });
        Ok(Self { path: path.to_owned(), cookies: cookies(&answer), hidden: hidden.collect() })
    }

    /// Sends it and answers what came back, which must be a way on (303).
    fn send(self, instance: &RunningServer, entered: &[(&str, &str)]) -> Result<String> {
        let hidden = self.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(hidden.chain(entered.iter().copied()))
            .finish();
        let headers =
            ["Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin"];
        let headers: Vec<String> =
            headers.into_iter().map(str::to_owned).chain(self.cookies).collect();
        let answer = instance.server.send(&format!("POST {}", self.path), &headers, &body)?;
        if answer.starts_with("HTTP/1.1 303") { Ok(answer) } else { Err(answer.into()) }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
