//! The language from outside: what is refused, what a question means, and that every engine answers it alike.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails stops")]

mod agree;
mod databases;
mod meaning;
mod questions;
mod refused;
mod world;
