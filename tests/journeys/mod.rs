//! Journeys as a person makes them: open, fill by label, press, read the inbox.

mod authenticator;
mod bad_input;
mod change_email;
mod change_password;
mod change_phone;
mod dev_inbox;
mod email_undo;
mod guards;
mod limits;
mod magic_link;
mod mail_codes;
mod mounted;
mod owners_are_told;
mod passwords;
mod phone_sign_in;
mod phones;
mod profile;
mod remote;
mod reset_password;
mod sessions;
mod sign_in;
mod sign_up;
mod step_up;
mod step_up_codes;
mod sub_path;
mod two_factor;
