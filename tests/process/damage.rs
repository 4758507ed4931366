//! A process on a database with damaged rows.

use std::net::TcpStream;

use vestibule::engine::store::Store;

use super::{Running, ask, free_address};

/// One damaged row of each kind that a health check and the doctor look at.
const DAMAGE: [&str; 4] = [
    "insert into users (id, provider, provider_user_id, email, signed_up_at, last_login_at, \
     updated_at) \
     values ('aaaaaaaaaaaaaaaaaaaaaaaa', 'altogic', 'a', x'ff', 'yesterday', 'yesterday', \
     'yesterday')",
    "insert into sessions (id, user_id, token_digest, started_at, last_seen_at, expires_at, \
     user_agent, proved_at) \
     values ('bbbbbbbbbbbbbbbbbbbbbbbb', 'aaaaaaaaaaaaaaaaaaaaaaaa', x'00', 'yesterday', 'now', \
     'never', x'ff', 'now')",
    "insert into outbox (id, channel, kind, recipient_sealed, body_sealed, next_attempt_at, \
     created_at) \
     values ('cccccccccccccccccccccccc', 'mail', x'ff', x'00', x'00', 'now', 'now')",
    "insert into outbox (id, channel, kind, recipient_sealed, body_sealed, next_attempt_at, \
     created_at) \
     values (x'ff', 'mail', 'a', x'00', x'00', 0, 9223372036854775807)",
];

/// S112, R24
#[test]
fn health_and_doctor_outlive_damaged_rows_which_are_logged_once() {
    let address = free_address();
    let (listen, url) = (address.to_string(), format!("http://{address}"));
    let settings = [("SERVER__LISTEN", listen.as_str()), ("SERVER__PUBLIC_URL", url.as_str())];
    let mut server = Running::start(&settings).until_live(address);
    server.signal("TERM");
    server.end();
    let database = format!("sqlite:{}", server.path("data/vestibule.db").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(&database).await.unwrap();
        for sql in DAMAGE {
            store.execute(sql, vec![]).await.unwrap();
        }
        store.close().await;
    });
    let server = server.restart(&settings).until_live(address);
    server.line(&["a row is damaged", "outbox", "cccccccccccccccccccccccc"]);
    for path in ["/health/ready", "/sign-in", "/"] {
        for _ in 0..3 {
            let mut connection = TcpStream::connect(address).unwrap();
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            let answer = ask(&mut connection, &request);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    }
    let (status, said) = server.command(&["doctor"], &settings);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(server.command(&["health"], &settings).0, Some(0));
    let log = server.log();
    let times = log.lines().filter(|line| line.contains("cccccccccccccccccccccccc")).count();
    assert!(times == 1 && !log.contains("panic"), "{log}");
}
