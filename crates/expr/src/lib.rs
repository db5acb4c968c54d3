//! The one expression language of the house: CEL, cut down to what means the same in memory and in SQL.
//!
//! List filters, conditions on grants, guards of state moves and webhook filters are all written in it:
//! `stage == "won" && amount.minor > 1000 || "key" in tags`. A [`Schema`] says which names exist and of which type;
//! [`Expr::parse`] checks the text against it and points at the token to mend; [`Expr::holds`] answers for one record in
//! memory; [`Expr::to_sql`] writes the same question as a condition that SQLite and PostgreSQL both understand.
//!
//! An absent value is null. `==`, `!=`, `in` and `has` always answer; every other operator on null is *unknown*, `&& || !`
//! are Kleene's, and unknown at the end counts as false: a condition on missing data never grants.
//!
//! ```
//! use expr::{Column, Expr, Schema, Type};
//!
//! let mut schema = Schema::new();
//! schema.field("stage", Type::Text, Column::Plain("\"stage\"".into()));
//! assert!(Expr::parse("stage == \"won\"", &schema).is_ok());
//! assert_eq!(Expr::parse("stge == \"won\"", &schema).unwrap_err().to_string(), "column 1: There is no `stge`. Did you mean `stage`?");
//! ```

mod check;
mod eval;
mod expr;
mod fault;
mod literal;
mod operand;
mod record;
mod scan;
mod schema;
mod source;
mod sql;
mod tree;

pub use expr::Expr;
pub use fault::Fault;
pub use record::{Actor, Cell, Record};
pub use schema::{Column, Schema, Type};
pub use sql::Sql;
