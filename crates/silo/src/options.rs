//! What silos are started with, and what they count.

use crate::Tx;
use base::{Result, TenantId};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Where the silos are kept.
#[derive(Debug, Clone)]
pub enum Engine {
    /// One file per silo below `dir`.
    Sqlite { dir: PathBuf },
    /// One schema and one role per silo; `pool` is the number of sessions.
    Postgres { url: String, pool: usize },
}

/// Runs once at each cold open, in a write transaction, before anybody else sees the silo: the place for migrations.
pub type AtOpen = Arc<dyn Fn(TenantId, &mut Tx<'_>) -> Result<()> + Send + Sync>;

pub struct Options {
    pub engine: Engine,
    /// Short id that keeps installations apart which share a PostgreSQL cluster: at most 16 characters of a-z and 0-9.
    pub installation: String,
    /// How many silos may be open at once; by default as many as memory and the file limit allow.
    pub max_open: Option<usize>,
    pub at_open: AtOpen,
}

/// The tables that a new silo starts with.
#[derive(Debug)]
pub struct Schema {
    /// Tells a tenant's backup from the hub's.
    pub name: &'static str,
    /// Portable DDL, see [`Tx::ddl`]. One table is `meta`, with one row:
    /// `"one" BIGINT PRIMARY KEY, .., "epoch" BIGINT, "seq" BIGINT, "hash" BLOB`.
    pub ddl: &'static str,
    /// Whether it has a search index, see [`Tx::search_put`].
    pub search: bool,
}

/// Counters since start, and how many silos are open now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub open: u64,
    pub max_open: u64,
    /// Openings that had to touch the disk. When it grows all the time, `max_open` is smaller than the active set.
    pub cold_opens: u64,
    pub evictions: u64,
    pub commits: u64,
    /// Units of work; divided by `commits` it says how well they share.
    pub units: u64,
    pub failed_units: u64,
    /// Of these, refused because the disk was full.
    pub full: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub cold_opens: AtomicU64,
    pub evictions: AtomicU64,
    pub commits: AtomicU64,
    pub units: AtomicU64,
    pub failed_units: AtomicU64,
    pub full: AtomicU64,
}

impl Counters {
    /// The same as numbers; `open` and `max_open` are the set's.
    pub fn figures(&self, open: usize, max_open: usize) -> Figures {
        Figures {
            open: open as u64,
            max_open: max_open as u64,
            cold_opens: self.cold_opens.load(Relaxed),
            evictions: self.evictions.load(Relaxed),
            commits: self.commits.load(Relaxed),
            units: self.units.load(Relaxed),
            failed_units: self.failed_units.load(Relaxed),
            full: self.full.load(Relaxed),
        }
    }
}
