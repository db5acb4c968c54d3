//! Words every crate shares: errors, ids, time, text compared as people do, and database values. No I/O happens here.

pub mod clock;
mod error;
mod fold;
mod hex;
mod id;
mod near;
mod step;
mod time;
mod value;

pub use error::{Code, Error, Fault, Result};
pub use fold::fold;
pub use hex::hex;
pub use id::{TenantId, is_id, new_id};
pub use near::nearest;
pub use step::step;
#[cfg(feature = "failpoints")]
pub use step::{arm, disarm, reached};
pub use time::{Time, parse_date};
pub use value::Value;
