//! Vestibule inside somebody's own actix application, and the whole of it driven by the actix test
//! harness.
//!
//! `cargo run --example mounted` drives it once, in this process, without a socket; `-- --serve`
//! listens on port 3000.

use std::{error::Error, path::Path};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::StatusCode,
    test::{self, TestRequest},
    web,
};
use vestibule::{Config, SystemRandom, Vestibule};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == "--serve") {
        let vestibule = open(Path::new("data")).await?;
        let listening =
            HttpServer::new(move || App::new().configure(shop).configure(vestibule.routes()));
        return Ok(listening.bind("127.0.0.1:3000")?.run().await?);
    }
    let folder = std::env::temp_dir().join(format!("vestibule-example-{}", std::process::id()));
    let driven = drive(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    println!("{}", driven?);
    Ok(())
}

/// Opens a server that keeps everything in one folder.
pub async fn open(folder: &Path) -> Result<Vestibule, Box<dyn Error>> {
    let settings = [("VESTIBULE_DATA_DIR".to_owned(), folder.display().to_string())];
    let config = Config::read(None, settings.into(), &SystemRandom)?;
    Ok(Vestibule::open(config).await?)
}

/// The application's own page, which wins over the server's because it is registered first.
pub fn shop(app: &mut web::ServiceConfig) {
    app.route("/shop", web::get().to(|| async { HttpResponse::Ok().body("Welcome to the shop") }));
}

/// Asks the application for a page of its own and for one of the server's, in the test harness.
pub async fn drive(folder: &Path) -> Result<String, Box<dyn Error>> {
    let vestibule = open(folder).await?;
    let app = test::init_service(App::new().configure(shop).configure(vestibule.routes())).await;
    let mut said = Vec::new();
    for path in ["/shop", "/sign-in", "/profile"] {
        let response = test::call_service(&app, TestRequest::with_uri(path).to_request()).await;
        let status = response.status();
        let text = String::from_utf8(test::read_body(response).await.to_vec())?;
        let shown = match status {
            StatusCode::OK => {
                text.lines().find(|line| line.contains("<h1>")).unwrap_or(&text).trim().to_owned()
            }
            _ => "sends the visitor to sign in".to_owned(),
        };
        said.push(format!("{path}: {status}: {shown}"));
    }
    Ok(said.join("\n"))
}
