//! A tenant *is* a database. This crate opens, writes and reads such databases (silos) on SQLite files or PostgreSQL schemas.
//!
//! Store code is synchronous and the same on both engines: `silo.read(|tx| ..)`, `silo.scan(|tx| ..)`, `silo.write(|tx| ..)`.
//! A transaction can therefore never wait for the network of somebody else, and `Ok` from a write means that it is on the disk.
#![expect(unused, reason = "signatures first; the bodies follow")]

mod row;
mod search;
mod silo;
mod silos;
mod tx;

pub use row::Row;
pub use search::{SearchQuery, cut_words};
pub use silo::Silo;
pub use silos::{Engine, Figures, Options, Schema, Silos};
pub use tx::{Head, Tx};
