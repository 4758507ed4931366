//! Vestibule: the account system of a web application.
//!
//! People sign up, prove their address, sign in, look after their account and leave, on plain HTML
//! pages that need no script. [`Vestibule`] is the whole of it: served by the binary, or mounted in
//! somebody's actix application.
//!
//! Begin reading at [`port`], the contract between the pages and the backend behind them.

pub mod access_rules;
mod app;
pub mod cli;
mod config;
pub mod engine;
pub mod http;
pub mod port;
pub mod protocol;
pub mod remote;
pub mod rest;
mod server;
mod telemetry;
pub mod web;

pub use app::{StartError, Vestibule};
pub use config::{Altogic, Config, ConfigError, Listen, LogFormat, ServerSettings};
pub use engine::{SystemClock, SystemRandom};
