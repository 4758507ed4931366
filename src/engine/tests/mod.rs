//! The engine on each database, through the port.
//!
//! Every test runs on SQLite, and on PostgreSQL as well when `VESTIBULE_TEST_POSTGRES_URL` names a server on which databases
//! may be created; each gets one of its own.

mod bench;
mod clock;
mod cost;
mod damage;
mod data_keys;
mod factors;
mod fields;
mod files;
mod guesses;
mod journeys;
mod late_changes;
mod mailed_codes;
mod not_me;
mod notifications;
mod password_costs;
mod phone_changes;
mod phone_races;
mod phones;
mod pocket;
mod proofs;
mod provider_logouts;
mod provider_races;
mod races;
mod recovery;
mod rules;
mod second_factor;
mod storage;
mod text_pump;
mod texts;
mod timing;
mod waiting_changes;
