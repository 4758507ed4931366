//! Emails on their way, with a real database and real transports on loopback.

mod sms;

use std::sync::atomic::{AtomicI64, Ordering};

use secrecy::SecretString;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use super::*;
use crate::{
    engine::{
        SecretKey, SystemRandom,
        outbox::{DigestTarget, EmailContext, EmailMessage, Schedule},
    },
    port::Email,
};

fn magic_link() -> EmailMessage {
    EmailMessage::MagicLink(EmailContext {
        name: Some("Ann".into()),
        link: "https://example.com/k".into(),
        minutes: 60,
        code: None,
        code_minutes: 10,
        asked_by: None,
        sign_up: None,
    })
}

struct OffsetClock(AtomicI64);

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct Office {
    delivery_worker: DeliveryWorker,
    clock: Arc<OffsetClock>,
    folder: tempfile::TempDir,
}

impl Office {
    async fn with(transport: impl FnOnce(&std::path::Path) -> Transport) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&format!("sqlite:{}", folder.path().join("db").display())).await.unwrap();
        let (clock, random) =
            (Arc::new(OffsetClock(AtomicI64::new(1_000_000))), Arc::new(SystemRandom));
        let keys = [SecretKey::for_tests(1)];
        let outbox = Outbox::new(
            &keys,
            "Vestibule",
            "https://example.com/hall",
            None,
            clock.clone(),
            random.clone(),
        )
        .unwrap();
        let way_out = folder.path().join("outbox");
        let (mail, sms) = (transport(&way_out), SmsTransport::folder(&way_out).unwrap());
        let delivery_worker = DeliveryWorker::new(store, outbox, mail, sms, clock.clone(), random);
        Self { delivery_worker, clock, folder }
    }

    async fn into_folder() -> Self {
        Self::with(|folder| Transport::folder(folder, "hall@example.com", "Vestibule").unwrap())
            .await
    }

    async fn queue(&self, to: &str, expires_in: Option<i64>) {
        let email_message = magic_link();
        let expires_at =
            expires_in.map(|seconds| later(self.clock.now(), SignedDuration::from_secs(seconds)));
        let mut tx = self.delivery_worker.store.begin().await.unwrap();
        self.delivery_worker
            .outbox
            .enqueue(&mut tx, &email_message, &Email::parse(to).unwrap(), expires_at)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn queue_at(&self, to: &str, schedule: Schedule) {
        let mut tx = self.delivery_worker.store.begin().await.unwrap();
        self.delivery_worker
            .outbox
            .enqueue_at(&mut tx, &magic_link(), &Email::parse(to).unwrap(), schedule)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn emails(&self) -> Vec<String> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path().join("outbox"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    async fn left(&self) -> Vec<(i64, Option<String>, bool)> {
        let rows =
            self.delivery_worker.store.fetch_all("select * from outbox", Vec::new()).await.unwrap();
        let state = |row: &Row| {
            let dead = row.optional_integer("dead_at").unwrap().is_some();
            (row.integer("attempts").unwrap(), row.optional_text("last_error").unwrap(), dead)
        };
        rows.iter().map(state).collect()
    }
}

/// An email server on loopback that gives one answer to every recipient and hands out what it
/// received.
async fn smtp_server(answer: &'static str) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (received, emails) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let (read, mut write) = connection.split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 test\r\n").await.unwrap();
            let (mut data, mut mail) = (false, String::new());
            while let Ok(Some(line)) = lines.next_line().await {
                let reply = match (data, line.split(' ').next().unwrap_or_default()) {
                    (true, ".") => {
                        data = false;
                        received.send(std::mem::take(&mut mail)).unwrap();
                        "250 kept"
                    }
                    (true, _) => {
                        mail.push_str(&line);
                        mail.push('\n');
                        continue;
                    }
                    (false, "RCPT") => answer,
                    (false, "DATA") => {
                        data = true;
                        "354 go on"
                    }
                    (false, "QUIT") => "221 bye",
                    _ => "250 yes",
                };
                if write.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, emails)
}

async fn by_smtp(port: u16) -> Office {
    let url = SecretString::from(format!("smtp://127.0.0.1:{port}"));
    Office::with(|_| Transport::smtp(&url, "hall@example.com", "Vestibule").unwrap()).await
}

#[tokio::test]
async fn an_email_is_sent_once_and_then_gone() {
    let office = Office::into_folder().await;
    office.queue("ann@example.com", Some(3600)).await;
    assert_eq!(office.delivery_worker.drain().await, 1);
    assert_eq!(office.delivery_worker.drain().await, 0);
    let emails = office.emails();
    assert_eq!(emails.len(), 1);
    for header in [
        "To: ann@example.com",
        "From: Vestibule <hall@example.com>",
        "Auto-Submitted: auto-generated",
        "@example.com>",
    ] {
        assert!(emails[0].contains(header), "{header} in {}", emails[0]);
    }
    assert!(office.left().await.is_empty());
}

/// S33: what waits is worth nothing to who has a copy of the database.
#[tokio::test]
async fn a_waiting_email_shows_neither_its_link_nor_its_receiver() {
    let office = Office::into_folder().await;
    office.queue("ann@example.com", None).await;
    office.delivery_worker.store.close().await;
    for file in ["db", "db-wal"] {
        let Ok(bytes) = std::fs::read(office.folder.path().join(file)) else { continue };
        for secret in [&b"ann@example.com"[..], b"https://example.com/k"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{file}");
        }
    }
}

/// R09: its link has died.
#[tokio::test]
async fn an_email_that_came_too_late_is_not_sent() {
    let office = Office::into_folder().await;
    office.queue("ann@example.com", Some(60)).await;
    office.pass(61);
    assert_eq!(office.delivery_worker.drain().await, 0);
    assert!(office.emails().is_empty() && office.left().await.is_empty());
}

/// R29
#[tokio::test]
async fn an_email_that_cannot_be_opened_keeps_no_other_back() {
    let office = Office::into_folder().await;
    office.queue("ann@example.com", None).await;
    office
        .delivery_worker
        .store
        .execute("update outbox set body_sealed = $1", values![vec![7_u8; 40]])
        .await
        .unwrap();
    office.queue("ben@example.com", None).await;
    assert_eq!(office.delivery_worker.drain().await, 1);
    assert!(office.emails()[0].contains("ben@example.com"));
    assert!(office.left().await[0].2, "it is dead and can be looked at");
}

#[tokio::test]
async fn an_email_server_gets_the_email() {
    let (port, mut emails) = smtp_server("250 yes").await;
    let office = by_smtp(port).await;
    office.queue("ann@example.com", None).await;
    assert_eq!(office.delivery_worker.drain().await, 1);
    let mail = emails.recv().await.unwrap();
    assert!(
        mail.contains("To: ann@example.com") && mail.contains("multipart/alternative"),
        "{mail}"
    );
}

/// R09
#[tokio::test]
async fn a_server_that_is_away_or_busy_is_asked_again_later() {
    let (port, _mails) = smtp_server("451 later").await;
    for port in [port, 1] {
        let office = by_smtp(port).await;
        office.queue("ann@example.com", None).await;
        assert_eq!(office.delivery_worker.drain().await, 0);
        assert_eq!(office.delivery_worker.drain().await, 0, "not again at once");
        assert_eq!(office.left().await[0].0, 1);
        office.pass(60);
        office.delivery_worker.drain().await;
        let (attempts, error, dead) = office.left().await.remove(0);
        assert_eq!((attempts, dead), (2, false));
        assert!(!error.unwrap().contains("ann@example.com"));
        office.pass(49 * 3600);
        office.delivery_worker.drain().await;
        assert!(office.left().await[0].2, "given up after two days");
    }
}

/// R10
#[tokio::test]
async fn a_refused_email_is_not_tried_again() {
    let (port, _mails) = smtp_server("550 no such mailbox").await;
    let office = by_smtp(port).await;
    office.queue("ann@example.com", None).await;
    office.delivery_worker.drain().await;
    office.pass(100_000);
    office.delivery_worker.drain().await;
    let (attempts, error, dead) = office.left().await.remove(0);
    assert_eq!((attempts, dead), (1, true));
    assert_eq!(error.as_deref(), Some("the mail server answered 550"));
}

/// R30
#[tokio::test]
async fn two_delivery_workers_send_each_email_once() {
    let office = Office::into_folder().await;
    for number in 0..20 {
        office.queue(&format!("ann{number}@example.com"), None).await;
    }
    let other = office.delivery_worker.clone();
    let (one, two) = tokio::join!(
        office.delivery_worker.drain(),
        tokio::spawn(async move { other.drain().await })
    );
    assert_eq!(one + two.unwrap(), 20);
    assert_eq!(office.emails().len(), 20);
}

/// R15
#[tokio::test]
async fn a_clock_that_was_set_back_keeps_no_email_waiting_for_the_former_time() {
    for back in [3600, 24 * 3600] {
        let office = by_smtp(1).await;
        office.queue("ann@example.com", None).await;
        assert_eq!(office.delivery_worker.drain().await, 0);
        let mut looked_at = office.delivery_worker.clock.now();
        office.pass(-back);
        office.delivery_worker.check_clock(&mut looked_at).await;
        office.delivery_worker.drain().await;
        assert_eq!(office.left().await[0].0, 2, "it is tried again at once");
    }
}

/// R15: where other machines send too, only what no machine writes is taken.
#[tokio::test]
async fn an_email_that_waits_for_a_time_far_away_is_tried() {
    let office = by_smtp(1).await;
    office.queue("ann@example.com", None).await;
    office.delivery_worker.drain().await;
    office.pass(-24 * 3600);
    office.delivery_worker.drain().await;
    assert_eq!(office.left().await[0].0, 2);
}

/// R13: an email server that says nothing must not hold up the end for each email that waits.
#[tokio::test]
async fn who_is_told_to_stop_finishes_the_email_in_hand_and_leaves_the_others() {
    let (port, mut emails) = smtp_server("250 yes").await;
    let office = by_smtp(port).await;
    for number in 0..5 {
        office.queue(&format!("ann-{number}@example.com"), None).await;
    }
    let (stop, stopped) = watch::channel(false);
    let going = tokio::spawn(office.delivery_worker.clone().run(stopped));
    emails.recv().await.unwrap();
    stop.send(true).unwrap();
    going.await.unwrap();
    assert!(!office.left().await.is_empty());
    assert!(
        office.left().await.iter().all(|(attempts, ..)| *attempts == 0),
        "nothing is left half done"
    );
}

/// R09: lettre bounds nothing but the connecting.
#[tokio::test]
async fn an_email_server_that_says_nothing_any_more_keeps_no_email_back_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url =
        SecretString::from(format!("smtp://127.0.0.1:{}", listener.local_addr().unwrap().port()));
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            connection.write_all(b"220 test\r\n").await.unwrap();
            connections.push(connection);
        }
    });
    let office = Office::with(|_| {
        let mut transport = Transport::smtp(&url, "hall@example.com", "Vestibule").unwrap();
        transport.timeout = Duration::from_millis(100);
        transport
    });
    let office = office.await;
    office.queue("ann@example.com", None).await;
    office.queue("ben@example.com", None).await;
    assert_eq!(office.delivery_worker.drain().await, 0);
    let left = office.left().await;
    assert!(
        left.iter().all(|(attempts, error, dead)| *attempts == 1 && error.is_some() && !dead),
        "{left:?}"
    );
}

/// S107: a delayed message is sent when its time has come, and not before.
#[tokio::test]
async fn a_delayed_email_waits_for_its_time() {
    let office = Office::into_folder().await;
    office
        .queue_at(
            "ann@example.com",
            Schedule { delay: SignedDuration::from_mins(10), ..Schedule::default() },
        )
        .await;
    assert_eq!(office.delivery_worker.drain().await, 0);
    office.pass(599);
    assert_eq!(office.delivery_worker.drain().await, 0);
    office.pass(1);
    assert_eq!(office.delivery_worker.drain().await, 1);
    assert_eq!(office.delivery_worker.drain().await, 0);
}

/// R15: one that waits for a time beyond all delays was written while the clock ran ahead.
#[tokio::test]
async fn an_email_that_waits_for_a_far_time_is_sent() {
    let office = Office::into_folder().await;
    office
        .queue_at(
            "ann@example.com",
            Schedule { delay: SignedDuration::from_hours(400), ..Schedule::default() },
        )
        .await;
    assert_eq!(office.delivery_worker.drain().await, 1);
}

/// S106, S107: a restart neither sends a delayed email early nor loses it.
#[tokio::test]
async fn a_delayed_email_survives_a_restart() {
    let office = Office::into_folder().await;
    office
        .queue_at(
            "ann@example.com",
            Schedule { delay: SignedDuration::from_mins(10), ..Schedule::default() },
        )
        .await;
    office.delivery_worker.take_over().await.unwrap();
    assert_eq!(office.delivery_worker.drain().await, 0);
    office.pass(600);
    assert_eq!(office.delivery_worker.drain().await, 1);
}

/// S107: the time for tries begins when it may be sent.
#[tokio::test]
async fn a_delayed_email_has_all_its_tries() {
    let (port, _mails) = smtp_server("450 later").await;
    let office = by_smtp(port).await;
    office
        .queue_at(
            "ann@example.com",
            Schedule { delay: SignedDuration::from_hours(47), ..Schedule::default() },
        )
        .await;
    office.pass(49 * 3600);
    assert_eq!(office.delivery_worker.drain().await, 0);
    assert!(!office.left().await[0].2, "given up after two hours");
}

/// S107: owners wait for no backlog that visitors cause.
#[tokio::test]
async fn an_email_to_an_owner_goes_before_those_that_visitors_caused() {
    let (port, mut emails) = smtp_server("250 yes").await;
    let office = by_smtp(port).await;
    for number in 0..60 {
        office.queue(&format!("stranger-{number}@example.com"), None).await;
    }
    office.pass(1);
    office.queue_at("ann@example.com", Schedule { first: true, ..Schedule::default() }).await;
    assert_eq!(office.delivery_worker.drain().await, 61);
    let first = emails.recv().await.unwrap();
    assert!(first.contains("To: ann@example.com"), "{first}");
}

fn digest(changes: &[&str]) -> EmailMessage {
    let changes = changes.iter().map(|change| (*change).to_owned()).collect();
    EmailMessage::SeveralChanges {
        name: None,
        changes,
        account_recovery: Some("https://example.com/not-me?key=k".to_owned()),
    }
}

/// S106: more changes are written into the digest that waits; it is sent once, with all of them.
#[tokio::test]
async fn a_digest_gathers_changes_until_it_is_sent() {
    let office = Office::into_folder().await;
    let (outbox, ann) = (&office.delivery_worker.outbox, Email::parse("ann@example.com").unwrap());
    let delay = SignedDuration::from_mins(15);
    let mut tx = office.delivery_worker.store.begin().await.unwrap();
    let id = outbox
        .put_digest(&mut tx, &digest(&["one"]), &ann, DigestTarget::New { delay })
        .await
        .unwrap();
    tx.commit().await.unwrap();
    office.pass(14 * 60);
    let mut tx = office.delivery_worker.store.begin().await.unwrap();
    let waiting = outbox.hold_digest(&mut tx, &id).await.unwrap().expect("it waits");
    assert_eq!(waiting.account_recovery.as_deref(), Some("https://example.com/not-me?key=k"));
    outbox
        .put_digest(&mut tx, &digest(&["one", "another"]), &ann, DigestTarget::Waiting(&id))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(office.delivery_worker.drain().await, 0);
    office.pass(61);
    assert_eq!(office.delivery_worker.drain().await, 1);
    assert_eq!(office.emails().len(), 1);
    assert!(office.emails()[0].contains("another"), "{}", office.emails()[0]);
    let mut tx = office.delivery_worker.store.begin().await.unwrap();
    assert!(outbox.hold_digest(&mut tx, &id).await.unwrap().is_none(), "it is sent");
}

/// S106: one that the delivery worker has in hand takes no more changes: they would be lost.
#[tokio::test]
async fn a_digest_that_is_being_sent_takes_no_more_changes() {
    let (port, _mails) = smtp_server("450 later").await;
    let office = by_smtp(port).await;
    let (outbox, ann) = (&office.delivery_worker.outbox, Email::parse("ann@example.com").unwrap());
    let mut tx = office.delivery_worker.store.begin().await.unwrap();
    let delay = SignedDuration::from_mins(15);
    let id = outbox
        .put_digest(&mut tx, &digest(&["one"]), &ann, DigestTarget::New { delay })
        .await
        .unwrap();
    tx.commit().await.unwrap();
    office.pass(16 * 60);
    assert_eq!(office.delivery_worker.drain().await, 0);
    let mut tx = office.delivery_worker.store.begin().await.unwrap();
    assert!(outbox.hold_digest(&mut tx, &id).await.unwrap().is_none());
}
