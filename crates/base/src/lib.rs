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

/// The stack of a thread, in bytes. Linux gives a mapping of two megabytes and more, which is what a stack would be otherwise, a huge page at
/// its first touch: two megabytes of memory that have to be cleared first, for each thread that begins.
pub const STACK: usize = 1536 * 1024;

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
