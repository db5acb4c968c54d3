//! What every product stands on: the context of a request, modules, operations, resources, access, events, jobs, mail and HTTP.

pub mod access;
pub mod app;
mod background;
mod behind;
pub mod catalogue;
pub mod config;
mod credentials;
pub mod ctx;
pub mod events;
mod exposed;
#[cfg(test)]
mod fuzz;
pub mod http;
mod idempotency;
mod install;
pub mod jobs;
pub mod json;
pub mod limits;
pub mod mail;
pub mod manifest;
pub mod module;
pub mod operations;
pub mod passwords;
mod platform;
mod pressure;
pub mod records;
mod room;
pub mod schema;
pub mod secrets;
mod stalls;
mod stop;
pub mod tokens;
pub mod tx;
mod verbs;
mod waiting;

pub use app::App;
pub use ctx::Ctx;
pub use idempotency::another_request;
pub use module::Module;
pub use operations::{Call, Door, Operation, Reply};
pub use platform::{migrations, unseal};
pub use room::{Disk, disk};
pub use tx::Tx;
