//! Stories told through the public API: each runs on SQLite always, and on PostgreSQL when TENON_TEST_POSTGRES says where.

#[cfg(test)]
mod at_open;
#[cfg(test)]
mod copying;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod open_set;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sql;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod writing;
