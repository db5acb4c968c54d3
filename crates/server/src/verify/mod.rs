//! Proofs that somebody who trusts nobody can run: each makes an installation of its own in a scratch folder, treats it badly, and
//! counts. `tenon verify` is the command line around them; the tests run the same code.

pub mod authz;
mod child;
mod dice;
pub mod disk;
pub mod durability;
pub mod isolation;
mod progress;
mod scratch;
pub mod socket;

pub use progress::Progress;
pub use scratch::Scratch;
