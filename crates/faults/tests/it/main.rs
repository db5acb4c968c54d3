//! What silos promise, on a disk that loses power, fills up or breaks. SQLite only: PostgreSQL looks after its own disk.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod power;
#[cfg(test)]
mod stage;
