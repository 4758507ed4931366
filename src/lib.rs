//! Vestibule: the entrance hall of a web application.
pub mod engine;
pub mod forwarded;
pub mod port;
pub mod protocol;
pub mod rest;
pub mod web;
