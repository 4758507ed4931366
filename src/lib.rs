//! Vestibule: the entrance hall of a web application.
//!
//! People sign up, prove their address, sign in, look after their account and leave, on plain HTML pages that need no
//! script. [`Vestibule`] is the whole of it: served by the binary, or mounted in somebody's actix application.
//!
//! Begin reading at [`port`], the contract between the pages and the backend behind them.

pub mod access;
pub mod cli;
mod config;
mod crowded;
pub mod engine;
pub mod forwarded;
mod listen;
mod metrics;
mod mirror;
mod outage;
mod plain_headers;
pub mod port;
pub mod protocol;
pub mod remote;
mod remote_pictures;
pub mod rest;
pub mod seen;
mod serve;
mod service;
mod telemetry;
mod tls;
pub mod web;
mod work_pool;

pub use config::{Altogic, Config, ConfigError, Listen, LogFormat, Server};
pub use engine::{SystemClock, SystemRandom};
pub use serve::{StartError, Vestibule};
