//! People prove who they are: sign-up, sign-in, sessions, tokens, invitations, members, roles and keys.
//!
//! The hub knows people and companies; each silo knows its members. The two never share a commit: what grants writes the silo first
//! and the hub row that makes it reachable last, what revokes writes the hub first. Each step is safe to run twice, and a job keyed by
//! the same id finishes what a crash left half done.

mod acceptance;
mod companies;
mod devices;
pub mod erasure;
mod fields;
mod founding;
mod invitations;
mod keys;
mod links;
mod mails;
mod me;
mod members;
pub mod operators;
mod pages;
mod passwords;
pub mod proof;
mod roles;
mod seats;
mod sessions;
mod sign_in;
mod sign_up;
mod tokens;
mod users;

use base::Result;
use kernel::{Module, module::Patience};

/// The module that is in every silo: its pages are everybody's first.
pub fn module() -> Result<Module> {
    let resources = [("views", include_str!("../resources/views.json"))];
    let module = Module::parse("crates/account", include_str!("../manifest.json"), &resources)?.always();
    let module = module
        .operations(sign_up::operations())
        .operations(sign_in::operations())
        .operations(tokens::operations())
        .operations(passwords::operations())
        .operations(me::operations())
        .operations(sessions::operations())
        .operations(companies::operations())
        .operations(members::operations())
        .operations(invitations::operations())
        .operations(acceptance::operations())
        .operations(roles::operations())
        .operations(keys::operations());
    Ok(module
        .job_for(mails::SEND, Patience::Seconds(mails::PATIENCE), mails::send)
        .job(founding::FOUND, 8, founding::found_later)
        .job(acceptance::JOIN, 8, acceptance::join_later)
        .job(members::SYNC, 8, members::sync_later)
        .job(keys::PUT, 8, keys::put_later)
        .job_for(keys::EXPOSED, Patience::Seconds(mails::PATIENCE), keys::tell_exposed)
        .job(me::RENAME, 8, me::rename_later))
}
