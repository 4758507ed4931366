//! Journeys as a person makes them: open, fill by label, press, read the inbox.

mod bad_input;
mod change_email;
mod change_password;
mod dev_inbox;
mod guards;
mod limits;
mod magic_link;
mod mounted;
mod passwords;
mod profile;
mod remote;
mod reset_password;
mod sessions;
mod sign_in;
mod sign_up;
mod sub_path;
mod two_factor;
