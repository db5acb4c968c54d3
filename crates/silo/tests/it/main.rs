//! Stories told through the public API: each runs on SQLite always, and on PostgreSQL when TENON_TEST_POSTGRES says where.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod copying;
mod isolation;
mod measure;
mod open_set;
mod search;
mod sql;
mod stage;
mod writing;
