//! A hall that listens on a port of this machine, for whoever asks it over HTTP.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use actix_web::{App, HttpServer, dev::ServerHandle, http::KeepAlive};

use super::Hall;

/// The port and the server behind it. The port stays the hall's own while the server is stopped and started again.
pub struct Served {
    hall: Hall,
    address: SocketAddr,
    server: Option<ServerHandle>,
}

impl Served {
    pub async fn of(hall: &Hall) -> Self {
        let mut served = Self { hall: hall.clone(), address: ([127, 0, 0, 1], 0).into(), server: None };
        served.start();
        served
    }

    /// What `altogic.env_url` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens, on the same port as before.
    pub fn start(&mut self) {
        let vestibule = self.hall.vestibule.clone();
        let server = HttpServer::new(move || App::new().configure(vestibule.routes()))
            .workers(1)
            // Somebody who kept a connection could be answered on it after the stop.
            .keep_alive(KeepAlive::Disabled)
            .disable_signals()
            .bind(self.address)
            .expect("a port of this machine");
        self.address = server.addrs()[0];
        let server = server.run();
        self.server = Some(server.handle());
        actix_web::rt::spawn(server);
    }

    /// Hangs up on everybody and answers nobody.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop(false).await;
        }
        while TcpStream::connect(self.address).is_ok() {
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
