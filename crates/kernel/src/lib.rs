pub mod config;
pub mod http;
pub mod limits;
pub mod secrets;
pub mod tokens;
