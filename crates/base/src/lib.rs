//! Words every crate shares: errors, ids, time, folded text and database values. No I/O happens here.

pub mod clock;
mod error;
mod fold;
mod id;
mod step;
mod time;
mod value;

pub use error::{Code, Error, Fault, Result};
pub use fold::fold;
pub use id::{TenantId, is_id, new_id};
pub use step::step;
#[cfg(feature = "failpoints")]
pub use step::{arm, disarm, reached};
pub use time::{Time, parse_date};
pub use value::Value;
