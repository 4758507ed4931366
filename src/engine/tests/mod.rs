//! The engine on each database, through the port.
//!
//! Every test runs on SQLite, and on PostgreSQL as well when `VESTIBULE_TEST_POSTGRES_URL` names a
//! server on which databases may be created; each gets one of its own.

mod account_recovery;
mod clock;
mod cost;
mod damage;
mod data_keys;
mod emailed_codes;
mod fields;
mod files;
mod fixture;
mod guesses;
mod journeys;
mod late_changes;
mod notifications;
mod password_costs;
mod phone_changes;
mod phone_races;
mod phones;
mod provider_logouts;
mod provider_races;
mod races;
mod reauthentication;
mod recovery;
mod rules;
mod second_factor_sign_in;
mod sent_messages;
mod sms;
mod sms_pumping;
mod storage;
mod timing;
mod two_factor;
mod waiting_changes;
