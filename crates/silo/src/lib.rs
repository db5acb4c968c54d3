//! A tenant *is* a database. This crate opens, writes and reads such databases (silos) on SQLite files or PostgreSQL schemas.
//!
//! Store code is synchronous and the same on both engines: `silo.read(|tx| ..)`, `silo.scan(|tx| ..)`, `silo.write(|tx| ..)`.
//! A transaction can therefore never wait for somebody else's network, and `Ok` from a write means that it is on the disk.
//!
//! What to know about SQL that runs on both: sums of BIGINT need a CAST to BIGINT, ORDER BY says NULLS FIRST or LAST, `?1 IS NULL`
//! needs a CAST, LIKE compares `lower(x)`, names stand in double quotes, texts in single ones. See `ddl` for tables.

mod backend;
mod copy;
mod ddl;
mod deadline;
mod fair;
mod fault;
mod link;
mod open_set;
mod options;
mod postgres;
mod quarantine;
mod row;
mod search;
mod silo;
mod silos;
mod sqlite;
mod trust;
mod tx;
mod unit;
mod writer;

pub use options::{AtOpen, Engine, Figures, Options, Schema};
pub use row::Row;
pub use search::{SearchQuery, cut_words};
pub use silo::{Guest, Silo};
pub use silos::Silos;
pub use tx::{Head, Tx};
