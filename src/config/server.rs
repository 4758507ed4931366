//! Settings of connections, log and metrics.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;

use super::{
    ConfigError,
    lists::{OneOrMany, many},
    raw::RawConfig,
    wrong,
};
use crate::http::forwarded::ForwardedHeader;

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// The sockets that systemd opened before it started us (`LISTEN_FDS`).
    Systemd,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: one line each.
    #[default]
    Lines,
    /// For programs: one object each.
    Json,
}

/// Settings under `server`, except the public URL.
#[derive(Debug)]
pub struct ServerSettings {
    pub listen: Listen,
    /// The mode of the Unix socket.
    pub socket_mode: u32,
    pub trusted_proxies: Vec<IpNet>,
    pub forwarded_header: ForwardedHeader,
    /// Whether our proxies say who connects before the HTTP begins (PROXY protocol, version 2).
    pub proxy_protocol: bool,
    pub workers: Option<usize>,
    /// Beyond this many connections at once, whoever asks is told to come back.
    pub max_connections: usize,
}

impl RawConfig {
    pub(super) fn server(&mut self) -> Result<ServerSettings, ConfigError> {
        let listen = listen(&self.server.listen)?;
        let trusted_proxies = networks(
            "server.trusted_proxies",
            "the networks of your proxies",
            std::mem::replace(&mut self.server.trusted_proxies, OneOrMany::Many(Vec::new())),
        )?;
        if self.server.proxy_protocol && trusted_proxies.is_empty() {
            return Err(ConfigError(
                "server.proxy_protocol is on and server.trusted_proxies names nobody: every \
                 connection would be closed. Name \
                 the address of the proxy there."
                    .to_owned(),
            ));
        }
        if self.server.proxy_protocol && self.access.names_hosts() {
            return Err(ConfigError(
                "server.proxy_protocol is on and access.hosts names other sites: who asks about \
                    them is told from the proxy by                  its address, which that \
                    protocol replaces. Switch one of them off."
                    .to_owned(),
            ));
        }
        if self.server.max_connections == 0 {
            return Err(wrong("server.max_connections", "a number above 0", "0"));
        }
        Ok(ServerSettings {
            max_connections: self.server.max_connections,
            socket_mode: socket_mode(&self.server.socket_mode)?,
            forwarded_header: forwarded_header(&self.server.forwarded_header)?,
            proxy_protocol: self.server.proxy_protocol,
            workers: self.server.workers.filter(|workers| *workers > 0),
            listen,
            trusted_proxies,
        })
    }

    pub(super) fn log_format(&self) -> Result<LogFormat, ConfigError> {
        match self.log.format.as_str() {
            "lines" => Ok(LogFormat::Lines),
            "json" => Ok(LogFormat::Json),
            raw => Err(wrong("log.format", "lines or json", raw)),
        }
    }

    pub(super) fn metrics(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let read = |raw: &str| {
            raw.parse().map_err(|_| {
                wrong("metrics.listen", "an address and port like 127.0.0.1:9464", raw)
            })
        };
        self.metrics.listen.as_deref().map(read).transpose()
    }
}

fn listen(raw: &str) -> Result<Listen, ConfigError> {
    match raw.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') => Ok(Listen::Unix(PathBuf::from(path))),
        Some(_) => Err(wrong("server.listen", "unix: and an absolute path", raw)),
        None if raw == "systemd" => Ok(Listen::Systemd),
        None => raw.parse().map(Listen::Tcp).map_err(|_| {
            wrong(
                "server.listen",
                "an address and port like 127.0.0.1:3000, unix:/path, or systemd",
                raw,
            )
        }),
    }
}

/// Octal, as `chmod` takes it. Never for more than reading and writing: a socket is not run.
fn socket_mode(raw: &str) -> Result<u32, ConfigError> {
    let mode =
        u32::from_str_radix(raw.trim_start_matches("0o"), 8).ok().filter(|mode| mode & !0o666 == 0);
    mode.filter(|mode| mode & 0o600 == 0o600).ok_or_else(|| {
        wrong("server.socket_mode", "octal digits like \"0660\", the owner's 6 among them", raw)
    })
}

fn forwarded_header(raw: &str) -> Result<ForwardedHeader, ConfigError> {
    let known = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];
    known
        .into_iter()
        .find(|header| header.name().eq_ignore_ascii_case(raw))
        .ok_or_else(|| wrong("server.forwarded_header", "x-forwarded-for or forwarded", raw))
}

/// Addresses and networks, each one a value or several with commas between them.
pub(super) fn networks(
    setting: &str,
    wanted: &str,
    raw: OneOrMany<String>,
) -> Result<Vec<IpNet>, ConfigError> {
    let mut networks = Vec::new();
    let texts = many(raw);
    for text in texts.iter().flat_map(|text| text.split(',')).map(str::trim) {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let network: IpNet =
            network.map_err(|_| wrong(setting, "addresses or networks like 10.0.0.0/8", text))?;
        if network.prefix_len() == 0 {
            return Err(wrong(setting, &format!("{wanted}, not the whole world"), text));
        }
        networks.push(network);
    }
    Ok(networks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::read;

    #[test]
    fn connections_the_log_and_the_metrics_can_be_set() {
        let config = read(&[
            ("SERVER__LISTEN", "systemd"),
            ("SERVER__SOCKET_MODE", "0666"),
            ("SERVER__TRUSTED_PROXIES", "127.0.0.1"),
            ("SERVER__FORWARDED_HEADER", "Forwarded"),
            ("SERVER__PROXY_PROTOCOL", "true"),
            ("SERVER__MAX_CONNECTIONS", "500"),
            ("LOG__FORMAT", "json"),
            ("METRICS__LISTEN", "127.0.0.1:9464"),
        ])
        .unwrap();
        assert_eq!((config.server.listen, config.server.socket_mode), (Listen::Systemd, 0o666));
        assert_eq!(config.server.forwarded_header, ForwardedHeader::Forwarded);
        assert!(config.server.proxy_protocol);
        assert_eq!(config.server.max_connections, 500);
        assert_eq!(
            (config.log_format, config.metrics),
            (LogFormat::Json, "127.0.0.1:9464".parse().ok())
        );
        let config = read(&[]).unwrap();
        assert_eq!(
            (config.server.socket_mode, config.server.forwarded_header),
            (0o660, ForwardedHeader::XForwardedFor)
        );
        assert_eq!((config.log_format, config.metrics), (LogFormat::Lines, None));
    }

    #[test]
    fn a_mistake_names_its_setting() {
        for (key, value, named) in [
            ("SERVER__SOCKET_MODE", "0777", "server.socket_mode"),
            ("SERVER__SOCKET_MODE", "0060", "server.socket_mode"),
            ("SERVER__SOCKET_MODE", "rw", "server.socket_mode"),
            ("SERVER__FORWARDED_HEADER", "x-real-ip", "server.forwarded_header"),
            ("SERVER__PROXY_PROTOCOL", "true", "server.trusted_proxies"),
            ("SERVER__MAX_CONNECTIONS", "0", "server.max_connections"),
            ("LOG__FORMAT", "xml", "log.format"),
            ("METRICS__LISTEN", "9464", "metrics.listen"),
        ] {
            let error = read(&[(key, value)]).unwrap_err();
            assert!(error.contains(named), "{key}={value}: {error}");
        }
        let (protocol, hosts) =
            (("SERVER__PROXY_PROTOCOL", "true"), ("ACCESS__HOSTS", "app.example.com"));
        let error = read(&[protocol, ("SERVER__TRUSTED_PROXIES", "10.0.0.1"), hosts]).unwrap_err();
        assert!(error.contains("access.hosts"), "{error}");
    }
}
