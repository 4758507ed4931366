//! Whether an input that costs much slows a page that costs little.
//!
//! Twelve connections send one costly input again and again, while one visitor opens the sign-in
//! page. The limits are out of the way, as for an attacker with many addresses: what is measured
//! are the bounded pools. Everything is on the server's one core.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{CLIENT_KEY, Effort, Form, Result, RunningServer, sign_in_by_rest, table::Table};

/// Connections that attack.
const ATTACKERS: usize = 12;

/// Pause of the visitor between two pages.
const PAUSE: Duration = Duration::from_millis(1);

/// Times that the page may take longer than without an attack.
const TARGET: f64 = 3.0;

/// Signs that zxcvbn reads as letters.
const SIGNS: &str = "4@8({[<3691!|70$5+%2";

/// Numbers of countries whose plans do not fit into memory together.
const COUNTRIES: [&str; 12] = [
    "+1201555", "+4474001", "+3906123", "+8613812", "+5511961", "+8190123", "+6141234", "+1876555",
    "+2626921", "+4416241", "+5901234", "+3584012",
];

/// One costly input; the number makes each request another one.
struct Attack {
    name: &'static str,
    request: String,
    headers: Vec<String>,
    body: Box<dyn Fn(usize) -> String + Sync>,
}

/// Measures the page idle and under each attack.
pub(super) fn compare(instance: &RunningServer, effort: &Effort, table: &mut Table) -> Result<()> {
    let duration = Duration::from_secs(u64::from(effort.seconds) + 1);
    let calm = AtomicBool::new(false);
    for attack in attacks(instance)? {
        let idle = p99(instance, duration, &calm)?;
        let (under, answers) = under(instance, &attack, duration)?;
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        table.row(
            &format!("sign-in page, p99, under {}", attack.name),
            format!("{:.2} ms, idle {:.2} ms; {answers}", millis(under), millis(idle)),
            "×",
            Some((millis(under) / millis(idle), Some(TARGET))),
        );
    }
    Ok(())
}

/// The p99 of the page while the attackers attack, and what they were answered.
fn under(
    instance: &RunningServer,
    attack: &Attack,
    duration: Duration,
) -> Result<(Duration, String)> {
    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let counts = [200, 300, 400, 429, 503].map(|status| (status, AtomicUsize::new(0)));
    thread::scope(|scope| {
        for _ in 0..ATTACKERS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let body = (attack.body)(next.fetch_add(1, Ordering::Relaxed));
                    let answer = instance
                        .server
                        .send(&attack.request, &attack.headers, &body)
                        .unwrap_or_default();
                    let status: u16 = answer
                        .get(9..12)
                        .and_then(|status| status.parse().ok())
                        .unwrap_or_default();
                    let class =
                        if matches!(status, 429 | 503) { status } else { status / 100 * 100 };
                    if let Some((_, count)) = counts.iter().find(|(status, _)| *status == class) {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let measured = p99(instance, duration, &stop);
        stop.store(true, Ordering::Relaxed);
        let mut answers = String::from("answers");
        for (status, count) in &counts {
            match count.load(Ordering::Relaxed) {
                0 => {}
                count => write!(answers, " {status}: {count}")?,
            }
        }
        Ok((measured?, answers))
    })
}

/// Opens the page until the time is over.
fn p99(instance: &RunningServer, duration: Duration, stopped: &AtomicBool) -> Result<Duration> {
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < duration && !stopped.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = instance.server.get("/sign-in", &[])?;
        times.push(asked.elapsed());
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(
                format!("the sign-in page: {}", answer.lines().next().unwrap_or_default()).into()
            );
        }
        thread::sleep(PAUSE);
    }
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().ok_or_else(|| "no page was opened".into())
}

fn attacks(instance: &RunningServer) -> Result<Vec<Attack>> {
    let form = Form::fetch(instance, "/sign-up")?;
    let hidden: String = form
        .hidden
        .iter()
        .fold(String::new(), |body, (name, value)| format!("{body}{name}={value}&"));
    let signs = || SIGNS.chars().cycle().take(64).collect::<String>();
    let encoded = url::form_urlencoded::byte_serialize(signs().as_bytes()).collect::<String>();
    let urlencoded =
        ["Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin"];
    let of_form: Vec<String> =
        urlencoded.into_iter().map(str::to_owned).chain(form.cookies.clone()).collect();
    let cookies =
        format!("Cookie: {}", vec![format!("vestibule={}", "A".repeat(4000)); 25].join("; "));
    let json =
        vec![format!("X-Client-Key: {CLIENT_KEY}"), "Content-Type: application/json".to_owned()];
    let session = [json.clone(), vec![format!("Session: {}", sign_in_by_rest(instance)?)]].concat();
    let rest = |name,
                path: &str,
                headers: &Vec<String>,
                body: Box<dyn Fn(usize) -> String + Sync>| Attack {
        name,
        request: format!("POST /_api/rest/v1{path}"),
        headers: headers.clone(),
        body,
    };
    let keys: String = (0..6000).fold(String::new(), |keys, key| format!("{keys}\"{key}\":1,"));
    let expression = "INCLUDES(fileName, 'a', false) || ".repeat(55) + "true";
    Ok(vec![
        rest(
            "passwords to rate",
            "/auth/signup-email",
            &json,
            Box::new(move |number| {
                format!(r#"{{"email":"a{number}@example.com","password":"{}"}}"#, signs())
            }),
        ),
        Attack {
            name: "passwords to rate, at the page",
            request: "POST /sign-up".to_owned(),
            headers: of_form.clone(),
            body: Box::new(move |number| {
                format!("{hidden}name=A&email=b{number}%40example.com&password={encoded}")
            }),
        },
        rest(
            "passwords to hash",
            "/auth/signin-email",
            &json,
            Box::new(|number| {
                format!(r#"{{"email":"c{number}@example.com","password":"a wrong password"}}"#)
            }),
        ),
        rest(
            "phone numbers",
            "/auth/signin-phone",
            &json,
            Box::new(|number| {
                format!(
                    r#"{{"phone":"{}{:04}","password":""}}"#,
                    COUNTRIES[number % COUNTRIES.len()],
                    number % 10_000
                )
            }),
        ),
        rest(
            "JSON of many keys",
            "/auth/signup-email",
            &json,
            Box::new(move |_| format!(r#"{{"nameOrUserData":{{{keys}"a":1}}}}"#)),
        ),
        rest(
            "expressions",
            "/storage/search-files",
            &session,
            Box::new(move |_| format!(r#"{{"expression":"{expression}"}}"#)),
        ),
        Attack {
            name: "forms of many fields",
            request: "POST /sign-in".to_owned(),
            headers: of_form,
            body: Box::new(|_| "a&".repeat(32_000)),
        },
        Attack {
            name: "many cookies",
            request: "GET /sign-in".to_owned(),
            headers: vec![cookies],
            body: Box::new(|_| String::new()),
        },
    ])
}
