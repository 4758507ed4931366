use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use super::{Running, free_address};

#[test]
fn the_doctor_finds_nothing_at_a_new_server_and_says_what_it_checked() {
    let address = free_address();
    let (listen, url) = (address.to_string(), format!("http://{address}"));
    let settings = [("SERVER__LISTEN", listen.as_str()), ("SERVER__PUBLIC_URL", url.as_str())];
    let server = Running::start(&settings).until_live(address);
    let (status, said) = server.command(&["doctor"], &settings);
    assert_eq!(status, Some(0), "{said}");
    for good in
        ["settings", "disk", "keys", "clock", "templates", "database", "mail", "cookie", "address"]
    {
        assert!(
            said.lines().any(|line| line.starts_with(&format!("good  {good}"))),
            "{good}: {said}"
        );
    }
    assert!(said.contains("a request from here is seen to come from 127.0.0.1"), "{said}");
    assert_eq!(server.command(&["health"], &settings).0, Some(0));
}

/// Each finding names the setting; the status says that there is one.
#[test]
fn the_doctor_says_which_setting_to_change() {
    let (address, nobody) = (free_address(), free_address());
    let (listen, url) = (address.to_string(), format!("http://{address}"));
    let settings = [("SERVER__LISTEN", listen.as_str()), ("SERVER__PUBLIC_URL", url.as_str())];
    let server =
        Running::start(&[&settings[..], &[("SERVER__TRUSTED_PROXIES", "127.0.0.1")]].concat())
            .until_live(address);
    let (smtp, away) = (format!("smtp://{nobody}"), format!("http://{nobody}"));
    for (extra, named) in [
        // Believed without a proxy in between: the doctor's forged header is taken.
        (vec![], "a client can say where it comes from"),
        (
            vec![("MAIL__SMTP_URL", smtp.as_str()), ("MAIL__FROM", "hall@mail.example")],
            "mail.smtp_url",
        ),
        (
            vec![("SERVER__PUBLIC_URL", "http://id.example.invalid")],
            "set server.public_url to https://id.example.invalid",
        ),
        (
            vec![("SERVER__PUBLIC_URL", "https://id.example.invalid")],
            "server.trusted_proxies names none",
        ),
        (
            vec![("DATABASE__URL", "postgres://127.0.0.1:1/none?sslmode=disable")],
            "database.url: it does not answer",
        ),
        (
            vec![("SECRET_KEY", "another key than the one of the server, really")],
            "does not know this secret_key",
        ),
    ] {
        let (status, said) = server.command(&["doctor"], &[&settings[..], &extra].concat());
        assert_eq!(status, Some(1), "{named}: {said}");
        assert!(
            said.lines().any(|line| line.starts_with("BAD") && line.contains(named)),
            "{named}: {said}"
        );
    }
    let (status, said) =
        server.command(&["doctor"], &[&settings[..], &[("SERVER__PUBLIC_URL", &away)]].concat());
    assert!(status == Some(0) && said.contains("Is the server started?"), "{said}");
}

/// A proxy that passes requests on and appends the address, one connection at a time.
#[test]
fn the_doctor_sees_a_proxy_that_nobody_named() {
    let (address, proxy) = (free_address(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (listen, url) = (address.to_string(), format!("http://{}", proxy.local_addr().unwrap()));
    let settings = [("SERVER__LISTEN", listen.as_str()), ("SERVER__PUBLIC_URL", url.as_str())];
    let server = Running::start(&settings).until_live(address);
    thread::spawn(move || {
        for mut client in proxy.incoming().flatten() {
            let mut bytes = [0; 8192];
            let length = client.read(&mut bytes).unwrap_or(0);
            let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let head = request.replacen(
                "\r\n",
                "\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.9\r\n",
                1,
            );
            let mut upstream = std::net::TcpStream::connect(address).unwrap();
            upstream.write_all(head.as_bytes()).unwrap();
            let mut answer = Vec::new();
            let _ = upstream.read_to_end(&mut answer);
            let _ = client.write_all(&answer);
        }
    });
    let (status, said) = server.command(&["doctor"], &settings);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains(
            "127.0.0.1 is a proxy that is not believed: add it to server.trusted_proxies"
        ),
        "{said}"
    );
}

#[test]
fn config_check_names_an_unknown_key_with_its_line_and_changes_nothing_else() {
    let mut server = Running::start(&[("SERVER__LISTEN", "systemd")]);
    // It makes the secret key, and ends for want of a socket: two at their first start would be in
    // each other's way.
    server.end();
    fs::write(server.path("vestibule.toml"), "[server]\nlisten = '127.0.0.1:3000'\nworkrs = 2\n")
        .unwrap();
    let (status, said) = server.command(&["--config", "vestibule.toml", "config", "check"], &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("vestibule.toml:3: unknown field `workrs`"), "{said}");
    fs::write(server.path("vestibule.toml"), "[server]\nlisten = '127.0.0.1:3000'\n").unwrap();
    let (status, said) = server.command(&["--config", "vestibule.toml", "config", "check"], &[]);
    assert!(status == Some(0) && said.contains("The settings are good."), "{said}");
}

/// URLs to register at each provider, below the path of the server; the secret is not shown.
#[test]
fn config_check_says_which_callback_urls_to_register() {
    let mut server = Running::start(&[("SERVER__LISTEN", "systemd")]);
    server.end();
    let settings = [
        ("SERVER__PUBLIC_URL", "http://localhost:3000/hall"),
        ("PROVIDERS__GOOGLE__CLIENT_ID", "id"),
        ("PROVIDERS__GOOGLE__CLIENT_SECRET", "hush-hush"),
        ("PROVIDERS__OWN__CLIENT_ID", "id"),
        ("PROVIDERS__OWN__ISSUER", "https://login.example.com"),
    ];
    let (status, said) = server.command(&["config", "check"], &settings);
    assert_eq!(status, Some(0), "{said}");
    for name in ["google", "own"] {
        let callback = format!("http://localhost:3000/hall/_auth/{name}/callback");
        assert!(
            said.lines().any(|line| line.split_whitespace().last() == Some(&*callback)),
            "{name}: {said}"
        );
    }
    assert!(!said.contains("hush-hush"), "{said}");
    let (status, said) =
        server.command(&["config", "check"], &[&settings[..3], &settings[3..4]].concat());
    assert!(status == Some(1) && said.contains("providers.own.issuer"), "{said}");
}

/// The doctor reads what each provider says of itself.
#[test]
fn the_doctor_reaches_the_providers() {
    let away = free_address();
    let away = format!("http://{away}");
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", provider.local_addr().unwrap());
    let named = issuer.clone();
    thread::spawn(move || {
        for mut client in provider.incoming().flatten() {
            let mut bytes = [0; 8192];
            let length = client.read(&mut bytes).unwrap_or(0);
            let asked = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let told = if asked.starts_with("GET /keys") {
                "{\"keys\":[]}".to_owned()
            } else {
                discovery(&named)
            };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let _ = write!(client, "{head}\r\nContent-Length: {}\r\n\r\n{told}", told.len());
        }
    });
    let mut server = Running::start(&[("SERVER__LISTEN", "systemd")]);
    server.end();
    let (slash, good) = (
        format!("{issuer}/"),
        [("PROVIDERS__OWN__CLIENT_ID", "id"), ("PROVIDERS__OWN__ISSUER", &*issuer)],
    );
    let (_, said) = server.command(&["doctor"], &good);
    assert!(
        said.lines().any(|line| line.starts_with("good  providers  own: Own answers")),
        "{said}"
    );
    for other in [slash, away] {
        let (status, said) =
            server.command(&["doctor"], &[good[0], ("PROVIDERS__OWN__ISSUER", &other)]);
        assert_eq!(status, Some(1), "{said}");
        let line = said.lines().find(|line| line.starts_with("BAD   providers  own:"));
        assert!(line.is_some_and(|line| line.contains("Set providers.own.issuer")), "{said}");
    }
    let github =
        [("PROVIDERS__GITHUB__CLIENT_ID", "id"), ("PROVIDERS__GITHUB__CLIENT_SECRET", "secret")];
    let (_, said) = server.command(&["doctor"], &github);
    assert!(said.contains("github: GitHub has nothing to look up"), "{said}");
}

fn discovery(issuer: &str) -> String {
    format!(
        r#"{{"issuer":"{issuer}","authorization_endpoint":"{issuer}/authorize","token_endpoint":"{issuer}/token",
        "jwks_uri":"{issuer}/keys","response_types_supported":["code"],"subject_types_supported":["public"],
        "id_token_signing_alg_values_supported":["ES256"]}}"#
    )
}

#[test]
fn config_check_says_what_to_register_at_a_provider() {
    let mut server = Running::start(&[("SERVER__LISTEN", "systemd")]);
    server.end();
    let settings = "[server]\nlisten = '127.0.0.1:3000'\npublic_url = 'https://example.com/hall'\n\
                    [providers.github]\nclient_id = 'a'\nclient_secret = 'b'\n\
                    [providers.work]\nclient_id = 'a'\nissuer = 'https://id.example.com'\n";
    fs::write(server.path("vestibule.toml"), settings).unwrap();
    let (status, said) = server.command(&["--config", "vestibule.toml", "config", "check"], &[]);
    assert_eq!(status, Some(0), "{said}");
    let lines: Vec<Vec<&str>> =
        said.lines().map(|line| line.split_whitespace().collect()).collect();
    for (what, url) in [
        ("redirect_uri", "https://example.com/hall/_auth/github/callback"),
        ("redirect_uri", "https://example.com/hall/_auth/work/callback"),
        ("post_logout_redirect_uri", "https://example.com/hall/_auth/work/signed-out"),
        ("backchannel_logout_uri", "https://example.com/hall/_auth/work/back-channel-logout"),
    ] {
        assert!(lines.contains(&vec![what, url]), "{what} {url}: {said}");
    }
    assert!(!said.contains("github/signed-out"), "GitHub ends nothing: {said}");
}
