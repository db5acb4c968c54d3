pub mod manifest;
pub mod records;
