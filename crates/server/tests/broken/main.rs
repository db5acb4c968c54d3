//! What Tenon stands on breaks while it is used: database server, mail server, disk, clock, and the clients themselves.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod clients;
mod mail;
mod postgres;
#[path = "../binary/serving.rs"]
#[expect(dead_code, reason = "a server that is stopped as it should be, and commands beside it, are others' stories")]
mod serving;
mod stalls;
