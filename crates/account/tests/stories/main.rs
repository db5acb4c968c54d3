//! Stories about people and companies, told over HTTP.

mod invitations;
mod keys;
mod limits;
mod members;
mod passwords;
mod roles;
mod sessions;
mod sign_in;
mod sign_up;
mod support;
mod tokens;
