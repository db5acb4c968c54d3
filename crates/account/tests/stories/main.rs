//! Stories about people and companies, told over HTTP.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops where something is not as it should be")]

mod clean_up;
mod companies;
mod crashes;
mod invitations;
mod keys;
mod limits;
mod mails;
mod members;
mod operators;
mod passwords;
mod retries;
mod roles;
mod sessions;
mod sign_in;
mod sign_up;
mod support;
mod timing;
mod tokens;
mod views;
