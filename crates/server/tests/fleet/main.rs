//! Many companies on one server: how they are brought to a new version, how the server starts and stops beneath them, and what the doctor says.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

#[path = "../binary/cli.rs"]
#[expect(dead_code, reason = "what a command says on standard error is read elsewhere")]
mod cli;
mod doctor;
mod migrations;
mod previous;
mod restarts;
#[path = "../binary/serving.rs"]
mod serving;
mod shop;
mod starts;
