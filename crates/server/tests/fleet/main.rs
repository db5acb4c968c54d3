//! Many companies on one server: how they are brought to a new version, how the server starts and stops beneath them, and what the doctor says.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

#[path = "../stories/cli.rs"]
#[expect(dead_code, reason = "what a command says on standard error is read elsewhere")]
mod cli;
mod doctor;
mod migrations;
mod previous;
mod restarts;
mod serving;
mod shop;
mod starts;

/// How much is done: little in every run, a lot with `TENON_SOAK=1`.
fn how_many(few: usize, many: usize) -> usize {
    if std::env::var("TENON_SOAK").is_ok_and(|v| v == "1") { many } else { few }
}

fn on_postgres() -> bool {
    std::env::var("TENON_TEST_POSTGRES").is_ok()
}
