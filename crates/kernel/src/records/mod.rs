//! Resources: one declaration becomes table, reader, writer, list, CSV and schema of a kind of record.
//!
//! A [`Plan`] is compiled once from `resources/<plural>.json` and shared by all silos. It reads a body into [`Values`],
//! writes rows as JSON, and is the only place in the house that builds SQL text. It knows nothing of rights: whoever
//! calls it passes the conditions of the caller's grants as a [`Scope`].

mod accept;
mod aggregate;
mod compile;
mod csv;
mod ddl;
mod declaration;
mod field;
mod json;
mod keyset;
mod list;
mod meta;
mod migrate;
mod money;
mod plan;
mod query;
mod read;
mod statements;
mod steps;
mod title;
mod values;
mod write;

pub use aggregate::Aggregate;
pub(crate) use compile::compile_file;
pub use ddl::{install, purge};
pub use field::{Choice, Default, Field, Kind, OnDelete};
pub use list::{Condition, Part, Scope, Select};
pub use meta::{Rights, VERBS};
pub use migrate::{Migration, columns, migrate, stands_on};
pub use plan::{Move, Plan, States, Views};
pub use query::{Query, Sort};
pub use read::Entry;
pub use statements::Statement;
pub use steps::Step;
pub use values::{Cell, SYSTEM, Update, Values};
pub use write::Shown;

#[cfg(test)]
pub(crate) mod tests;
