//! A whole app for a test: own folder, own silos, no port, no shared state. Runs on SQLite, or on the PostgreSQL that
//! `TENON_TEST_POSTGRES` names.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod app;
mod contents;
mod frames;
mod logs;
mod packs;
mod person;
mod postgres;
mod proxy;
mod runs;
mod sink;

pub use app::{Answer, TestApp};
pub use contents::Contents;
pub use frames::{Frame, Frames};
pub use logs::catch_logs;
pub use packs::{crm, sample_companies};
pub use person::{PASSWORD, Person};
pub use postgres::Postgres;
pub use proxy::{Proxy, Wire};
pub use runs::{on_postgres, silo_file, soak, within};
pub use sink::{Mood, Received, Sink};

/// The four people who stand ready in every test: the owner of a company, a member of it who may do nothing, the owner of another
/// company, and nobody at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    Admin,
    Stranger,
    OtherTenant,
    Nobody,
}

pub use Who::{Admin as ADMIN, Nobody as NOBODY, OtherTenant as OTHER_TENANT, Stranger as STRANGER};
