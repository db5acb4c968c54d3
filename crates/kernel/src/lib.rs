pub mod config;
pub mod http;
pub mod limits;
pub mod mail;
pub mod passwords;
pub mod secrets;
pub mod tokens;
