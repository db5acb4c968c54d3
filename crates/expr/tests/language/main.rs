//! The language from outside: what is refused, what a question means, and that every engine answers it alike.

mod agree;
mod databases;
mod questions;
mod refused;
mod world;
