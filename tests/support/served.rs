//! A server that listens on a port of this machine, for whoever asks it over HTTP.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use actix_web::{App, HttpServer, dev::ServerHandle, http::KeepAlive};

use super::TestServer;

/// The port and the server behind it. The port stays the server's own while the server is stopped
/// and started again.
pub struct Served {
    server: TestServer,
    address: SocketAddr,
    handle: Option<ServerHandle>,
}

impl Served {
    pub async fn of(server: &TestServer) -> Self {
        let mut served =
            Self { server: server.clone(), address: ([127, 0, 0, 1], 0).into(), handle: None };
        served.start();
        served
    }

    /// Value for `altogic.env_url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens, on the same port as before.
    pub fn start(&mut self) {
        let vestibule = self.server.vestibule.clone();
        let handle = HttpServer::new(move || App::new().configure(vestibule.routes()))
            .workers(1)
            // Somebody who kept a connection could be answered on it after the stop.
            .keep_alive(KeepAlive::Disabled)
            .disable_signals()
            .bind(self.address)
            .expect("a port of this machine");
        self.address = handle.addrs()[0];
        let handle = handle.run();
        self.handle = Some(handle.handle());
        actix_web::rt::spawn(handle);
    }

    /// Hangs up on everybody and answers nobody.
    pub async fn stop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.stop(false).await;
        }
        while TcpStream::connect(self.address).is_ok() {
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
