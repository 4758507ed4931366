//! The commands of the binary.

mod access;
mod check;
mod doctor;
mod keys;

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;

use crate::{
    app::{Vestibule, block_on},
    config::{Config, Listen},
    engine::{SystemClock, SystemRandom, store::Store},
    port::Failure,
    telemetry::{self, hint, say},
};

/// How long a server may take to say that it is ready.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The account system of a web application: accounts on plain HTML pages.
#[derive(Parser)]
#[command(name = "vestibule", version)]
struct Arguments {
    /// The settings file; without it `vestibule.toml`, where that is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (what happens without a command).
    Serve,
    /// About the settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// The keys of applications, and of the operator's own programs.
    Key {
        #[command(subcommand)]
        command: keys::KeyCommand,
    },
    /// Look at everything around the server and say which setting to change to what.
    Doctor,
    /// Try the rules of forward authentication.
    Access {
        #[command(subcommand)]
        command: access::AccessCommand,
    },
    /// Bring the database up to date and stop.
    Migrate,
    /// Ask a running server whether it is ready; for container health checks.
    Health,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Read the settings and say what they come to.
    Check,
}

/// Runs the command that was typed. A mistake is one sentence on standard error and a status of 1.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Config::load(arguments.config.as_deref(), &SystemRandom)
        .map_err(|error| error.to_string())
        .and_then(|config| {
            telemetry::start(config.log_format, Arc::new(SystemClock));
            let replaces_keys = matches!(
                arguments.command,
                Some(Command::Key { command: keys::KeyCommand::Rotate })
            );
            if !replaces_keys {
                config.require_strong_keys().map_err(|error| error.to_string())?;
            }
            match arguments.command.unwrap_or(Command::Serve) {
                Command::Serve => serve(config),
                Command::Config { command: ConfigCommand::Check } => check::run(&config),
                Command::Key { command } => keys::run(&config, command),
                Command::Access { command } => access::run(&config, command),
                Command::Doctor => doctor::run(&config),
                Command::Migrate => migrate(&config),
                Command::Health => health(&config),
            }
        });
    let printed = || match telemetry::unprinted() {
        Some(error) => Err(format!("standard output: {error}.")),
        None => Ok(()),
    };
    match done.and_then(|()| printed()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            hint!("vestibule: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config) -> Result<(), String> {
    block_on(async { Vestibule::open(config).await?.serve().await })
        .map_err(|error| error.to_string())
}

fn migrate(config: &Config) -> Result<(), String> {
    needs_database("migrate", config)?;
    block_on(Store::open(config.database_url.expose_secret()))
        .map(|_| say!("The database is up to date."))
        .map_err(|error| {
            format!(
                "database.url: the database cannot be brought up to date: {}.",
                Failure::from(error)
            )
        })
}

/// Refuses a command that is about the database where there is none.
fn needs_database(command: &str, config: &Config) -> Result<(), String> {
    match &config.altogic {
        None => Ok(()),
        Some(altogic) => Err(format!(
            "{command} is about the embedded backend's database, and altogic.env_url is set: \
                accounts are at {}.",
            altogic.env_url
        )),
    }
}

/// One plain request over the listener's own socket: a container has no other tool at hand.
fn health(config: &Config) -> Result<(), String> {
    let (place, answer) = match &config.server.listen {
        Listen::Tcp(address) => {
            let mut address = *address;
            if address.ip().is_unspecified() {
                address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
            }
            let asked = TcpStream::connect_timeout(&address, Duration::from_secs(2)).and_then(
                |connection| {
                    connection.set_read_timeout(Some(TIMEOUT))?;
                    ask(connection, config.server.proxy_protocol)
                },
            );
            (address.to_string(), asked)
        }
        Listen::Unix(path) => {
            let asked = UnixStream::connect(path).and_then(|connection| {
                connection.set_read_timeout(Some(TIMEOUT))?;
                ask(connection, false)
            });
            (path.display().to_string(), asked)
        }
        Listen::Systemd => {
            return Err("only systemd knows where the server listens; ask there.".to_owned());
        }
    };
    match answer {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(()),
        Ok(_) => Err("the server is not ready.".to_owned()),
        Err(error) => Err(format!("nothing answers at {place}: {error}.")),
    }
}

/// Behind the PROXY protocol we speak for ourselves, as a proxy's health check does.
fn ask(mut connection: impl Read + Write, is_introduced: bool) -> io::Result<String> {
    if is_introduced {
        connection.write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")?;
    }
    connection
        .write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
