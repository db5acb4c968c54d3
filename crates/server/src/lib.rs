//! What the `tenon` binary shares with its tests: the list of modules, and the proofs behind `tenon verify`.
#![recursion_limit = "256"]

pub mod door;
pub mod modules;
pub mod people;
pub mod verify;
