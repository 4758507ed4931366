//! The sockets that the server listens on: its own on TCP or as a file, or those that systemd
//! opened for it.
//!
//! Behind a proxy that speaks the PROXY protocol, the client's address comes first on each
//! connection: see [`proxy_protocol`]. How many connections there may be is counted by
//! [`connection_limit`], and [`timeouts`] ends those that are too slow. What actix answers by
//! itself gets our headers by [`bare_errors`]. Everything else is actix's own server.

mod bare_errors;
mod connection_limit;
mod pipeline;
mod proxy_protocol;
pub(crate) mod signals;
mod timeouts;
mod unix;
pub(crate) mod work_pool;

use std::{
    fmt,
    future::ready,
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    time::Duration,
};

use actix_http::{ConnectionType, HttpService, Request, Response, error::DispatchError};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory,
    fn_service, map_config,
};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{AppConfig, Server as Running},
    rt::net::{TcpStream, UnixStream},
};
use listenfd::ListenFd;
use rustix::net::sockopt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpSocket,
};

use self::{
    bare_errors::BareErrors,
    connection_limit::{ConnectionLimit, ConnectionSlot},
    timeouts::{ConnectionState, TimedConnection, Timeouts},
};
use crate::{
    config::{Listen, ServerSettings},
    http::{forwarded::TrustedProxies, overload::Overloaded},
};

/// How long requests in flight may take to finish when the server is told to stop, in seconds.
const SHUTDOWN_SECONDS: u64 = 20;

/// How long a client may take to send its headers, and a proxy to say for whom it connects.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Longer than a [`TimedConnection`] may be idle, whose clock ends it.
const KEEP_ALIVE: Duration = Duration::from_secs(600);

/// How long what is left of a body is read and thrown away after an answer that did not want it.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the system keeps what a client does not take, in milliseconds: also after we closed the
/// connection.
const UNTAKEN_TIMEOUT: u32 = 30_000;

/// Size of the socket's send buffer in bytes (it doubles that for its own use). Left to itself, it
/// would keep megabytes for one slow reader (R26); the largest page is a tenth of this.
const SEND_BUFFER: usize = 128 * 1024;

/// Connections that may wait until they are accepted.
const BACKLOG: u32 = 2048;

/// A connection that is let in, and the address that its requests come from.
type Accepted<T> = (TimedConnection<T, ConnectionSlot>, Option<SocketAddr>);

/// An open socket.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Opens what the settings name. Sockets that systemd opened are taken instead where there are
/// some: then a restart refuses nobody (R14), and the unit of the socket says where it listens.
///
/// # Errors
/// When it cannot be listened there.
pub(crate) fn open(settings: &ServerSettings) -> io::Result<Vec<Socket>> {
    let inherited = inherited()?;
    if !inherited.is_empty() {
        tracing::info!(
            sockets = inherited.len(),
            "listening where systemd says; server.listen is not looked at"
        );
        return Ok(inherited);
    }
    let socket = match &settings.listen {
        Listen::Tcp(address) => Socket::Tcp(tcp(*address)?),
        Listen::Unix(path) => Socket::Unix(unix::bind(path, settings.socket_mode)?),
        Listen::Systemd => {
            return Err(io::Error::other(
                "systemd opened no socket for this process (LISTEN_FDS and LISTEN_PID)",
            ));
        }
    };
    Ok(vec![socket])
}

/// Surroundings of a server.
pub(crate) struct Surroundings<'a> {
    pub(crate) proxies: &'a TrustedProxies,
    /// The headers of answers that no route gives, as lines ([`bare_errors`]).
    pub(crate) error_headers: String,
}

/// A server on these sockets; it runs while it is awaited.
///
/// It is made of the parts that actix's `HttpServer` is made of, with steps of our own before the
/// HTTP: who connects, whether there is room for one more, and the clock of the connection.
///
/// # Errors
/// When a socket cannot be used.
pub(crate) fn serve<F, I, S, B>(
    app: F,
    settings: &ServerSettings,
    sockets: Vec<Socket>,
    surroundings: &Surroundings<'_>,
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
    let connection_limit = ConnectionLimit::new(settings.max_connections);
    let mut server = ServerBuilder::new().shutdown_timeout(SHUTDOWN_SECONDS);
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    for socket in sockets {
        let (app, proxies, connection_limit) =
            (app.clone(), surroundings.proxies.clone(), connection_limit.clone());
        let errors = BareErrors::new(&surroundings.error_headers);
        let shutdown = server.graceful_shutdown_signal();
        let has_word = settings.proxy_protocol;
        server = match socket {
            Socket::Tcp(listener) => {
                tune(&listener);
                server.listen("vestibule", listener, move || {
                    let (proxies, connection_limit, errors) =
                        (proxies.clone(), connection_limit.clone(), errors.clone());
                    let welcome = move |stream| {
                        welcome(stream, proxies.clone(), connection_limit.clone(), has_word)
                    };
                    let dress = move |admitted| dress(admitted, &errors);
                    fn_service(welcome)
                        .map(dress)
                        .map_err(DispatchError::Io)
                        .and_then(http(app.clone(), shutdown.clone()))
                })?
            }
            Socket::Unix(_) if has_word => {
                return Err(io::Error::other(
                    "server.proxy_protocol is for TCP, and this is a Unix socket",
                ));
            }
            Socket::Unix(listener) => server.listen_uds("vestibule", listener, move || {
                let (connection_limit, errors) = (connection_limit.clone(), errors.clone());
                let dress = move |admitted| dress(admitted, &errors);
                let welcome = move |stream: UnixStream| {
                    ready(accept(stream, None, None, Timeouts::with_proxy(), &connection_limit))
                };
                fn_service(welcome)
                    .map(dress)
                    .map_err(DispatchError::Io)
                    .and_then(http(app.clone(), shutdown.clone()))
            })?,
        };
    }
    Ok(server.run())
}

/// The HTTP on a connection: the application, with the connection told when it is asked something.
fn http<F, I, S, B, T>(
    app: F,
    shutdown: GracefulShutdownSignal,
) -> impl ServiceFactory<Accepted<T>, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    F: Fn() -> I,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let app =
        map_config(app().into_factory().map_err(|error| error.into().error_response()), |()| {
            AppConfig::default()
        });
    let app = apply_fn_factory(app, |mut request: Request, app: &_| {
        let state = request.conn_data::<ConnectionState>().cloned();
        let answering = state.map(|state| state.answering(&mut request));
        let is_overloaded = request.conn_data::<Overloaded>().is_some();
        let answer = Service::call(app, request);
        async move {
            let mut answer: Response<B> = answer.await?.into();
            if is_overloaded {
                answer.head_mut().set_connection_type(ConnectionType::Close);
            }
            drop(answering);
            Ok(answer)
        }
    });
    let http = HttpService::build()
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEADER_TIMEOUT)
        .client_disconnect_timeout(GOODBYE_TIMEOUT)
        .graceful_shutdown_signal(move || {
            let shutdown = shutdown.clone();
            async move { shutdown.notified().await }
        })
        .on_connect_ext(|connection: &TimedConnection<T, ConnectionSlot>, data| {
            data.insert(connection.state());
            if connection.kept().is_full() {
                data.insert(Overloaded);
            }
        })
        .h1(app);
    http.map_init_err(drop)
}

/// Whose connection it is, and whether there is room for it.
async fn welcome(
    mut stream: TcpStream,
    proxies: TrustedProxies,
    connection_limit: ConnectionLimit,
    has_word: bool,
) -> io::Result<Accepted<TcpStream>> {
    let peer = stream.peer_addr()?;
    let is_proxy = proxies.may_connect(peer.ip());
    if !has_word {
        let (client, timeouts) = if is_proxy {
            (None, Timeouts::with_proxy())
        } else {
            (Some(peer.ip()), Timeouts::with_client())
        };
        return accept(stream, Some(peer), client, timeouts, &connection_limit);
    }
    if !is_proxy {
        tracing::debug!(%peer, "closed: not one of server.trusted_proxies, which alone may connect \
            with server.proxy_protocol");
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let named = introduced(&mut stream, peer).await?;
    accept(
        stream,
        Some(named.unwrap_or(peer)),
        named.map(|client| client.ip()),
        Timeouts::with_proxy(),
        &connection_limit,
    )
}

/// Counts a connection in. `client` is the address to count it for, if it is to be counted for one.
fn accept<T>(
    stream: T,
    peer: Option<SocketAddr>,
    client: Option<IpAddr>,
    timeouts: Timeouts,
    connection_limit: &ConnectionLimit,
) -> io::Result<Accepted<T>> {
    let slot = connection_limit.enter(client).ok_or_else(|| {
        tracing::debug!(
            ?peer,
            "closed: far more connections than server.max_connections, or than one address may have"
        );
        io::Error::from(io::ErrorKind::ConnectionRefused)
    })?;
    Ok((TimedConnection::new(stream, timeouts, slot), peer))
}

/// Has what actix answers by itself on a connection carry our headers.
fn dress<T>((connection, peer): Accepted<T>, errors: &BareErrors) -> Accepted<T> {
    (connection.adding_to_errors(errors.clone()), peer)
}

/// Reads for whom a proxy connects; `None` when for itself. A connection that says nothing sensible
/// in time is closed: nobody else can make one when the settings are right.
async fn introduced(stream: &mut TcpStream, peer: SocketAddr) -> io::Result<Option<SocketAddr>> {
    let read = tokio::time::timeout(HEADER_TIMEOUT, proxy_protocol::read(stream));
    let read = read.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    read.inspect_err(|error| {
        tracing::warn!(%peer, %error, "closed: a proxy did not say for whom it connects \
            (server.proxy_protocol is on)");
    })
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

/// Sets what every connection of a socket inherits. Where the system refuses one, it goes without.
fn tune(listener: &TcpListener) {
    let set = sockopt::set_tcp_nodelay(listener, true)
        .and(sockopt::set_tcp_user_timeout(listener, UNTAKEN_TIMEOUT))
        .and(sockopt::set_socket_send_buffer_size(listener, SEND_BUFFER));
    if let Err(error) = set {
        tracing::debug!(%error, "an option of the socket could not be set");
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
