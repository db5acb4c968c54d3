//! Silos as PostgreSQL schemas: one schema and one role of the same name per tenant.
//!
//! Role and search path are set for the length of one transaction (`SET LOCAL`), together with its BEGIN. A session
//! that has seen anything unusual is closed, never handed on.

mod address;
mod bound;
mod cluster;
mod connection;
mod pool;
mod server;
mod session;
mod store;
mod wire;

pub use cluster::{Cluster, UNIT};
pub use connection::{COLUMNS, Connection};
pub use store::Store;
