//! What `tenon` does beside serving. Each command works beside a running server: nothing read is trusted in a later transaction.

pub mod doctor;
pub mod people;
pub mod tenant;
pub mod verify;

use base::{Error, Result};
use serde::Serialize;
use std::process::ExitCode;

/// Prints an outcome: as JSON, or as a person reads it.
pub fn say(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string(value).map_err(Error::internal)?);
    } else {
        println!("{}", text());
    }
    Ok(ExitCode::SUCCESS)
}
