//! The sockets that the server listens on: its own on TCP or as a file, or those that systemd opened for it.
//!
//! Behind a proxy that speaks the PROXY protocol, the client's address comes first on each connection: see
//! [`proxy_protocol`]. Everything else is actix's own server.

mod proxy_protocol;
mod unix;

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    time::Duration,
};

use actix_http::{HttpService, Request, Response, error::DispatchError};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    Error, HttpServer,
    body::MessageBody,
    dev::{AppConfig, Server as Running},
    rt::net::TcpStream,
};
use listenfd::ListenFd;
use tokio::net::TcpSocket;

use crate::{
    config::{Listen, Server},
    forwarded::TrustedProxies,
};

/// How long requests in flight may take to finish when the server is told to stop, in seconds.
const SHUTDOWN_SECONDS: u64 = 20;

/// How long a client may take to send its headers, and a proxy to say for whom it connects.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that may wait until they are accepted.
const BACKLOG: u32 = 2048;

/// An open socket.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Opens what the settings name. Sockets that systemd opened are taken instead where there are some: then a restart refuses
/// nobody (SECURITY.md R14), and the unit of the socket says where it listens.
///
/// # Errors
/// When it cannot be listened there.
pub(crate) fn open(settings: &Server) -> io::Result<Vec<Socket>> {
    let inherited = inherited()?;
    if !inherited.is_empty() {
        tracing::info!(sockets = inherited.len(), "listening where systemd says; server.listen is not looked at");
        return Ok(inherited);
    }
    let socket = match &settings.listen {
        Listen::Tcp(address) => Socket::Tcp(tcp(*address)?),
        Listen::Unix(path) => Socket::Unix(unix::bind(path, settings.socket_mode)?),
        Listen::Systemd => {
            return Err(io::Error::other("systemd opened no socket for this process (LISTEN_FDS and LISTEN_PID)"));
        }
    };
    Ok(vec![socket])
}

/// A server on these sockets; it runs while it is awaited.
///
/// # Errors
/// When a socket cannot be used.
pub(crate) fn serve<F, I, S, B>(
    app: F,
    settings: &Server,
    sockets: Vec<Socket>,
    proxies: &TrustedProxies,
) -> io::Result<Running>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    if settings.proxy_protocol {
        return serve_behind_proxies(app, settings, sockets, proxies);
    }
    let mut server = HttpServer::new(app).client_request_timeout(HEADER_TIMEOUT).shutdown_timeout(SHUTDOWN_SECONDS);
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    for socket in sockets {
        server = match socket {
            Socket::Tcp(listener) => server.listen(listener)?,
            Socket::Unix(listener) => server.listen_uds(listener)?,
        };
    }
    Ok(server.run())
}

/// The same server, made of the parts that `HttpServer` is made of, with one step before the HTTP: the word of the proxy that
/// connects becomes the peer address of the connection.
fn serve_behind_proxies<F, I, S, B>(
    app: F,
    settings: &Server,
    sockets: Vec<Socket>,
    proxies: &TrustedProxies,
) -> io::Result<Running>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let mut server = ServerBuilder::new().shutdown_timeout(SHUTDOWN_SECONDS);
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    for socket in sockets {
        let Socket::Tcp(listener) = socket else {
            return Err(io::Error::other("server.proxy_protocol is for TCP, and this is a Unix socket"));
        };
        let (app, proxies) = (app.clone(), proxies.clone());
        let shutdown = server.graceful_shutdown_signal();
        server = server.listen("vestibule", listener, move || {
            let (proxies, shutdown) = (proxies.clone(), shutdown.clone());
            let http = HttpService::build()
                .client_request_timeout(HEADER_TIMEOUT)
                .graceful_shutdown_signal(move || {
                    let shutdown = shutdown.clone();
                    async move { shutdown.notified().await }
                })
                .h1(map_config(app().into_factory().map_err(|error| error.into().error_response()), |()| {
                    AppConfig::default()
                }));
            let introduce = fn_service(move |connection: TcpStream| introduce(connection, proxies.clone()));
            introduce.map_err(DispatchError::Io).and_then(http)
        })?;
    }
    Ok(server.run())
}

/// Reads for whom a proxy connects. A connection that says nothing sensible in time is closed: nobody else can make one when
/// the settings are right.
async fn introduce(mut connection: TcpStream, proxies: TrustedProxies) -> io::Result<(TcpStream, Option<SocketAddr>)> {
    let _ = connection.set_nodelay(true);
    let peer = connection.peer_addr()?;
    if !proxies.trust(Some(peer.ip())) {
        tracing::debug!(%peer, "closed: not one of server.trusted_proxies, which alone may connect with server.proxy_protocol");
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let read = tokio::time::timeout(HEADER_TIMEOUT, proxy_protocol::read(&mut connection));
    match read.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(client) => Ok((connection, Some(client.unwrap_or(peer)))),
        Err(error) => {
            tracing::warn!(%peer, %error, "closed: a proxy did not say for whom it connects (server.proxy_protocol is on)");
            Err(error)
        }
    }
}

/// The sockets that were handed to this process.
fn inherited() -> io::Result<Vec<Socket>> {
    let mut handed = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..handed.len() {
        let socket = match handed.take_tcp_listener(index) {
            Ok(listener) => listener.map(Socket::Tcp),
            Err(_) => handed.take_unix_listener(index)?.map(Socket::Unix),
        };
        sockets.extend(socket);
    }
    Ok(sockets)
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
