//! The contract of the port, held against every backend: each case is written once and run three
//! ways.
//!
//! * the engine, asked as the pages ask it;
//! * the engine, asked as the REST channel asks it;
//! * the remote adapter, as the pages ask it, over HTTP to the REST channel of an engine.
//!
//! All must give the same answers: the same kind of outcome, the same codes beside the same fields,
//! the same users and sessions. Where the contract lets a channel differ, the case says so (`Way`).
//! There are five such places:
//!
//! * a change to a taken address is told at the wire and not at the pages (`change_email`);
//! * a change of the password gives the pages a new token, and keeps the old one at the wire and
//!   before another environment;
//! * a change without the current password asks the pages for a fresh proof, and the wire for the
//!   password; before another environment there are no proofs that could be fresh (`proofs`);
//! * the code of a second factor can be sent again by an engine alone;
//! * a sign-up can be corrected and a link can finish where it was begun at the pages of an engine
//!   alone.

mod email;
mod fixture;
mod password;
mod phone;
mod profile;
mod proofs;
mod sessions;
mod sign_in;
mod sign_up;
