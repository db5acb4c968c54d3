//! Silos as SQLite files: `<dir>/<tenant hex>.db`.

mod connection;
mod files;
mod readers;
mod store;

pub use connection::{COLUMNS, Connection, Role};
pub use files::{Files, application_id, begin_file, private_file, sync_file, vacuum_into, wipe};
pub use store::{Store, inspect, link};
